"""Log probability of an interval from a density and two distribution functions that need not be differences of it."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from bayesml.families.tail_integral import held, log_mean_density

NARROW = 0.5
"""Share of a tail up to which an interval counts as narrow: its density is then integrated, not its ends subtracted."""

NOTHING = -740.0
"""Logarithms of probabilities below it are those of 0."""


def log_interval(
    log_density: Callable[[Any], Any],
    log_tails: Callable[[Any], tuple[Any, Any]],
    lower: Any,
    upper: Any,
    namespace: ModuleType,
) -> Any:
    """Log probability between two points.

    The difference of two survivors is taken where the interval lies right, of two distribution functions where it lies
    left; where that would cancel, the density is summed over nodes.

    Parameters
    ----------
    log_density : callable
        Log density of a point.
    log_tails : callable
        Log distribution and log survivor of a point.
    lower, upper : array or tensor
    namespace : module
    """
    below, above = log_tails(lower), log_tails(upper)
    right = held(above[0] > below[1], namespace)
    larger = namespace.where(right, below[1], above[0])
    drop = namespace.where(right, above[1], below[0]) - larger
    narrow = held(drop > -NARROW, namespace)
    wide = larger + log_complement(namespace.where(narrow, -1.0, drop), namespace)
    width = upper - lower
    safe = namespace.where(narrow, width, 0.0)
    mean = log_mean_density(log_density, lower, safe, drop.ndim, namespace)
    return namespace.where(narrow, mean + namespace.log(width), wide)


def log_complement(log_probability: Any, namespace: ModuleType) -> Any:
    """``log(1 - p)`` of ``log p``, for p that are not near 1: then its derivatives hold to all digits."""
    return namespace.log1p(-probability(log_probability, namespace))


def probability(log_probability: Any, namespace: ModuleType) -> Any:
    """``p`` of ``log p``; 0 below `NOTHING`, and so are its derivatives, which would be products of 0 and infinity."""
    nothing = held(log_probability < NOTHING, namespace)
    return namespace.exp(namespace.where(nothing, NOTHING, log_probability))
