"""Student's t family."""

from collections.abc import Mapping
from math import inf, log, pi
from types import ModuleType
from typing import Any

import numpy as np
from scipy import special

from bayesml.families.ancillary import Ancillary
from bayesml.families.continuous import Continuous
from bayesml.families.interval import log_complement
from bayesml.families.stirling import half_step
from bayesml.families.tail_integral import held, tail_nodes, tail_width
from bayesml.links import Link


class StudentT(Continuous):
    """Responses with heavy tails: mu + sigma times Student's t with nu degrees of freedom.

    ======== ===============================================
    Support  real numbers
    Mean     mu; it exists for nu > 1
    Variance sigma² nu / (nu - 2); inf for nu of at most 2
    ======== ===============================================

    sigma is the scale, not the standard deviation.
    """

    name = "student_t"
    synonyms = ("t", "student")
    parameters = ("mu", "sigma", "nu")
    links = ("identity",)
    support = (-inf, inf)
    scale_parameter = "sigma"

    def ancillary(self, categories: tuple[str, ...] = ()) -> tuple[Ancillary, ...]:
        return (
            Ancillary("sigma", "sigma", prior="residual_sd"),
            Ancillary("nu", "nu", prior="degrees_of_freedom", start=8.0),
        )

    def start(self, y: np.ndarray, link: Link, categories: tuple[str, ...] = ()) -> tuple[float, list[float]]:
        # robust, as outliers are what it is chosen for
        middle = float(np.median(y))
        spread = 1.4826 * float(np.median(np.abs(y - middle))) or float(np.std(y)) or 1.0
        return self.start_of_predictor(np.array([middle]), link), [spread, 8.0]

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        sigma, nu = parameters["sigma"], parameters["nu"]
        power = log1p_square(y - parameters["mu"].value, sigma * namespace.sqrt(nu), namespace)
        return half_step(0.5 * nu, namespace) - 0.5 * log(2 * pi) - namespace.log(sigma) - 0.5 * (nu + 1.0) * power

    def log_tails(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> tuple[Any, Any]:
        """Log distribution and log survivor: the smaller is integrated, the other is its complement.

        In v = asinh(|z| / nu^½) the density is cosh(v)^-nu, up to a constant; relative to that at v its integral is
        that of ``exp(-nu s) (1 + h (exp(-2 s) - 1))^-nu`` over s > 0, where h = 1 / (1 + exp(2 v)).
        """
        nu = parameters["nu"]
        deviation, scale = y - parameters["mu"].value, parameters["sigma"] * namespace.sqrt(nu)
        left = held(deviation < 0.0, namespace)
        ratio = namespace.where(left, -deviation, deviation) / scale
        root = namespace.sqrt(1.0 + ratio * ratio)
        h = 0.5 / (root * (ratio + root))
        width = tail_width(nu * (1.0 - 2.0 * h), 4.0 * nu * h * (1.0 - h), namespace)
        unit, s, weights = tail_nodes(width, deviation.ndim, namespace)
        total = (weights * namespace.exp(-nu * (s + namespace.log1p(h * namespace.expm1(-2.0 * s))))).sum(axis=0)
        tail = (
            half_step(0.5 * nu, namespace)
            + 0.5 * namespace.log(nu / (2 * pi))
            - 0.5 * nu * log1p_square(deviation, scale, namespace)
            + namespace.log(unit)
            + namespace.log(total)
        )
        other = log_complement(tail, namespace)
        return namespace.where(left, tail, other), namespace.where(left, other, tail)

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        nu = np.asarray(parameters["nu"], float)
        factor = np.where(nu > 2, nu / np.where(nu > 2, nu - 2, 1.0), inf)
        return np.broadcast_to(np.square(parameters["sigma"]) * factor, np.shape(parameters["mu"].value))

    def quantile(self, probability: Any, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value + parameters["sigma"] * special.stdtrit(parameters["nu"], probability)

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        mu = parameters["mu"].value
        return mu + parameters["sigma"] * rng.standard_t(parameters["nu"], np.shape(mu))

    def latent_variance(self, link: Link, scale: float) -> None:
        return None


def log1p_square(deviation: Any, scale: Any, namespace: ModuleType) -> Any:
    """``log(1 + (deviation / scale)²)``; far out in logarithms, as the derivatives would lose all digits otherwise."""
    far = held(namespace.abs(deviation) > scale, namespace)
    outside, inside = namespace.where(far, deviation, scale), namespace.where(far, 0.0, deviation)
    near = inside / scale  # squared by a product: the third derivative of a power at 0 is no number
    logs = namespace.log(outside * outside) - 2.0 * namespace.log(scale) + namespace.log1p((scale / outside) ** 2)
    return namespace.where(far, logs, namespace.log1p(near * near))
