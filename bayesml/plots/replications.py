"""Drawing of data beside simulated data: densities, distribution functions, bars and statistics."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayesml.plots.colours import BLACK, BLUE, PALE
from bayesml.plots.densities import array_stats
from bayesml.plots.panels import shortened
from bayesml.results.posterior_summary import interval_tails
from bayesml.results.sections import percent

OBSERVED: dict[str, Any] = {"color": BLACK, "linewidth": 2.0, "linestyle": "-", "zorder": 3}
REPLICATED: dict[str, Any] = {"color": BLUE, "linewidth": 0.7, "linestyle": "-", "alpha": 0.3, "zorder": 1}
INTERVAL: dict[str, Any] = {"color": BLUE, "linewidth": 1.6, "marker": "o", "markersize": 4, "linestyle": "none"}
BAR: dict[str, Any] = {"facecolor": PALE, "edgecolor": BLACK, "linewidth": 0.8}

SHOWN = 0.998
"""Share of all values, observed and simulated, that horizontal axes show at least; all that were observed are shown."""
SAMPLED = 200_000
"""Simulated values that the ends of an axis are taken from."""
MOST_BARS = 30
CHARACTERS = 10.0
"""Of labels side by side, an inch; more are turned."""

Statistic = Callable[[np.ndarray], Any]

STATISTICS: dict[str, Statistic] = {
    "mean": lambda y: np.mean(y, axis=-1),
    "sd": lambda y: np.std(y, axis=-1, ddof=1),
    "min": lambda y: np.min(y, axis=-1),
    "max": lambda y: np.max(y, axis=-1),
    "median": lambda y: np.median(y, axis=-1),
    "zeros": lambda y: np.mean(y == 0, axis=-1),
}
"""Statistics by name, of values along the last axis; `zeros` is the share of zeros."""


def shown_range(observed: np.ndarray | None, replicated: np.ndarray) -> tuple[float, float]:
    """Ends of the horizontal axis: all that was observed, and nearly all that was simulated."""
    tails = interval_tails(SHOWN)
    some = replicated.ravel()[:: max(1, replicated.size // SAMPLED)]
    low, high = np.quantile(some, tails)
    if observed is not None:
        low, high = min(low, observed.min()), max(high, observed.max())
    return float(low), float(high)


def draw_densities(
    axes: Axes, observed: np.ndarray | None, replicated: np.ndarray, support: tuple[float, float] = (-np.inf, np.inf)
) -> None:
    """Kernel densities: a dark line of the data over light ones of simulated data, within the support.

    Parameters
    ----------
    axes : Axes
    observed : ndarray (n,) or None
    replicated : ndarray (draws, n)
    support : tuple of float
        Where responses can be; curves end there and are reflected.
    """
    low, high = shown_range(observed, replicated)
    pad = 0.06 * (high - low)
    limits = max(low - pad, support[0]), min(high + pad, support[1])
    for values in replicated:
        axes.plot(*density_within(values, limits), **REPLICATED)
    if observed is not None:
        axes.plot(*density_within(observed, limits), **OBSERVED)
    axes.set_xlim(limits)
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.spines[["left"]].set_visible(False)


def density_within(values: np.ndarray, limits: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """ArviZ's kernel density of the values within limits, times their share; nothing where they are all one."""
    inside = values[(values >= limits[0]) & (values <= limits[1])]
    if len(inside) < 2 or np.ptp(inside) == 0:
        return np.empty(0), np.empty(0)
    grid, heights, _ = array_stats().kde(inside, custom_lims=limits)
    return grid, heights * len(inside) / len(values)


def draw_distributions(
    axes: Axes,
    observed: tuple[np.ndarray, np.ndarray] | None,
    replicated: np.ndarray,
    limits: tuple[float, float] | None = None,
) -> None:
    """Distribution functions as steps: a dark line of the data over light ones of simulated data.

    Parameters
    ----------
    axes : Axes
    observed : (places, heights) or None
    replicated : ndarray (draws, n)
    limits : tuple of float, optional
        Of the horizontal axis.
    """
    low, high = limits or shown_range(None if observed is None else observed[0], replicated)
    pad = 0.03 * (high - low) or 0.5
    axes.add_collection(steps(replicated, low - pad, high + pad), autolim=False)
    if observed is not None:
        axes.step(*from_zero(*observed, low - pad, high + pad), where="post", **OBSERVED)
    axes.set_xlim(low - pad, high + pad)
    axes.set_ylim(-0.02, 1.02)


def steps(replicated: np.ndarray, low: float, high: float) -> LineCollection:
    """Distribution functions (draws, n) from 0 at one end to 1 at the other; all at once, as lines take long."""
    draws, n = replicated.shape
    places = np.sort(replicated, axis=1)
    points = np.empty((draws, 2 * n + 2, 2))
    points[:, 0], points[:, -1, 0] = (low, 0.0), np.maximum(high, places[:, -1])
    points[:, 1:-1:2, 0] = points[:, 2:-1:2, 0] = places
    points[:, 1::2, 1], points[:, 2::2, 1] = np.arange(n + 1) / n, np.arange(1, n + 1) / n
    return LineCollection(
        list(points), colors=REPLICATED["color"], linewidths=REPLICATED["linewidth"], alpha=REPLICATED["alpha"],
        zorder=REPLICATED["zorder"],
    )  # fmt: skip


