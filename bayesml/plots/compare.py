"""Models by how well they do: differences from the best one, with their errors."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesml.errors import SpecificationError
from bayesml.plots.colours import BLUE, GREY, REFERENCE
from bayesml.plots.panels import few_ticks, folded, notes, panel_grid, plain
from bayesml.results.intervals import normal_quantile
from bayesml.results.sections import percent

SHOWN = {
    "loo": ("elpd_diff", "dse", "weight"),
    "aic": ("delta", None, "weight"),
    "bic": ("delta", None, "weight"),
    "dic": ("delta", None, None),
    "evidence": ("log_bayes_factor", "mcse", "probability"),
}
"""For each criterion the column that is drawn, that of its error, and that written beside it."""

WORDS = {
    "loo": "difference of elpd from the best model, with {ci} intervals",
    "aic": "difference of AIC from the best model",
    "bic": "difference of BIC from the best model",
    "dic": "difference of DIC from the best model",
    "evidence": "log Bayes factor against the best model, with {ci} Monte-Carlo intervals",
}


def compare(comparison: pd.DataFrame, ci_prob: float = 0.95) -> Figure:
    """Return a figure of a comparison: one row a model, its difference from the best one.

    Parameters
    ----------
    comparison : DataFrame
        Of `bml.compare`.
    ci_prob : float, default 0.95
        Content of the intervals ``± z error``: of differences of elpd by their standard error, of Bayes factors by
        that of the draws. Other criteria have none.

    Returns
    -------
    matplotlib.figure.Figure
        The best model on top; weights or probabilities of the models are written on the right.

    Raises
    ------
    SpecificationError
        The table is no comparison.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> fits = {f: bml.fit(f"Reaction ~ {f} + (1 | Subject)", sleep, criterion="ml") for f in ("1", "Days")}
    >>> figure = bml.plots.compare(bml.compare(fits, by="aic"))
    """
    by = criterion(comparison)
    column, error, weight = SHOWN[by]
    places = np.arange(len(comparison))[::-1]
    values = comparison[column].to_numpy(float)
    figure, (axes,) = panel_grid(1, size=(6.4, max(1.4, 0.34 * len(comparison) + 0.7)))
    axes.axvline(0.0, **REFERENCE)
    if error is not None:
        half = normal_quantile(ci_prob) * np.nan_to_num(comparison[error].to_numpy(float))
        axes.hlines(places, values - half, values + half, color=GREY, linewidth=1.6, zorder=1)
    axes.plot(values, places, "o", color=BLUE, markersize=6, zorder=2)
    axes.set_yticks(places, [folded(str(name), 34) for name in comparison.index], fontsize="small")
    axes.set_ylim(-0.6, len(comparison) - 0.4)
    axes.set_xlabel(WORDS[by].format(ci=percent(ci_prob)), fontsize="small")
    plain(axes)
    few_ticks(axes, x=7, y=None)
    if weight is not None:
        beside(axes, places, weight, comparison[weight].to_numpy(float))
    direction = "Left is worse." if by in ("loo", "evidence") else "Right is worse."
    notes(figure, direction, warning(comparison) if by == "loo" else "")
    return figure


def criterion(comparison: pd.DataFrame) -> str:
    """By what models were compared."""
    by = comparison.attrs.get("by") if isinstance(comparison, pd.DataFrame) else None
    if by in SHOWN:
        return str(by)
    raise SpecificationError("plots.compare() draws the table of `bml.compare`.")


def beside(axes: Axes, places: np.ndarray, title: str, values: np.ndarray) -> None:
    """Weights of the models on the right."""
    right = axes.secondary_yaxis("right")
    right.set_yticks(places, [f"{value:.2f}" for value in values], fontsize="small")
    right.tick_params(length=0)
    right.spines["right"].set_visible(False)
    right.set_ylabel(title, fontsize="small")


def warning(comparison: pd.DataFrame) -> str:
    """What ArviZ says of differences and of Pareto k."""
    small = sorted({text for text in comparison["diag_diff"] if text})
    bad = [str(name) for name, text in comparison["diag_elpd"].items() if text]
    texts = [f"Intervals are rough: {', '.join(small)}."] if small else []
    return " ".join([*texts, *([f"Bad Pareto k: {', '.join(bad)}."] if bad else [])])
