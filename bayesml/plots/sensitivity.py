"""Power-scaling sensitivity: how much each quantity depends on prior and likelihood, and how it moves by the power."""

from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayesml.bayes.importance import pareto_limit
from bayesml.bayes.sensitivity import LIKELIHOOD, NOTHING, PATH, Sensitivity
from bayesml.bayes.sensitivity import sensitivity as sensitivity_of
from bayesml.errors import SpecificationError
from bayesml.plots.colours import GREY, REFERENCE, line_style, marker_style
from bayesml.plots.panels import bottom_label, few_ticks, folded, heading, legend, notes, panel_grid, plain
from bayesml.results.base import Result, require_result
from bayesml.results.bayesian import BayesianResult
from bayesml.results.sections import percent

MOST_ROWS, MOST_PANELS = 40, 12
POWERS = (0.5, 1.0, 2.0)

Kind = Literal["points", "path"]


def sensitivity(
    found: Sensitivity | Result, kind: Kind = "points", ci_prob: float = 0.95, block: str | None = None
) -> Figure:
    """Return a figure of the power-scaling sensitivity of each quantity.

    Parameters
    ----------
    found : Sensitivity or BayesianResult
        Of `bml.sensitivity`; of a posterior it is computed, with its defaults.
    kind : {"points", "path"}
        ``"points"``: sensitivities to prior and likelihood, one row a quantity. ``"path"``: posterior mean and interval
        of each quantity by the power of the prior, and of the likelihood, from a half to two.
    ci_prob : float, default 0.95
        Content of the intervals of a path.
    block : str, optional
        The priors that are scaled, where `bml.sensitivity` was asked for several blocks; default: the first.

    Returns
    -------
    matplotlib.figure.Figure
        Quantities with a diagnosis have it written beside them. Where the Pareto k of a power is above the limit, its
        marks are hollow. Of more than 40 rows, or 12 panels, those are drawn that the prior moves most.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> figure = bml.plots.sensitivity(bml.sensitivity(post))
    """
    own = found if isinstance(found, Sensitivity) else computed(found)
    if kind not in ("points", "path"):
        raise SpecificationError(f'`kind={kind!r}`: it is "points" or "path".')
    block = own.blocks[0] if block is None else block
    if block not in own.blocks:
        raise SpecificationError(f"No priors `{block}` were scaled; there are {', '.join(own.blocks)}.")
    table = own.table if len(own.table.index.names) == 1 else own.table.loc[block]
    return points(own, table, block) if kind == "points" else path(own, table, block, ci_prob)


def computed(result: Result) -> Sensitivity:
    """The sensitivity of a posterior."""
    require_result(result, "plots.sensitivity")
    if not isinstance(result, BayesianResult):
        raise SpecificationError(
            f"plots.sensitivity() draws what bml.sensitivity() finds of a posterior; a fit by {result.kind} has none. "
            "Sample the model with `bml.sample`."
        )
    return sensitivity_of(result)


def most_sensitive(table: pd.DataFrame, most: int, what: str) -> tuple[pd.DataFrame, str]:
    """The rows to draw, in their order, and what to say of the others."""
    if len(table) <= most:
        return table, ""
    chosen = table["prior"].sort_values(ascending=False, kind="stable").index[:most]
    return table[table.index.isin(chosen)], f"The {most} of {len(table)} {what} that the prior moves most."


def scaled_words(block: str) -> str:
    """What is scaled, in words."""
    words = {
        "all": "all priors",
        "coefficients": "priors of the coefficients",
        "random": "priors of standard deviations and correlations",
        "family": "priors of the parameters of the family",
    }
    return words.get(block, f"the prior of {block}")


# -- points --------------------------------------------------------------------------------------


