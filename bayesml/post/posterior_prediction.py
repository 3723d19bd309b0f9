"""Predictions from the draws of a posterior."""

from typing import Any

import numpy as np

from bayesml.post.prediction_rows import PredictionRows
from bayesml.results.posterior import flat_draws, row_blocks, term_roots
from bayesml.results.posterior_summary import interval_tails


def predict_by_draws(
    result: Any,
    rows: PredictionRows,
    conditional: bool,
    draw_new: bool,
    interval: str | None,
    ci_prob: float,
    rng: np.random.Generator,
    with_se: bool,
) -> dict[str, np.ndarray]:
    """`estimate se lower upper`: mean, sd and equal-tailed quantiles of the draws, by blocks of rows."""
    post = result.posterior
    beta, sigma = flat_draws(post.beta), flat_draws(post.sigma)[:, None]
    effects = [flat_draws(b) for b in result.effects] if conditional else []
    roots = [flat_draws(term_roots(*parts)) for parts in zip(result.design.random, post.sds, post.corrs, strict=True)]
    fresh = new_effects(rows, roots, rng) if draw_new else []
    out = {name: np.empty(len(rows.X)) for name in columns(interval, with_se)}
    for part in row_blocks(len(rows.X), len(beta)):
        block = rows.take(np.arange(len(rows.X))[part])
        mean = beta @ block.X.T + block.offset
        for term, b in zip(block.terms, effects, strict=False):
            mean += contribution(term.Z, b, term.codes)
        for term, b in zip(block.terms, fresh, strict=False):
            mean += contribution(term.Z, b, term.unseen)
        out["estimate"][part] = mean.mean(axis=0)
        if with_se:
            out["se"][part] = mean.std(axis=0, ddof=1)
        if interval == "prediction":
            mean = new_responses(result, block, mean, sigma, [] if conditional else roots, rng)
        if interval is not None:
            out["lower"][part], out["upper"][part] = np.quantile(mean, interval_tails(ci_prob), axis=0)
    return out


def columns(interval: str | None, with_se: bool) -> list[str]:
    """Columns that were asked for."""
    return ["estimate", *(["se"] if with_se else []), *(["lower", "upper"] if interval else [])]


def contribution(Z: np.ndarray, b: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """z'b of each draw and row, (draws, m); 0 where the code is -1."""
    if b.shape[1] == 0:
        return np.zeros((len(b), len(Z)))
    return np.where(codes >= 0, np.einsum("mq,smq->sm", Z, b[:, codes]), 0.0)


def new_effects(rows: PredictionRows, roots: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """One draw of the effects of each unseen level for every posterior draw, (draws, levels, q) a term."""
    return [
        np.einsum("sij,slj->sli", root, rng.standard_normal((len(root), len(term.unseen_labels), root.shape[-1])))
        for term, root in zip(rows.terms, roots, strict=False)
    ]


def new_responses(
    result: Any,
    rows: PredictionRows,
    mean: np.ndarray,
    sigma: np.ndarray,
    roots: list[np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray:
    """A new response of each row at every draw; with `roots` each row is of a level taken at random."""
    for term, root in zip(rows.terms, roots, strict=False):
        u = rng.standard_normal((len(root), len(rows.X), root.shape[-1]))
        mean = mean + np.einsum("mi,sij,smj->sm", term.Z, root, u)
    family = result.model.family
    parameters = family.at(result.model.link, [mean], [rows.response_scale(sigma)], np)
    return family.simulate(rng, parameters)
