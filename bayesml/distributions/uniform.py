"""Uniform distribution."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import Distribution
from bayesml.distributions.scaled_beta import ScaledBeta
from bayesml.errors import SpecificationError


@dataclass(frozen=True)
class Uniform(Distribution):
    """Uniform distribution on an interval.

    Parameters
    ----------
    lower, upper : float
        Ends of the interval, lower < upper.
    """

    lower: float
    upper: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.lower < self.upper:
            raise SpecificationError(f"{self}: lower must be below upper.")

    @property
    def support(self) -> tuple[float, float]:
        return self.lower, self.upper

    def times(self, scale: float) -> "Uniform":
        return Uniform(self.lower * scale, self.upper * scale)

    def partial_correlations(self, q: int, common: bool) -> tuple[Distribution, ...] | None:
        return ScaledBeta(1, 1, self.lower, self.upper).partial_correlations(q, common)

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        return np.full(np.shape(x), -log(self.upper - self.lower))

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        return np.zeros(np.shape(x))

    def scipy(self, stats: ModuleType) -> Any:
        return stats.uniform(self.lower, self.upper - self.lower)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.Uniform(name, **numbers, **options)
