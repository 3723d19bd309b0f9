"""Laplace distribution."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import REAL, Distribution


@dataclass(frozen=True)
class Laplace(Distribution):
    """Laplace (double exponential) distribution.

    Parameters
    ----------
    mu : float, default 0
        Mean.
    b : float, default 1
        Scale, > 0: the mean absolute deviation; the standard deviation is b √2.
    """

    mu: float = 0.0
    b: float = 1.0

    positive = ("b",)

    @property
    def support(self) -> tuple[float, float]:
        return REAL

    def times(self, scale: float) -> "Laplace":
        return Laplace(self.mu * scale, self.b * scale)

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        return -np.abs(np.asarray(x) - self.mu) / self.b - log(2 * self.b)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        return -np.sign(np.asarray(x) - self.mu) / self.b

    def scipy(self, stats: ModuleType) -> Any:
        return stats.laplace(self.mu, self.b)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.Laplace(name, **numbers, **options)
