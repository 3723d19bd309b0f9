"""Elementary functions of links in logarithms, with derivatives to third order, right to the last digits far out.

The order is a constant where they are called, so that machine code has one branch of it and shares exponentials.
"""

from math import atan2, exp, expm1, log, log1p, pi

from bayesml.linalg.elimination import kernel

SMALL = 0.5
"""Up to here ``t / (exp(t) - 1)`` is read from its series."""
SERIES = (-1 / 2, 1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600)
"""Of that function: coefficients of t, t², t⁴, t⁶, …."""


@kernel
def softplus(x, order):
    """Derivative of an order, 4 at most, of ``log(1 + exp(x))``."""
    small = exp(-abs(x))
    if order == 0:
        return max(x, 0.0) + log1p(small)
    if order == 1:
        return (1.0 if x > 0.0 else small) / (1.0 + small)
    second = small / ((1.0 + small) * (1.0 + small))
    if order == 2:
        return second
    if order == 4:
        return second * (1.0 - 6.0 * second)
    ratio = (1.0 - small) / (1.0 + small)
    return -second * ratio if x > 0.0 else second * ratio


@kernel
def log1p_ratio(x, order):
    """Derivative of an order of ``log(1 + exp(x)) / exp(x)``."""
    if x > 700.0:
        return (1.0 - 2.0 * (order % 2)) * (x - order) * exp(-x)
    t = exp(x)
    if t < 0.1:
        # the term (-t)^n gains n in each derivative
        total = 0.0
        for n in range(18, 0, -1):
            total = -t * (total + float(n) ** order / (n + 1.0))
        return 1.0 + total if order == 0 else total
    ratio, share = log1p(t) / t, 1.0 / (1.0 + t)
    if order == 0:
        return ratio
    if order == 1:
        return share - ratio
    rest = t * share
    if order == 2:
        return ratio - share - share * rest
    return share - ratio + share * rest - share * rest * (share - rest)


@kernel
def log1mexp(x, order):
    """Derivative of an order of ``log(1 - exp(x))``, x < 0."""
    if order == 0:
        return log1p(-exp(x)) if x < -0.6931471805599453 else log(-expm1(x))
    odds = exp(x) / expm1(x)
    if order == 1:
        return odds
    if order == 2:
        return odds * (1.0 - odds)
    return odds * (1.0 - odds) * (1.0 - 2.0 * odds)


@kernel
def log_extreme(x, order):
    """Derivative of an order of ``log(1 - exp(-exp(x)))``, of the distribution function of a smallest value."""
    if x > 7.0:  # 1 to all digits
        return 0.0
    t = exp(x)
    if t < SMALL:
        # log t + log((1 - exp(-t)) / t), whose derivative is t / (exp(t) - 1); a term t^n gains n in each derivative
        power, total = t * t, 0.0
        for k in range(len(SERIES) - 1, 0, -1):
            n = 2.0 * k
            total = total * power + SERIES[k] * n ** (order - 1)
        total = total * power + SERIES[0] * t
        if order == 0:
            return x + total
        return 1.0 + total if order == 1 else total
    if order == 0:
        return log1p(-exp(-t))
    first = t * exp(-t) / -expm1(-t)
    if order == 1:
        return first
    rest = 1.0 - t - first
    second = first * rest
    if order == 2:
        return second
    return second * rest - first * (t + second)


@kernel
def log_cauchy(x, order):
    """Derivative of an order of the log of the distribution function of a standard Cauchy variable."""
    if order == 0:
        return log1p(-atan2(1.0, x) / pi) if x > 0.0 else log(atan2(1.0, -x) / pi)
    square = 1.0 + x * x
    first = 1.0 / (square * atan2(1.0, -x))
    if order == 1:
        return first
    slope = 2.0 * x / square
    second = -first * (slope + first)
    if order == 2:
        return second
    return -second * (slope + first) - first * (2.0 * (1.0 - x * x) / (square * square) + second)
