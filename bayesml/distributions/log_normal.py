"""Log-normal distribution."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log, pi
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import POSITIVE, Distribution
from bayesml.errors import SpecificationError


@dataclass(frozen=True)
class LogNormal(Distribution):
    """Distribution of a positive value whose logarithm is normal.

    Parameters
    ----------
    mu : float, default 0
        Mean of the logarithm; exp(mu) is the median.
    sigma : float, default 1
        Standard deviation of the logarithm, > 0.

    Examples
    --------
    >>> import bayesml as bml
    >>> str(bml.LogNormal(0, 1))
    'LogNormal(0, 1)'
    """

    mu: float = 0.0
    sigma: float = 1.0

    positive = ("sigma",)

    @property
    def support(self) -> tuple[float, float]:
        return POSITIVE

    def times(self, scale: float) -> "LogNormal":
        return LogNormal(self.mu + log(scale), self.sigma)

    def moved(self, by: float) -> Distribution:
        raise SpecificationError(f"{self.name} has no location that could be adapted to data.")

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        z = (np.log(x) - self.mu) / self.sigma
        return -0.5 * z**2 - np.log(x) - log(self.sigma) - 0.5 * log(2 * pi)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        x = np.asarray(x)
        return -((np.log(x) - self.mu) / self.sigma**2 + 1.0) / x

    def scipy(self, stats: ModuleType) -> Any:
        return stats.lognorm(self.sigma, scale=exp(self.mu))

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.LogNormal(name, **numbers, **options)
