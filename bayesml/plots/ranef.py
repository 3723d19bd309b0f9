"""Caterpillar plots: the random effects of each level, in order, with intervals."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesml.errors import SpecificationError
from bayesml.plots.colours import BLUE, GREY
from bayesml.results.base import Result
from bayesml.results.intervals import normal_quantile

MOST_LABELS = 60


def ranef(result: Result, group: str | None = None, ci_prob: float = 0.95, sort: bool = True) -> Figure:
    """Return a figure of the random effects of a grouping factor: one panel a column, one line a level.

    Points are conditional modes (posterior medians of a sample), lines ``± z sd`` with the sd of the
    effect given the data: at fixed parameters for a fit, the posterior sd for a sample.

    Parameters
    ----------
    result : LikelihoodResult or BayesianResult
    group : str, optional
        The grouping factor; default: that of the first random term.
    ci_prob : float, default 0.95
        Content of the intervals, between 0 and 1.
    sort : bool, default True
        Order the levels by their first effect; else they stand in their own order.

    Returns
    -------
    matplotlib.figure.Figure
        Levels on the vertical axis with the user's own labels, the same order in each panel.

    Raises
    ------
    SpecificationError
        The model has no random term.
    ColumnNotFound
        There is no such grouping factor.

    Notes
    -----
    Intervals that do not overlap are no test of a difference: effects of two levels are correlated,
    and the many comparisons count.

    Examples
    --------
    >>> import bayesml as bml
    >>> fit = bml.fit("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))
    >>> figure = bml.plots.ranef(fit)
    """
    effects, sds = frames(result, group)
    order = effects.iloc[:, 0].argsort(kind="stable").to_numpy() if sort else np.arange(len(effects))[::-1]
    labels = [":".join(map(str, label)) if isinstance(label, tuple) else str(label) for label in effects.index[order]]
    q = effects.shape[1]
    height = min(max(0.19 * len(effects) + 1.1, 2.5), 12)
    figure, panels = plt.subplots(
        1, q, figsize=(3.0 * q + 0.8, height), sharey=True, squeeze=False, layout="constrained"
    )
    z = normal_quantile(ci_prob)
    for position, axes in enumerate(panels.flat):
        draw_column(axes, effects.iloc[order, position].to_numpy(), z * sds.iloc[order, position].to_numpy())
        axes.set_title(str(effects.columns[position]), fontsize="medium")
    first = panels.flat[0]
    if len(labels) <= MOST_LABELS:
        first.set_yticks(range(len(labels)), labels, fontsize="small")
    else:
        first.set_yticks([])
    first.set_ylabel(f"{effects.index.name or group or result.design.random[0].group}")
    figure.supxlabel(f"difference from the population, with {100 * ci_prob:.6g}% intervals", fontsize="small")
    return figure


def draw_column(axes: Axes, centre: np.ndarray, half_width: np.ndarray) -> None:
    """Points and intervals of one column."""
    axes.axvline(0.0, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    axes.errorbar(centre, range(len(centre)), xerr=half_width, fmt="o", color=BLUE, markersize=3.5, linewidth=1.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize="small")
    axes.margins(y=0.02)


def frames(result: Result, group: str | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Effects and their sds, levels × columns."""
    if not result.design.random:
        raise SpecificationError("plots.ranef() draws random effects: the model has none.")
    chosen = group or result.design.random[0].group
    return result.ranef[chosen], result.ranef_se[chosen]
