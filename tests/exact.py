"""Exact numbers, in mpmath: links as distribution functions with both tails, derivatives of any order.

Working precision is `DIGITS`; functions are written so that nothing cancels at predictors of ±700, and are otherwise as
plain as they can be: they share nothing with the package.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import mpmath as mp

DIGITS = 120
mp.mp.dps = DIGITS
STEP = mp.mpf(10) ** -26


@dataclass(frozen=True)
class Exact:
    """A link in mpmath: log F, log(1 - F); for those that are no distributions only log F (of a positive mean) or F."""

    inverse: Callable
    log: Callable | None = None
    log_complement: Callable | None = None

    def log_interval(self, lower, width):
        """``log(F(lower + width) - F(lower))``, from the smaller tail, or from both where it is nearly everything."""
        missing = mp.exp(self.log(lower)) + mp.exp(self.log_complement(lower + width))
        if missing < 0.5:
            return mp.log1p(-missing)
        if lower > 0:
            return mp.log(mp.exp(self.log_complement(lower)) - mp.exp(self.log_complement(lower + width)))
        return mp.log(mp.exp(self.log(lower + width)) - mp.exp(self.log(lower)))


def softplus(x):
    return mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x))


def log1mexp(x):
    """``log(1 - exp(-x))`` for x > 0."""
    return mp.log1p(-mp.exp(-x)) if x > 1 else mp.log(-mp.expm1(-x))


def log_normal(x):
    """Log of the standard normal distribution function."""
    return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2) if x < 0 else mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2)


def tail(x):
    """Probability of a standard Cauchy variable above x >= 0."""
    return mp.atan(1 / x) / mp.pi if x > 0 else mp.mpf(1) / 2


LINKS = {
    "identity": Exact(lambda x: x, mp.log),
    "log": Exact(mp.exp, lambda x: x),
    "inverse": Exact(lambda x: 1 / x, lambda x: -mp.log(x)),
    "sqrt": Exact(lambda x: x**2, lambda x: 2 * mp.log(abs(x))),
    "logit": Exact(lambda x: 1 / (1 + mp.exp(-x)), lambda x: -softplus(-x), lambda x: -softplus(x)),
    "probit": Exact(lambda x: mp.erfc(-x / mp.sqrt(2)) / 2, log_normal, lambda x: log_normal(-x)),
    "cloglog": Exact(lambda x: -mp.expm1(-mp.exp(x)), lambda x: log1mexp(mp.exp(x)), lambda x: -mp.exp(x)),
    "loglog": Exact(lambda x: mp.exp(-mp.exp(-x)), lambda x: -mp.exp(-x), lambda x: log1mexp(mp.exp(-x))),
    "cauchit": Exact(
        lambda x: mp.atan2(1, -x) / mp.pi,
        lambda x: mp.log(mp.atan2(1, -x) / mp.pi) if x < 0 else mp.log1p(-tail(x)),
        lambda x: mp.log(mp.atan2(1, x) / mp.pi) if x > 0 else mp.log1p(-tail(-x)),
    ),
}

STENCILS = {
    0: {0: 1},
    1: {1: mp.mpf(1) / 2, -1: -mp.mpf(1) / 2},
    2: {1: 1, 0: -2, -1: 1},
    3: {2: mp.mpf(1) / 2, 1: -1, -1: 1, -2: -mp.mpf(1) / 2},
}


def derivative(function: Callable, at: Sequence, orders: Sequence[int], step=STEP):
    """Mixed partial derivative of a function of several numbers, by central differences with a step that is tiny."""
    total = mp.mpf(0)
    for places in product(*(STENCILS[order].items() for order in orders)):
        weight = mp.mpf(1)
        for _, factor in places:
            weight *= factor
        total += weight * function(*(mp.mpf(x) + k * step for x, (k, _) in zip(at, places, strict=True)))
    return total / step ** sum(orders)
