"""Complementary log-log link."""

from math import log, pi
from types import ModuleType
from typing import Any

from bayesml.links.base import Link
from bayesml.links.functions import logexpm1

SERIES = (1 / 24, -1 / 2880, 1 / 181440, -1 / 9676800, 1 / 479001600, -691 / 15692092416000)
"""Of ``log((1 - exp(-t)) / t) + t / 2`` in powers of t²."""
SMALL, SATURATED = log(0.25), log(740.0)


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
        return -namespace.expm1(-namespace.exp(eta))

    def log_inverse(self, eta: Any, namespace: ModuleType) -> Any:
        # With t = exp(eta): a series of log((1 - exp(-t)) / t) where t is small; above `SATURATED` it is 0 to all digits.
        small = eta < SMALL
        left = namespace.where(small, eta, SMALL)
        t = namespace.exp(left)
        series = 0.0
        for coefficient in reversed(SERIES):
            series = (series + coefficient) * t**2
        right = namespace.where(small, SMALL, namespace.where(eta < SATURATED, eta, SATURATED))
        return namespace.where(small, left - 0.5 * t + series, namespace.log1p(-namespace.exp(-namespace.exp(right))))

    def log_complement(self, eta: Any, namespace: ModuleType) -> Any:
        return -namespace.exp(eta)

    def log_interval(self, lower: Any, width: Any, namespace: ModuleType) -> Any:
        # F(l + w) - F(l) = (1 - F(l)) (1 - exp(-exp(l) (exp(w) - 1))).
        inside = self.log_inverse(lower + logexpm1(width, namespace), namespace)
        return self.log_complement(lower, namespace) + inside
