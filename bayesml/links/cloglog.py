"""Complementary log-log link."""

from math import pi
from types import ModuleType
from typing import Any

from bayesml.links.base import Link
from bayesml.links.functions import log1mexp, log_extreme

SATURATED = 7.0
"""From here on the mean is 1 to all digits."""


class Cloglog(Link):
    """Complementary log-log: ``mu = 1 - exp(-exp(eta))``, as of discrete survival times with proportional hazards.

    Its latent variable is that of a smallest value.
    """

    name = "cloglog"
    mean_support = (0.0, 1.0)
    latent_variance = pi**2 / 6

    def of(self, mu: Any, namespace: ModuleType) -> Any:
        return namespace.log(-namespace.log1p(-mu))

    def inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return -namespace.expm1(-namespace.exp(namespace.where(eta < SATURATED, eta, SATURATED)))

    def log_inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return log_extreme(eta, namespace)

    def log_complement(self, eta: Any, namespace: ModuleType) -> Any:
        return -namespace.exp(eta)

    def log_interval(self, lower: Any, width: Any, namespace: ModuleType) -> Any:
        # F(l + w) - F(l) = (1 - F(l)) (1 - exp(-exp(l) (exp(w) - 1))).
        upper = lower + width + log1mexp(-width, namespace)
        return self.log_complement(lower, namespace) + self.log_inverse(upper, namespace)
