"""What is drawn of each chain: one function a kind of panel, and the grid of panels that they fill."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.special import ndtri

from bayesml.plots.colours import BLACK, PALE, REFERENCE, line_style
from bayesml.plots.densities import array_stats, density_curve
from bayesml.plots.draws import mixing_texts, require_draws, shown_draws
from bayesml.plots.panels import (
    bare_vertical,
    bottom_label,
    chain_handles,
    few_ticks,
    heading,
    legend,
    notes,
    panel_grid,
    plain,
)
from bayesml.results.base import Result
from bayesml.results.selection import Wanted

BINS = 20
BRIDGE_LIMIT = 1.358
"""95% quantile of the largest distance of a Brownian bridge from zero, that of Kolmogorov's statistic."""
COVERED = 0.95


def chain_panels(
    result: Result,
    what: str,
    parameters: Wanted,
    limit: int,
    columns: int | None,
    draw: Callable[[Axes, np.ndarray, np.ndarray], Any],
    label: str,
    handles: Sequence[Any],
    note: str = "",
    **options: Any,
) -> Figure:
    """One panel a parameter, with its R-hat and effective sample sizes, filled by `draw(axes, values, diverging)`.

    Parameters
    ----------
    result : BayesianResult
    what : str
        Name of the plot, for messages.
    parameters : str or sequence of str, optional
    limit : int
    columns : int, optional
    draw : callable
        Draws (chain, draw) of a parameter, and which transitions diverged.
    label : str
        Of the horizontal axis.
    handles : sequence
        What the legend has beside the chains.
    note : str
        What is said below the panels.
    **options
        Of `panel_grid`.
    """
    post = require_draws(result, what)
    shown, told = shown_draws(post, parameters, limit, worst=True)
    figure, panels = panel_grid(len(shown), columns, size=(2.5, 1.75), sharex=True, **options)
    mixing = mixing_texts(shown)
    diverging = post.posterior.stats["diverging"].astype(bool)
    for axes, (address, values) in zip(panels, shown.items(), strict=True):
        plain(axes)
        draw(axes, values, diverging)
        heading(axes, address, mixing[address])
    bottom_label(panels, label)
    chains = post.posterior.shape[0]
    legend(figure, [*(chain_handles(chains) if chains > 1 else ()), *handles])
    notes(figure, note, told)
    return figure


def draw_trace(axes: Axes, values: np.ndarray, diverging: np.ndarray) -> None:
    """Draws in their order, chain over chain; divergent transitions are marked below."""
    for i, chain in enumerate(values):
        axes.plot(chain, linewidth=0.5, alpha=0.75, color=line_style(i)["color"])
    if len(places := np.flatnonzero(diverging.any(axis=0))):
        axes.plot(places, np.full(len(places), 0.05), transform=axes.get_xaxis_transform(), **DIVERGING)
    axes.margins(x=0.01)
    few_ticks(axes)


DIVERGING: dict[str, Any] = {
    "color": BLACK, "marker": "|", "linestyle": "none", "markersize": 6, "markeredgewidth": 1.2, "clip_on": False,
}  # fmt: skip


def halves_of_one(values: np.ndarray) -> np.ndarray:
    """Draws by chain; of a single chain its two halves, as if they were chains."""
    if len(values) > 1:
        return values
    half = values.shape[1] // 2
    return np.concatenate([values[:, :half], values[:, -half:]])


def average_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks 1, 2, … among all draws; those that are equal share their average."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse].reshape(values.shape)


def draw_ranks(axes: Axes, values: np.ndarray, diverging: np.ndarray) -> None:
    """How many draws of each chain fall into each twentieth of all draws, and what chance does to that."""
    values = halves_of_one(values)
    chains, draws = values.shape
    edges = np.linspace(0.5, values.size + 0.5, BINS + 1)
    middle, half_width = rank_limits(chains, draws)
    axes.axhspan(middle - half_width, middle + half_width, color=PALE, zorder=0, linewidth=0)
    axes.axhline(middle, **REFERENCE)
    ranks = average_ranks(values)
    for i in range(chains):
        counts, _ = np.histogram(ranks[i], edges)
        axes.stairs(counts, edges, linewidth=1.2, **line_style(i))
    axes.set_ylim(0, None)
    axes.set_xlim(0, values.size)
    few_ticks(axes, y=3)


def rank_limits(chains: int, draws: int) -> tuple[float, float]:
    """Expected count of a bar, and how far all bars of a panel are from it with 95% probability, if draws are alike.

    Draws of chains that are alike and independent are hypergeometric; limits are normal, by Šidák for all bars at once.
    """
    share = 1 / BINS
    variance = draws * share * (1 - share) * (chains - 1) * draws / (chains * draws - 1)
    each = COVERED ** (1 / (BINS * chains))
    return draws * share, float(ndtri(0.5 + each / 2) * np.sqrt(variance))


def draw_autocorrelations(axes: Axes, values: np.ndarray, diverging: np.ndarray, lags: int = 40) -> None:
    """Autocorrelations of each chain up to a lag, and the limits of those of independent draws."""
    draws = values.shape[1]
    limit = float(ndtri(0.5 + COVERED / 2) / np.sqrt(draws))
    axes.axhspan(-limit, limit, color=PALE, zorder=0, linewidth=0)
    axes.axhline(0, **REFERENCE)
    if np.ptp(values) > 0:
        for i, chain in enumerate(array_stats().autocorr(values, axis=1)):
            axes.plot(chain[: lags + 1], linewidth=1.1, **line_style(i))
    axes.set_ylim(-0.3, 1.03)
    axes.margins(x=0.02)
    few_ticks(axes, y=None)


def draw_cumulative_sums(axes: Axes, values: np.ndarray, diverging: np.ndarray) -> None:
    """Sums of the draws so far less the mean of their chain, in units of sd times root of the number of draws."""
    draws = values.shape[1]
    for sign in (-1, 1):
        axes.axhline(sign * BRIDGE_LIMIT, **REFERENCE)
    axes.axhline(0, **{**REFERENCE, "linestyle": ":"})
    scales = values.std(axis=1, keepdims=True) * np.sqrt(draws)
    steps = (values - values.mean(axis=1, keepdims=True)) / np.where(scales > 0, scales, 1.0)
    paths = np.cumsum(steps, axis=1)
    for i, path in enumerate(paths):
        axes.plot(np.append(0.0, path), linewidth=1.1, **line_style(i))
    largest = 1.1 * max(BRIDGE_LIMIT, np.abs(paths).max())
    axes.set_ylim(-largest, largest)
    axes.margins(x=0.01)
    few_ticks(axes)


def draw_densities(axes: Axes, values: np.ndarray, lines: bool = True) -> None:
    """The shaded density of all draws, and over it those of the parts, along the first axis, as lines."""
    everything = values.ravel()
    axes.fill_between(*density_curve(everything), color=PALE, linewidth=0)
    for i, part in enumerate(values if lines else ()):
        axes.plot(*density_curve(part), linewidth=1.2, **line_style(i))
    if np.ptp(everything) == 0:
        axes.axvline(everything[0], linewidth=1.6, color=BLACK)
    axes.set_ylim(0, None)
    bare_vertical(axes)
    few_ticks(axes, y=None)


def patch(label: str) -> Any:
    """What stands in the legend for a shaded area."""
    return Line2D([], [], color=PALE, linewidth=7, label=label)
