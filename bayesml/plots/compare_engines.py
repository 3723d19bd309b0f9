"""Estimates of every engine beside the posterior's intervals, parameter by parameter."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayesml.bayes.compare_engines import APART, ENGINES, EngineComparison
from bayesml.errors import SpecificationError
from bayesml.plots.colours import GREY, PALE, REFERENCE, marker_style
from bayesml.plots.panels import folded, legend, notes, panel_grid, plain
from bayesml.results.sections import percent

ORDER = tuple(ENGINES)
MOST_ROWS = 40
FURTHEST = 5.0
"""Posterior sds from the median beyond which a mode is drawn at the edge, as an arrow."""


def compare_engines(comparison: EngineComparison) -> Figure:
    """Return a figure of the estimates of every engine: one row a parameter, in posterior sds from its median.

    Parameters
    ----------
    comparison : EngineComparison
        Of `bml.compare_engines`.

    Returns
    -------
    matplotlib.figure.Figure
        Lines are the posterior's intervals; marks the modes, median and mean. The pale stripe is a quarter posterior
        sd to either side of the median: where a mark lies outside, the reason stands to the right. What lies more
        than 5 sds away is an arrow at the edge. Of more than 40 parameters those are drawn whose engines part most.

    Examples
    --------
    >>> import bayesml as bml
    >>> found = bml.compare_engines(
    ...     "Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff2"), random_seed=1, progressbar=False
    ... )
    >>> figure = bml.plots.compare_engines(found)
    """
    if not (hasattr(comparison, "table") and hasattr(comparison, "ci_prob")):
        raise SpecificationError(
            f"plots.compare_engines() draws what `bml.compare_engines` returns; {type(comparison).__name__} is none."
        )
    table, left_out = drawn(comparison.table)
    engines = [name for name in ENGINES if table[name].notna().any()]
    places = np.arange(len(table))[::-1]
    figure, (axes,) = panel_grid(1, size=(8.2, max(1.6, 0.38 * len(table) + 0.9)))
    axes.axvspan(-APART, APART, color=PALE, zorder=0, linewidth=0)
    axes.axvline(0.0, **REFERENCE)
    scaled = table[[*engines, "lower", "upper"]].sub(table["median"], axis=0).div(table["sd"], axis=0)
    axes.hlines(places, scaled["lower"], scaled["upper"], color=GREY, linewidth=1.6, zorder=1)
    for i, name in enumerate(engines):
        # marks at the same value would hide each other
        shift = 0.36 * ((i + 0.5) / len(engines) - 0.5)
        draw_engine(axes, scaled[name].to_numpy(), places - shift, marker_style(ORDER.index(name)))
    axes.set_yticks(places, [folded(str(address)) for address in table.index], fontsize="small")
    axes.set_ylim(-0.7, len(table) - 0.3)
    axes.set_xlabel("distance from the posterior median, in posterior sds", fontsize="small")
    plain(axes)
    reasons = axes.secondary_yaxis("right")
    flagged = [(place, folded(reason, 30)) for place, reason in zip(places, table["reason"], strict=True) if reason]
    reasons.set_yticks([place for place, _ in flagged], [text for _, text in flagged], fontsize="x-small")
    reasons.tick_params(length=0)
    reasons.spines["right"].set_visible(False)
    legend(figure, [handle(name) for name in engines])
    notes(
        figure,
        f"Lines are {percent(comparison.ci_prob)} posterior intervals; the stripe is {APART:g} sd to either side.",
        left_out,
    )
    return figure


def drawn(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The rows to draw, in their order, and what to say of the others."""
    if len(table) <= MOST_ROWS:
        return table, ""
    worst = table["part"].sort_values(ascending=False, kind="stable").index[:MOST_ROWS]
    return table[table.index.isin(worst)], f"The {MOST_ROWS} of {len(table)} parameters whose engines part most."


def draw_engine(axes: Axes, values: np.ndarray, places: np.ndarray, style: dict[str, Any]) -> None:
    """Marks of one engine; arrows at the edges for what lies beyond."""
    near = np.abs(values) <= FURTHEST
    axes.plot(values[near], places[near], linestyle="none", markersize=5, **style)
    for side, marker in ((-1, "<"), (1, ">")):
        far = side * values > FURTHEST
        axes.plot(
            np.full(far.sum(), side * FURTHEST), places[far], linestyle="none", color=style["color"], marker=marker
        )


def handle(name: str) -> Line2D:
    """What stands in the legend for an engine."""
    return Line2D([], [], linestyle="none", label=ENGINES[name], markersize=5, **marker_style(ORDER.index(name)))
