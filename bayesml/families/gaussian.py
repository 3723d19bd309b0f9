"""Gaussian family."""

from collections.abc import Mapping, Sequence
from math import inf, log, pi
from types import ModuleType
from typing import Any

import numpy as np
from scipy import special

from bayesml.families.ancillary import Ancillary
from bayesml.families.base import Family
from bayesml.links import Link, normal


class Gaussian(Family):
    """Normal responses with mean mu and standard deviation sigma.

    ======== =============
    Support  real numbers
    Mean     mu
    Variance sigma²
    ======== =============
    """

    name = "gaussian"
    synonyms = ("normal",)
    parameters = ("mu", "sigma")
    links = ("identity", "log")
    support = (-inf, inf)
    scale_parameter = "sigma"
    exact_links = frozenset({"identity"})

    def ancillary(self, categories: tuple[str, ...] = ()) -> tuple[Ancillary, ...]:
        return (Ancillary("sigma", "sigma", prior="residual_sd"),)

    def start(self, y: np.ndarray, link: Link, categories: tuple[str, ...] = ()) -> tuple[float, list[float]]:
        return self.start_of_predictor(y, link), [float(np.std(y)) or 1.0]

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        z = (y - parameters["mu"].value) / parameters["sigma"]
        return -0.5 * z * z - namespace.log(parameters["sigma"]) - 0.5 * log(2 * pi)

    def log_distribution(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        return normal.log_distribution((y - parameters["mu"].value) / parameters["sigma"], namespace)

    def log_survivor(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        return normal.log_survivor((y - parameters["mu"].value) / parameters["sigma"], namespace)

    def log_interval(self, lower: Any, upper: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        z = (lower - parameters["mu"].value) / parameters["sigma"]
        return normal.log_interval(z, (upper - lower) / parameters["sigma"], namespace)

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return np.broadcast_to(np.square(parameters["sigma"]), np.shape(parameters["mu"].value))

    def latent_variance(self, link: Link, scale: float) -> float | None:
        return scale**2 if self.exact_with(link) else None

    def notation(self, parameters: Sequence[str]) -> str:
        mean, sd = parameters
        squared = f"{sd}^2" if " " not in sd else rf"\left({sd}\right)^2"
        return rf"\operatorname{{Normal}}({mean}, {squared})"

    def ratio(self, link: Link) -> str:
        return "Ratio of means" if link.name == "log" else link.ratio

    def quantile(self, probability: Any, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value + parameters["sigma"] * special.ndtri(probability)

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        return rng.normal(parameters["mu"].value, parameters["sigma"])

    def observed(self, pm: ModuleType, name: str, parameters: Mapping[str, Any], **options: Any) -> Any:
        return pm.Normal(name, mu=parameters["mu"].value, sigma=parameters["sigma"], **options)
