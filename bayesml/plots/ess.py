"""Effective sample sizes of parameters, and how they grew with the draws."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayesml.bayes.quantities import quantity_draws
from bayesml.errors import SpecificationError
from bayesml.plots.colours import BLUE, REFERENCE, VERMILLION
from bayesml.plots.draws import at_least_one, left_out, require_draws
from bayesml.plots.panels import bottom_label, few_ticks, folded, legend, notes, panel_grid, plain, row_label
from bayesml.plots.shared_text import documented
from bayesml.results import diagnostics
from bayesml.results.base import Result
from bayesml.results.selection import Wanted

KINDS = ("parameter", "evolution")
LIMITS = {"parameter": 40, "evolution": 12}
STYLES: dict[str, dict[str, Any]] = {
    "bulk": {"color": BLUE, "marker": "o", "linestyle": "-"},
    "tail": {"color": VERMILLION, "marker": "s", "linestyle": (0, (4, 1.5))},
}
STEPS = 12


@documented
def ess(result: Result, parameters: Wanted = None, kind: str = "parameter", limit: int | None = None) -> Figure:
    """Return a figure of effective sample sizes, bulk and tail, by parameter or as they grew with the draws.

    Parameters
    ----------
    {parameters}
    kind : {"parameter", "evolution"}
        One line a parameter; or one panel a parameter, with the sizes after so many draws a chain.
    limit : int, optional
        Lines (default 40) or panels (default 12) at most; the figure shows those with the smallest sizes and says so.

    Returns
    -------
    matplotlib.figure.Figure
        Parameters by address, the one with the smallest size first.

    Raises
    ------
    SpecificationError
        The result is a likelihood fit, which has no draws; or there is no such kind.
    ColumnNotFound
        There is no such parameter.

    Notes
    -----
    Bulk sizes are about means and medians, tail sizes, the smaller one of the 5 % and 95 % quantiles, about intervals.
    The line to compare with is 100 a chain, below which R-hat and intervals are not to be trusted. Sizes of good chains
    grow in proportion to the draws; where the line bends towards the horizontal, more draws will not help.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Bayesian Analysis 16, 667-718.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> figure = bml.plots.ess(post)
    """
    if kind not in KINDS:
        raise SpecificationError(f'`kind="{kind}"`: effective sample sizes are shown by "parameter" or as "evolution".')
    post = require_draws(result, "ess")
    draws = quantity_draws(post, parameters)
    limit = at_least_one(LIMITS[kind] if limit is None else limit)
    names = list(draws)
    stacked = np.stack(list(draws.values()), axis=-1)
    sizes = {method: diagnostics.ess(stacked, method) for method in STYLES}
    order = np.argsort(np.fmin(sizes["bulk"], sizes["tail"]), kind="stable")[:limit]
    needed = diagnostics.ESS_PER_CHAIN * post.posterior.shape[0]
    if kind == "parameter":
        figure = by_parameter([names[i] for i in order], {method: own[order] for method, own in sizes.items()}, needed)
    else:
        figure = evolution([names[i] for i in order], stacked[..., order], needed)
    handles = [Line2D([], [], label=f"{method} ESS", **style) for method, style in STYLES.items()]
    if kind == "parameter":
        for handle in handles:
            handle.set_linestyle("none")
    legend(figure, [*handles, Line2D([], [], label=f"{needed}: 100 a chain", **REFERENCE)])
    notes(figure, left_out(len(order), len(names), ", those with the smallest effective sample sizes"))
    return figure


def by_parameter(names: list[str], sizes: dict[str, np.ndarray], needed: int) -> Figure:
    """One line a parameter, the smallest size on top."""
    labels = [row_label(name, 48) for name in names]
    step = 0.3 if any("\n" in label for label in labels) else 0.2
    figure, (axes,) = panel_grid(1, size=(6.0, step * len(names) + 0.8))
    axes.axvline(needed, **REFERENCE)
    places = np.arange(len(names))
    both = np.stack(list(sizes.values()))
    axes.hlines(places, both.min(axis=0), both.max(axis=0), color=REFERENCE["color"], linewidth=0.8)
    for method, style in STYLES.items():
        axes.plot(sizes[method], places, **{**style, "linestyle": "none"}, markersize=4.5)
    plain(axes)
    axes.set_yticks(places, labels, fontsize="small")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, None)
    axes.set_xlabel("effective sample size", fontsize="small")
    few_ticks(axes, 6, None)
    return figure


def evolution(names: list[str], draws: np.ndarray, needed: int) -> Figure:
    """One panel a parameter: sizes after so many draws a chain."""
    total = draws.shape[1]
    counts = np.unique(np.linspace(max(4, total // STEPS), total, STEPS).astype(int))
    figure, panels = panel_grid(len(names), size=(2.4, 1.7), sharex=True, sharey=True)
    sizes = {method: np.stack([diagnostics.ess(draws[:, :count], method) for count in counts]) for method in STYLES}
    for i, (axes, name) in enumerate(zip(panels, names, strict=True)):
        draw_evolution(axes, counts, {method: own[:, i] for method, own in sizes.items()}, needed)
        axes.set_title(folded(name, 32), fontsize="small", pad=4)
    bottom_label(panels, "draws of each chain")
    figure.supylabel("effective sample size", fontsize="small")
    return figure


def draw_evolution(axes: Axes, counts: np.ndarray, sizes: dict[str, np.ndarray], needed: int) -> None:
    """Both sizes of a parameter, and what is needed."""
    axes.axhline(needed, **REFERENCE)
    for method, style in STYLES.items():
        axes.plot(counts, sizes[method], markersize=3, linewidth=1.2, **style)
    axes.set_ylim(0, None)
    plain(axes)
    few_ticks(axes)
