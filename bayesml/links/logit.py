"""Logit link."""

from math import pi
from types import ModuleType
from typing import Any

from bayesml.links.base import Link
from bayesml.links.functions import log1mexp, sigmoid, softplus


class Logit(Link):
    """Log odds: ``eta = log(mu / (1 - mu))``. Its latent variable is logistic."""

    name = "logit"
    mean_support = (0.0, 1.0)
    symmetric = True
    latent_variance = pi**2 / 3
    ratio = "Odds ratio"

    def of(self, mu: Any, namespace: ModuleType) -> Any:
        return namespace.log(mu) - namespace.log1p(-mu)

    def inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return sigmoid(eta, namespace)

    def log_inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return -softplus(-eta, namespace)

    def log_complement(self, eta: Any, namespace: ModuleType) -> Any:
        return -softplus(eta, namespace)

    def log_interval(self, lower: Any, width: Any, namespace: ModuleType) -> Any:
        # F(l + w) - F(l) = (1 - exp(-w)) F(l + w) (1 - F(l)): no difference.
        upper = self.log_inverse(lower + width, namespace)
        return log1mexp(-width, namespace) + upper + self.log_complement(lower, namespace)
