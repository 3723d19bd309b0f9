"""Draws of each two parameters against each other."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayesml.errors import SpecificationError
from bayesml.plots.colours import BLUE, DIVERGENCE, PALE
from bayesml.plots.densities import density_curve
from bayesml.plots.draws import require_draws, shown_draws
from bayesml.plots.panels import Plot, few_ticks, folded, legend, notes, plain
from bayesml.results.base import Result
from bayesml.results.selection import Wanted

POINTS = 1000
NAME_WIDTH = 20


def pairs(result: Result, parameters: Wanted = None, limit: int = 6) -> Figure:
    """Return a figure of the draws of each two parameters, divergent transitions marked, and of their correlations.

    Parameters
    ----------
    result : BayesianResult
    parameters : str or sequence of str, optional
        Two or more: addresses (`Days`), groups of them (`sd(Subject)`, `b(Subject)`) and patterns (`b(Days | *)`).
        Default: all but the random effects.
    limit : int, default 6
        Rows and columns at most; of more parameters those with the largest R-hat are shown, which the figure says.

    Returns
    -------
    matplotlib.figure.Figure
        On the diagonal the density of each parameter; below it points, at most 1000 evenly chosen draws and all that
        diverged, with the correlation of all draws above them.

    Raises
    ------
    SpecificationError
        The result is a likelihood fit, which has no draws; or there is one parameter alone.
    ColumnNotFound
        There is no such parameter.

    Notes
    -----
    A ridge means that the data tell a combination of the two parameters and not each. Divergent transitions that come
    together in one place, often where a standard deviation is small, mean that the sampler could not get in there, and
    that the posterior of the parameters is biased: raise `target_accept`, or give the standard deviation a prior that
    keeps it away from there. Some scattered everywhere are less of a worry.

    References
    ----------
    Gabry, Simpson, Vehtari, Betancourt & Gelman (2019), Journal of the Royal Statistical Society A 182, 389-402.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> figure = bml.plots.pairs(post, ["Days", "sd(Subject)"])
    """
    post = require_draws(result, "pairs")
    shown, told = shown_draws(post, parameters, limit, worst=True)
    if len(shown) < 2:
        raise SpecificationError(
            f"plots.pairs() draws parameters against each other: give two or more, not {next(iter(shown))} alone."
        )
    count, names = len(shown), list(shown)
    values = np.stack([draws.ravel() for draws in shown.values()])
    diverging = post.posterior.stats["diverging"].astype(bool).ravel()
    drawn = np.linspace(0, values.shape[1] - 1, min(POINTS, values.shape[1])).astype(int)
    correlations = correlation_matrix(values)
    figure = plt.figure(figsize=(1.5 * count + 0.8, 1.4 * count + 0.8), layout="constrained", FigureClass=Plot)
    places = figure.add_gridspec(count, count)
    for j in range(count):
        marginal = figure.add_subplot(places[j, j])
        draw_marginal(marginal, values[j])
        for i in range(j + 1, count):
            axes = figure.add_subplot(places[i, j], sharex=marginal)
            draw_points(axes, values[j], values[i], drawn, diverging)
            axes.set_title(f"r = {correlations[i, j]:.2f}".replace("-", "\N{MINUS SIGN}"), fontsize="x-small", pad=2)
            axes.tick_params(labelleft=j == 0, labelbottom=i == count - 1)
            if j == 0:
                axes.set_ylabel(folded(names[i], NAME_WIDTH), fontsize="small")
        marginal.tick_params(labelbottom=j == count - 1)
        figure.axes[-1].set_xlabel(folded(names[j], NAME_WIDTH), fontsize="small")
    figure.axes[0].set_ylabel(folded(names[0], NAME_WIDTH), fontsize="small")
    figure.align_labels()
    if diverging.any():
        mark = Line2D([], [], label=f"{diverging.sum()} divergent transitions", markersize=6, **DIVERGENCE)
        legend(figure, [Line2D([], [], color=BLUE, marker=".", linestyle="none", label="draws"), mark])
    notes(figure, told)
    return figure


def correlation_matrix(values: np.ndarray) -> np.ndarray:
    """Correlations of the rows to two digits, without minus zero; NaN of those that do not vary."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.round(np.corrcoef(values), 2) + 0.0


def draw_points(axes: Axes, x: np.ndarray, y: np.ndarray, drawn: np.ndarray, diverging: np.ndarray) -> None:
    """Points of the draws, crosses of those that diverged."""
    axes.plot(x[drawn], y[drawn], ".", color=BLUE, markersize=2, alpha=0.35, rasterized=True)
    axes.plot(x[diverging], y[diverging], markersize=5, markeredgewidth=1.4, **DIVERGENCE)
    plain(axes)
    few_ticks(axes, 3, 3)


def draw_marginal(axes: Axes, values: np.ndarray) -> None:
    """The density of one parameter."""
    places, heights = density_curve(values)
    axes.fill_between(places, heights, color=PALE, linewidth=0)
    axes.plot(places, heights, color=BLUE, linewidth=1.2)
    axes.set_ylim(0, None)
    plain(axes)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    few_ticks(axes, 3, None)
