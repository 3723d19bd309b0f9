"""Functions of links and families that NumPy has not: numbers here, tensors in the namespace of the graph.

That namespace is `bayesml.graphs.tensors.TENSORS`: PyTensor's, and there each of these has derivatives to third order.
"""

from types import ModuleType
from typing import Any

import numpy as np
from scipy import special

from bayesml.linalg import normal_tails, rising_factorial, stirling


def softplus(x: Any, namespace: ModuleType) -> Any:
    """``log(1 + exp(x))``."""
    return np.logaddexp(0.0, x) if namespace is np else namespace.softplus(x)


def sigmoid(x: Any, namespace: ModuleType) -> Any:
    """``1 / (1 + exp(-x))``."""
    return special.expit(x) if namespace is np else namespace.sigmoid(x)


def log1mexp(x: Any, namespace: ModuleType) -> Any:
    """``log(1 - exp(x))`` for x < 0."""
    if namespace is not np:
        return namespace.log1mexp(x)
    large = np.asarray(x) < -np.log(2)
    far = np.log1p(-np.exp(np.where(large, x, -1.0)))
    return np.where(large, far, np.log(-np.expm1(np.where(large, -1.0, x))))


def log_extreme(x: Any, namespace: ModuleType) -> Any:
    """``log(1 - exp(-exp(x)))``: the log distribution function of a smallest value."""
    if namespace is not np:
        return namespace.log_extreme(x)
    t = np.exp(np.minimum(x, 7.0))
    return np.where(t < 1e-17, x, log1mexp(-np.maximum(t, 1e-17), np))


def log_cauchy(x: Any, namespace: ModuleType) -> Any:
    """Log distribution function of a standard Cauchy variable."""
    if namespace is not np:
        return namespace.log_cauchy(x)
    above = np.log1p(-np.arctan2(1.0, np.maximum(x, 0.0)) / np.pi)
    return np.where(np.asarray(x) > 0, above, np.log(np.arctan2(1.0, -np.minimum(x, 0.0)) / np.pi))


def log_normal_survivor(z: Any, namespace: ModuleType) -> Any:
    """Log probability of a standard normal variable above z."""
    return special.log_ndtr(np.negative(z)) if namespace is np else namespace.log_normal_survivor(z)


def log_normal_interval(lower: Any, width: Any, namespace: ModuleType) -> Any:
    """Log probability of a standard normal variable in (lower, lower + width), of any width > 0."""
    if namespace is np:
        return elementwise(normal_tails.log_interval_of, lower, width)
    return namespace.log_normal_interval(lower, width)


def log_rising(y: Any, log_alpha: Any, namespace: ModuleType) -> Any:
    """``sum of log(1 + alpha j)`` over 0 < j < y, for whole y."""
    return (
        elementwise(rising_factorial.log_rising_of, y, log_alpha)
        if namespace is np
        else namespace.log_rising(y, log_alpha)
    )


def stirling_error_of_log(log_x: Any, namespace: ModuleType) -> Any:
    """``log Γ(x) - (x - 1/2) log x + x - log(2 pi) / 2``, of log x."""
    return elementwise(stirling.stirling_errors, log_x) if namespace is np else namespace.stirling_error_of_log(log_x)


def log1p_ratio(x: Any, namespace: ModuleType) -> Any:
    """``log(1 + exp(x)) / exp(x)``, which falls from 1 to 0."""
    return np.logaddexp(0.0, x) * np.exp(np.negative(x)) if namespace is np else namespace.log1p_ratio(x)


def erfc(x: Any, namespace: ModuleType) -> Any:
    """Complementary error function."""
    return special.erfc(x) if namespace is np else namespace.erfc(x)


def erfcinv(x: Any, namespace: ModuleType) -> Any:
    """Inverse of `erfc`."""
    return special.erfcinv(x) if namespace is np else namespace.erfcinv(x)


def gammaln(x: Any, namespace: ModuleType) -> Any:
    """Log of the gamma function, of responses only: higher derivatives of PyTensor's are slow."""
    return special.gammaln(x) if namespace is np else namespace.gammaln(x)


def without_slope(x: Any, namespace: ModuleType) -> Any:
    """A number that does not matter to the result, through which no derivative need be taken."""
    return x if namespace is np else namespace.without_slope(x)


def elementwise(kernel: Any, *arguments: Any) -> np.ndarray:
    """A kernel of vectors, of arrays that broadcast."""
    arrays = np.broadcast_arrays(*arguments)
    vectors = (np.ascontiguousarray(array, dtype=float).ravel() for array in arrays)
    return kernel(*vectors).reshape(arrays[0].shape)[()]
