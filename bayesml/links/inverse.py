"""Inverse link."""

from math import inf
from types import ModuleType
from typing import Any

from bayesml.links.base import Link


class Inverse(Link):
    """Reciprocal of the mean: ``eta = 1 / mu``, both positive."""

    name = "inverse"
    mean_support = (0.0, inf)

    def of(self, mu: Any, namespace: ModuleType) -> Any:
        return 1.0 / mu

    def inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return 1.0 / eta

    def log_inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return -namespace.log(eta)
