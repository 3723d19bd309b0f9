"""Families written outside of the package, as graph expressions: fitted by Laplace, by quadrature and by NUTS."""

from collections.abc import Mapping
from functools import cache
from math import inf, log, pi
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp

import bayesml as bml
from bayesml.families import Family
from bayesml.families.ancillary import Ancillary
from bayesml.results.bayesian import BayesianResult
from bayesml.results.likelihood import LikelihoodResult


class Geometric(Family):
    """Failures before a success, by their mean: the negative binomial with alpha = 1."""

    name = "geometric"
    parameters = ("mu",)
    links = ("log",)
    support = (0.0, inf)
    whole = True
    allowed = "whole numbers from 0"
    no_tails = "Nobody has written its distribution function."

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        mu = parameters["mu"]
        return y * mu.log - (y + 1.0) * namespace.logaddexp(0.0, mu.log)

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value * (1.0 + parameters["mu"].value)

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        return rng.geometric(1.0 / (1.0 + parameters["mu"].value)) - 1.0


class InverseGaussian(Family):
    """Positive numbers with mean mu and variance mu³ / precision, a parameter of its own."""

    name = "inverse_gaussian"
    parameters = ("mu", "precision")
    links = ("log",)
    support = (0.0, inf)
    allowed = "positive numbers"
    no_tails = "Nobody has written its distribution function."

    def ancillary(self, categories: tuple[str, ...] = ()) -> tuple[Ancillary, ...]:
        return (Ancillary("precision", "precision", prior="dispersion"),)

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        mu, precision = parameters["mu"], parameters["precision"]
        far = (y * namespace.exp(-mu.log) - 1.0) ** 2 / y
        return 0.5 * (namespace.log(precision) - log(2.0 * pi) - 3.0 * namespace.log(y) - precision * far)

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value ** 3 / parameters["precision"]

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        return rng.wald(parameters["mu"].value, parameters["precision"])


# A family that is the shipped one with a parameter fixed

SEIZURES = "y ~ lbase + (1 | subject)"


@cache
def geometric(integration: str) -> tuple[LikelihoodResult, LikelihoodResult]:
    """Fits of the family written here, and of the shipped one."""
    table = bml.datasets.load("epil")
    options = {"integration": integration} | ({} if integration == "laplace" else {"points": 15})
    shipped = {"family": "negative_binomial", "priors": {"alpha": bml.Fixed(1)}}
    return bml.fit(SEIZURES, table, family=Geometric(), **options), bml.fit(SEIZURES, table, **shipped, **options)


@pytest.mark.parametrize("integration", ["laplace", "aghq"])
def test_fits_are_those_of_the_shipped_family(integration):
    own, shipped = geometric(integration)
    assert own.converged
    assert own.loglik == pytest.approx(shipped.loglik, abs=1e-8)
    for numbers in ("fixef", "se", "vcov"):
        assert np.allclose(getattr(own, numbers), getattr(shipped, numbers), rtol=1e-5)
    assert own["sd(Intercept | subject)"] == pytest.approx(shipped["sd(Intercept | subject)"], rel=1e-5)
    assert np.allclose(own.ranef["subject"], shipped.ranef["subject"], atol=1e-5)


def test_quadrature_moves_what_laplace_has_found():
    assert abs(geometric("laplace")[0].loglik - geometric("aghq")[0].loglik) > 1e-3


# A family with a parameter of its own, against plain numerical integration

TIMES = "y ~ 1 + (1 | g)"
PRIORS = {"Intercept": bml.Normal(0, 1), "sd(Intercept | g)": bml.HalfNormal(1), "precision": bml.Exponential(1)}
NODES = np.linspace(-7.0, 7.0, 57)
NODE_WEIGHTS = np.exp(-0.5 * NODES**2) / np.sqrt(2.0 * np.pi) * (NODES[1] - NODES[0])


@cache
def times() -> pd.DataFrame:
    """Twelve groups of four."""
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(12), 4)
    mu = np.exp(0.4 + 0.5 * rng.normal(size=12))[g]
    return pd.DataFrame({"y": rng.wald(mu, 3.0), "g": g})


