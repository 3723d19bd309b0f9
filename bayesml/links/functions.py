"""Functions that NumPy and `pytensor.tensor` do not both have, and stable forms of elementary ones.

What is written here in elementary functions has derivatives to third order that keep their relative accuracy wherever the function
itself does, when they come from the graph. Branches of a `where` are fed with arguments that are safe in them.
"""

from math import log
from types import ModuleType
from typing import Any

import numpy as np
from scipy import special


def softplus(x: Any, namespace: ModuleType) -> Any:
    """``log(1 + exp(x))``.

    The derivative of PyTensor's own is s (1 - s), s its sigmoid, which loses all digits where s is near 1. Here every
    derivative is an expression of exp(-|x|).
    """
    right = x > 0
    return namespace.where(right, x, 0.0) + namespace.log1p(namespace.exp(namespace.where(right, -x, x)))


def sigmoid(x: Any, namespace: ModuleType) -> Any:
    """``1 / (1 + exp(-x))``, with derivatives as those of `softplus`."""
    right = x > 0
    small = namespace.exp(namespace.where(right, -x, x))
    return namespace.where(right, 1.0, small) / (1.0 + small)


def log1mexp(x: Any, namespace: ModuleType) -> Any:
    """``log(1 - exp(-x))`` for x > 0 of any size above 1e-150."""
    large = x > log(2)
    far = namespace.log1p(-namespace.exp(-namespace.where(large, x, log(2))))
    return namespace.where(large, far, namespace.log(-namespace.expm1(-namespace.where(large, log(2), x))))


def logexpm1(x: Any, namespace: ModuleType) -> Any:
    """``log(exp(x) - 1)`` for x > 0."""
    return x + log1mexp(x, namespace)


def erfc(x: Any, namespace: ModuleType) -> Any:
    """Complementary error function."""
    return special.erfc(x) if namespace is np else namespace.erfc(x)


def erfcx(x: Any, namespace: ModuleType) -> Any:
    """Complementary error function times ``exp(x**2)``."""
    return special.erfcx(x) if namespace is np else namespace.erfcx(x)


def erfcinv(x: Any, namespace: ModuleType) -> Any:
    """Inverse of `erfc`."""
    return special.erfcinv(x) if namespace is np else namespace.erfcinv(x)


def gammaln(x: Any, namespace: ModuleType) -> Any:
    """Log of the gamma function, for arguments without parameters: its second derivative is slow in a compiled graph."""
    return special.gammaln(x) if namespace is np else namespace.gammaln(x)