def from_zero(places: np.ndarray, heights: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """A distribution function from 0 at one end to its last height at the other."""
    last = heights[-1:] if len(heights) else [0.0]
    return np.concatenate([[low], places, [max(high, *places[-1:])]]), np.concatenate([[0.0], heights, last])


def draw_bars(
    axes: Axes,
    observed: np.ndarray | None,
    replicated: np.ndarray,
    values: np.ndarray,
    labels: Sequence[str],
    ci_prob: float,
    roots: bool = False,
) -> None:
    """Numbers of rows with each value: bars of the data, and medians with intervals of simulated data.

    Parameters
    ----------
    axes : Axes
    observed : ndarray (n,) or None
    replicated : ndarray (draws, n)
    values : ndarray (bars,)
        Lower ends of the bars, in order; what lies above the last counts there.
    labels : sequence of str
    ci_prob : float
        Content of the intervals.
    roots : bool, default False
        Whether the vertical axis is that of square roots, so that bars of all heights vary alike (a rootogram).
    """
    simulated = np.array([counts_of(own, values) for own in replicated])
    x = np.arange(len(values))
    if observed is not None:
        axes.bar(x, counts_of(observed, values), width=0.85, **BAR)
    lower, middle, upper = np.quantile(simulated, [interval_tails(ci_prob)[0], 0.5, interval_tails(ci_prob)[1]], axis=0)
    axes.errorbar(x, middle, yerr=[middle - lower, upper - middle], **{**INTERVAL, "elinewidth": 1.6})
    if roots:
        axes.set_yscale("function", functions=(lambda y: np.sqrt(np.maximum(y, 0.0)), np.square))
    axes.set_ylim(bottom=0)
    labels = [shortened(label) for label in labels]
    step = max(1, -(-len(labels) // 10))
    whole = axes.get_figure(root=True)
    assert whole is not None
    room = CHARACTERS * axes.get_position().width * whole.get_figwidth()
    long = max(map(len, labels)) * len(labels[::step]) > room
    rotation: dict[str, Any] = {"rotation": 35, "ha": "right"} if long else {}
    axes.set_xticks(x[::step], labels[::step], **rotation)
    axes.set_xlim(-0.7, len(values) - 0.3)


def counts_of(y: np.ndarray, values: np.ndarray) -> np.ndarray:
    """How many y lie from each value up to the next."""
    places = np.searchsorted(values, y, side="right") - 1
    return np.bincount(np.maximum(places, 0), minlength=len(values))


def bars_of_counts(observed: np.ndarray | None, replicated: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Lower ends and labels of bars for counts: one a count, or of equal width where they are many."""
    low = int(min(replicated.min(), *([] if observed is None else [observed.min()])))
    _, high = shown_range(observed, replicated)
    width = max(1, -(-(int(high) - low + 1) // MOST_BARS))
    values = np.arange(low, int(high) + 1, width)
    beyond = replicated.max() >= values[-1] + width
    labels = [str(v) if width == 1 else f"{v}–{v + width - 1}" for v in values]
    if beyond:
        labels[-1] = f"≥ {values[-1]}"
    return values.astype(float), labels


def draw_statistic(axes: Axes, name: str, observed: float | None, replicated: np.ndarray) -> None:
    """Histogram of a statistic of simulated data, that of the data as a line, and the share of larger ones in words."""
    low, high = np.quantile(replicated, [0.001, 0.999])
    ends = [low, high] if observed is None else [min(low, observed), max(high, observed)]
    bins: Any = np.linspace(low, high, 31) if high > low else 3
    axes.hist(np.clip(replicated, low, high), bins=bins, color=BLUE, alpha=0.45, edgecolor="none")
    title = name
    if observed is not None:
        axes.axvline(observed, **OBSERVED)
        title = f"{name}\np = {p_value(observed, replicated):.3f}"
    axes.set_title(title, fontsize="small", pad=4)
    pad = 0.05 * (ends[1] - ends[0]) or 0.5
    axes.set_xlim(ends[0] - pad, ends[1] + pad)
    axes.set_yticks([])
    axes.spines[["left"]].set_visible(False)


def p_value(observed: float, replicated: np.ndarray) -> float:
    """Share of simulated values above that of the data; equal ones count half."""
    return float(np.mean(replicated > observed) + 0.5 * np.mean(replicated == observed))


def statistic_of(name: str | Statistic) -> tuple[str, Statistic]:
    """A statistic along the last axis, and what it is called."""
    if callable(name):
        return getattr(name, "__name__", "statistic"), lambda y: np.apply_along_axis(name, -1, y)
    return name, STATISTICS[name]


def line_handles(count: int, observed: bool = True) -> list[Any]:
    """Legend of lines."""
    light = Line2D([], [], label=f"{count} simulated", **{**REPLICATED, "alpha": 0.8, "linewidth": 1.0})
    return [*([Line2D([], [], label="observed", **OBSERVED)] if observed else []), light]


def bar_handles(count: int, ci_prob: float, observed: bool = True) -> list[Any]:
    """Legend of bars."""
    marks = Line2D([], [], label=f"{count} simulated: median, {percent(ci_prob)} interval", **INTERVAL)
    return [*([Patch(label="observed", **BAR)] if observed else []), marks]


def statistic_handles(count: int, observed: bool = True) -> list[Any]:
    """Legend of statistics."""
    bars = Patch(label=f"{count} simulated", color=BLUE, alpha=0.45)
    return [*([Line2D([], [], label="observed", **OBSERVED)] if observed else []), bars]
