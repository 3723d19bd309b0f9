"""Beta distribution."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import Distribution
from bayesml.distributions.scaled_beta import ScaledBeta


@dataclass(frozen=True)
class Beta(Distribution):
    """Beta distribution on (0, 1); `ScaledBeta` is that of any other interval.

    Parameters
    ----------
    alpha, beta : float
        Shapes, > 0; the mean is alpha / (alpha + beta), and 1 and 1 is uniform.

    Examples
    --------
    >>> import bayesml as bml
    >>> str(bml.Beta(2, 5))
    'Beta(2, 5)'
    """

    alpha: float
    beta: float

    positive = ("alpha", "beta")

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, 1.0

    @property
    def scaled(self) -> ScaledBeta:
        """The same distribution as one on an interval that is named."""
        return ScaledBeta(self.alpha, self.beta, 0.0, 1.0)

    def times(self, scale: float) -> ScaledBeta:
        return self.scaled.times(scale)

    def partial_correlations(self, q: int, common: bool) -> tuple[Distribution, ...] | None:
        return self.scaled.partial_correlations(q, common)

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        return self.scaled.log_density(x)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        return self.scaled.slope(x)

    def scipy(self, stats: ModuleType) -> Any:
        return stats.beta(self.alpha, self.beta)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.Beta(name, **numbers, **options)
