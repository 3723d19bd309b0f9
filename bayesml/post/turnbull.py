"""The distribution function of responses of which some are known only up to a limit or within an interval."""

from collections.abc import Mapping

import numpy as np

ITERATIONS, TOLERANCE = 2000, 1e-7


def intervals_of(arrays: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Ends (n,) of what is known of each response, equal where it is observed, from the arrays of a response."""
    y, status = arrays["y"], arrays.get("status", np.zeros(len(arrays["y"])))
    lower = np.where(status < -0.5, -np.inf, y)
    upper = np.where((status > 0.5) & (status < 1.5), np.inf, y)
    if "lower" in arrays:
        between = status > 1.5
        lower, upper = np.where(between, arrays["lower"], lower), np.where(between, arrays["upper"], upper)
    return lower, upper


def turnbull(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places and heights of the nonparametric maximum-likelihood distribution function.

    Of responses that are all observed it is the empirical one, of right-censored ones Kaplan and Meier's.

    Parameters
    ----------
    lower, upper : ndarray (n,)
        Each response lies in ``(lower, upper]``, infinite where there is no end; it is observed where they are equal.

    References
    ----------
    Turnbull (1976), The empirical distribution function with arbitrarily grouped, censored and truncated data, JRSS B
    38, 290.
    """
    ends = np.concatenate([lower, upper])
    places = np.unique(ends[np.isfinite(ends)])
    points = np.append(places, np.inf)
    first = np.searchsorted(points, lower, side="right")
    first[lower == upper] = np.searchsorted(points, lower[lower == upper], side="left")
    last = np.where(np.isfinite(upper), np.searchsorted(points, upper, side="right"), len(points))
    p = np.full(len(points), 1.0 / len(points))
    for _ in range(ITERATIONS):
        total = np.concatenate([[0.0], np.cumsum(p)])
        each = 1.0 / np.maximum(total[last] - total[first], 1e-300)
        change = np.bincount(first, each, len(points) + 1) - np.bincount(last, each, len(points) + 1)
        new = p * np.cumsum(change)[:-1] / len(lower)
        moved = np.abs(new - p).max()
        p = np.maximum(new, 0.0)
        if moved < TOLERANCE:
            break
    return places, np.cumsum(p)[:-1]
