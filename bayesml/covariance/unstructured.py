"""All variances and correlations free."""

import numpy as np

from bayesml.covariance.base import Covariance


class Unstructured(Covariance):
    """All variances and correlations free: G any positive semidefinite matrix. What `(x | g)` means."""

    name = "unstructured"
    column_freedom = "linear"
    correlations = "all"
    common_sd = False

    def basis(self, q: int) -> np.ndarray:
        rows, columns = np.tril_indices(q)
        basis = np.zeros((len(rows), q, q))
        basis[range(len(rows)), rows, columns] = 1.0
        return basis

    def theta(self, G: np.ndarray) -> np.ndarray:
        return semidefinite_cholesky(G)[np.tril_indices(len(G))]


def semidefinite_cholesky(G: np.ndarray) -> np.ndarray:
    """Lower triangular L with LL' = G, for G (q, q) positive semidefinite; pivots below rounding are 0."""
    q = len(G)
    L = np.zeros((q, q))
    for j in range(q):
        pivot = G[j, j] - L[j, :j] @ L[j, :j]
        if pivot > 1e-14 * G[j, j]:
            L[j, j] = np.sqrt(pivot)
            L[j + 1 :, j] = (G[j + 1 :, j] - L[j + 1 :, :j] @ L[j, :j]) / L[j, j]
    return L
