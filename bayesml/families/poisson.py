"""Poisson family."""

from collections.abc import Mapping
from math import inf
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.families.base import Family
from bayesml.links.functions import gammaln


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
        return y * parameters["mu"].log - parameters["mu"].value - gammaln(y + 1.0, namespace)

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        return rng.poisson(parameters["mu"].value).astype(float)
