"""Predictions from the estimates of a fit."""

import numpy as np
import pandas as pd

from bayesml.post.prediction_rows import PredictionRows
from bayesml.results.intervals import normal_quantile
from bayesml.results.likelihood import LikelihoodResult


def predict_by_estimates(
    result: LikelihoodResult,
    rows: PredictionRows,
    ranef: str,
    new_levels: str,
    interval: str | None,
    ci_prob: float,
    rng: np.random.Generator,
    with_se: bool,
) -> pd.DataFrame:
    """`estimate se lower upper` with normal limits."""
    solution = result.solution
    estimate = rows.X @ solution.beta + rows.offset
    if ranef == "conditional":
        for term, b in zip(rows.terms, solution.modes(), strict=True):
            estimate += np.where(term.codes >= 0, np.einsum("mq,mq->m", term.Z, b[term.codes]), 0.0)
        if new_levels == "draw":
            estimate += drawn_effects(result, rows, rng)
    if not with_se:
        return pd.DataFrame({"estimate": estimate})
    variance = mean_variance(result, rows, ranef, new_levels)
    frame = pd.DataFrame({"estimate": estimate, "se": np.sqrt(variance)})
    if interval is None:
        return frame
    if interval == "prediction":
        variance = variance + result.model.family.variance(estimate, rows.response_scale(result.sigma))
        if ranef == "marginal":
            variance = variance + sum(between_variance(result, rows, k) for k in range(len(rows.terms)))
    half = normal_quantile(ci_prob) * np.sqrt(variance)
    return frame.assign(lower=estimate - half, upper=estimate + half)


def mean_variance(result: LikelihoodResult, rows: PredictionRows, ranef: str, new_levels: str) -> np.ndarray:
    """Variance of the predicted means; that of a drawn level is the variance of its effects."""
    if ranef != "conditional" or not rows.terms:
        return np.maximum(np.einsum("mi,ij,mj->m", rows.X, result.solution.vcov_beta, rows.X), 0.0)
    variance = result.solution.linear_variance(rows.X, rows.random)
    if new_levels == "draw":
        for k, term in enumerate(rows.terms):
            variance = variance + np.where(term.unseen >= 0, between_variance(result, rows, k), 0.0)
    return variance


def between_variance(result: LikelihoodResult, rows: PredictionRows, k: int) -> np.ndarray:
    """Variance z'Gz of one term's contribution to each row over its levels."""
    Z = rows.terms[k].Z
    return np.einsum("mi,ij,mj->m", Z, result.solution.covariances[k], Z)


def drawn_effects(result: LikelihoodResult, rows: PredictionRows, rng: np.random.Generator) -> np.ndarray:
    """Contribution of one draw of the effects of each unseen level."""
    out = np.zeros(len(rows.X))
    for term, G in zip(rows.terms, result.solution.covariances, strict=True):
        if term.unseen_labels:
            b = rng.multivariate_normal(np.zeros(len(G)), G, len(term.unseen_labels), method="eigh")
            out += np.where(term.unseen >= 0, np.einsum("mq,mq->m", term.Z, b[term.unseen]), 0.0)
    return out
