"""What Stirling's formula leaves of the log of the gamma function, in the log of its argument."""

from math import exp, log1p

import numpy as np

from bayesml.linalg.elimination import kernel

SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)
"""Coefficients of x^-1, x^-3, … (Abramowitz and Stegun, 6.1.41)."""
LARGE = 12.0  # from here on the series has all digits


@kernel
def stirling_error(log_x, order):
    """Derivative of an order (0 to 3) in log x of ``log Γ(x) - (x - 1/2) log x + x - log(2 pi) / 2``, x > 0.

    Below `LARGE` by the recurrence ``S(x) = S(x + 1) + (x + 1/2) log(1 + 1/x) - 1``.
    """
    total = 0.0
    x = exp(min(log_x, 700.0))
    shift, y = 0.0, x
    # derivatives of log(x + shift) in log x: r, r - r², r - 3 r² + 2 r³, with r = x / (x + shift)
    while y < LARGE:
        step = log1p(1.0 / y) if shift > 0.0 or log_x > -30.0 else log1p(y) - log_x
        # 1/y = exp(-log_x) may overflow only where shift is 0 and x tiny
        r, s = x / y if shift > 0.0 else 1.0, x / (y + 1.0)
        q, t = shift / y if shift > 0.0 else 0.0, (shift + 1.0) / (y + 1.0)  # 1 - r, 1 - s, right to the last digits
        # a = y + 1/2 and b = log(1 + 1/y) and their derivatives in log x
        b1 = -r / (y + 1.0)
        b2 = s * t - r * q
        b3 = s * t * (1.0 - 2.0 * s) - r * q * (1.0 - 2.0 * r)
        a = y + 0.5
        if order == 0:
            total += a * step - 1.0
        elif order == 1:
            total += x * step + a * b1
        elif order == 2:
            total += x * step + 2.0 * x * b1 + a * b2
        else:
            total += x * step + 3.0 * x * b1 + 3.0 * x * b2 + a * b3
        shift += 1.0
        y = x + shift
    # the series in 1 / y, and its derivatives in y
    inverse = 1.0 / y
    value, first, second, third = 0.0, 0.0, 0.0, 0.0
    power = inverse
    for k in range(len(SERIES)):
        n = 2.0 * k + 1.0
        value += SERIES[k] * power
        first -= n * SERIES[k] * power
        second += n * (n + 1.0) * SERIES[k] * power
        third -= n * (n + 1.0) * (n + 2.0) * SERIES[k] * power
        power *= inverse * inverse
    # first is y S'(y), and so on; in log x
    r = x / y
    if order == 0:
        return total + value
    if order == 1:
        return total + r * first
    if order == 2:
        return total + r * first + r * r * second
    return total + r * first + 3.0 * r * r * second + r * r * r * third


@kernel
def stirling_errors(log_x):
    """`stirling_error` of a vector."""
    out = np.empty(len(log_x))
    for i in range(len(log_x)):
        out[i] = stirling_error(log_x[i], 0)
    return out
