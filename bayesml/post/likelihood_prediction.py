"""Predictions from the estimates of a fit."""

import numpy as np

from bayesml.post.prediction_rows import PredictionRows
from bayesml.results.intervals import normal_quantile
from bayesml.results.likelihood import LikelihoodResult

BLOCK_ROWS = 4096
"""Rows at a time: each needs a row of all coefficients and effects of crossed factors."""


def predict_by_estimates(
    result: LikelihoodResult,
    rows: PredictionRows,
    conditional: bool,
    draw_new: bool,
    interval: str | None,
    ci_prob: float,
    rng: np.random.Generator,
    with_se: bool,
) -> dict[str, np.ndarray]:
    """`estimate se lower upper` with normal limits; columns that were not asked for are left out."""
    solution = result.solution
    estimate = rows.X @ solution.beta + rows.offset
    if conditional:
        for term, b in zip(rows.terms, solution.modes(), strict=True):
            estimate += np.where(term.codes >= 0, np.einsum("mq,mq->m", term.Z, b[term.codes]), 0.0)
    if draw_new:
        estimate += drawn_effects(result, rows, rng)
    if not with_se:
        return {"estimate": estimate}
    variance = mean_variance(result, rows, conditional)
    if draw_new:
        variance = variance + sum(
            np.where(term.unseen >= 0, between, 0.0)
            for term, between in zip(rows.terms, between_variances(result, rows), strict=True)
        )
    out = {"estimate": estimate, "se": np.sqrt(variance)}
    if interval is None:
        return out
    if interval == "prediction":
        variance = variance + rows.response_scale(result.sigma) ** 2
        if not conditional:
            variance = variance + sum(between_variances(result, rows))
    half = normal_quantile(ci_prob) * np.sqrt(variance)
    return out | {"lower": estimate - half, "upper": estimate + half}


def mean_variance(result: LikelihoodResult, rows: PredictionRows, conditional: bool) -> np.ndarray:
    """Variance of the means at the estimated variances: of coefficients, or of coefficients and modes jointly.

    By the solution's own columns, not as x'Vx: far from the origin of a covariate that would lose all digits.
    """
    variances = []
    for part in np.array_split(np.arange(len(rows.X)), len(rows.X) // BLOCK_ROWS + 1):
        block = rows.take(part)
        none = np.full(len(part), -1)
        nobody = tuple((none, np.zeros((len(part), len(term.names)))) for term in result.design.random)
        variances.append(result.solution.linear_variance(block.X, block.random if conditional else nobody))
    return np.maximum(np.concatenate(variances), 0.0)


def between_variances(result: LikelihoodResult, rows: PredictionRows) -> list[np.ndarray]:
    """Variance z'Gz over the levels of each term, for every row; nothing where random columns were not read."""
    return [
        np.einsum("mi,ij,mj->m", term.Z, G, term.Z)
        for term, G in zip(rows.terms, result.solution.covariances, strict=False)
    ]


def drawn_effects(result: LikelihoodResult, rows: PredictionRows, rng: np.random.Generator) -> np.ndarray:
    """Contribution of one draw of the effects of each unseen level, (m,)."""
    out = np.zeros(len(rows.X))
    for term, G in zip(rows.terms, result.solution.covariances, strict=False):
        if term.unseen_labels:
            b = rng.multivariate_normal(np.zeros(len(G)), G, len(term.unseen_labels), method="eigh")
            out += np.where(term.unseen >= 0, np.einsum("mq,mq->m", term.Z, b[term.unseen]), 0.0)
    return out
