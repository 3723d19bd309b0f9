"""Cumulative family: ordered categories."""

from collections.abc import Mapping
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.families.ancillary import Ancillary
from bayesml.families.base import Family
from bayesml.families.category_codes import up_to
from bayesml.links import Link


class Cumulative(Family):
    """Ordered categories: intervals of a latent variable, between cut points.

    ``P(Y <= k) = F(cut_k - eta)``, F the inverse of the link: positive coefficients move towards higher categories. The
    cut points stand for an intercept.

    ======== ===========================
    Support  categories 0, 1, …, C - 1
    Mean     probability of each category
    ======== ===========================
    """

    name = "cumulative"
    synonyms = ("ordinal", "ordered", "ologit", "clm", "clmm")
    parameters = ("mu",)
    links = ("logit", "probit", "cloglog", "loglog", "cauchit")
    support = (0.0, np.inf)
    whole = True
    allowed = "ordered categories"
    outcome = "ordered"
    takes_intercept = False
    no_tails = "Categories are intervals of a latent variable already; join categories to coarsen them."

    def ancillary(self, categories: tuple[str, ...] = ()) -> tuple[Ancillary, ...]:
        return tuple(
            Ancillary(f"cut[{a}|{b}]", "cut", "ordered", "cutpoint", float(i))
            for i, (a, b) in enumerate(pairwise(categories))
        )

    def start(self, y: np.ndarray, link: Link, categories: tuple[str, ...] = ()) -> tuple[float, list[float]]:
        counts = np.bincount(y.astype(np.int64), minlength=len(categories)) + 0.5
        below = np.cumsum(counts)[:-1] / counts.sum()
        return 0.0, [float(cut) for cut in link.of(below, np)]

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        mu, cuts = parameters["mu"], parameters["cut"]
        last = len(cuts)
        lower, upper, gap = cuts[0], cuts[-1], 1.0
        for k in range(1, last):
            here = namespace.equal(y, float(k))
            lower = namespace.where(here, cuts[k - 1], lower)
            upper = namespace.where(namespace.equal(y, float(k - 1)), cuts[k - 1], upper)
            # the difference of neighbours, which keeps the digits of close cut points
            gap = namespace.where(here, cuts[k] - cuts[k - 1], gap)
        lower = namespace.where(namespace.equal(y, float(last)), cuts[-1], lower)
        bottom, top = namespace.equal(y, 0.0), namespace.equal(y, float(last))
        ends = namespace.where(
            bottom, mu.link.log_inverse(upper - mu.eta, namespace), mu.link.log_complement(lower - mu.eta, namespace)
        )
        if last == 1:
            return ends
        middle = mu.link.log_interval(lower - mu.eta, gap, namespace)
        return namespace.where(namespace.maximum(bottom, top), ends, middle)

    def distribution(self, y: np.ndarray, parameters: Mapping[str, Any]) -> np.ndarray:
        return up_to(self.mean(parameters), y)

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        categories = range(len(parameters["cut"]) + 1)
        eta = np.asarray(parameters["mu"].eta)
        return np.stack([np.exp(self.log_density(np.full(eta.shape, k), parameters, np)) for k in categories], axis=-1)

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        p = self.mean(parameters)
        return p * (1.0 - p)

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        mu = parameters["mu"]
        below = [mu.link.inverse(cut - mu.eta, np) for cut in parameters["cut"]]
        u = rng.random(np.broadcast_shapes(*map(np.shape, below)))
        return sum((u > own).astype(float) for own in below) + np.zeros(u.shape)
