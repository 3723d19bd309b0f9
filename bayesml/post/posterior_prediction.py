"""Predictions from the draws of a posterior."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from bayesml.linalg.normal_average import average, covariance_roots, product_rule, sobol_rule
from bayesml.post.prediction_rows import PredictionRows
from bayesml.post.request import Request
from bayesml.post.row_predictors import between, fixed_predictors, random_predictors
from bayesml.results.posterior import flat_draws, row_blocks, term_covariance, term_roots
from bayesml.results.posterior_summary import interval_tails
from bayesml.results.response_scale import family_parameters

COARSE = 0.9
"""Step of the rule that averages over random effects: the error of the draws is larger than that of coarse nodes."""


def predict_by_draws(result: Any, rows: PredictionRows, request: Request) -> dict[str, np.ndarray]:
    """`estimate se lower upper`: mean, sd and equal-tailed quantiles of the draws, by blocks of rows.

    One column of means for each of several values.
    """
    design, post, quantity = result.design, result.posterior, request.quantity
    beta, values = flat_draws(post.beta), ancillary_draws(result)
    effects = [flat_draws(b) for b in result.effects] if request.conditional else []
    parts = list(zip(design.random, post.sds, post.corrs, strict=True))
    roots = [flat_draws(term_roots(*own)) for own in parts]
    covariances = [flat_draws(term_covariance(*own)) for own in parts] if request.averaged else []
    fresh = new_effects(rows, roots, request.rng) if request.draw_new else []
    out = {name: np.empty(len(rows.X)) for name in quantity.columns or columns(request.interval, request.with_se)}
    for part in row_blocks(len(rows.X), len(beta) * len(design.predictors)):
        block = rows.take(np.arange(len(rows.X))[part])
        eta = fixed_predictors(design, block, beta)
        if effects:
            eta += random_predictors(design, block, effects)
        if fresh:
            eta += random_predictors(design, block, fresh, unseen=True)
        if covariances:
            drawn = averaged(block, request, eta, between(design, block, covariances), values)
        else:
            drawn = quantity.function(list(np.moveaxis(eta, -1, 0)), values, block.scale_factor, block.times)
        if quantity.columns:
            for name, own in zip(quantity.columns, drawn.mean(axis=0).T, strict=True):
                out[name][part] = own
            continue
        out["estimate"][part] = drawn.mean(axis=0)
        if request.with_se:
            out["se"][part] = drawn.std(axis=0, ddof=1)
        if request.interval == "prediction":
            drawn = new_responses(result, block, eta[..., 0], values, request, roots)
        if request.interval is not None:
            # Quantiles of counts are counts.
            counts = request.interval == "prediction" and result.model.family.whole
            method: Literal["inverted_cdf", "linear"] = "inverted_cdf" if counts else "linear"
            limits = np.quantile(drawn, interval_tails(request.ci_prob), axis=0, method=method)
            out["lower"][part], out["upper"][part] = limits
    return out


def columns(interval: str | None, with_se: bool) -> list[str]:
    """Columns that were asked for."""
    return ["estimate", *(["se"] if with_se else []), *(["lower", "upper"] if interval else [])]


def ancillary_draws(result: Any) -> list[np.ndarray]:
    """Draws of each parameter of the family, (draws, 1)."""
    return [flat_draws(result.draws(name))[:, None] for name in result.ancillary]


def averaged(
    rows: PredictionRows, request: Request, eta: np.ndarray, S: np.ndarray, values: Sequence[np.ndarray]
) -> np.ndarray:
    """The quantity averaged over the random effects at each draw, (draws, m) or (draws, m, C).

    Parameters
    ----------
    eta : ndarray (draws, m, K)
    S : ndarray (draws, m, K, K)
        Covariance of what the random effects add.
    """
    draws, m, K = eta.shape
    roots = covariance_roots(S.reshape(-1, K, K))
    spreads = np.quantile(np.sqrt((roots**2).sum(axis=1)), 0.99, axis=0)
    rule = product_rule(spreads, COARSE) if roots.shape[2] <= 3 else None

    def function(etas: np.ndarray, places: np.ndarray) -> np.ndarray:
        # Every place is a draw of a row: its parameters and what is known of the row.
        own = [value[places // m] for value in values]
        scale, times = (None if known is None else known[places % m, None] for known in (rows.scale_factor, rows.times))
        return request.quantity.function(list(np.moveaxis(etas, -1, 0)), own, scale, times)

    out = average(function, eta.reshape(-1, K), roots, rule or sobol_rule(roots.shape[2]))
    return out.reshape(draws, m, *out.shape[1:])


def new_effects(rows: PredictionRows, roots: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """One draw of the effects of each unseen level for every posterior draw, (draws, levels, q) a term."""
    return [
        np.einsum("sij,slj->sli", root, rng.standard_normal((len(root), len(term.unseen_labels), root.shape[-1])))
        for term, root in zip(rows.terms, roots, strict=False)
    ]


def new_responses(
    result: Any,
    rows: PredictionRows,
    eta: np.ndarray,
    values: Sequence[np.ndarray],
    request: Request,
    roots: list[np.ndarray],
) -> np.ndarray:
    """A new response of each row at every draw; where they do not belong to levels each is of one taken at random."""
    rows.refuse_unknown_rows()
    if not request.conditional:
        for term, root in zip(rows.terms, roots, strict=False):
            u = request.rng.standard_normal((len(root), len(rows.X), root.shape[-1]))
            eta = eta + np.einsum("mi,sij,smj->sm", term.Z, root, u)
    parameters = family_parameters(
        result.model, result.design.categories, [eta], values, rows.scale_factor, rows.trials
    )
    return rows.proportions(result.model.family.simulate(request.rng, parameters))
