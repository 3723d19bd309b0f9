"""A prior of a variance, as the prior of its square root."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import POSITIVE, Distribution
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
        return POSITIVE

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
        x = np.asarray(x)
        return self.variance.log_density(x**2) + np.log(2 * x)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        x = np.asarray(x)
        return 2 * x * self.variance.slope(x**2) + 1 / x

    def scipy(self, stats: ModuleType) -> Any:
        inner = self.variance.scipy(stats)
        return None if inner is None else SquareRoot(inner)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        variance = self.variance.variable(pm, f"{name}_variance", numbers, **options)
        return pm.Deterministic(name, pm.math.sqrt(variance), **options)


@dataclass(frozen=True)
class SquareRoot:
    """The square root of a positive variable, in the interface of SciPy."""

    square: Any

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        return self.square.logpdf(np.asarray(x) ** 2) + np.log(2 * np.asarray(x))

    def cdf(self, x: np.ndarray) -> np.ndarray:
        return self.square.cdf(np.asarray(x) ** 2)

    def ppf(self, q: np.ndarray) -> np.ndarray:
        return np.sqrt(self.square.ppf(q))

    def rvs(self, size: Any = None, random_state: Any = None) -> np.ndarray:
        return np.sqrt(self.square.rvs(size=size, random_state=random_state))

    def mean(self) -> float:
        """Mean by quadrature; NaN where the square has no mean, as that of the root is then not known to exist."""
        return float(self.square.expect(np.sqrt)) if np.isfinite(self.square.mean()) else np.nan

    def std(self) -> float:
        return float(np.sqrt(max(self.square.mean() - self.mean() ** 2, 0.0)))
