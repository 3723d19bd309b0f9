"""Logarithms of standard normal probabilities and their derivatives to third order, right to the last digits."""

from math import erfc, exp, log, log1p, pi, sqrt

import numpy as np

from bayesml.linalg.elimination import inner, kernel

HALF_LOG_2PI = 0.5 * log(2.0 * pi)
FAR = 5.0  # from here on the continued fraction of Mills' ratio is used
TERMS = 40  # of the continued fraction
NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)
NEGLIGIBLE = 40.0  # fall of the log density within an interval, beyond which nothing counts


@kernel
def log_survivor(z, order):
    """Derivative of an order (0 to 3) of the log probability above z.

    With r the inverse Mills ratio, ``-r``, ``-r s``, ``-r (s² + s')``, s = r - z. Beyond `FAR` with the tails of its
    continued fraction, ``s = 1 / (z + q)``, ``q = 2 / (z + p)``, ``p = 3 / (z + …)``, in which no digits cancel
    (Abramowitz and Stegun, 26.2.14).
    """
    if z >= FAR:
        tail = 0.0
        for k in range(TERMS, 3, -1):
            tail = k / (z + tail)
        p = 3.0 / (z + tail)
        q = 2.0 / (z + p)
        s = 1.0 / (z + q)
        r = z + s
        if order == 0:
            return -0.5 * z * z - HALF_LOG_2PI - log(r)
        if order == 1:
            return -r
        if order == 2:
            return -r * s
        return -r * s * 2.0 * (p - q) / ((z + q) * (z + p))
    if z >= 0.0:
        # erfcx is small enough there for its two factors to keep all digits
        scaled = exp(0.5 * z * z) * erfc(z / sqrt(2.0))
        value = log(0.5 * scaled) - 0.5 * z * z
        r = sqrt(2.0 / pi) / scaled
    else:
        above = 0.5 * erfc(z / sqrt(2.0))
        value = log1p(-0.5 * erfc(-z / sqrt(2.0)))
        r = exp(-0.5 * z * z - HALF_LOG_2PI) / above
    s = r - z
    if order == 0:
        return value
    if order == 1:
        return -r
    if order == 2:
        return -r * s
    return -r * (s * s + r * s - 1.0)


@kernel
def log_interval(lower, width, order):
    """Derivative of an order (0 to 3) in `lower` of the log probability in (lower, lower + width).

    The derivatives are cumulants of the variable in the interval: ``-E z``, ``Var z - 1``, ``-κ3``.
    """
    if misses_little(lower, lower + width):
        return log_of_most(lower, lower + width, order)
    lower, sign = on_the_right(lower, width)
    peak, total, mean, variance, third = moments(lower, width, order)
    if order == 0:
        return log(total) - 0.5 * peak * peak - HALF_LOG_2PI
    if order == 1:
        return -sign * (peak + mean)
    return variance - 1.0 if order == 2 else -sign * third


@kernel
def log_upper_share(lower, width, order):
    """Derivative of an order (1 or 2) in `lower` of the log density at the upper end, of the variable in the interval.

    ``E z - (lower + width)`` and ``-Var z``, where these are small without a difference of large numbers.
    """
    if misses_little(lower, lower + width):
        slope = log_of_most(lower, lower + width, order)
        return -slope - (lower + width) if order == 1 else -slope - 1.0
    lower, sign = on_the_right(lower, width)
    peak, total, mean, variance, third = moments(lower, width, order)
    if order == 2:
        return -variance
    if sign > 0.0:
        return mean - width if lower > 0.0 else mean - (lower + width)
    return -mean if lower > 0.0 else lower - mean


@inner
def on_the_right(lower, width):
    """The lower end of an interval whose middle is not negative, it or its mirror image; and 1, or -1 for that."""
    return (-lower - width, -1.0) if lower + 0.5 * width < 0.0 else (lower, 1.0)


@inner
def misses_little(lower, upper):
    """Whether an interval holds more than half of the variable."""
    return lower < 0.0 < upper and 0.5 * erfc(-lower / sqrt(2.0)) + 0.5 * erfc(upper / sqrt(2.0)) < 0.5


@inner
def moments(lower, width, order):
    """Of a normal variable in an interval whose middle is not negative.

    From a Gauss-Legendre sum about the point of the largest density.

    Returns
    -------
    peak : float
        That point.
    total : float
        Integral of the density over that at the point.
    mean : float
        Of the distance from the point.
    variance, third : float
        Second and third central moment, if the order asks for it.
    """
    peak = max(lower, 0.0)
    start = max(lower, -sqrt(2.0 * NEGLIGIBLE))
    stop = min(lower + width, sqrt(peak * peak + 2.0 * NEGLIGIBLE))
    if lower > 0.0:
        # as a distance from the peak, which keeps the digits of narrow intervals
        reach = min(width, 2.0 * NEGLIGIBLE / (peak + sqrt(peak * peak + 2.0 * NEGLIGIBLE)))
        first = 0.0
    else:
        first = start - peak
        reach = width if start == lower and stop == lower + width else stop - start
    half = 0.5 * reach
    total, mean = 0.0, 0.0
    for i in range(len(NODES)):
        t = first + half * (1.0 + NODES[i])
        w = half * WEIGHTS[i] * exp(-t * (peak + 0.5 * t))
        total += w
        mean += w * t
    mean /= total
    variance, third = 0.0, 0.0
    if order > 1:
        for i in range(len(NODES)):
            t = first + half * (1.0 + NODES[i])
            w = half * WEIGHTS[i] * exp(-t * (peak + 0.5 * t))
            variance += w * (t - mean) ** 2
            third += w * (t - mean) ** 3
    return peak, total, mean, variance / total, third / total


@inner
def log_of_most(lower, upper, order):
    """Derivative of an order, of both ends moving, of the log of a probability that misses less than half."""
    missing = 0.5 * erfc(-lower / sqrt(2.0)) + 0.5 * erfc(upper / sqrt(2.0))
    if order == 0:
        return log1p(-missing)
    f, g = exp(-0.5 * upper * upper - HALF_LOG_2PI), exp(-0.5 * lower * lower - HALF_LOG_2PI)
    p = 1.0 - missing
    first = (f - g) / p
    if order == 1:
        return first
    second = (lower * g - upper * f) / p
    if order == 2:
        return second - first * first
    third = ((upper * upper - 1.0) * f - (lower * lower - 1.0) * g) / p
    return third - 3.0 * second * first + 2.0 * first * first * first


@kernel
def log_interval_of(lower, width):
    """`log_interval` of each of two vectors."""
    out = np.empty(len(lower))
    for i in range(len(lower)):
        out[i] = log_interval(lower[i], width[i], 0)
    return out
