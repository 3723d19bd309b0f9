"""Linear predictors of rows to predict for, and their combinations."""

from collections.abc import Sequence

import numpy as np

from bayesml.design.arrays import Design
from bayesml.post.prediction_rows import PredictionRows


def fixed_masks(design: Design) -> np.ndarray:
    """Which coefficients enter each linear predictor, 0 or 1, (K, p)."""
    count = len(design.predictors)
    if count == 1:
        return np.ones((1, len(design.coefficients)))
    return (np.arange(count)[:, None] == np.array(design.fixed_predictors)).astype(float)


def random_masks(design: Design) -> tuple[np.ndarray, ...]:
    """Which columns of each random term enter each linear predictor, 0 or 1, (K, q) a term."""
    count = len(design.predictors)
    if count == 1:
        return tuple(np.ones((1, len(term.names))) for term in design.random)
    own = [np.array(term.predictors) for term in design.random]
    return tuple(((np.arange(count)[:, None] == place) | (place < 0)).astype(float) for place in own)


def fixed_predictors(design: Design, rows: PredictionRows, beta: np.ndarray) -> np.ndarray:
    """X beta + offset of each predictor, (..., m, K) for beta (..., p)."""
    parts = [(beta * mask) @ rows.X.T + rows.offset for mask in fixed_masks(design)]
    return np.stack(parts, axis=-1)


def random_predictors(
    design: Design, rows: PredictionRows, effects: Sequence[np.ndarray], unseen: bool = False
) -> np.ndarray:
    """Z b of each predictor, (..., m, K), for effects (..., J, q) of each term; 0 where a row has none of the levels.

    Parameters
    ----------
    unseen : bool
        Whether the effects are those of the levels that the fit has not seen, in their order.
    """
    count = len(design.predictors)
    out: np.ndarray | float = 0.0
    for term, b, mask in zip(rows.terms, effects, random_masks(design), strict=False):
        codes = term.unseen if unseen else term.codes
        if b.shape[-2]:
            own = np.where(codes[:, None] >= 0, b[..., codes, :], 0.0)
            out = out + np.einsum("mq,...mq,kq->...mk", term.Z, own, mask)
    return out + np.zeros((len(rows.X), count))


def between(design: Design, rows: PredictionRows, covariances: Sequence[np.ndarray]) -> np.ndarray:
    """Covariance (..., m, K, K) over all levels of what the random effects add to the predictors.

    Parameters
    ----------
    covariances : sequence of ndarray (..., q, q)
        G of each term.
    """
    count = len(design.predictors)
    out: np.ndarray | float = 0.0
    for term, G, mask in zip(rows.terms, covariances, random_masks(design), strict=False):
        z = term.Z[:, None, :] * mask
        out = out + np.einsum("mki,...ij,mlj->...mkl", z, G, z)
    return out + np.zeros((len(rows.X), count, count))


def combined_rows(
    design: Design, rows: PredictionRows, weights: np.ndarray
) -> tuple[np.ndarray, tuple[tuple[np.ndarray, np.ndarray], ...]]:
    """Rows of X, and codes and rows of Z, of the combination ``sum_k weights_k eta_k`` of the predictors.

    Parameters
    ----------
    weights : ndarray (m, K)
    """
    X = rows.X * (weights @ fixed_masks(design))
    random = tuple(
        (term.codes, term.Z * (weights @ mask)) for term, mask in zip(rows.terms, random_masks(design), strict=False)
    )
    return X, random
