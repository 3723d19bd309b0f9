"""A prior of a variance, as the prior of its square root."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import Distribution, Ends
from bayesml.distributions.forms import PowerForm
from bayesml.errors import SpecificationError


@dataclass(frozen=True)
class OnVariance(Distribution):
    """Distribution of a standard deviation whose square, the variance, has a given distribution.

    Parameters
    ----------
    variance : Distribution
        On positive values. `OnVariance(InverseGamma(0.01, 0.01))` is the classical prior of BUGS and Stata.
    """

    variance: Distribution

    def __post_init__(self) -> None:
        if not isinstance(self.variance, Distribution) or self.variance.support[0] < 0:
            raise SpecificationError(f"OnVariance takes a distribution of positive values, not {self.variance}.")

    @property
    def support(self) -> tuple[float, float]:
        lower, upper = self.variance.support
        return lower**0.5, upper**0.5

    @property
    def improper(self) -> bool:
        return self.variance.improper

    @property
    def numbers(self) -> dict[str, float]:
        return self.variance.numbers

    @property
    def kind(self) -> str:
        return f"{self.name}({self.variance.kind})"

    def __str__(self) -> str:
        return f"{self.name}({self.variance})"

    def times(self, scale: float) -> "OnVariance":
        return OnVariance(self.variance.times(scale**2))

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        x = np.asarray(x, dtype=float)
        return self.variance.log_density(x**2) + np.log(2 * x)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        x = np.asarray(x)
        return 2 * x * self.variance.slope(x**2) + 1 / x

    def scipy(self, stats: ModuleType) -> Any:
        inner = self.variance.scipy(stats)
        return None if inner is None else PowerForm(inner, 0.5)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        variance = self.variance.variable(pm, f"{name}_variance", numbers, **options)
        return pm.Deterministic(name, pm.math.sqrt(variance), **options)

    def truncated_variable(
        self, pm: ModuleType, name: str, numbers: Mapping[str, Any], ends: Ends, **options: Any
    ) -> Any:
        lower, upper = (None if end is None else end**2 for end in ends)
        variance = self.variance.truncated_variable(pm, f"{name}_variance", numbers, (lower, upper), **options)
        return pm.Deterministic(name, pm.math.sqrt(variance), **options)

    def pieces(self, name: str, numbers: Mapping[str, np.ndarray], values: np.ndarray) -> dict[str, np.ndarray]:
        return self.variance.pieces(f"{name}_variance", numbers, values**2)

    def truncated_pieces(
        self, name: str, numbers: Mapping[str, np.ndarray], ends: Ends, values: np.ndarray
    ) -> dict[str, np.ndarray]:
        lower, upper = (None if end is None else end**2 for end in ends)
        return self.variance.truncated_pieces(f"{name}_variance", numbers, (lower, upper), values**2)
