"""Log-log link."""

from math import pi
from types import ModuleType
from typing import Any

from bayesml.links.base import Link
from bayesml.links.cloglog import SATURATED, Cloglog

MIRROR = Cloglog()


class Loglog(Link):
    """Log-log: ``mu = exp(-exp(-eta))``, the complementary log-log link of the other outcome with the sign turned.

    Its latent variable is that of a largest value.
    """

    name = "loglog"
    mean_support = (0.0, 1.0)
    latent_variance = pi**2 / 6

    def of(self, mu: Any, namespace: ModuleType) -> Any:
        return -namespace.log(-namespace.log(mu))

    def inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return namespace.exp(-namespace.exp(-namespace.where(eta > -SATURATED, eta, -SATURATED)))

    def log_inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return MIRROR.log_complement(-eta, namespace)

    def log_complement(self, eta: Any, namespace: ModuleType) -> Any:
        return MIRROR.log_inverse(-eta, namespace)

    def log_interval(self, lower: Any, width: Any, namespace: ModuleType) -> Any:
        return MIRROR.log_interval(-lower - width, width, namespace)
