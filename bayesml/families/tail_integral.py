"""Integrals of tails and of intervals over fixed nodes, for distribution functions that are no elementary expression.

PyTensor's incomplete gamma and beta functions have no usable derivatives in the parameters. The integrals here are sums
over nodes, along a new first axis. The nodes are numbers without a derivative, so that the derivatives of the summands
are those of the integral, to every order, and the expressions stay small. A tail takes 73 exponentials a row.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

STEP = 0.125
GRID = STEP * np.arange(-29, 44)
STRETCHED = np.exp(GRID - np.exp(-GRID))
STRETCHED_WEIGHTS = STEP * STRETCHED * (1 + np.exp(-GRID))
"""Double-exponential formula for half lines and integrands that fall at least exponentially.

Takahasi and Mori (1974), Publications of RIMS 9:721-741.
"""

LEGENDRE, LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(20)
HALF_LEGENDRE, HALF_LEGENDRE_WEIGHTS = 0.5 + 0.5 * LEGENDRE, 0.5 * LEGENDRE_WEIGHTS
"""Gauss's formula on (0, 1)."""

LEAST, MOST = -1074, 1000
POWERS = 2.0 ** np.arange(LEAST, MOST + 1)


def tail_nodes(width: Any, ndim: int, namespace: ModuleType) -> tuple[Any, Any, Any]:
    """A unit of length, and distances and weights with a new first axis, for integrals over distances from 0 on.

    The integral is the unit times the weighted sum, which is about 1, so that its derivatives do not overflow. It has
    a relative error of 1e-14 where the integrand changes smoothly, falls exponentially at last, and by 1 / e at about
    `width`; a width that is wrong by a factor of ten does little. None of the three has a derivative.

    Parameters
    ----------
    width : array or tensor
    ndim : int
        Number of dimensions of the integrand.
    namespace : module
    """
    unit = power_of_two(width, namespace)
    return unit, unit * first_axis(STRETCHED, ndim), first_axis(STRETCHED_WEIGHTS, ndim)


def tail_width(slope: Any, curvature: Any, namespace: ModuleType) -> Any:
    """Where an exponent is about 1 that rises from 0 with slope and curvature (at least 0) and in the end linearly."""
    rise = 2.0 * slope - 1.0
    return 4.0 / (rise + namespace.sqrt(rise**2 + 8.0 * (slope + curvature)))


def log_mean_density(
    log_density: Callable[[Any], Any], lower: Any, width: Any, ndim: int, namespace: ModuleType
) -> Any:
    """Log of the mean of a density over an interval, to about 1e-14 where it changes by less than a factor of ten.

    Parameters
    ----------
    log_density : callable
        Of points, with or without a new first axis.
    lower, width : array or tensor
    ndim : int
        Number of dimensions of what the density reads.
    namespace : module
    """
    middle = log_density(lower + 0.5 * width)
    ratios = namespace.exp(log_density(lower + width * first_axis(HALF_LEGENDRE, ndim)) - middle)
    return middle + namespace.log((first_axis(HALF_LEGENDRE_WEIGHTS, ndim) * ratios).sum(axis=0))


def power_of_two(width: Any, namespace: ModuleType) -> Any:
    """The largest power of two that a width > 0 contains, as a number without a derivative."""
    known = namespace.where(width > 0.0, width, POWERS[0])  # none for a missing predictor, 0 far out
    exponent = namespace.clip(namespace.floor(namespace.log2(known)), LEAST, MOST)
    return namespace.take(POWERS, (exponent - LEAST).astype("int64"))


def held(condition: Any, namespace: ModuleType) -> Any:
    """A condition through which no derivative is sought: PyTensor would follow it to what is compared."""
    return namespace.take(np.array([False, True]), namespace.where(condition, 1, 0))


def first_axis(constants: np.ndarray, ndim: int) -> np.ndarray:
    """Constants along a first axis before `ndim` others."""
    return constants.reshape((-1,) + (1,) * ndim)
