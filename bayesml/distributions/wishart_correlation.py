"""Distribution of one correlation under an inverse Wishart distribution whose scale is not diagonal."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import log, pi
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import Distribution
from bayesml.distributions.forms import Tabulated
from bayesml.errors import SpecificationError

STEP = 1e-5


@dataclass(frozen=True)
class WishartCorrelation(Distribution):
    """Distribution of the correlation of a 2 x 2 inverse Wishart matrix: that of a sample correlation.

    It is what a table shows of a matrix prior; no parameter is given it by itself.

    Parameters
    ----------
    nu : float
        Degrees of freedom of the 2 x 2 matrix, > 1.
    rho : float
        Correlation of the scale matrix, -1 < rho < 1.

    References
    ----------
    Fisher (1915), Biometrika 10:507-521: with nu + 1 observations.
    """

    nu: float
    rho: float

    positive = ("nu",)

    @property
    def support(self) -> tuple[float, float]:
        return -1.0, 1.0

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        x = np.asarray(x, dtype=float)
        return self._by_parts(x, 0.5 * np.log1p(-(x**2)))

    def _by_parts(self, x: np.ndarray, log_sine: np.ndarray, power: int = -3) -> np.ndarray:
        """Log density times ``(1 - x²)^((power + 3) / 2)``, from ``log(1 - x²) / 2``."""
        nu, rho = self.nu, self.rho
        nodes, weights = np.polynomial.legendre.leggauss(200)
        w = (40.0 / nu + 3.0) * (nodes + 1.0) / 2.0
        integrand = np.exp(-nu * np.log(np.cosh(w) - rho * x[..., None]) + nu * np.log(1.0 - rho * x[..., None]))
        integral = (integrand * weights).sum(axis=-1) * (40.0 / nu + 3.0) / 2.0
        constant = log(nu - 1) - log(pi) + nu / 2 * log(1 - rho**2)
        return constant + (nu + power) * log_sine - nu * np.log(1.0 - rho * x) + np.log(integral)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        x = np.asarray(x, dtype=float)
        h = STEP * (1.0 - np.abs(x))
        return (self.log_density(x + h) - self.log_density(x - h)) / (2.0 * h)

    @cached_property
    def _form(self) -> Tabulated:
        # on Fisher's scale the tails fall like exp(-(nu - 1) |z|)
        end = 30.0 / (self.nu - 1) + 3.0 + abs(float(np.arctanh(self.rho)))
        z = np.linspace(-end, end, 4001)
        log_sine = log(2.0) - np.logaddexp(z, -z)
        return Tabulated(z, self._by_parts(np.tanh(z), log_sine, -1), np.tanh, np.arctanh, self.log_density)

    def scipy(self, stats: ModuleType) -> Any:
        return self._form

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        raise SpecificationError("This is the distribution of a correlation that a prior of the whole matrix implies.")
