"""Logarithms of gamma functions as small elementary expressions.

PyTensor differentiates its own `gammaln` into polygamma functions, which are slow, and differences of logarithms of
gamma functions of large arguments lose digits. Lanczos's approximation has accurate derivatives of every order, in few
operations, and large parts cancel in symbols.
"""

from math import log, pi
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.families.tail_integral import first_axis, held

TINY = -740.0
"""Logarithms below it are of numbers whose gamma function is 1 / x to all digits."""
SHIFT = 607 / 128 + 0.5
FIRST = 0.99999999999999709182
POLES = np.array(
    [
        57.156235665862923517,
        -59.597960355475491248,
        14.136097974741747174,
        -0.49191381609762019978,
        0.33994649984811888699e-4,
        0.46523628927048575665e-4,
        -0.98374475304879564677e-4,
        0.15808870322491248884e-3,
        -0.21026444172410488319e-3,
        0.21743961811521264320e-3,
        -0.16431810653676389022e-3,
        0.84418223983852743293e-4,
        -0.26190838401581408670e-4,
        0.36899182659531622704e-5,
    ]
)
"""Lanczos's coefficients of `FIRST + sum of POLES[k] / (x + k + 1)`, as computed by P. Godfrey (2001)."""


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
    if hasattr(namespace, "stirling_error_of_log"):  # with derivatives written by hand
        if log_x is None:
            return namespace.stirling_error_of_log(namespace.log(x))
        # below `TINY` a straight line, as products of the derivatives of log x with 0 would be no numbers
        tiny = held(log_x < TINY, namespace)
        line = namespace.where(tiny, 0.5 * (TINY - log_x), 0.0)
        return namespace.stirling_error_of_log(namespace.where(tiny, TINY, log_x)) + line
    small = held(x < 1.0, namespace)
    low, high = namespace.where(small, x, 1.0), namespace.where(small, 1.0, x)
    log_low = namespace.where(small, namespace.log(x) if log_x is None else log_x, 0.0)
    ratio = namespace.where(small, namespace.log(low + SHIFT) - log_low, namespace.log1p(SHIFT / high))
    return (x + 0.5) * ratio - SHIFT + log_lanczos(x, namespace)


def log_lanczos(x: Any, namespace: ModuleType) -> Any:
    """Log of Lanczos's sum, whose terms stand along a first axis until they are added."""
    ndim = np.ndim(x) if namespace is np else x.ndim
    terms = first_axis(POLES, ndim) / (x + first_axis(np.arange(1.0, len(POLES) + 1), ndim))
    return namespace.log(FIRST + terms.sum(axis=0))


def log_gamma(x: Any, namespace: ModuleType, log_x: Any = None) -> Any:
    """``log Gamma(x)`` for x > 0; `log_x` as in `stirling_error`."""
    log_x = namespace.log(x) if log_x is None else log_x
    return stirling_error(x, namespace, log_x) + (x - 0.5) * log_x - x + 0.5 * log(2 * pi)


def half_step(x: Any, namespace: ModuleType) -> Any:
    """``log Gamma(x + 1/2) - log Gamma(x) - log(x) / 2`` for x > 0, about -1 / (8 x)."""
    return x * namespace.log1p(0.5 / x) - 0.5 + stirling_error(x + 0.5, namespace) - stirling_error(x, namespace)
