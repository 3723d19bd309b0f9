"""Density curves of priors, and the range in which they are worth looking at."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from bayesml.distributions import Distribution
from bayesml.distributions.base import scipy_stats

POINTS = 401
FARTHEST = 25.0
"""Natural scales beyond which no axis goes, however heavy the tails."""
FLAT_RANGE = 4.0
"""Natural scales that are shown where all priors are flat."""
OTHERS = 3.0
"""Times the median of several priors' heights or widths above which one is cut off at the edge."""
NEAR_END = 0.03
"""Share of the axis beside an end at which a density is infinite, where it is cut off."""


def central_interval(prior: Distribution, ci_prob: float) -> tuple[float, float]:
    """Ends of the equal-tailed interval of a prior, the value of one that holds it twice; NaN of a flat one."""
    if prior.fixed is not None:
        return prior.fixed, prior.fixed
    form = prior.scipy(scipy_stats())
    if form is None:
        return np.nan, np.nan
    lower, upper = form.ppf([(1 - ci_prob) / 2, (1 + ci_prob) / 2])
    return float(lower), float(upper)


def shown_interval(
    priors: list[Distribution], ci_prob: float, scale: float, middle: float
) -> tuple[tuple[float, float], bool]:
    """Ends of the axis for some priors of one parameter, and whether intervals reach beyond it.

    Parameters
    ----------
    priors : list of Distribution
    ci_prob : float
        Content of the intervals that are to be seen.
    scale : float
        The natural scale of the parameter.
    middle : float
        Where it is expected.
    """
    ends = np.array([central_interval(prior, ci_prob) for prior in priors])
    known = ends[np.isfinite(ends).all(axis=1)]
    reach = FLAT_RANGE * scale
    if len(known):
        reach = OTHERS * max(float(np.median(np.abs(known - middle).max(axis=1))), scale / OTHERS)
    reach = min(reach, FARTHEST * scale)
    low = max(known[:, 0].min(initial=np.inf), middle - reach) if len(known) else middle - reach
    high = min(known[:, 1].max(initial=-np.inf), middle + reach) if len(known) else middle + reach
    cut = bool(((known[:, 0] < low) | (known[:, 1] > high)).any())
    pad = 0.2 * (high - low) or scale
    start = min(prior.support[0] for prior in priors)
    end = max(prior.support[1] for prior in priors)
    if all(prior.fixed is not None for prior in priors):
        start, end = -np.inf, np.inf
    low = start if start >= 0 else max(low - pad, start)
    return (float(low), float(min(high + pad, end))), cut


def prior_curve(prior: Distribution, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Places and heights of the density of a prior between two ends, inside of its support."""
    start, end = max(low, prior.support[0]), min(high, prior.support[1])
    # middles of cells: a density may be infinite at an end
    edges = np.linspace(start, end, POINTS + 1)
    x = 0.5 * (edges[1:] + edges[:-1])
    with np.errstate(all="ignore"):
        return x, np.exp(np.asarray(prior.log_density(x), float))


def draw_prior(
    axes: Axes, prior: Distribution, limits: tuple[float, float], ci_prob: float, style: dict[str, Any], shaded: bool
) -> float:
    """A density with its interval shaded, the line of a flat one, or that of a value; returns how high it goes.

    Flat ones and values have no height: 0.
    """
    if prior.fixed is not None:
        axes.axvline(prior.fixed, **style)
        return 0.0
    if prior.improper:
        start, end = max(limits[0], prior.support[0]), min(limits[1], prior.support[1])
        axes.plot([start, end], [0.25, 0.25], transform=axes.get_xaxis_transform(), **style)
        return 0.0
    x, heights = prior_curve(prior, *limits)
    axes.plot(x, heights, **style)
    if shaded:
        lower, upper = central_interval(prior, ci_prob)
        inside = (x >= lower) & (x <= upper)
        axes.fill_between(x, heights, where=inside, color=style["color"], alpha=0.18, linewidth=0)
    return curve_height(prior, x, heights)


def curve_height(prior: Distribution, x: np.ndarray, heights: np.ndarray) -> float:
    """The largest density that is worth a place on the axis: not that beside an end where it is infinite."""
    width = x[-1] - x[0]
    kept = np.isfinite(heights)
    for end, direction in ((prior.support[0], 1.0), (prior.support[1], -1.0)):
        if np.isfinite(end) and diverges(prior, end, direction * width):
            kept &= np.abs(x - end) > NEAR_END * width
    return float(heights[kept].max()) if kept.any() else 0.0


def diverges(prior: Distribution, end: float, width: float) -> bool:
    """Whether the density grows without bound towards an end of the support."""
    with np.errstate(all="ignore"):
        near, nearer = (float(prior.log_density(end + step * width)) for step in (1e-4, 1e-7))
    return nearer > near + 0.1


def axis_height(heights: list[float]) -> float:
    """Height of the axis for several curves: one far higher than most is cut off."""
    known = sorted(height for height in heights if height > 0)
    return min(known[-1], OTHERS * known[(len(known) - 1) // 2]) if known else 1.0
