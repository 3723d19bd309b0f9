"""The bare numbers of a likelihood fit: what estimators return and results label."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class Certificate:
    """How a fit ended, as values: what can be checked about the optimum.

    Parameters
    ----------
    converged : bool
        Whether the point is a maximum, on the boundary or inside, within the tolerances below.
    message : str
        How the ascent ended.
    gradient_norm : float
        Largest absolute gradient in the square roots of the covariances on the face it ended on.
    hessian_eigenvalues : ndarray
        Of minus the Hessian there; all positive at a maximum.
    gain_left : float
        Log likelihood still to gain on that face, ``g'(-H)^-1 g / 2``.
    boundary_eigenvalues : ndarray
        Of ``N'(dl/dG)N``, N the null space of G, relative to dl/dG: slopes of the log likelihood into the
        interior. None is positive at a maximum.
    iterations, evaluations : int
    advice : str
        What to do about it; empty where there is nothing to do.
    not_unique : tuple of str
        Random terms whose variances can change without a change of the log likelihood; empty where the maximum
        is the only one nearby.
    """

    converged: bool
    message: str
    gradient_norm: float
    hessian_eigenvalues: np.ndarray
    gain_left: float
    boundary_eigenvalues: np.ndarray
    iterations: int
    evaluations: int
    advice: str = ""
    not_unique: tuple[str, ...] = ()

    def __str__(self) -> str:
        state = "converged" if self.converged else f"not converged ({self.message})"
        text = f"{state}: log likelihood to gain {self.gain_left:.1e}, gradient {self.gradient_norm:.1e}"
        if len(self.boundary_eigenvalues):
            text += f", slope off the boundary {self.boundary_eigenvalues.max():.1e}"
        return text + (f"\n{self.advice}" if self.advice else "")


@dataclass(frozen=True, eq=False)
class VarianceParameters:
    """Variances and covariances with their covariance matrix.

    Parameters
    ----------
    names : tuple
        ``(term, i, j)`` for entry ``G[i, j]``, i >= j, of a random term, then ``"sigma2"``, the square of the scale
        parameter, if it is free, then ``("ancillary", a)`` for every other free parameter of the family, on its
        natural scale, a its place among those of the graph.
        For structures with a common sd only its variance ``(k, 0, 0)`` and, if it has one, ``(k, 1, 0)``.
    estimate : ndarray (v,)
    vcov : ndarray (v, v)
        Inverse observed information (of the restricted likelihood for REML). NaN for what lies on the boundary.
    """

    names: tuple[tuple[int, int, int] | tuple[str, int] | str, ...]
    estimate: np.ndarray
    vcov: np.ndarray


class Solution(Protocol):
    """What a result needs of a fitted model; all on the scale of the user's columns.

    Attributes
    ----------
    criterion : "ml", "reml" or "map"
    integration : str
        How the random effects were integrated out: ``"exact"``, ``"Laplace"``, ``"AGHQ (7 points)"``.
    loglik : float
    beta : ndarray (p,)
    vcov_beta : ndarray (p, p)
    sigma : float
        The scale parameter of the family; 1 without one, or where each row's is known.
    sigma_free : bool
    ancillary_values : sequence of float
        Estimates of all ancillary parameters of the graph, on natural scales.
    covariances : tuple of ndarray (q, q)
        G of each random term.
    n_parameters : int
        Free coefficients, variance parameters and sigma.
    boundary : tuple of str
        Addresses of parameters on the boundary.
    status : Certificate
    loglik_without_random : float
        Same criterion without random effects.
    """

    criterion: str
    integration: str
    loglik: float
    beta: np.ndarray
    vcov_beta: np.ndarray
    sigma: float
    sigma_free: bool
    ancillary_values: Sequence[float]
    covariances: tuple[np.ndarray, ...]
    n_parameters: int
    boundary: tuple[str, ...]
    loglik_without_random: float

    @property
    def status(self) -> Certificate: ...

    def modes(self) -> tuple[np.ndarray, ...]:
        """Conditional modes of b, (levels, q) a term."""
        ...

    def means(self) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]] | None:
        """Means and sds of b given y at fixed parameters, (levels, q) a term; None where they are not known."""
        ...

    def modes_at(self, covariances: Sequence[np.ndarray], sigma: float) -> tuple[np.ndarray, ...]:
        """Conditional modes at other variance parameters, with the coefficients at their optimum there."""
        ...

    def conditional_covariance(self) -> tuple[np.ndarray, ...]:
        """Covariance of b given y at fixed parameters, (levels, q, q) a term."""
        ...

    def comparative_covariance(self) -> tuple[np.ndarray, ...]:
        """The same with the coefficients estimated."""
        ...

    def linear_variance(self, X: np.ndarray, random: tuple[tuple[np.ndarray, np.ndarray], ...]) -> np.ndarray:
        """Variance (rows,) of ``x'(beta - beta_hat) + z'(b - b_hat)``: coefficients and effects estimated jointly.

        Parameters
        ----------
        X : ndarray (rows, p)
        random : tuple of (codes (rows,), Z (rows, q))
            One a random term; where the code is -1 the effect is left out.
        """
        ...

    def joint_variance(
        self, X: np.ndarray, random: tuple[tuple[np.ndarray, np.ndarray], ...], own: np.ndarray
    ) -> np.ndarray:
        """Variance (rows,) of the same plus ``own'(v - v_hat)``, v the parameters of `variance_parameters`.

        Modes move with the coefficients and with the parameters of the family. Parameters without a standard error
        count as known.

        Parameters
        ----------
        X, random
            As above.
        own : ndarray (rows, v)
        """
        ...

    def fitted(self) -> np.ndarray:
        """Conditional linear predictors (n,) or (n, K)."""
        ...

    def variance_parameters(self) -> VarianceParameters:
        """Variances, covariances and ancillary parameters with standard errors."""
        ...

    def cross_covariance(self) -> np.ndarray:
        """Covariance (p, v) of the coefficients with the parameters of `variance_parameters`."""
        ...
