"""Everything that tells whether a parameter's chains have mixed, side by side."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayesml.bayes.quantities import quantity_draws
from bayesml.plots.chains import (
    DIVERGING,
    draw_autocorrelations,
    draw_ranks,
    draw_trace,
    patch,
)
from bayesml.plots.colours import BLACK, VERMILLION
from bayesml.plots.densities import density_curve
from bayesml.plots.draws import at_least_one, by_rhat, left_out, mixing_texts, require_draws
from bayesml.plots.panels import Plot, apart, bare_vertical, chain_handles, few_ticks, legend, notes, plain
from bayesml.plots.shared_text import documented
from bayesml.results import diagnostics as measures
from bayesml.results.base import Result
from bayesml.results.bayesian import BayesianResult
from bayesml.results.selection import Wanted

HALVES: dict[str, dict[str, Any]] = {
    "first": {"color": BLACK, "linestyle": "-"},
    "second": {"color": VERMILLION, "linestyle": (0, (4, 1.5))},
}
COLUMNS = ("trace: draw", "ranks among all draws", "autocorrelation: lag", "density of halves")


@documented
def diagnostics(result: Result, parameters: Wanted = None, limit: int = 6) -> Figure:
    """Return a figure with one row a parameter: trace, ranks, autocorrelation and density of both halves.

    Parameters
    ----------
    result : BayesianResult
    parameters : str or sequence of str, optional
        Addresses (`Days`), groups of them (`sd(Subject)`, `b(Subject)`) and patterns (`b(Days | *)`). Default: all but
        the random effects, and those random effects that were sampled and have an R-hat above 1.01.
    limit : int, default 6
        Rows at most. Those with the largest R-hat are shown, the largest first; the figure says how many are not.

    Returns
    -------
    matplotlib.figure.Figure
        Each row is titled by the address, R-hat, and bulk and tail effective sample size.

    Raises
    ------
    {refusals}

    Notes
    -----
    What Stata's `bayesgraph diagnostics` shows, with ranks in the place of the histogram. Good: R-hat at most 1.01,
    effective sample sizes of at least 100 a chain; traces that lie on one another; ranks in the grey area; correlations
    that fall into the grey area soon; the same density in the first half of the chains and in the second. `trace`,
    `rank`, `autocorrelation` and `density` say more of each.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> figure = bml.plots.diagnostics(post)
    """
    post = require_draws(result, "diagnostics")
    candidates = candidate_draws(post, parameters)
    shown = {address: candidates[address] for address in by_rhat(candidates, at_least_one(limit))}
    mixing = mixing_texts(shown)
    diverging = post.posterior.stats["diverging"].astype(bool)
    count, chains = len(shown), post.posterior.shape[0]
    figure, grid = plt.subplots(
        count, 4, figsize=(9.0, 1.5 * count + 0.9), squeeze=False, layout="constrained", FigureClass=Plot
    )
    apart(figure)
    for panels, (address, values) in zip(grid, shown.items(), strict=True):
        draw_row(panels, values, diverging)
        panels[0].set_title(f"{address}    {mixing[address]}", fontsize="small", loc="left", pad=5)
    for axes, label in zip(grid[-1], COLUMNS, strict=True):
        axes.set_xlabel(label, fontsize="small")
    halves = [Line2D([], [], label=f"{half} half", **style) for half, style in HALVES.items()]
    marks = [Line2D([], [], label="divergent transition", **DIVERGING)] if diverging.any() else []
    legend(figure, [*(chain_handles(chains) if chains > 1 else ()), patch("if independent (95%)"), *halves, *marks])
    notes(figure, left_out(count, len(candidates), ", those with the largest R-hat"))
    return figure


def candidate_draws(post: BayesianResult, parameters: Wanted) -> dict[str, np.ndarray]:
    """Draws of the parameters asked for; by default of all, with those random effects that have not mixed."""
    found = quantity_draws(post, parameters)
    if parameters is None and post.posterior.effects is not None and post.design.random:
        effects = quantity_draws(post, "b")
        unmixed = measures.rhat(np.stack(list(effects.values()), axis=-1)) > measures.RHAT_LIMIT
        found |= {address: effects[address] for address, own in zip(effects, unmixed, strict=True) if own}
    return found


def draw_row(panels: Sequence[Axes], values: np.ndarray, diverging: np.ndarray) -> None:
    """The four panels of a parameter."""
    trace, ranks, correlations, halves = panels
    for axes, draw in ((trace, draw_trace), (ranks, draw_ranks), (correlations, draw_autocorrelations)):
        plain(axes)
        draw(axes, values, diverging)
    middle = values.shape[1] // 2
    for part, style in zip((values[:, :middle], values[:, middle:]), HALVES.values(), strict=True):
        halves.plot(*density_curve(part), linewidth=1.3, **style)
    halves.set_ylim(0, None)
    bare_vertical(halves)
    few_ticks(halves, y=None)
