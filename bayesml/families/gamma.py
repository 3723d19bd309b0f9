"""Gamma family."""

from collections.abc import Mapping
from math import log, pi
from types import ModuleType
from typing import Any

import numpy as np
from scipy import special

from bayesml.families.ancillary import Ancillary
from bayesml.families.interval import log_complement
from bayesml.families.positive import Positive
from bayesml.families.stirling import stirling_error
from bayesml.families.tail_integral import held, power_of_two, tail_nodes, tail_width
from bayesml.links import Link

LEAST_SPLIT = 0.02
"""Where the shape is less, the lower tail is the one that is integrated up to here, in units of the scale."""


class Gamma(Positive):
    """Positive responses with mean mu and coefficient of variation sigma, the same for all means.

    The shape is 1 / sigma², the scale sigma² mu.

    ======== ================
    Support  positive numbers
    Mean     mu
    Variance sigma² mu²
    ======== ================
    """

    name = "gamma"
    parameters = ("mu", "sigma")
    links = ("log", "inverse", "identity")
    scale_parameter = "sigma"

    def ancillary(self, categories: tuple[str, ...] = ()) -> tuple[Ancillary, ...]:
        return (Ancillary("sigma", "sigma", prior="coefficient_of_variation"),)

    def start(self, y: np.ndarray, link: Link, categories: tuple[str, ...] = ()) -> tuple[float, list[float]]:
        return self.start_of_predictor(y, link), [float(np.std(y) / np.mean(y)) or 1.0]

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        log_y = namespace.log(y)
        return log_density_of_log(log_y - parameters["mu"].log, parameters["sigma"], namespace) - log_y

    def log_tails(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> tuple[Any, Any]:
        """Log distribution and log survivor of y > 0: the smaller is integrated, the other is its complement.

        The integral is of the density of log y, from log y away from its mode; relative to the density at log y it is
        that of ``exp(shape s - x (exp(s) - 1))`` over s, where x = y / scale.
        """
        shape = parameters["sigma"] ** -2.0
        distance = namespace.log(y) - parameters["mu"].log
        x = shape * namespace.exp(distance)
        left = held(x < namespace.maximum(shape, LEAST_SPLIT), namespace)
        # upwards in units of y, in which the tail is exponential
        rate = 2.0 * (1.0 - shape / x) + 1.0 / x
        ahead = 4.0 / (rate + namespace.sqrt(rate**2 + 8.0 / x))
        width = namespace.where(left, tail_width(shape - x, x, namespace), namespace.sqrt(ahead * (ahead + 1.0)) / x)
        unit, nodes, weights = tail_nodes(width, distance.ndim, namespace)
        s = namespace.where(left, -nodes, namespace.log1p(nodes))
        weights = weights / namespace.where(left, 1.0, 1.0 + nodes)
        # x as a number times a factor near 1, whose powers cannot overflow in the derivatives
        number = power_of_two(x, namespace)
        factor = namespace.exp(distance + namespace.log(shape / number))
        total = (weights * namespace.exp(shape * s - factor * (number * namespace.expm1(s)))).sum(axis=0)
        tail = log_density_of_log(distance, parameters["sigma"], namespace) + namespace.log(unit) + namespace.log(total)
        other = log_complement(tail, namespace)
        return namespace.where(left, tail, other), namespace.where(left, other, tail)

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return np.square(parameters["sigma"] * parameters["mu"].value)

    def quantile(self, probability: Any, parameters: Mapping[str, Any]) -> np.ndarray:
        shape = np.asarray(parameters["sigma"], float) ** -2.0
        return special.gammaincinv(shape, probability) / shape * parameters["mu"].value

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        variance = np.square(parameters["sigma"])
        return rng.gamma(1.0 / variance, variance * parameters["mu"].value)

    def ratio(self, link: Link) -> str:
        return "Ratio of means" if link.name == "log" else link.ratio


def log_density_of_log(distance: Any, sigma: Any, namespace: ModuleType) -> Any:
    """Log density of log y at a distance from the log mean; by deviances, so that no large numbers are subtracted."""
    shape = sigma**-2.0
    return (
        shape * (distance - namespace.expm1(distance))
        - namespace.log(sigma)
        - 0.5 * log(2 * pi)
        - stirling_error(shape, namespace)
    )
