"""Inverse Wishart distribution of covariance matrices."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite, lgamma, log, pi
from numbers import Real
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from bayesml.distributions.base import POSITIVE, Distribution
from bayesml.distributions.inverse_gamma import InverseGamma
from bayesml.distributions.on_variance import OnVariance
from bayesml.distributions.scaled_beta import ScaledBeta
from bayesml.distributions.wishart_correlation import WishartCorrelation
from bayesml.errors import SpecificationError

SINGULAR = 1e-14
"""Determinant of a correlation matrix that is 0 but for rounding."""

Matrix = float | tuple[float, ...] | tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class InverseWishart(Distribution):
    """Distribution of the covariance matrix G of a random term with an unstructured covariance.

    ``log p(G) = const - (nu + q + 1) / 2 log det(G) - tr(scale G^-1) / 2`` for q columns. It is given by the address
    of the group, `cov(Subject)`, and takes the place of the priors of its standard deviations and correlations.

    Parameters
    ----------
    nu : float, optional
        Degrees of freedom, > q - 1. Default: q + 1, under which, with a diagonal scale, each correlation is uniform.
    scale : float, tuple of float, or tuple of tuple of float, default 1
        A number times the identity, a diagonal, or a positive definite q x q matrix by rows, in the units of G:
        variances and covariances, not standard deviations. The mean of G is scale / (nu - q - 1) where nu > q + 1.

    Notes
    -----
    The variance of column i is inverse gamma with shape (nu - q + 1) / 2 and scale ``scale[i, i] / 2``. Standard
    deviations and correlations depend on each other: large correlations go with large deviations. Its density as one
    of standard deviations and correlations, as posterior modes have it, has the factor ``2^q prod(sd^q)``.

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, third edition, appendix A; Barnard, McCulloch and Meng (2000),
    Statistica Sinica 10:1281-1311, section 2.

    Examples
    --------
    >>> import bayesml as bml
    >>> str(bml.InverseWishart(3, 1))
    'InverseWishart(3, 1)'
    >>> priors = {"cov(Subject)": bml.InverseWishart(3, (500, 30))}
    >>> model = bml.Model("Reaction ~ Days + (Days | Subject)", priors=priors)
    """

    nu: float | None = None
    scale: Matrix = 1.0

    of: ClassVar[str] = "covariance matrix"

    def __post_init__(self) -> None:
        nu = self.nu
        if nu is not None and (isinstance(nu, bool) or not isinstance(nu, Real) or not isfinite(nu) or not nu > 0):
            raise SpecificationError(f"{self.name}(nu={nu!r}): nu must be a number above 0, or be left out.")
        object.__setattr__(self, "nu", None if nu is None else float(nu))
        try:
            scale = np.array(self.scale, dtype=float)
        except (TypeError, ValueError):
            scale = np.empty((0, 0, 0))
        if scale.ndim > 2 or scale.size == 0 or (scale.ndim == 2 and scale.shape[0] != scale.shape[1]):
            raise SpecificationError(
                f"{self.name}(scale={self.scale!r}): give a number, a tuple of numbers (the diagonal), or a square "
                "matrix as a tuple of its rows."
            )
        square = np.atleast_1d(scale) if scale.ndim < 2 else scale
        symmetric = scale.ndim < 2 or np.allclose(square, square.T, rtol=1e-12)
        values = square if scale.ndim < 2 else np.linalg.eigvalsh((square + square.T) / 2)
        if not (symmetric and np.isfinite(square).all() and values.min() > 0):
            raise SpecificationError(f"{self.name}(scale={self.scale!r}): scale must be positive definite.")
        own = tuple(map(tuple, scale.tolist())) if scale.ndim == 2 else scale.tolist()
        object.__setattr__(self, "scale", tuple(own) if isinstance(own, list) else own)

    @property
    def numbers(self) -> dict[str, float]:
        return {}

    def __str__(self) -> str:
        nu = "" if self.nu is None else f"{self.nu:.5g}, "
        return f"{self.name}({nu}{'' if nu else 'scale='}{written(self.scale)})"

    def for_columns(self, q: int, group: str) -> "InverseWishart":
        """The same with its degrees of freedom, for q columns.

        Raises
        ------
        SpecificationError
            Too few degrees of freedom, or a scale of another size.
        """
        scale = np.asarray(self.scale)
        if scale.ndim and len(scale) != q:
            raise SpecificationError(
                f"{self} is a prior of {len(scale)} x {len(scale)} matrices; `cov({group})` is {q} x {q}."
            )
        if self.nu is not None and not self.nu > q - 1:
            raise SpecificationError(f"{self}: with {q} columns nu must be above {q - 1}; {q + 1} is the usual choice.")
        return replace(self, nu=float(q + 1)) if self.nu is None else self

    def matrix(self, q: int) -> np.ndarray:
        """The scale as a matrix (q, q)."""
        scale = np.asarray(self.scale, dtype=float)
        return scale if scale.ndim == 2 else np.diag(np.broadcast_to(scale, q))

    def times(self, scale: float) -> "InverseWishart":
        return self.with_scale(np.asarray(self.scale) * float(scale) ** 2)

    def times_each(self, scales: np.ndarray) -> "InverseWishart":
        own = self.matrix(len(scales)) * np.outer(scales, scales)
        return self.with_scale(np.diag(own) if np.asarray(self.scale).ndim < 2 else own)

    def with_scale(self, scale: np.ndarray) -> "InverseWishart":
        """The same with another scale: a number, one a column, or a matrix."""
        return replace(self, scale=tuple(map(tuple, scale.tolist())) if scale.ndim == 2 else tuple_of(scale))

    # -- what follows for each parameter -----------------------------------------------------------

    def sd(self, i: int, q: int) -> Distribution:
        """Distribution of the standard deviation of column i of q."""
        assert self.nu is not None
        return OnVariance(InverseGamma((self.nu - q + 1) / 2, float(self.matrix(q)[i, i]) / 2))

    def correlation(self, i: int, j: int, q: int) -> Distribution:
        """Distribution of the correlation of columns i and j of q."""
        assert self.nu is not None
        S = self.matrix(q)
        rho = float(S[i, j] / np.sqrt(S[i, i] * S[j, j]))
        shape = (self.nu - q + 1) / 2
        return WishartCorrelation(self.nu - q + 2, rho) if rho else ScaledBeta(shape, shape)

    # -- density and draws ---------------------------------------------------------------------------

    def constant(self, q: int) -> float:
        """Constant of the log density of standard deviations and correlations."""
        assert self.nu is not None
        nu = self.nu
        of_gammas = q * (q - 1) / 4 * log(pi) + sum(lgamma((nu - j) / 2) for j in range(q))
        return nu / 2 * float(np.linalg.slogdet(self.matrix(q))[1]) - nu * q / 2 * log(2) - of_gammas + q * log(2)

    def log_density_of(self, G: np.ndarray) -> np.ndarray:
        """Log density of standard deviations and correlations, at covariance matrices.

        Parameters
        ----------
        G : ndarray (..., q, q)

        Returns
        -------
        ndarray (...)
            -inf where G is singular.
        """
        assert self.nu is not None
        q = G.shape[-1]
        sign, log_det = np.linalg.slogdet(G)
        with np.errstate(divide="ignore", invalid="ignore"):
            # what is left of the determinant of the correlations, above rounding
            left = log_det - np.log(np.diagonal(G, axis1=-2, axis2=-1)).sum(axis=-1)
            regular = (sign > 0) & (left > log(SINGULAR))
        safe = np.where(regular[..., None, None], G, np.eye(q))
        trace = np.einsum("...ij,ji->...", np.linalg.inv(safe), self.matrix(q))
        log_sds = 0.5 * np.log(np.diagonal(safe, axis1=-2, axis2=-1)).sum(axis=-1)
        value = self.constant(q) - (self.nu + q + 1) / 2 * log_det - trace / 2 + q * log_sds
        return np.where(regular, value, -np.inf)

    def slope_of(self, root: np.ndarray) -> np.ndarray:
        """Derivative of `log_density_of` in a square root (q, q) of G that has an inverse."""
        assert self.nu is not None
        q = len(root)
        inverse = np.linalg.inv(root)
        own = inverse.T @ inverse @ self.matrix(q) @ inverse.T
        return own - (self.nu + q + 1) * inverse.T + q * root / np.sum(root**2, axis=1)[:, None]

    def draws(self, q: int, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Covariance matrices ``(*shape, q, q)``, by Bartlett's decomposition."""
        assert self.nu is not None
        A = np.zeros((*shape, q, q))
        for i in range(q):
            A[..., i, i] = np.sqrt(rng.chisquare(self.nu - i, size=shape))
            A[..., i, :i] = rng.standard_normal((*shape, i))
        # G^-1 = U A A' U' with U U' = scale^-1
        U = np.linalg.cholesky(np.linalg.inv(self.matrix(q)))
        root = np.linalg.inv(U @ A)
        return np.swapaxes(root, -1, -2) @ root

    # -- what a distribution of one number has ---------------------------------------------------------

    @property
    def support(self) -> tuple[float, float]:
        return POSITIVE

    @property
    def positive_counterpart(self) -> None:
        return None

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        raise self._no_number

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        raise self._no_number

    def scipy(self, stats: ModuleType) -> Any:
        raise self._no_number

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        raise self._no_number

    @property
    def _no_number(self) -> SpecificationError:
        return SpecificationError(f"{self} is a distribution of covariance matrices, not of one number.")


def tuple_of(values: np.ndarray) -> float | tuple[float, ...]:
    """A number, or numbers as a tuple."""
    return float(values) if values.ndim == 0 else tuple(values.tolist())


def written(scale: Matrix) -> str:
    """A scale as it is given, with five digits."""
    return f"({', '.join(written(part) for part in scale)})" if isinstance(scale, tuple) else f"{scale:.5g}"
