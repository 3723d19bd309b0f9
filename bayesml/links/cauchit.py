"""Cauchit link."""

from math import pi
from types import ModuleType
from typing import Any

from bayesml.links.base import Link


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
        # arctan2 has no discontinuity in the tails, as the arc tangent of 1 / eta has.
        right = eta > 0
        above = namespace.log1p(-namespace.arctan2(1.0, namespace.where(right, eta, 0.0)) / pi)
        return namespace.where(
            right, above, namespace.log(namespace.arctan2(1.0, namespace.where(right, 0.0, -eta)) / pi)
        )

    def log_complement(self, eta: Any, namespace: ModuleType) -> Any:
        return self.log_inverse(-eta, namespace)

    def log_interval(self, lower: Any, width: Any, namespace: ModuleType) -> Any:
        # The tangent of a difference of angles.
        return namespace.log(namespace.arctan2(width, 1.0 + lower * (lower + width)) / pi)
