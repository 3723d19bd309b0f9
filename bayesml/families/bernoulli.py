"""Bernoulli family."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.families.base import Family


class Bernoulli(Family):
    """Responses 0 and 1, 1 with probability mu.

    ======== =============
    Support  0, 1
    Mean     mu
    Variance mu (1 - mu)
    ======== =============
    """

    name = "bernoulli"
    synonyms = ("binary",)
    parameters = ("mu",)
    links = ("logit", "probit", "cloglog", "loglog", "cauchit")
    support = (0.0, 1.0)
    whole = True
    allowed = "0 and 1"
    reads_two_levels = True
    no_tails = "Between 0 and 1 there is nothing at which a response could be censored."

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        return parameters["mu"].log_binary(y)

    def distribution(self, y: np.ndarray, parameters: Mapping[str, Any]) -> np.ndarray:
        return np.where(y < 0, 0.0, np.where(y < 1, np.exp(parameters["mu"].log_complement), 1.0))

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return np.exp(parameters["mu"].log + parameters["mu"].log_complement)

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        return rng.binomial(1, parameters["mu"].value).astype(float)
