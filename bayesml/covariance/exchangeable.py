"""One variance and one correlation for all pairs of columns."""

import numpy as np

from bayesml.covariance.base import Covariance

ROUNDING = 1e-14  # of the largest eigenvalue: what sums of a singular G leave where they should cancel


class Exchangeable(Covariance):
    """Common variance and common correlation: G = sd² ((1 - corr) I + corr J), J all ones.

    -1/(q - 1) <= corr <= 1. The eigenvalues of G are ``sd² (1 + (q - 1) corr)`` for the mean of
    the columns and ``sd² (1 - corr)`` for their contrasts; theta holds their square roots.
    """

    name = "exchangeable"
    column_freedom = "common"
    correlations = "one"
    common_sd = True

    def basis(self, q: int) -> np.ndarray:
        mean = np.full((q, q), 1.0 / q)
        return np.stack([mean, np.eye(q) - mean]) if q > 1 else mean[None]

    def theta(self, G: np.ndarray) -> np.ndarray:
        q = len(G)
        mean = G.sum() / q
        contrasts = (np.trace(G) - mean) / max(q - 1, 1)
        eigenvalues = np.array([mean, contrasts][: min(q, 2)])
        eigenvalues[eigenvalues < ROUNDING * eigenvalues.max()] = 0.0
        return np.sqrt(np.maximum(eigenvalues, 0.0))
