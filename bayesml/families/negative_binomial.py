"""Negative binomial family."""

from collections.abc import Mapping
from math import inf
from types import ModuleType
from typing import Any, ClassVar, Literal

import numpy as np
from scipy import special

from bayesml.errors import SpecificationError
from bayesml.families.ancillary import Ancillary
from bayesml.families.base import Family
from bayesml.families.large_counts import poisson_counts
from bayesml.links import Link
from bayesml.links.functions import gammaln, log1p_ratio, log_rising, softplus

NEAR = -3.0
"""Below this log of alpha mu, counts are nearly Poisson counts."""


class NegativeBinomial(Family):
    """Counts with mean mu that vary more than Poisson counts: of a Poisson variable whose mean is a gamma variable.

    Parameters
    ----------
    dispersion : {"mean", "constant"}
        Whether the variance over the mean grows with the mean, ``1 + alpha mu``, or is constant, ``1 + delta``.

    ======== =================================
    Support  0, 1, 2, …
    Mean     mu
    Variance mu + alpha mu², or mu (1 + delta)
    ======== =================================
    """

    name = "negative_binomial"
    synonyms = ("negativebinomial", "nbinom", "nbinom2", "nb2", "nbreg", "nbinomial", "negbinomial")
    parameters = ("mu",)
    links = ("log", "identity", "sqrt")
    support = (0.0, inf)
    whole = True
    allowed = "whole numbers from 0"
    no_tails = "The distribution function of these counts is an incomplete beta function, without usable derivatives."
    special_cases: ClassVar[Mapping[str, bool]] = {"poisson": True}

    def __init__(self, dispersion: Literal["mean", "constant"] = "mean"):
        if dispersion not in ("mean", "constant"):
            raise SpecificationError(f'`dispersion={dispersion!r}`: give "mean" or "constant".')
        self.dispersion = dispersion

    def __repr__(self) -> str:
        return f'"{self.name}"' if self.dispersion == "mean" else f'NegativeBinomial(dispersion="{self.dispersion}")'

    def named(self) -> dict[str, Family]:
        return super().named() | {name: NegativeBinomial("constant") for name in ("nbinom1", "nb1")}

    def ancillary(self, categories: tuple[str, ...] = ()) -> tuple[Ancillary, ...]:
        name = "alpha" if self.dispersion == "mean" else "delta"
        return (Ancillary(name, name, prior="dispersion"),)

    def start(self, y: np.ndarray, link: Link, categories: tuple[str, ...] = ()) -> tuple[float, list[float]]:
        mean = max(float(np.mean(y)), 1e-3)
        excess = max(float(np.var(y)) / mean - 1.0, 0.1)
        return self.start_of_predictor(y, link), [0.5 * (excess / mean if self.dispersion == "mean" else excess)]

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        mu, constant = parameters["mu"], gammaln(y + 1.0, namespace)
        if self.dispersion == "mean":
            log_alpha = namespace.log(parameters["alpha"])
            share, none = of_mean(log_alpha + mu.log, mu, log_alpha, namespace)
        else:
            log_delta = namespace.log(parameters["delta"])
            share, none = mu.log - softplus(log_delta, namespace), mu.value * log1p_ratio(log_delta, namespace)
            log_alpha = log_delta - mu.log
        return log_rising(y, log_alpha, namespace) + y * share - none - constant

    def distribution(self, y: np.ndarray, parameters: Mapping[str, Any]) -> np.ndarray:
        mu = parameters["mu"].value
        scale = parameters["alpha"] * mu if self.dispersion == "mean" else parameters["delta"] + 0.0 * mu
        below = special.betainc(mu / scale, np.maximum(np.floor(y), 0.0) + 1.0, 1.0 / (1.0 + scale))
        return np.where(y < 0, 0.0, below)

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        mu = parameters["mu"].value
        return mu * (1.0 + (parameters["alpha"] * mu if self.dispersion == "mean" else parameters["delta"]))

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        mu = parameters["mu"].value
        scale = parameters["alpha"] * mu if self.dispersion == "mean" else parameters["delta"] + 0.0 * mu
        return poisson_counts(rng, rng.gamma(mu / scale, scale))


def of_mean(z: Any, mu: Any, log_alpha: Any, namespace: ModuleType) -> tuple[Any, Any]:
    """``log(mu / (1 + alpha mu))`` and ``log(1 + alpha mu) / alpha``, where z = log(alpha mu).

    The second, minus the log probability of 0, is near a Poisson distribution mu times a factor, whose derivatives in
    log alpha vanish there; elsewhere a quotient, whose derivatives in the predictor do not cancel. No derivative of the
    first is 1 minus something near 1.
    """
    right, near = z > 0.0, z < NEAR
    small = softplus(namespace.where(right, -z, z), namespace)
    share = namespace.where(right, -log_alpha, mu.log) - small
    factor = log1p_ratio(namespace.where(near, z, NEAR), namespace)
    quotient = namespace.where(right, z + small, small) * namespace.exp(-namespace.where(near, 0.0, log_alpha))
    return share, namespace.where(near, mu.value * factor, quotient)
