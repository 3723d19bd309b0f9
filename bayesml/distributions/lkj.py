"""LKJ distribution of correlation matrices."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.distributions.base import Distribution
from bayesml.distributions.scaled_beta import ScaledBeta
from bayesml.errors import SpecificationError


@dataclass(frozen=True)
class LKJ(Distribution):
    """Distribution of a correlation matrix, density proportional to ``det(R)^(eta - 1)``.

    Parameters
    ----------
    eta : float, default 1
        Shape, > 0. With 1 all correlation matrices are equally likely; larger values draw correlations towards 0.

    Notes
    -----
    The partial correlation of columns i > j given the columns before j is, independently of the others, a beta
    variable on (-1, 1) with both parameters ``eta + (q - 2 - j) / 2`` (j from 0). Of exchangeable matrices the
    same density is taken, as one of their common correlation on ``(-1 / (q - 1), 1)``.

    References
    ----------
    Lewandowski, Kurowicka and Joe (2009), Generating random correlation matrices based on vines and extended onion
    method, Journal of Multivariate Analysis 100, section 2.4.
    """

    eta: float = 1.0

    positive = ("eta",)
    of = "correlations"

    @property
    def support(self) -> tuple[float, float]:
        return -1.0, 1.0

    @property
    def positive_counterpart(self) -> None:
        return None

    def partial_correlations(self, q: int, common: bool) -> tuple[Distribution, ...] | None:
        if not common:
            shapes = self.eta + (q - 2 - np.tril_indices(q, -1)[1]) / 2
            return tuple(ScaledBeta(shape, shape) for shape in shapes)
        shape = (q - 1) * (self.eta - 1) + 1
        if shape <= 0:
            raise SpecificationError(f"{self} does not integrate over {q} x {q} exchangeable matrices: take eta >= 1.")
        return (ScaledBeta(self.eta, shape, -1 / (q - 1), 1),)

    def marginal(self, q: int, common: bool) -> Distribution:
        """Distribution of one correlation of q columns."""
        first = self.partial_correlations(q, common)
        assert first is not None
        return first[0]

    def log_density_of(self, log_det: float, q: int) -> float:
        """Log density of a q x q correlation matrix R, free but for its unit diagonal.

        Parameters
        ----------
        log_det : float
            Logarithm of the determinant of R.
        q : int
        """
        constant = 0.0
        for k in range(1, q):
            shape = self.eta + (q - 1 - k) / 2
            constant += (q - k) * float(ScaledBeta(shape, shape).log_density(0.0))
        # the density of the partial correlations carries the determinant's power less its Jacobian, whose
        # value at R = I is one
        return constant + ((self.eta - 1) * log_det if self.eta != 1 else 0.0)

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        """Log density of the correlation of two columns."""
        return ScaledBeta(self.eta, self.eta).log_density(x)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        return ScaledBeta(self.eta, self.eta).slope(x)

    def scipy(self, stats: ModuleType) -> Any:
        """The correlation of two columns."""
        return ScaledBeta(self.eta, self.eta).scipy(stats)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        raise SpecificationError(f"{self} is a distribution of correlations, not of one number.")
