"""Half-t distribution."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, inf, lgamma, log, pi, sqrt
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import POSITIVE, Distribution, Ends


@dataclass(frozen=True)
class HalfStudentT(Distribution):
    """Absolute value of a Student t variable of location 0.

    Parameters
    ----------
    nu : float
        Degrees of freedom, > 0.
    sigma : float, default 1
        Scale, > 0.

    References
    ----------
    Gelman (2006), Prior distributions for variance parameters in hierarchical models, Bayesian Analysis 1, section 3.2.
    """

    nu: float
    sigma: float = 1.0

    positive = ("nu", "sigma")

    @property
    def support(self) -> tuple[float, float]:
        return POSITIVE

    def times(self, scale: float) -> "HalfStudentT":
        return HalfStudentT(self.nu, self.sigma * scale)

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        nu, z = self.nu, np.asarray(x) / self.sigma
        constant = log(2) + lgamma((nu + 1) / 2) - lgamma(nu / 2) - 0.5 * log(nu * pi) - log(self.sigma)
        return constant - (nu + 1) / 2 * np.log1p(z**2 / nu)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        z = np.asarray(x) / self.sigma
        return -(self.nu + 1) * z / (self.nu + z**2) / self.sigma

    def scipy(self, stats: ModuleType) -> Any:
        return FoldedT(stats.t(self.nu, 0, self.sigma), self.nu, self.sigma)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        return pm.HalfStudentT(name, **numbers, **options)

    def truncated_variable(
        self, pm: ModuleType, name: str, numbers: Mapping[str, Any], ends: Ends, **options: Any
    ) -> Any:
        # PyMC has the distribution function of the whole t only
        whole = pm.StudentT.dist(nu=numbers["nu"], mu=0.0, sigma=numbers["sigma"])
        lower = 0.0 if ends[0] is None else pm.math.maximum(ends[0], 0.0)
        return pm.Truncated(name, whole, lower=lower, upper=ends[1], **options)


@dataclass(frozen=True)
class FoldedT:
    """The half-t distribution in the interface of SciPy, which has none: from that of the whole t."""

    whole: Any
    nu: float
    sigma: float

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        return log(2) + self.whole.logpdf(x)

    def cdf(self, x: np.ndarray) -> np.ndarray:
        return 1 - self.sf(x)

    def sf(self, x: np.ndarray) -> np.ndarray:
        return 2 * self.whole.sf(np.maximum(x, 0.0))

    def ppf(self, q: np.ndarray) -> np.ndarray:
        return self.whole.ppf((1 + np.asarray(q)) / 2)

    def isf(self, q: np.ndarray) -> np.ndarray:
        return self.whole.isf(np.asarray(q) / 2)

    def expect(self, func: Callable[[Any], Any], lb: float | None = None, ub: float | None = None) -> float:
        return 2 * float(self.whole.expect(func, lb=max(lb or 0.0, 0.0), ub=ub))

    def rvs(self, size: Any = None, random_state: Any = None) -> np.ndarray:
        return np.abs(self.whole.rvs(size, random_state=random_state))

    def mean(self) -> float:
        nu = self.nu
        if nu <= 1:
            return inf
        return 2 * self.sigma * sqrt(nu / pi) * exp(lgamma((nu + 1) / 2) - lgamma(nu / 2)) / (nu - 1)

    def std(self) -> float:
        return sqrt(self.sigma**2 * self.nu / (self.nu - 2) - self.mean() ** 2) if self.nu > 2 else inf
