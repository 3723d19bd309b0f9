"""The standard normal distribution function in logarithms, for the probit link and every normal response."""

from math import log, pi, sqrt
from types import ModuleType
from typing import Any

from bayesml.links.functions import erfc, erfcx, log1mexp

FAR = 9.0
"""Beyond it the asymptotic series of the survivor function has all digits, and its derivatives too."""
TERMS = 20
NARROW = 0.5
"""Below this width, and this width times distance from 0, an interval is integrated by its series."""
NARROW_TERMS = 8


def log_distribution(z: Any, namespace: ModuleType) -> Any:
    """Log probability of a standard normal variable up to z, for z of any size."""
    return log_survivor(-z, namespace)


def log_survivor(z: Any, namespace: ModuleType) -> Any:
    """Log probability of a standard normal variable above z, for z of any size.

    The tail itself below 0; above, the scaled complementary error function, which grows where the tail vanishes; but the
    derivatives of that one come as differences which lose z⁶ in the third, so that far out the series
    ``1 - 1/z² + 3/z⁴ - 15/z⁶ …`` takes over (Abramowitz & Stegun, 26.2.12). All are evaluated, so each gets arguments in
    which it and its derivatives are finite.
    """
    if hasattr(namespace, "log_normal_survivor"):  # with derivatives written by hand
        return namespace.log_normal_survivor(z)
    right, far = z > 0, z > FAR
    left = log1p_tail(namespace.where(right, 0.0, z), namespace)
    middle = namespace.where(right, namespace.where(far, FAR, z), 0.0)
    near = namespace.log(0.5 * erfcx(middle / sqrt(2), namespace)) - 0.5 * middle**2
    beyond = asymptotic(namespace.where(far, z, FAR), namespace)
    return namespace.where(far, beyond, namespace.where(right, near, left))


def log1p_tail(z: Any, namespace: ModuleType) -> Any:
    """Log probability above z <= 0."""
    return namespace.log1p(-0.5 * erfc(-z / sqrt(2), namespace))


def asymptotic(z: Any, namespace: ModuleType) -> Any:
    """Log probability above z >= `FAR`."""
    w = 1.0 / z**2
    series = 0.0
    for k in range(TERMS, 0, -1):
        series = -(2 * k - 1) * w * (1.0 + series)
    return namespace.log1p(series) - 0.5 * z**2 - namespace.log(z) - 0.5 * log(2 * pi)


def log_interval(lower: Any, width: Any, namespace: ModuleType) -> Any:
    """Log probability of a standard normal variable in (lower, lower + width), for a width > 0 of any size.

    With m the middle and v half the width, it is ``2 v φ(m) Σ v^2k He_2k(m) / (2k + 1)!`` where the interval is narrow against
    the change of the density in it; else the difference of two tails, on the side where they are small.
    """
    if hasattr(namespace, "log_normal_interval"):  # with derivatives written by hand
        return namespace.log_normal_interval(lower, width)
    v, m = 0.5 * width, lower + 0.5 * width
    m = namespace.where(m > 0, m, -m)
    narrow = (v < NARROW) & (m * v < NARROW)
    nv, nm = namespace.where(narrow, v, 0.25), namespace.where(narrow, m, 0.0)
    even, odd, series, factor = 1.0, nm * nv, 0.0, 1.0
    for k in range(1, NARROW_TERMS + 1):
        # v^n He_n(m), by the recurrence of the Hermite polynomials.
        even = nm * nv * odd - (2 * k - 1) * nv**2 * even
        odd = nm * nv * even - 2 * k * nv**2 * odd
        factor /= 2 * k * (2 * k + 1)
        series = series + factor * even
    thin = namespace.log(2.0 * nv) - 0.5 * nm**2 - 0.5 * log(2 * pi) + namespace.log1p(series)
    wv, wm = namespace.where(narrow, NARROW, v), namespace.where(narrow, NARROW, m)
    tail = log_survivor(wm - wv, namespace)
    thick = tail + log1mexp(tail - log_survivor(wm + wv, namespace), namespace)
    return namespace.where(narrow, thin, thick)