def points(found: Sensitivity, table: pd.DataFrame, block: str) -> Figure:
    """One row a quantity: sensitivity to prior and to likelihood, the threshold between."""
    table, left_out = most_sensitive(table, MOST_ROWS, "quantities")
    places = np.arange(len(table))[::-1]
    figure, (axes,) = panel_grid(1, size=(7.6, max(1.5, 0.36 * len(table) + 0.8)))
    axes.axvline(found.threshold, **REFERENCE)
    axes.hlines(places, 0, table[["prior", "likelihood"]].max(axis=1), color=GREY, linewidth=0.6, zorder=0)
    for i, name in enumerate(("prior", "likelihood")):
        axes.plot(table[name], places, linestyle="none", markersize=6, **marker_style(i))
    axes.set_yticks(places, [folded(str(name), 34) for name in table.index], fontsize="small")
    axes.set_ylim(-0.7, len(table) - 0.3)
    axes.set_xlim(left=0)
    axes.set_xlabel("sensitivity: Jensen–Shannon distance for each doubling", fontsize="small")
    plain(axes)
    diagnoses = axes.secondary_yaxis("right")
    flagged = [(place, text) for place, text in zip(places, table["diagnosis"], strict=True) if text != NOTHING]
    diagnoses.set_yticks([place for place, _ in flagged], [folded(text, 22) for _, text in flagged], fontsize="x-small")
    diagnoses.tick_params(length=0)
    diagnoses.spines["right"].set_visible(False)
    words = (scaled_words(block), f"{found.likelihood} likelihood")
    handles = [
        Line2D([], [], linestyle="none", markersize=6, label=label, **marker_style(i)) for i, label in enumerate(words)
    ]
    legend(figure, [*handles, Line2D([], [], label=f"threshold {found.threshold:g}", **REFERENCE)])
    notes(figure, left_out)
    return figure


# -- path ----------------------------------------------------------------------------------------


def path(found: Sensitivity, table: pd.DataFrame, block: str, ci_prob: float) -> Figure:
    """One panel a quantity: mean and limits by the power of the prior and of the likelihood."""
    table, left_out = most_sensitive(table, MOST_PANELS, "quantities")
    frame = found.path(PATH, ci_prob, [str(name) for name in table.index])
    frame = frame[frame["scaled"].isin([block, LIKELIHOOD])]
    limit = pareto_limit(found.result.posterior.sigma.size)
    figure, panels = panel_grid(len(table), size=(3.1, 2.3))
    for axes, (name, row) in zip(panels, table.iterrows(), strict=True):
        for i, component in enumerate((block, LIKELIHOOD)):
            own = frame[(frame["quantity"] == name) & (frame["scaled"] == component)]
            draw_path(axes, own, line_style(i), limit)
        axes.axvline(1.0, **REFERENCE)
        axes.set_xscale("log")
        axes.set_xticks(POWERS, [f"{power:g}" for power in POWERS])
        axes.minorticks_off()
        few_ticks(axes, x=None)
        plain(axes)
        heading(axes, str(name), "" if row["diagnosis"] == NOTHING else str(row["diagnosis"]))
    bottom_label(panels, "power")
    words = (scaled_words(block), f"{found.likelihood} likelihood")
    handles = [Line2D([], [], label=label, **line_style(i)) for i, label in enumerate(words)]
    legend(figure, handles, title="to a power:")
    unsure = frame["pareto_k"].max() > limit
    notes(
        figure,
        f"Posterior means, and {percent(ci_prob)} intervals as thin lines.",
        f"Hollow marks: Pareto k above {limit:.2f}, not to be relied on." if unsure else "",
        left_out,
    )
    return figure


def draw_path(axes: Axes, own: pd.DataFrame, style: dict[str, Any], limit: float) -> None:
    """One component: the mean, the limits, and hollow marks where weights do not serve."""
    axes.plot(own["alpha"], own["mean"], linewidth=1.8, **style)
    for name in ("lower", "upper"):
        axes.plot(own["alpha"], own[name], linewidth=0.9, **style)
    bad = own[own["pareto_k"] > limit]
    axes.plot(
        bad["alpha"], bad["mean"], linestyle="none", marker="o", markersize=4.5, markerfacecolor="white",
        markeredgecolor=style["color"], color=style["color"],
    )  # fmt: skip
