"""Categorical family: categories without order."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.errors import SpecificationError
from bayesml.families.base import Family
from bayesml.families.category_codes import up_to
from bayesml.links import Link
from bayesml.links.functions import softplus, without_slope


class Categorical(Family):
    """Categories without order: one predictor for each beside the base, the log odds against it.

    Parameters
    ----------
    base : str, optional
        The category that the others are compared with; the first by default.

    ======== ===========================
    Support  categories, the base 0
    Mean     probability of each category
    ======== ===========================
    """

    name = "categorical"
    synonyms = ("multinomial", "mlogit")
    parameters = ("mu",)
    links = ("logit",)
    support = (0.0, np.inf)
    whole = True
    allowed = "categories"
    outcome = "unordered"
    no_tails = "Categories without order have no distribution function."

    def __init__(self, base: str | None = None):
        self.base = base

    def __repr__(self) -> str:
        return f'"{self.name}"' if self.base is None else f"Categorical(base={self.base!r})"

    def arrange(self, categories: tuple[str, ...]) -> tuple[str, ...]:
        if self.base is None:
            return categories
        if str(self.base) not in categories:
            raise SpecificationError(
                f"`base={self.base!r}` is no category of the response; there are {', '.join(map(repr, categories))}."
            )
        return (str(self.base), *(category for category in categories if category != str(self.base)))

    def predictors(self, categories: tuple[str, ...] = ()) -> tuple[str, ...]:
        return categories[1:]

    def start(self, y: np.ndarray, link: Link, categories: tuple[str, ...] = ()) -> tuple[float, list[float]]:
        return 0.0, []

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        means = parameters["mu"]
        etas = [mean.eta for mean in (means if isinstance(means, tuple) else (means,))]
        if len(etas) == 1:
            return -softplus((1.0 - 2.0 * y) * etas[0], namespace)
        own, largest = 0.0, 0.0
        for k, eta in enumerate(etas):
            own = namespace.where(namespace.equal(y, float(k + 1)), eta, own)
            largest = namespace.maximum(largest, eta)
        # odds against the row's own category would keep the digits of a probability near 1, but their third derivatives
        # take ten times as long to compile
        largest = without_slope(largest, namespace)
        total = sum((namespace.exp(eta - largest) for eta in etas), namespace.exp(-largest))
        return own - largest - namespace.log(total)

    def distribution(self, y: np.ndarray, parameters: Mapping[str, Any]) -> np.ndarray:
        return up_to(self.mean(parameters), y)

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        means = parameters["mu"]
        etas = [np.asarray(mean.eta) for mean in (means if isinstance(means, tuple) else (means,))]
        scores = np.stack([np.zeros_like(etas[0]), *etas], axis=-1)
        p = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return p / p.sum(axis=-1, keepdims=True)

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        p = self.mean(parameters)
        return p * (1.0 - p)

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        below = np.cumsum(self.mean(parameters), axis=-1)
        return (rng.random(below.shape[:-1])[..., None] > below[..., :-1]).sum(axis=-1).astype(float)
