"""Independent columns, one variance each."""

import numpy as np

from bayesml.covariance.base import Covariance


class Independent(Covariance):
    """One variance a column, no correlations: G = diag(sd²). What `(x || g)` means."""

    name = "independent"
    column_freedom = "scale"
    correlations = "none"
    common_sd = False

    def basis(self, q: int) -> np.ndarray:
        basis = np.zeros((q, q, q))
        basis[range(q), range(q), range(q)] = 1.0
        return basis

    def theta(self, G: np.ndarray) -> np.ndarray:
        return np.sqrt(np.diag(G))
