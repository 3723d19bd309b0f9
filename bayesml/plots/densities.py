"""Kernel densities of draws."""

import functools
import importlib
from typing import Any

import numpy as np

TAIL = 0.001
"""Share of the draws at either end that histograms put into their first and last bars, and densities leave out."""
BEYOND = 0.12
"""By how much of the width of the draws a density goes on beyond them."""
BOUNDS = (-1.0, 0.0, 1.0)
"""Where parameters end: standard deviations at 0, correlations at -1 and 1."""


@functools.cache
def array_stats() -> Any:
    """ArviZ's functions of arrays."""
    return importlib.import_module("arviz_stats.base").array_stats


def density_curve(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places and heights of ArviZ's kernel density of draws of any shape; of a constant, nothing.

    The outermost thousandth of the draws at either end is left out. A curve that would cross -1, 0 or 1, which no draw
    does, ends there and the density is reflected, so that it does not sink where draws pile up at a bound.
    """
    values = np.ravel(values)
    low, high = np.quantile(values, [TAIL, 1 - TAIL])
    if not low < high:
        return np.empty(0), np.empty(0)
    pad = BEYOND * (high - low)
    start = max([low - pad, *(bound for bound in BOUNDS if low - pad < bound <= values.min())])
    end = min([high + pad, *(bound for bound in BOUNDS if values.max() <= bound < high + pad)])
    grid, heights, _ = array_stats().kde(values[(values >= start) & (values <= end)], custom_lims=(start, end))
    return grid, heights
