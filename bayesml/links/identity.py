"""Identity link."""

from math import inf
from types import ModuleType
from typing import Any

from bayesml.links.base import Link


class Identity(Link):
    """The mean itself: ``eta = mu``."""

    name = "identity"
    mean_support = (-inf, inf)

    def of(self, mu: Any, namespace: ModuleType) -> Any:
        return mu

    def inverse(self, eta: Any, namespace: ModuleType) -> Any:
        return eta
