"""Cauchy distribution."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, pi
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import REAL, Distribution
from bayesml.distributions.half_cauchy import HalfCauchy


@dataclass(frozen=True)
class Cauchy(Distribution):
    """Cauchy distribution: Student's t with one degree of freedom; it has no mean and no variance.

    Parameters
    ----------
    mu : float, default 0
        Location, the median.
    sigma : float, default 1
        Scale, > 0: half the interquartile range.
    """

    mu: float = 0.0
    sigma: float = 1.0

    positive = ("sigma",)

    @property
    def support(self) -> tuple[float, float]:
        return REAL

    @property
    def positive_counterpart(self) -> Distribution | None:
        return HalfCauchy(self.sigma) if self.mu == 0 else None

    def times(self, scale: float) -> "Cauchy":
        return Cauchy(self.mu * scale, self.sigma * scale)

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        return -log(pi * self.sigma) - np.log1p(((np.asarray(x) - self.mu) / self.sigma) ** 2)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        z = (np.asarray(x) - self.mu) / self.sigma
        return -2 * z / (1 + z**2) / self.sigma

    def scipy(self, stats: ModuleType) -> Any:
        return stats.cauchy(self.mu, self.sigma)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.Cauchy(name, alpha=numbers["mu"], beta=numbers["sigma"], **options)
