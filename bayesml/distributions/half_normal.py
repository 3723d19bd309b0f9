"""Half-normal distribution."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, pi
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import POSITIVE, Distribution


@dataclass(frozen=True)
class HalfNormal(Distribution):
    """Absolute value of a normal variable of mean 0.

    Parameters
    ----------
    sigma : float, default 1
        Scale, > 0: the standard deviation of that normal variable.
    """

    sigma: float = 1.0

    positive = ("sigma",)

    @property
    def support(self) -> tuple[float, float]:
        return POSITIVE

    def times(self, scale: float) -> "HalfNormal":
        return HalfNormal(self.sigma * scale)

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        return -0.5 * (np.asarray(x) / self.sigma) ** 2 - log(self.sigma) + 0.5 * log(2 / pi)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        return -np.asarray(x) / self.sigma**2

    def scipy(self, stats: ModuleType) -> Any:
        return stats.halfnorm(0, self.sigma)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.HalfNormal(name, **numbers, **options)
