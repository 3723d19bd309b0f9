"""Flat, improper distributions."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import POSITIVE, REAL, Distribution, Ends, Improper
from bayesml.distributions.uniform import Uniform


@dataclass(frozen=True)
class HalfFlat(Improper):
    """Density one on the positive numbers. It does not integrate to one; flat on a standard deviation means this."""

    @property
    def support(self) -> tuple[float, float]:
        return POSITIVE

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.HalfFlat(name, **options)

    def truncated_variable(
        self, pm: ModuleType, name: str, numbers: Mapping[str, Any], ends: Ends, **options: Any
    ) -> Any:
        # as flat from 0 on
        lower = pm.math.zeros_like(ends[1]) if ends[0] is None else pm.math.maximum(ends[0], 0.0)
        return Flat().truncated_variable(pm, name, numbers, (lower, ends[1]), **options)

    def truncated_pieces(
        self, name: str, numbers: Mapping[str, np.ndarray], ends: Ends, values: np.ndarray
    ) -> dict[str, np.ndarray]:
        lower = np.zeros_like(values) if ends[0] is None else np.maximum(ends[0], 0.0)
        return Flat().truncated_pieces(name, numbers, (lower, ends[1]), values)


@dataclass(frozen=True)
class Flat(Improper):
    """Density one on the real numbers; for a standard deviation, on the positive ones. It does not integrate to one."""

    @property
    def support(self) -> tuple[float, float]:
        return REAL

    @property
    def normal_row(self) -> tuple[float, float]:
        return 0.0, 0.0

    @property
    def positive_counterpart(self) -> HalfFlat:
        return HalfFlat()

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.Flat(name, **options)

    def truncated_correlations(
        self, q: int, common: bool, ends: tuple[float, float]
    ) -> tuple[Distribution, ...] | None:
        return Uniform(*ends).partial_correlations(q, common) if all(map(isfinite, ends)) else None

    def truncated_variable(
        self, pm: ModuleType, name: str, numbers: Mapping[str, Any], ends: Ends, **options: Any
    ) -> Any:
        lower, upper = ends
        if lower is not None and upper is not None:
            return pm.Uniform(name, lower=lower, upper=upper, **options)
        distance = pm.HalfFlat(f"{name}_distance", **options)
        return pm.Deterministic(name, upper - distance if lower is None else lower + distance, **options)

    def truncated_pieces(
        self, name: str, numbers: Mapping[str, np.ndarray], ends: Ends, values: np.ndarray
    ) -> dict[str, np.ndarray]:
        lower, upper = ends
        if lower is not None and upper is not None:
            return {name: values}
        return {f"{name}_distance": upper - values if lower is None else values - lower}
