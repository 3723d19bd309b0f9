"""Beta distribution on an interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import lgamma, log
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import Distribution, Ends
from bayesml.errors import SpecificationError


@dataclass(frozen=True)
class ScaledBeta(Distribution):
    """Distribution of lower + (upper - lower) B, with B a beta variable: for a correlation, say.

    Parameters
    ----------
    alpha, beta : float
        Parameters of B, > 0; 1 and 1 is uniform.
    lower, upper : float, default -1 and 1
        Ends of the interval, lower < upper.
    """

    alpha: float
    beta: float
    lower: float = -1.0
    upper: float = 1.0

    positive = ("alpha", "beta")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.lower < self.upper:
            raise SpecificationError(f"{self}: lower must be below upper.")

    @property
    def support(self) -> tuple[float, float]:
        return self.lower, self.upper

    def times(self, scale: float) -> "ScaledBeta":
        return ScaledBeta(self.alpha, self.beta, self.lower * scale, self.upper * scale)

    def partial_correlations(self, q: int, common: bool) -> tuple[Distribution, ...] | None:
        lowest = -1 / (q - 1) if common else -1.0
        one = common or q == 2
        return (self,) if one and lowest <= self.lower and self.upper <= 1 else None

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        a, b, width = self.alpha, self.beta, self.upper - self.lower
        x = np.asarray(x, dtype=float)
        total = np.full(x.shape, lgamma(a + b) - lgamma(a) - lgamma(b) - (a + b - 1) * log(width))
        # an exponent of 0 says nothing of the end points, where its logarithm is infinite
        if a != 1:
            total = total + (a - 1) * np.log(x - self.lower)
        return total + (b - 1) * np.log(self.upper - x) if b != 1 else total

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        x = np.asarray(x, dtype=float)
        left = (self.alpha - 1) / (x - self.lower) if self.alpha != 1 else np.zeros(x.shape)
        return left - (self.beta - 1) / (self.upper - x) if self.beta != 1 else left

    def scipy(self, stats: ModuleType) -> Any:
        return stats.beta(self.alpha, self.beta, self.lower, self.upper - self.lower)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        unit = pm.Beta(f"{name}_unit", alpha=numbers["alpha"], beta=numbers["beta"], **options)
        return pm.Deterministic(name, numbers["lower"] + (numbers["upper"] - numbers["lower"]) * unit, **options)

    def truncated_variable(
        self, pm: ModuleType, name: str, numbers: Mapping[str, Any], ends: Ends, **options: Any
    ) -> Any:
        low, width = numbers["lower"], numbers["upper"] - numbers["lower"]
        inside = tuple(None if end is None else (end - low) / width for end in ends)
        shapes = {key: numbers[key] for key in ("alpha", "beta")}
        unit = pm.Truncated(f"{name}_unit", pm.Beta.dist(**shapes), lower=inside[0], upper=inside[1], **options)
        return pm.Deterministic(name, low + width * unit, **options)

    def pieces(self, name: str, numbers: Mapping[str, np.ndarray], values: np.ndarray) -> dict[str, np.ndarray]:
        return {f"{name}_unit": (values - numbers["lower"]) / (numbers["upper"] - numbers["lower"])}
