"""Log link."""

from math import inf
from types import ModuleType
from typing import Any

import numpy as np
from scipy import special

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

    @property
    def approximations(self) -> tuple[str, ...]:
        return ("lognormal", "delta", "trigamma")

    def response_variance(self, mean: np.ndarray, variance: np.ndarray, approximation: str) -> np.ndarray:
        """Variance of the logarithm of a response from its squared coefficient of variation c².

        Of a lognormal one ``log(1 + c²)``, by the delta method c², of a gamma one ``trigamma(1 / c²)``.
        """
        squared = variance / mean**2
        if approximation == "lognormal":
            return np.log1p(squared)
        return squared if approximation == "delta" else np.asarray(special.polygamma(1, 1.0 / squared))

    def log_inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return eta
