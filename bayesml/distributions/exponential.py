"""Exponential distribution."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import POSITIVE, Distribution


@dataclass(frozen=True)
class Exponential(Distribution):
    """Exponential distribution.

    Parameters
    ----------
    lam : float, default 1
        Rate, > 0; the mean is 1 / lam.
    """

    lam: float = 1.0

    positive = ("lam",)

    @property
    def support(self) -> tuple[float, float]:
        return POSITIVE

    def times(self, scale: float) -> "Exponential":
        return Exponential(self.lam / scale)

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        return log(self.lam) - self.lam * np.asarray(x)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        return np.full(np.shape(x), -self.lam)

    def scipy(self, stats: ModuleType) -> Any:
        return stats.expon(0, 1 / self.lam)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.Exponential(name, **numbers, **options)
