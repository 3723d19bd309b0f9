"""Student's t distribution."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import lgamma, log, pi
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import REAL, Distribution
from bayesml.distributions.half_student_t import HalfStudentT


@dataclass(frozen=True)
class StudentT(Distribution):
    """Student's t distribution.

    Parameters
    ----------
    nu : float
        Degrees of freedom, > 0.
    mu : float, default 0
        Location.
    sigma : float, default 1
        Scale, > 0; the standard deviation is larger, and infinite for nu <= 2.
    """

    nu: float
    mu: float = 0.0
    sigma: float = 1.0

    positive = ("nu", "sigma")

    @property
    def support(self) -> tuple[float, float]:
        return REAL

    @property
    def positive_counterpart(self) -> Distribution | None:
        return HalfStudentT(self.nu, self.sigma) if self.mu == 0 else None

    def times(self, scale: float) -> "StudentT":
        return StudentT(self.nu, self.mu * scale, self.sigma * scale)

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        nu, z = self.nu, (np.asarray(x) - self.mu) / self.sigma
        constant = lgamma((nu + 1) / 2) - lgamma(nu / 2) - 0.5 * log(nu * pi) - log(self.sigma)
        return constant - (nu + 1) / 2 * np.log1p(z**2 / nu)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        z = (np.asarray(x) - self.mu) / self.sigma
        return -(self.nu + 1) * z / (self.nu + z**2) / self.sigma

    def scipy(self, stats: ModuleType) -> Any:
        return stats.t(self.nu, self.mu, self.sigma)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.StudentT(name, **numbers, **options)
