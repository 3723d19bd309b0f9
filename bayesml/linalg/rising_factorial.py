"""Log of a rising factorial over the power it tends to, by which overdispersed counts differ from Poisson counts."""

from math import exp, log, log1p

import numpy as np

from bayesml.linalg.elimination import inner, kernel

DIRECT = 16
"""So many terms are added up; the others by the formula of Euler and Maclaurin."""
BERNOULLI = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000)
"""B_2k / (2k)!."""
SMALL = 0.1
TERMS = 18
HUGE = 600.0
"""Beyond this log alpha, of many terms only the logarithm itself depends on it."""


@kernel
def log_rising(y, log_alpha, order):
    """Derivative of an order (0 to 3) in log alpha of the sum of ``log(1 + alpha j)`` over 0 < j < y, y whole.

    It is ``log Gamma(y + 1/alpha) - log Gamma(1/alpha) + y log alpha``, without its differences: right for alpha near 0
    and of any size, and 0 for y = 0 and 1. The cost does not grow with y.
    """
    total = 0.0
    for j in range(1, min(int(y), DIRECT)):
        total += of_factor(log_alpha, float(j), order)
    if y > DIRECT:
        low, high = float(DIRECT), y - 1.0
        if log_alpha > HUGE and order == 0:
            total += (y - DIRECT) * (log_alpha - HUGE)
        held = min(log_alpha, HUGE)
        alpha = exp(held)
        total += 0.5 * (of_factor(held, low, order) + of_factor(held, high, order))
        total += high * of_integral(alpha * high, order) - low * of_integral(alpha * low, order)
        factorial = 1.0
        for k in range(len(BERNOULLI)):
            # odd derivatives of the term in j: (2k)! (alpha / (1 + alpha j))^(2k + 1)
            m = 2 * k + 1
            if k > 0:
                factorial *= (m - 1) * (m - 2)
            total += BERNOULLI[k] * factorial * (of_power(alpha, high, m, order) - of_power(alpha, low, m, order))
    return total


@inner
def of_factor(log_alpha, x, order):
    """Derivative in log alpha of ``log(1 + alpha x)``."""
    if log_alpha > 0.0:
        rest = exp(-log_alpha)
        if order == 0:
            return log_alpha + log(x + rest)
        first, share = x / (x + rest), rest / (x + rest)
    else:
        t = exp(log_alpha) * x
        if order == 0:
            return log1p(t)
        first, share = t / (1.0 + t), 1.0 / (1.0 + t)
    if order == 1:
        return first
    return first * share if order == 2 else first * share * (share - first)


@inner
def of_power(alpha, x, m, order):
    """Derivative in log alpha of ``(alpha / (1 + alpha x))^m``."""
    share = 1.0 / (1.0 + alpha * x)
    rest = alpha * x * share
    power = (rest / x) ** m
    if order == 0:
        return power
    if order == 1:
        return m * power * share
    if order == 2:
        return m * power * share * (m * share - rest)
    return m * power * share * ((m * share - rest) ** 2 - (m + 1) * share * rest)


@inner
def of_integral(t, order):
    """Derivative in log t of ``(1 + t) log(1 + t) / t - 1``, the mean of ``log(1 + s)`` over 0 < s < t."""
    if t < SMALL:
        # the term (-t)^n gains n in each derivative
        total = 0.0
        for n in range(TERMS, 0, -1):
            total = -t * (total - float(n) ** (order - 1) / (n + 1.0))
        return total
    ratio = log1p(t) / t
    if order == 0:
        return (1.0 + t) * ratio - 1.0
    if order == 1:
        return 1.0 - ratio
    share = 1.0 / (1.0 + t)
    if order == 2:
        return ratio - share
    return share - ratio + t * share * share


@kernel
def log_rising_of(y, log_alpha):
    """`log_rising` of each of two vectors."""
    out = np.empty(len(y))
    for i in range(len(y)):
        out[i] = log_rising(y[i], log_alpha[i], 0)
    return out
