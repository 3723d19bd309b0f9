"""The standard normal distribution function in logarithms, for the probit link and every normal response."""

from math import sqrt
from types import ModuleType
from typing import Any


def log_distribution(z: Any, namespace: ModuleType) -> Any:
    """Log probability of a standard normal variable up to z, for z of any size."""
    return log_survivor(-z, namespace)


def log_survivor(z: Any, namespace: ModuleType) -> Any:
    """Log probability of a standard normal variable above z, for z of any size.

    The scaled complementary error function grows where the tail vanishes; below 0 the tail itself is used. Both
    branches are evaluated, so each gets arguments in which it and its derivative are finite.
    """
    right, left = namespace.maximum(z, 0.0), namespace.minimum(z, 0.0)
    far = namespace.log(0.5 * namespace.erfcx(right / sqrt(2))) - 0.5 * right**2
    near = namespace.log1p(-0.5 * namespace.erfc(-left / sqrt(2)))
    return namespace.where(z > 0, far, near)
