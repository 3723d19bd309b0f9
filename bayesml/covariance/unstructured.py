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

    def chart(self, G: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        order, rank = pivots(G)
        L = semidefinite_cholesky(G[np.ix_(order, order)])
        rows, columns = np.tril_indices(len(G), m=rank)
        basis = np.zeros((len(rows), len(G), len(G)))
        basis[range(len(rows)), order[rows], columns] = 1.0
        return basis, L[rows, columns]

    def faces(self, G: np.ndarray) -> list[np.ndarray]:
        values, vectors = np.linalg.eigh(G)
        _, rank = pivots(G)
        if rank == 0:
            return []
        keep = vectors[:, len(G) - rank + 1 :]
        return [(keep * values[len(G) - rank + 1 :]) @ keep.T]

    def exits(self, G: np.ndarray, gradient: np.ndarray) -> list[tuple[float, np.ndarray]]:
        _, rank = pivots(G)
        null = np.linalg.eigh(G)[1][:, : len(G) - rank]
        slopes, directions = np.linalg.eigh(null.T @ gradient @ null)
        return [(float(s), np.outer(null @ d, null @ d)) for s, d in zip(slopes, directions.T, strict=True)]


SMALLEST_EIGENVALUE = 1e-13  # relative to the largest: below, it is rounding
WELL_SEPARATED = 0.01  # part of a variance that earlier columns leave: smaller pivots multiply rounding


def pivots(G: np.ndarray) -> tuple[np.ndarray, int]:
    """Order of the rows, keeping the first that will do, in which Cholesky pivots vanish last; and the rank of G."""
    values = np.linalg.eigvalsh(G)
    rank = int(np.sum(values > SMALLEST_EIGENVALUE * max(values[-1], 0.0)))
    order, S = np.arange(len(G)), G.copy()
    for r in range(rank):
        left = np.diag(S)[order[r:]]
        at = r + (0 if left[0] > WELL_SEPARATED * G[order[r], order[r]] else int(left.argmax()))
        order[r], order[at] = order[at], order[r]
        j = order[r]
        S = S - np.outer(S[:, j], S[j]) / S[j, j]
    return order, rank


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
