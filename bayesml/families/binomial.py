"""Binomial family."""

from collections.abc import Mapping
from math import inf
from types import ModuleType
from typing import Any

import numpy as np
from scipy import special

from bayesml.families.base import Family
from bayesml.links.functions import gammaln


class Binomial(Family):
    """Successes among n trials, each of probability mu.

    ======== =================
    Support  0, 1, …, n
    Mean     mu, of the proportion
    Variance mu (1 - mu) / n, of the proportion
    ======== =================
    """

    name = "binomial"
    parameters = ("mu",)
    links = ("logit", "probit", "cloglog", "loglog", "cauchit")
    support = (0.0, inf)
    whole = True
    allowed = "whole numbers from 0 to the number of trials"
    takes_trials = True
    reads_two_levels = True
    no_tails = "The distribution function of successes is an incomplete beta function, whose tails lose their digits."

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        n, mu = parameters.get("trials", 1.0), parameters["mu"]
        ways = gammaln(n + 1.0, namespace) - gammaln(y + 1.0, namespace) - gammaln(n - y + 1.0, namespace)
        return ways + y * mu.log + (n - y) * mu.log_complement

    def distribution(self, y: np.ndarray, parameters: Mapping[str, Any]) -> np.ndarray:
        n = np.asarray(parameters.get("trials", 1.0), float)
        inside = np.clip(np.floor(y), 0.0, n)
        # the complement, whose second argument stays above 0
        below = special.betainc(np.maximum(n - inside, 1e-300), inside + 1.0, np.exp(parameters["mu"].log_complement))
        return np.where(y < 0, 0.0, np.where(inside >= n, 1.0, below))

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return np.exp(parameters["mu"].log + parameters["mu"].log_complement) / parameters.get("trials", 1.0)

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        trials = np.asarray(parameters.get("trials", 1.0)).astype(np.int64)
        return rng.binomial(trials, parameters["mu"].value).astype(float)
