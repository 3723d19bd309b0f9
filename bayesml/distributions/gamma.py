"""Gamma distribution."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import lgamma, log
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import POSITIVE, Distribution


@dataclass(frozen=True)
class Gamma(Distribution):
    """Gamma distribution.

    Parameters
    ----------
    alpha : float
        Shape, > 0.
    beta : float, default 1
        Rate, > 0; the mean is alpha / beta.
    """

    alpha: float
    beta: float = 1.0

    positive = ("alpha", "beta")

    @property
    def support(self) -> tuple[float, float]:
        return POSITIVE

    def times(self, scale: float) -> "Gamma":
        return Gamma(self.alpha, self.beta / scale)

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        constant = self.alpha * log(self.beta) - lgamma(self.alpha)
        return constant + (self.alpha - 1) * np.log(x) - self.beta * np.asarray(x)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        return (self.alpha - 1) / np.asarray(x) - self.beta

    def scipy(self, stats: ModuleType) -> Any:
        return stats.gamma(self.alpha, 0, 1 / self.beta)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.Gamma(name, **numbers, **options)
