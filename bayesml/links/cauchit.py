"""Cauchit link."""

from math import pi
from types import ModuleType
from typing import Any

from bayesml.links.base import Link
from bayesml.links.functions import log_cauchy


class Cauchit(Link):
    """Cauchy quantile: ``eta = tan(π (mu - 1/2))``. Its latent variable is Cauchy, and has no variance."""

    name = "cauchit"
    mean_support = (0.0, 1.0)
    symmetric = True

    def of(self, mu: Any, namespace: ModuleType) -> Any:
        return namespace.tan(pi * (mu - 0.5))

    def inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return namespace.arctan2(1.0, -eta) / pi

    def log_inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return log_cauchy(eta, namespace)

    def log_complement(self, eta: Any, namespace: ModuleType) -> Any:
        return self.log_inverse(-eta, namespace)

    def log_interval(self, lower: Any, width: Any, namespace: ModuleType) -> Any:
        # The tangent of a difference of angles.
        return namespace.log(namespace.arctan2(width, 1.0 + lower * (lower + width)) / pi)
