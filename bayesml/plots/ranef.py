"""Caterpillar plots: the random effects of each level, in order, with intervals."""

import math
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesml.errors import SpecificationError
from bayesml.plots.colours import BLUE, REFERENCE
from bayesml.plots.intervals import term_intervals
from bayesml.plots.panels import Plot, apart, few_ticks, folded, notes, plain, shortened
from bayesml.results.base import GroupDict, Result, require_result
from bayesml.results.bayesian import BayesianResult
from bayesml.results.sections import percent

MOST_LABELS = 80
"""Labels of levels in a panel at most; of more levels every second one, or third, … has its label."""


def ranef(result: Result, group: str | Sequence[str] | None = None, ci_prob: float = 0.95, sort: bool = True) -> Figure:
    """Return a figure of the random effects by grouping factor: one panel a column, one line a level.

    Parameters
    ----------
    result : LikelihoodResult or BayesianResult
    group : str or sequence of str, optional
        Grouping factors; default: all, side by side.
    ci_prob : float, default 0.95
        Content of the intervals, between 0 and 1.
    sort : bool, default True
        Order the levels by their first effect; else they stand in their own order.

    Returns
    -------
    matplotlib.figure.Figure
        Levels on the vertical axis with the user's own labels, in the same order in each panel of a grouping factor. Of
        more than 80 levels every second one, or third, … has its label, which the figure says.

    Raises
    ------
    SpecificationError
        The model has no random term, or `ci_prob` is not between 0 and 1.
    ColumnNotFound
        There is no such grouping factor.

    Notes
    -----
    Points and lines are posterior medians and equal-tailed intervals of the draws; for a fit conditional modes
    ``± z sd``, with the sd of the effect given the data at the estimated parameters.

    Intervals that do not overlap are no test of a difference: effects of two levels are correlated,
    and the many comparisons count.

    Examples
    --------
    >>> import bayesml as bml
    >>> fit = bml.fit("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))
    >>> figure = bml.plots.ranef(fit)
    """
    require_result(result, "plots.ranef")
    groups = terms_by_group(result, group)
    random = result.design.random
    columns = {name: sum(len(random[k].names) for k in terms) for name, terms in groups.items()}
    count, most = sum(columns.values()), max(len(random[terms[0]].levels) for terms in groups.values())
    width = min(3.0, max(1.5, 9.0 / count))
    figure, panels = plt.subplots(
        1, count, figsize=(width * count + 0.9 * len(groups), min(max(0.16 * most + 1.1, 2.2), 10.5)), squeeze=False,
        layout="constrained", FigureClass=Plot,
    )  # fmt: skip
    apart(figure)
    place, thinned = 0, []
    for name, terms in groups.items():
        own = list(panels[0, place : place + columns[name]])
        place += columns[name]
        titles = [column for k in terms for column in random[k].names]
        step = draw_group(own, result, terms, ci_prob, sort)
        for axes, title in zip(own, titles, strict=True):
            axes.set_title(
                folded(title if len(groups) == 1 else f"{title} | {name}", int(11 * width)), fontsize="medium"
            )
        own[0].set_ylabel(name)
        if step > 1:
            thinned.append(f"Of {name} one level in {step} is labelled.")
    notes(figure, f"Differences from the population: {what_intervals(result, ci_prob)}.", *thinned)
    return figure


def terms_by_group(result: Result, group: str | Sequence[str] | None) -> dict[str, list[int]]:
    """Positions of the random terms of each grouping factor asked for."""
    if not result.design.random:
        raise SpecificationError("plots.ranef() draws random effects: the model has none.")
    found = GroupDict({})
    for k, term in enumerate(result.design.random):
        found.setdefault(term.group, []).append(k)
    if group is None:
        return found
    wanted = [group] if isinstance(group, str) else list(group)
    return {result.design.random[found[name][0]].group: found[name] for name in wanted}


def what_intervals(result: Result, ci_prob: float) -> str:
    """What points and lines are, in words."""
    if isinstance(result, BayesianResult):
        return f"posterior medians with {percent(ci_prob)} credible intervals"
    return f"conditional modes with {percent(ci_prob)} intervals at the estimated parameters"


def draw_group(panels: Sequence[Axes], result: Result, terms: list[int], ci_prob: float, sort: bool) -> int:
    """The panels of a grouping factor; returns in what steps its levels are labelled."""
    centre, lower, upper = (
        np.concatenate(parts, axis=1)
        for parts in zip(*(term_intervals(result, k, ci_prob) for k in terms), strict=True)
    )
    levels = len(centre)
    order = np.argsort(centre[:, 0], kind="stable") if sort else np.arange(levels)[::-1]
    for i, axes in enumerate(panels):
        draw_column(axes, centre[order, i], lower[order, i], upper[order, i])
        if i:
            axes.sharey(panels[0])
        axes.tick_params(labelleft=i == 0)
    step = math.ceil(levels / MOST_LABELS)
    labels = result.design.random[terms[0]].level_labels
    shown = order[::step]
    size = "small" if levels <= 30 else "x-small"
    panels[0].set_yticks(np.arange(0, levels, step), [shortened(labels[i], 36) for i in shown], fontsize=size)
    panels[0].set_ylim(-1, levels)
    return step


def draw_column(axes: Axes, centre: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> None:
    """Points and intervals of one column."""
    crowded = len(centre) > MOST_LABELS
    axes.axvline(0.0, zorder=0, **REFERENCE)
    axes.errorbar(
        centre, range(len(centre)), xerr=np.abs([centre - lower, upper - centre]), fmt="o", color=BLUE,
        markersize=2 if crowded else 3.5, linewidth=0.7 if crowded else 1.3,
    )  # fmt: skip
    plain(axes)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    few_ticks(axes, 4, None)
