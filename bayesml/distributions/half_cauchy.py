"""Half-Cauchy distribution."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, pi
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import POSITIVE, Distribution


@dataclass(frozen=True)
class HalfCauchy(Distribution):
    """Absolute value of a Cauchy variable of location 0.

    Parameters
    ----------
    sigma : float, default 1
        Scale, > 0: the median.
    """

    sigma: float = 1.0

    positive = ("sigma",)

    @property
    def support(self) -> tuple[float, float]:
        return POSITIVE

    def times(self, scale: float) -> "HalfCauchy":
        return HalfCauchy(self.sigma * scale)

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        return log(2 / (pi * self.sigma)) - np.log1p((np.asarray(x) / self.sigma) ** 2)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        z = np.asarray(x) / self.sigma
        return -2 * z / (1 + z**2) / self.sigma

    def scipy(self, stats: ModuleType) -> Any:
        return stats.halfcauchy(0, self.sigma)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.HalfCauchy(name, beta=numbers["sigma"], **options)
