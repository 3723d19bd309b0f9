"""A prior of a precision, the reciprocal of a variance, as the prior of the standard deviation."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import Distribution, Ends
from bayesml.distributions.forms import PowerForm
from bayesml.errors import SpecificationError


@dataclass(frozen=True)
class OnPrecision(Distribution):
    """Distribution of a standard deviation sd whose precision, 1 / sd², has a given distribution.

    Parameters
    ----------
    precision : Distribution
        On positive values. `OnPrecision(Gamma(0.01, 0.01))` is the prior that BUGS and JAGS programs give; it is the
        same as `OnVariance(InverseGamma(0.01, 0.01))`.

    Examples
    --------
    >>> import bayesml as bml
    >>> str(bml.OnPrecision(bml.Gamma(0.01, 0.01)))
    'OnPrecision(Gamma(0.01, 0.01))'
    """

    precision: Distribution

    def __post_init__(self) -> None:
        if not isinstance(self.precision, Distribution) or self.precision.support[0] < 0:
            raise SpecificationError(f"OnPrecision takes a distribution of positive values, not {self.precision}.")
        if self.precision.improper or self.precision.fixed is not None:
            raise SpecificationError(f"OnPrecision takes a proper distribution, not {self.precision}.")

    @property
    def support(self) -> tuple[float, float]:
        lower, upper = self.precision.support
        return upper**-0.5, lower**-0.5 if lower > 0 else inf

    @property
    def numbers(self) -> dict[str, float]:
        return self.precision.numbers

    @property
    def kind(self) -> str:
        return f"{self.name}({self.precision.kind})"

    def __str__(self) -> str:
        return f"{self.name}({self.precision})"

    def times(self, scale: float) -> "OnPrecision":
        return OnPrecision(self.precision.times(scale**-2))

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        x = np.asarray(x, dtype=float)
        inside = np.where(x > 0, x, 1.0)
        value = self.precision.log_density(inside**-2.0) + np.log(2.0) - 3.0 * np.log(inside)
        return np.where(x > 0, value, -np.inf)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        x = np.asarray(x, dtype=float)
        return -2.0 * x**-3.0 * self.precision.slope(x**-2.0) - 3.0 / x

    def scipy(self, stats: ModuleType) -> Any:
        return PowerForm(self.precision.scipy(stats), -0.5)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        precision = self.precision.variable(pm, f"{name}_precision", numbers, **options)
        return pm.Deterministic(name, precision**-0.5, **options)

    def truncated_variable(
        self, pm: ModuleType, name: str, numbers: Mapping[str, Any], ends: Ends, **options: Any
    ) -> Any:
        lower, upper = (None if end is None else end**-2.0 for end in ends)
        precision = self.precision.truncated_variable(pm, f"{name}_precision", numbers, (upper, lower), **options)
        return pm.Deterministic(name, precision**-0.5, **options)

    def pieces(self, name: str, numbers: Mapping[str, np.ndarray], values: np.ndarray) -> dict[str, np.ndarray]:
        return self.precision.pieces(f"{name}_precision", numbers, values**-2.0)

    def truncated_pieces(
        self, name: str, numbers: Mapping[str, np.ndarray], ends: Ends, values: np.ndarray
    ) -> dict[str, np.ndarray]:
        lower, upper = (None if end is None else end**-2.0 for end in ends)
        return self.precision.truncated_pieces(f"{name}_precision", numbers, (upper, lower), values**-2.0)
