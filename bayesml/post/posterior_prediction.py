"""Predictions from the draws of a posterior."""

from typing import Any, Literal

import numpy as np

from bayesml.post.prediction_rows import PredictionRows
from bayesml.post.request import Request
from bayesml.post.row_draws import RowDraws
from bayesml.results.posterior_summary import interval_tails


def predict_by_draws(result: Any, rows: PredictionRows, request: Request) -> dict[str, np.ndarray]:
    """`estimate se lower upper`: mean, sd and equal-tailed quantiles of the draws, by blocks of rows.

    One column of means for each of several values.
    """
    quantity = request.quantity
    drawn = RowDraws(result, rows, request.ranef, request.draw_new, request.seed)
    out = {name: np.empty(len(rows.X)) for name in quantity.columns or columns(request.interval, request.with_se)}
    for block in drawn.blocks():
        own, part = block.quantity(quantity), block.part
        if quantity.columns:
            for name, mean in zip(quantity.columns, own.mean(axis=0).T, strict=True):
                out[name][part] = mean
            continue
        out["estimate"][part] = own.mean(axis=0)
        if request.with_se:
            out["se"][part] = spread(own)
        new = request.interval == "prediction"
        if request.interval is not None:
            values = block.rows.proportions(block.response()) if new else own
            out["lower"][part], out["upper"][part] = quantiles(
                values, interval_tails(request.ci_prob), new and result.model.family.whole
            )
    return out


def quantiles(draws: np.ndarray, probabilities: list[float], counts: bool) -> np.ndarray:
    """Quantiles of draws along the first axis; those of counts are counts."""
    method: Literal["inverted_cdf", "linear"] = "inverted_cdf" if counts else "linear"
    return np.quantile(draws, probabilities, axis=0, method=method)


def spread(draws: np.ndarray) -> np.ndarray:
    """Standard deviation of draws along the first axis; NaN of a single one."""
    return draws.std(axis=0, ddof=1) if len(draws) > 1 else np.full(draws.shape[1:], np.nan)


def columns(interval: str | None, with_se: bool) -> list[str]:
    """Columns that were asked for."""
    return ["estimate", *(["se"] if with_se else []), *(["lower", "upper"] if interval else [])]
