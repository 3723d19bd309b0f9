"""Poisson counts whose mean may be larger than a generator of random integers takes."""

from typing import Any

import numpy as np

LARGEST = 1e18
"""NumPy draws Poisson counts up to means of 9.2e18."""


def poisson_counts(rng: np.random.Generator, mean: Any) -> np.ndarray:
    """Poisson counts as floats.

    Above a mean of 1e18, where numbers have no whole steps of one any more and the standard deviation is less than a
    billionth of the mean, the mean itself; NaN of a mean that is NaN or negative.
    """
    mean = np.asarray(mean, dtype=float)
    drawn = rng.poisson(np.where((mean >= 0) & (mean < LARGEST), mean, 0.0)).astype(float)
    return np.where(mean >= LARGEST, mean, np.where(mean >= 0, drawn, np.nan))
