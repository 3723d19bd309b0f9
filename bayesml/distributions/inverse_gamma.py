"""Inverse gamma distribution."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import lgamma, log
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import POSITIVE, Distribution, Ends


@dataclass(frozen=True)
class InverseGamma(Distribution):
    """Inverse gamma distribution: 1 / x is gamma with shape alpha and rate beta.

    Parameters
    ----------
    alpha : float
        Shape, > 0; the mean is infinite for alpha <= 1, the variance for alpha <= 2.
    beta : float, default 1
        Scale, > 0.

    Notes
    -----
    As the prior of a *variance*, which is its usual place, write `OnVariance(InverseGamma(a, b))`: priors are
    put on standard deviations here.
    """

    alpha: float
    beta: float = 1.0

    positive = ("alpha", "beta")

    @property
    def support(self) -> tuple[float, float]:
        return POSITIVE

    def times(self, scale: float) -> "InverseGamma":
        return InverseGamma(self.alpha, self.beta * scale)

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        constant = self.alpha * log(self.beta) - lgamma(self.alpha)
        x = np.asarray(x, dtype=float)
        # at 0 the two terms are opposite infinities, and the second wins
        inside = np.where(x > 0, x, 1.0)
        return np.where(x > 0, constant - (self.alpha + 1) * np.log(inside) - self.beta / inside, -np.inf)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        x = np.asarray(x)
        return -(self.alpha + 1) / x + self.beta / x**2

    def scipy(self, stats: ModuleType) -> Any:
        return stats.invgamma(self.alpha, 0, self.beta)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.InverseGamma(name, **numbers, **options)

    def truncated_variable(
        self, pm: ModuleType, name: str, numbers: Mapping[str, Any], ends: Ends, **options: Any
    ) -> Any:
        # PyMC has the quantiles of the gamma distribution only
        lower, upper = (None if end is None else 1.0 / end for end in ends)
        gamma = pm.Gamma.dist(**numbers)
        return pm.Deterministic(
            name, 1.0 / pm.Truncated(f"{name}_inverse", gamma, lower=upper, upper=lower, **options), **options
        )

    def truncated_pieces(
        self, name: str, numbers: Mapping[str, np.ndarray], ends: Ends, values: np.ndarray
    ) -> dict[str, np.ndarray]:
        return {f"{name}_inverse": 1.0 / values}
