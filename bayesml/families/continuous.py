"""Continuous families, whose distribution functions come in pairs."""

from abc import abstractmethod
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from bayesml.families.base import Family
from bayesml.families.interval import log_interval


class Continuous(Family):
    """A continuous response. A subclass sets `log_tails`, and `log_interval` where it has an expression of its own."""

    @abstractmethod
    def log_tails(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> tuple[Any, Any]:
        """Log distribution and log survivor of y."""

    def log_distribution(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        return self.log_tails(y, parameters, namespace)[0]

    def log_survivor(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        return self.log_tails(y, parameters, namespace)[1]

    def log_interval(self, lower: Any, upper: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        return log_interval(
            lambda y: self.log_density(y, parameters, namespace),
            lambda y: self.log_tails(y, parameters, namespace),
            lower,
            upper,
            namespace,
        )