def log_likelihood(intercept: np.ndarray, sd: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Log likelihood at values that broadcast, effects integrated out by the trapezoidal rule."""
    intercept, sd, precision = (np.asarray(value, float)[..., None] for value in (intercept, sd, precision))
    mu = np.exp(intercept + sd * NODES)
    total = np.zeros(np.broadcast_shapes(mu.shape, precision.shape)[:-1])
    for _, y in times().groupby("g")["y"]:
        n, inverse = len(y), (1.0 / y).sum()
        far = y.sum() / mu**2 - 2.0 * n / mu + inverse
        inside = 0.5 * (n * np.log(precision / (2.0 * np.pi)) - 3.0 * np.log(y).sum() - precision * far)
        total += logsumexp(inside, b=NODE_WEIGHTS, axis=-1)
    return total


@cache
def fitted(integration: str) -> LikelihoodResult:
    options = {"integration": integration} | ({} if integration == "laplace" else {"points": 60})
    return bml.fit(TIMES, times(), family=InverseGaussian(), **options)


def test_likelihood_by_quadrature_is_the_integral():
    fit = fitted("aghq")
    at = [fit["Intercept"], fit["sd(Intercept | g)"], fit["precision"]]
    assert fit.loglik == pytest.approx(float(log_likelihood(*at)), abs=1e-7)
    for place, step in [(0, 0.05), (1, 0.05), (2, 0.2)]:
        for sign in (-1.0, 1.0):
            beside = list(at)
            beside[place] += sign * step
            assert log_likelihood(*beside) < fit.loglik


def test_laplace_is_near_and_knows_by_how_much():
    fit = fitted("laplace")
    error = bml.laplace_error(fit, random_seed=1)
    exact = log_likelihood(fit["Intercept"], fit["sd(Intercept | g)"], fit["precision"])
    assert abs(error.correction) > 3.0 * error.error
    assert abs(error.corrected - exact) < 3.0 * error.error


def test_verbs_work_on_it():
    fit = fitted("aghq")
    assert fit.family_params.loc["precision", "lower"] < 3.0 < fit.family_params.loc["precision", "upper"]
    assert np.allclose(bml.predict(fit)["estimate"], fit.fitted)
    # exp of a normal variable has the mean exp(variance / 2)
    marginal = bml.predict(fit, ranef="marginal")["estimate"].iloc[0]
    assert marginal == pytest.approx(np.exp(fit["Intercept"] + fit["sd(Intercept | g)"] ** 2 / 2), rel=1e-8)


@cache
def sampled() -> BayesianResult:
    options = {"family": InverseGaussian(), "priors": PRIORS, "target_accept": 0.9}
    return bml.sample(TIMES, times(), random_seed=1, progressbar=False, **options)


@cache
def integrated() -> dict[str, tuple[float, float]]:
    """Posterior mean and sd of the three parameters, on a grid."""
    axes = [np.linspace(-0.9, 1.9, 33), np.linspace(0.0, 2.4, 41), np.linspace(0.1, 9.0, 37)]
    intercept, sd, precision = np.meshgrid(*axes, indexing="ij", sparse=True)
    density = log_likelihood(intercept, sd, precision) - 0.5 * intercept**2 - 0.5 * sd**2 - precision
    weight = np.exp(density - density.max())
    weight[:, [0, -1]] *= 0.5  # the density of the sd ends at 0 without being 0 there
    weight /= weight.sum()
    found = {}
    for name, axis, at in zip(PRIORS, axes, range(3), strict=True):
        margin = weight.sum(axis=tuple(k for k in range(3) if k != at))
        mean = (axis * margin).sum()
        assert margin[-1] < 1e-3 * margin.max()
        found[name] = (mean, np.sqrt(((axis - mean) ** 2 * margin).sum()))
    return found


@pytest.mark.parametrize("address", PRIORS)
def test_posterior_is_the_integral(address):
    post = sampled()
    mean, sd = integrated()[address]
    draws = post.draws(address)
    effective = post.parameters.loc[address, "ess_bulk"]
    assert abs(draws.mean() - mean) < 4.0 * sd / np.sqrt(effective)
    assert draws.std() == pytest.approx(sd, rel=0.1)


def test_sampling_went_well():
    assert sampled().parameters["rhat"].max() < 1.01
    assert int(sampled().idata["sample_stats"]["diverging"].sum()) == 0
