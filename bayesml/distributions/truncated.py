"""A distribution restricted to an interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite, log
from numbers import Real
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import Distribution, scipy_stats
from bayesml.distributions.forms import Restricted
from bayesml.errors import SpecificationError


@dataclass(frozen=True)
class Truncated(Distribution):
    """A distribution restricted to an interval, its density divided by the mass that it has there.

    Parameters
    ----------
    distribution : Distribution
        Of one number: proper, or `Flat` or `HalfFlat`, which between two ends are uniform.
    lower, upper : float, optional
        Ends of the interval on the scale of the parameter; at least one. An end outside the support says nothing.

    Raises
    ------
    SpecificationError
        No end, ends in the wrong order, an interval without mass, or a distribution that is not one of a single number.

    Notes
    -----
    The mode of a posterior (`criterion="map"`) may lie at an end, where its gradient is not zero; sampling does not
    mind.

    Examples
    --------
    >>> import bayesml as bml
    >>> str(bml.Truncated(bml.Normal(0, 10), lower=0))
    'Truncated(Normal(0, 10), lower=0)'
    """

    distribution: Distribution
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        inner = self.distribution
        if not isinstance(inner, Distribution) or inner.of != "number" or inner.fixed is not None:
            raise SpecificationError(
                f"Truncated takes a distribution of one number, such as Normal(0, 1), not {inner}."
            )
        for key in ("lower", "upper"):
            value = getattr(self, key)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, Real) or not isfinite(value):
                raise SpecificationError(f"{self.name}({inner}, {key}={value!r}): {key} must be a finite number.")
            object.__setattr__(self, key, float(value))
        if isinstance(inner, Truncated):
            lower, upper = self._inside(inner.support)
            object.__setattr__(self, "distribution", inner.distribution)
            object.__setattr__(self, "lower", lower if isfinite(lower) else None)
            object.__setattr__(self, "upper", upper if isfinite(upper) else None)
        if self.lower is None and self.upper is None:
            raise SpecificationError(f"{self.name}({inner}): give lower, upper or both.")
        if not self.support[0] < self.support[1] or not isfinite(self.log_mass):
            raise SpecificationError(f"{self}: nothing of {self.distribution} lies in this interval.")

    def _inside(self, support: tuple[float, float]) -> tuple[float, float]:
        """The part of an interval between the ends."""
        lower, upper = support
        return (
            lower if self.lower is None else max(lower, self.lower),
            upper if self.upper is None else min(upper, self.upper),
        )

    @property
    def ends(self) -> dict[str, float]:
        """The ends that were given."""
        return {key: value for key, value in (("lower", self.lower), ("upper", self.upper)) if value is not None}

    @property
    def numbers(self) -> dict[str, float]:
        return self.distribution.numbers | {f"truncation_{key}": value for key, value in self.ends.items()}

    @property
    def kind(self) -> str:
        return "_".join([f"{self.name}({self.distribution.kind})", *self.ends])

    def __str__(self) -> str:
        return f"{self.name}({self.distribution}, {', '.join(f'{key}={end:.5g}' for key, end in self.ends.items())})"

    def times(self, scale: float) -> "Truncated":
        return Truncated(self.distribution.times(scale), **{key: end * scale for key, end in self.ends.items()})

    def moved(self, by: float) -> "Truncated":
        return Truncated(self.distribution.moved(by), **{key: end + by for key, end in self.ends.items()})

    @property
    def support(self) -> tuple[float, float]:
        return self._inside(self.distribution.support)

    @property
    def improper(self) -> bool:
        return self.distribution.improper and not (isfinite(self.support[0]) and isfinite(self.support[1]))

    @property
    def positive_counterpart(self) -> Distribution | None:
        if self.support[0] >= 0:
            return self
        positive = self.distribution.positive_counterpart
        if positive is None or self.support[1] <= 0:
            return None
        return Truncated(positive, upper=self.upper) if self.upper is not None else positive

    def partial_correlations(self, q: int, common: bool) -> tuple[Distribution, ...] | None:
        return self.distribution.truncated_correlations(q, common, self.support)

    @cached_property
    def log_mass(self) -> float:
        """Log of the mass that the distribution has in the interval; of a flat one its length, 0 if infinite."""
        lower, upper = self.support
        if self.improper:
            return 0.0
        if self.distribution.improper:
            return log(upper - lower)
        mass = Restricted(self.distribution.scipy(scipy_stats()), lower, upper).mass
        return log(mass) if mass > 0 else -inf

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        x = np.asarray(x, dtype=float)
        lower, upper = self.support
        outside = (x < lower) | (x > upper)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(outside, -np.inf, self.distribution.log_density(x) - self.log_mass)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        return self.distribution.slope(x)

    def scipy(self, stats: ModuleType) -> Any:
        lower, upper = self.support
        if self.improper:
            return None
        if self.distribution.improper:
            return stats.uniform(lower, upper - lower)
        return Restricted(self.distribution.scipy(stats), lower, upper)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        ends = numbers.get("truncation_lower"), numbers.get("truncation_upper")
        own = {key: numbers[key] for key in self.distribution.numbers}
        return self.distribution.truncated_variable(pm, name, own, ends, **options)

    def pieces(self, name: str, numbers: Mapping[str, np.ndarray], values: np.ndarray) -> dict[str, np.ndarray]:
        ends = numbers.get("truncation_lower"), numbers.get("truncation_upper")
        own = {key: numbers[key] for key in self.distribution.numbers}
        return self.distribution.truncated_pieces(name, own, ends, values)
