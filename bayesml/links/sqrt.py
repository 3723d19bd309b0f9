"""Square-root link."""

from math import inf
from types import ModuleType
from typing import Any

from bayesml.links.base import Link


class Sqrt(Link):
    """Square root of the mean: ``eta = sqrt(mu)``."""

    name = "sqrt"
    mean_support = (0.0, inf)

    def of(self, mu: Any, namespace: ModuleType) -> Any:
        return namespace.sqrt(mu)

    def inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return eta**2

    def log_inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return 2.0 * namespace.log(namespace.where(eta < 0, -eta, eta))
