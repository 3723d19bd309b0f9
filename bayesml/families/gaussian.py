"""Gaussian family."""

from collections.abc import Mapping
from math import inf, log, pi, sqrt
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.families.base import Family
from bayesml.links import Link


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
    links = ("identity",)
    support = (-inf, inf)
    has_scale = True
    exact_links = frozenset({"identity"})
    weighted_by = "variance"

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        z = (y - parameters["mu"]) / parameters["sigma"]
        return -0.5 * z**2 - namespace.log(parameters["sigma"]) - 0.5 * log(2 * pi)

    def log_distribution(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        return _log_normal_tail((parameters["mu"] - y) / parameters["sigma"], namespace)

    def log_survivor(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        return _log_normal_tail((y - parameters["mu"]) / parameters["sigma"], namespace)

    def variance(self, mu: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        return np.broadcast_to(np.square(scale), np.shape(mu))

    def latent_variance(self, link: Link, scale: float) -> float:
        return scale**2

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        return rng.normal(parameters["mu"], parameters["sigma"])

    def observed(self, pm: ModuleType, name: str, parameters: Mapping[str, Any], **options: Any) -> Any:
        return pm.Normal(name, mu=parameters["mu"], sigma=parameters["sigma"], **options)


def _log_normal_tail(z: Any, namespace: ModuleType) -> Any:
    """Log probability of a standard normal variable above z, for z of any size.

    The scaled complementary error function grows where the tail vanishes; below 0 the tail itself is used. Both
    branches are evaluated, so each gets arguments in which it and its derivative are finite.
    """
    right, left = namespace.maximum(z, 0.0), namespace.minimum(z, 0.0)
    far = namespace.log(0.5 * namespace.erfcx(right / sqrt(2))) - 0.5 * right**2
    near = namespace.log1p(-0.5 * namespace.erfc(-left / sqrt(2)))
    return namespace.where(z > 0, far, near)
