"""Beta family."""

from collections.abc import Mapping
from math import log, pi
from types import ModuleType
from typing import Any

import numpy as np
from scipy import special

from bayesml.families.ancillary import Ancillary
from bayesml.families.base import Family
from bayesml.families.interval import probability
from bayesml.families.stirling import stirling_error
from bayesml.links import Link


class Beta(Family):
    """Proportions with mean mu and precision phi: Beta(mu phi, (1 - mu) phi).

    ======== ========================
    Support  numbers between 0 and 1
    Mean     mu
    Variance mu (1 - mu) / (1 + phi)
    ======== ========================
    """

    name = "beta"
    parameters = ("mu", "phi")
    links = ("logit", "probit", "cloglog", "loglog", "cauchit")
    support = (0.0, 1.0)
    allowed = "numbers above 0 and below 1"
    no_tails = (
        "The distribution function of proportions is an incomplete beta function, for which there is no expression "
        "whose derivatives are accurate for all parameters."
    )

    def ancillary(self, categories: tuple[str, ...] = ()) -> tuple[Ancillary, ...]:
        return (Ancillary("phi", "phi", prior="precision", start=10.0),)

    def allows(self, y: np.ndarray) -> np.ndarray:
        return (y > 0) & (y < 1)

    def start(self, y: np.ndarray, link: Link, categories: tuple[str, ...] = ()) -> tuple[float, list[float]]:
        mean, variance = float(np.mean(y)), float(np.var(y)) or 1e-4
        return self.start_of_predictor(y, link), [max(mean * (1 - mean) / variance - 1, 0.1)]

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        # by deviances, so that a large phi leaves no difference of large numbers
        mu, phi = parameters["mu"], parameters["phi"]
        log_phi = namespace.log(phi)
        p, log_p = probability(mu.log, namespace) * phi, mu.log + log_phi
        q, log_q = probability(mu.log_complement, namespace) * phi, mu.log_complement + log_phi
        return (
            p * (namespace.log(y) - mu.log)
            + q * (namespace.log1p(-y) - mu.log_complement)
            + 0.5 * (log_p + log_q - log_phi)
            - 0.5 * log(2 * pi)
            - stirling_error(p, namespace, log_p)
            - stirling_error(q, namespace, log_q)
            + stirling_error(phi, namespace)
            - namespace.log(y)
            - namespace.log1p(-y)
        )

    def distribution(self, y: np.ndarray, parameters: Mapping[str, Any]) -> np.ndarray:
        mu, phi = parameters["mu"], parameters["phi"]
        return special.betainc(np.exp(mu.log) * phi, np.exp(mu.log_complement) * phi, np.clip(y, 0.0, 1.0))

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        mu = parameters["mu"]
        return np.exp(mu.log + mu.log_complement) / (1.0 + parameters["phi"])

    def quantile(self, probability: Any, parameters: Mapping[str, Any]) -> np.ndarray:
        mu, phi = parameters["mu"], parameters["phi"]
        return special.betaincinv(np.exp(mu.log) * phi, np.exp(mu.log_complement) * phi, probability)

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        mu, phi = parameters["mu"], parameters["phi"]
        shapes = (np.maximum(np.exp(part) * phi, np.finfo(float).tiny) for part in (mu.log, mu.log_complement))
        y = rng.beta(*shapes)
        return np.clip(y, np.finfo(float).tiny, 1 - np.finfo(float).epsneg)

    def latent_variance(self, link: Link, scale: float) -> None:
        return None
