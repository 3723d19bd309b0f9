"""Normal distribution."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, pi
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import REAL, Distribution
from bayesml.distributions.half_normal import HalfNormal


@dataclass(frozen=True)
class Normal(Distribution):
    """Normal distribution.

    Parameters
    ----------
    mu : float, default 0
        Mean.
    sigma : float, default 1
        Standard deviation, > 0.

    Examples
    --------
    >>> import bayesml as bml
    >>> str(bml.Normal(0, 10))
    'Normal(0, 10)'
    """

    mu: float = 0.0
    sigma: float = 1.0

    positive = ("sigma",)

    @property
    def support(self) -> tuple[float, float]:
        return REAL

    @property
    def normal_row(self) -> tuple[float, float]:
        return self.mu, self.sigma**-2

    @property
    def positive_counterpart(self) -> Distribution | None:
        return HalfNormal(self.sigma) if self.mu == 0 else None

    def times(self, scale: float) -> "Normal":
        return Normal(self.mu * scale, self.sigma * scale)

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        return -0.5 * ((np.asarray(x) - self.mu) / self.sigma) ** 2 - log(self.sigma) - 0.5 * log(2 * pi)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        return -(np.asarray(x) - self.mu) / self.sigma**2

    def scipy(self, stats: ModuleType) -> Any:
        return stats.norm(self.mu, self.sigma)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.Normal(name, **numbers, **options)
