"""Probit link."""

from math import sqrt
from types import ModuleType
from typing import Any

from bayesml.links import normal
from bayesml.links.base import Link
from bayesml.links.functions import erfc, erfcinv


class Probit(Link):
    """Standard normal quantile: ``eta = Φ⁻¹(mu)``. Its latent variable is standard normal."""

    name = "probit"
    mean_support = (0.0, 1.0)
    symmetric = True
    latent_variance = 1.0

    def of(self, mu: Any, namespace: ModuleType) -> Any:
        return -sqrt(2) * erfcinv(2.0 * mu, namespace)

    def inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return 0.5 * erfc(-eta / sqrt(2), namespace)

    def log_inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return normal.log_distribution(eta, namespace)

    def log_complement(self, eta: Any, namespace: ModuleType) -> Any:
        return normal.log_survivor(eta, namespace)

    def log_interval(self, lower: Any, width: Any, namespace: ModuleType) -> Any:
        return normal.log_interval(lower, width, namespace)
