"""Flat, improper distributions."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from bayesml.distributions.base import POSITIVE, REAL, Improper


@dataclass(frozen=True)
class HalfFlat(Improper):
    """Density one on the positive numbers. It does not integrate to one; flat on a standard deviation means this."""

    @property
    def support(self) -> tuple[float, float]:
        return POSITIVE

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.HalfFlat(name, **options)


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
