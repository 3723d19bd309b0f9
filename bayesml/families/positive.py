"""Families of positive responses, whose distribution functions are written in the logarithm of the response."""

from collections.abc import Mapping
from math import inf
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.families.continuous import Continuous


class Positive(Continuous):
    """A continuous response above 0, a time for instance.

    A subclass sets `log_tails` of a response above 0, and `log_between` where intervals have an expression of their
    own. A limit of 0, as entry at time 0 has, is no limit.
    """

    support = (0.0, inf)
    allowed = "numbers above 0"

    def allows(self, y: np.ndarray) -> np.ndarray:
        return (y > 0) & (y < inf)

    def log_between(self, lower: Any, upper: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        """Log probability between two responses above 0."""
        return super().log_interval(lower, upper, parameters, namespace)

    def log_distribution(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        positive = y > 0
        found = super().log_distribution(namespace.where(positive, y, 1.0), parameters, namespace)
        return namespace.where(positive, found, -inf)

    def log_survivor(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        positive = y > 0
        found = super().log_survivor(namespace.where(positive, y, 1.0), parameters, namespace)
        return namespace.where(positive, found, 0.0)

    def log_interval(self, lower: Any, upper: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        positive = lower > 0
        found = self.log_between(namespace.where(positive, lower, 0.5 * upper), upper, parameters, namespace)
        return namespace.where(positive, found, super().log_distribution(upper, parameters, namespace))
