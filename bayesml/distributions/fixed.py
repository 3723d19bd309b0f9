"""A parameter held at a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import Distribution


@dataclass(frozen=True)
class Fixed(Distribution):
    """All mass at one value: the parameter is held there, in likelihood fits too.

    Parameters
    ----------
    value : float

    Examples
    --------
    >>> import bayesml as bml
    >>> priors = {"sigma": bml.Fixed(1)}
    """

    value: float

    @property
    def support(self) -> tuple[float, float]:
        return self.value, self.value

    @property
    def fixed(self) -> float:
        return self.value

    def partial_correlations(self, q: int, common: bool) -> tuple[Distribution, ...] | None:
        """All correlations equal to the value: the partial ones are r / (1 + j r) for the column j."""
        r = self.value
        if not -1 / (q - 1) <= r <= 1:
            return None
        if common:
            return (self,)
        return tuple(Fixed(r / (1 + j * r) if 1 + j * r else 0.0) for j in np.tril_indices(q, -1)[1])

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        return np.zeros(np.shape(x))

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        return np.zeros(np.shape(x))

    def scipy(self, stats: ModuleType) -> Any:
        return stats.rv_discrete(values=([0], [1.0]))(loc=self.value)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.Deterministic(name, numbers["value"], **options)
