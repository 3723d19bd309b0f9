"""Log link."""

from math import inf
from types import ModuleType
from typing import Any

from bayesml.links.base import Link


class Log(Link):
    """Logarithm of the mean: ``eta = log(mu)``."""

    name = "log"
    mean_support = (0.0, inf)
    ratio = "Incidence-rate ratio"

    def of(self, mu: Any, namespace: ModuleType) -> Any:
        return namespace.log(mu)

    def inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return namespace.exp(eta)

    def log_inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return eta
