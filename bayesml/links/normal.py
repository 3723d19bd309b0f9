"""The standard normal distribution function in logarithms, for the probit link and every normal response."""

from types import ModuleType
from typing import Any

from bayesml.links.functions import log_normal_interval, log_normal_survivor


def log_distribution(z: Any, namespace: ModuleType) -> Any:
    """Log probability of a standard normal variable up to z, for z of any size."""
    return log_normal_survivor(-z, namespace)


def log_survivor(z: Any, namespace: ModuleType) -> Any:
    """Log probability of a standard normal variable above z, for z of any size."""
    return log_normal_survivor(z, namespace)


def log_interval(lower: Any, width: Any, namespace: ModuleType) -> Any:
    """Log probability of a standard normal variable in (lower, lower + width), for a width > 0 of any size."""
    return log_normal_interval(lower, width, namespace)
