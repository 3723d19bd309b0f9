"""The mode of a compiled density and the curvature there: where chains start and how they are scaled."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayesml.estimators.nutpie_model import Affine

Evaluate = Callable[[np.ndarray], tuple[float, np.ndarray]]

# Above this size differences of gradients cost more than adaptation saves.
MAX_SIZE = 200
MAX_ITERATIONS = 60


@dataclass(frozen=True, eq=False)
class Mode:
    """A mode of a log density on the unconstrained scale.

    Parameters
    ----------
    x : ndarray, shape (n,)
    covariance : ndarray, shape (n, n)
        Inverse of the negative Hessian; where that is not positive definite, of the nearest
        matrix with absolute eigenvalues.
    converged : bool
        Whether the gain that a quadratic promises, `g'H⁻¹g / 2`, is below 1e-6.
    """

    x: np.ndarray
    covariance: np.ndarray
    converged: bool

    @property
    def affine(self) -> Affine:
        """Coordinates in which the density is standard normal to second order."""
        rows, columns = np.tril_indices(len(self.x))
        return Affine.of_entries(self.x, rows, columns, np.linalg.cholesky(self.covariance)[rows, columns])


def find_mode(evaluate: Evaluate, start: np.ndarray) -> Mode | None:
    """Mode by Newton steps on exact gradients and central differences of them.

    It only has to be good enough to start from: sampling does not depend on it.

    Parameters
    ----------
    evaluate : callable
        From a point (n,) to the log density and its gradient (n,); NaN outside the domain.
    start : ndarray, shape (n,)

    Returns
    -------
    Mode or None
        None where the density is not finite at the start, or n is above `MAX_SIZE`.
    """
    x = np.array(start, float)
    value, gradient = evaluate(x)
    if len(x) > MAX_SIZE or not np.isfinite(value):
        return None
    width = 1e-3 * (1.0 + np.abs(x))
    converged = False
    for _ in range(MAX_ITERATIONS):
        scale, eigenvalues, vectors = _curvature(evaluate, x, width)
        covariance = (scale[:, None] * vectors / eigenvalues) @ vectors.T * scale
        width = 1e-4 * scale
        step = covariance @ gradient
        gain = 0.5 * gradient @ step
        if converged := gain < 1e-6:
            break
        for _ in range(60):
            new_value, new_gradient = evaluate(x + step)
            if new_value > value + 1e-4 * gradient @ step:
                break
            step /= 2.0
        else:
            break
        x, value, gradient = x + step, new_value, new_gradient
    return Mode(x, (covariance + covariance.T) / 2.0, converged)


def _curvature(evaluate: Evaluate, x: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scales (n,), and eigenvalues and vectors of the scaled negative Hessian, made positive."""
    n = len(x)
    H = np.zeros((n, n))
    for i in range(n):
        shift = np.zeros(n)
        shift[i] = width[i]
        H[i] = (evaluate(x - shift)[1] - evaluate(x + shift)[1]) / (2.0 * width[i])
    H = np.nan_to_num((H + H.T) / 2.0)
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(H)), np.finfo(float).tiny ** 0.5))
    eigenvalues, vectors = np.linalg.eigh(scale[:, None] * H * scale)
    return scale, np.maximum(np.abs(eigenvalues), 1e-3), vectors
