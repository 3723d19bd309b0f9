"""Codes of categories."""

import numpy as np


def up_to(probabilities: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Probability of a code up to y, of the probabilities (..., C) of all of them; y -1 is below all."""
    below = np.cumsum(probabilities, axis=-1)
    below[..., -1] = 1.0
    shape = np.broadcast_shapes(np.shape(y), below.shape[:-1])
    codes = np.broadcast_to(np.asarray(y).astype(np.int64), shape)
    below = np.broadcast_to(below, (*shape, below.shape[-1]))
    found = np.take_along_axis(below, np.maximum(codes, 0)[..., None], axis=-1)[..., 0]
    return np.where(codes < 0, 0.0, found)
