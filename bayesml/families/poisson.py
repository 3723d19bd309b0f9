"""Poisson family."""

from collections.abc import Mapping
from math import inf, log, pi
from types import ModuleType
from typing import Any

import numpy as np
from scipy import special

from bayesml.families.base import Family
from bayesml.families.large_counts import poisson_counts
from bayesml.families.stirling import stirling_error


class Poisson(Family):
    """Counts with mean mu.

    ======== =============
    Support  0, 1, 2, …
    Mean     mu
    Variance mu
    ======== =============
    """

    name = "poisson"
    parameters = ("mu",)
    links = ("log", "identity", "sqrt")
    support = (0.0, inf)
    whole = True
    allowed = "whole numbers from 0"
    no_tails = "The distribution function of counts is an incomplete gamma function, whose tails lose their digits."

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        # by deviances, so that large counts leave no difference of large numbers
        mu, some = parameters["mu"], y > 0
        log_y = namespace.log(namespace.where(some, y, 1.0))
        saturated = namespace.where(some, 0.5 * (log_y + log(2 * pi)) + stirling_error(y, namespace, log_y), 0.0)
        return y * (mu.log - log_y) - (mu.value - y) - saturated

    def distribution(self, y: np.ndarray, parameters: Mapping[str, Any]) -> np.ndarray:
        return np.where(y < 0, 0.0, special.gammaincc(np.maximum(np.floor(y), 0.0) + 1.0, parameters["mu"].value))

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        return poisson_counts(rng, parameters["mu"].value)
