"""Logarithms of gamma functions by what Stirling's formula leaves of them.

Differences of logarithms of gamma functions of large arguments lose digits; written like this, their large parts cancel
in symbols.
"""

from types import ModuleType
from typing import Any

from bayesml.families.tail_integral import held
from bayesml.links.functions import stirling_error_of_log

TINY = -740.0
"""Logarithms below it are of numbers whose gamma function is 1 / x to all digits."""


def stirling_error(x: Any, namespace: ModuleType, log_x: Any = None) -> Any:
    """What Stirling's leading terms leave: ``log Gamma(x) - (x - 1/2) log x + x - log(2 pi) / 2``, for x > 0.

    Absolute error of about 1e-15, for x of any size.

    Parameters
    ----------
    x : array or tensor
    namespace : module
    log_x : array or tensor, optional
        Its logarithm, where that has derivatives which those of a tiny x would not give.
    """
    if log_x is None:
        return stirling_error_of_log(namespace.log(x), namespace)
    # below `TINY` a straight line, as products of the derivatives of log x with 0 would be no numbers
    tiny = held(log_x < TINY, namespace)
    line = namespace.where(tiny, 0.5 * (TINY - log_x), 0.0)
    return stirling_error_of_log(namespace.where(tiny, TINY, log_x), namespace) + line


def half_step(x: Any, namespace: ModuleType) -> Any:
    """``log Gamma(x + 1/2) - log Gamma(x) - log(x) / 2`` for x > 0, about -1 / (8 x)."""
    return x * namespace.log1p(0.5 / x) - 0.5 + stirling_error(x + 0.5, namespace) - stirling_error(x, namespace)
