"""Independent columns with one common variance."""

import numpy as np

from bayesml.covariance.base import Covariance


class Identity(Covariance):
    """One variance for all columns, no correlations: G = sd² I."""

    name = "identity"
    column_freedom = "common"
    correlations = "none"
    common_sd = True

    def basis(self, q: int) -> np.ndarray:
        return np.eye(q)[None]

    def theta(self, G: np.ndarray) -> np.ndarray:
        return np.sqrt(np.mean(np.diag(G)))[None]
