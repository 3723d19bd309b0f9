"""Coordinates of parameters: maps there and back, and densities that integrate to one."""

import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.design.build import build_design
from bayesml.estimators.bridge import bridge_sampling
from bayesml.estimators.unconstrained import Interval, Unconstrained, log_probability_of_order
from bayesml.graphs.roles import Graph, build_graph
from bayesml.results.prior_draws import draw_prior
from bayesml.spec.priors import Priors


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 60
    table = pd.DataFrame(rng.normal(size=(n, 2)), columns=["x", "z"])
    table["g"] = np.tile(list("abcdef"), 10)
    table["y"] = rng.normal(size=n)
    table["count"] = rng.poisson(2, size=n)
    table["grade"] = rng.integers(1, 5, size=n)
    return table


MODELS = {
    "three correlated columns": ("y ~ x + (x + z | g)", {}, {"corr(g)": bml.LKJ(2)}),
    "exchangeable columns": ("y ~ x + (x + z | g)", {"covariance": {"g": "exchangeable"}}, {}),
    "one correlation": ("y ~ x + (x | g)", {}, {"sigma": bml.Uniform(0, 3), "x": bml.StudentT(4, 0, 1)}),
    "a prior on the variance": ("y ~ (1 | g)", {}, {"sd(g)": bml.OnVariance(bml.InverseGamma(3, 2))}),
    "a covariance matrix": ("y ~ x + (x + z | g)", {}, {"cov(g)": bml.InverseWishart(6, 2)}),
    "a prior on the precision": ("y ~ (1 | g)", {}, {"sd(g)": bml.OnPrecision(bml.Gamma(3, 2))}),
    "truncated priors": (
        "y ~ x + (x || g)",
        {},
        {"x": bml.Truncated(bml.Normal(0, 1), 0, 2), "sd(g)": bml.Truncated(bml.Normal(1, 1), 0.2)},
    ),
    "held parameters": ("y ~ x + (x | g)", {}, {"sigma": bml.Fixed(1), "corr(g)": bml.Fixed(0.2), "x": bml.Fixed(1)}),
    "overdispersed counts": ("count ~ x + (1 | g)", {"family": "negative_binomial"}, {}),
    "cut points": ("grade ~ x + (1 | g)", {"family": "cumulative"}, {}),
    "different cut points": (
        "grade ~ x",
        {"family": "cumulative"},
        {"cut[1|2]": bml.Normal(-1, 1), "cut[2|3]": bml.Normal(0, 1), "cut[3|4]": bml.Normal(0.5, 1)},
    ),
}


def graph_of(name: str) -> Graph:
    formula, options, priors = MODELS[name]
    model = bml.Model(formula, priors=Priors.of(priors), **options)
    return build_graph(model, build_design(model, frame()))


@pytest.mark.parametrize("name", MODELS)
def test_draws_come_back(name):
    graph = graph_of(name)
    prior = draw_prior(graph, 50, 1, effects=False)
    coordinates = Unconstrained(graph, prior)
    x = coordinates.of(prior)
    assert x.shape == (1, 50, coordinates.size)
    back, _ = coordinates.posterior(x[0])
    for own, other in (
        (prior.beta, back.beta), (prior.sigma, back.sigma), *zip(prior.sds, back.sds, strict=True),
        *zip(prior.corrs, back.corrs, strict=True), (prior.ancillary, back.ancillary),
    ):  # fmt: skip
        np.testing.assert_allclose(other, own.reshape(other.shape), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_the_prior_integrates_to_one(name):
    graph = graph_of(name)
    prior = draw_prior(graph, 8000, 2, effects=False)
    coordinates = Unconstrained(graph, prior)

    def log_density(x: np.ndarray) -> np.ndarray:
        posterior, jacobian = coordinates.posterior(x)
        return coordinates.log_prior(posterior) + jacobian

    found = bridge_sampling(log_density, coordinates.of(prior), np.random.default_rng(1))
    assert found.error < 0.03
    assert abs(found.value) < 3.5 * found.error


@pytest.mark.parametrize(
    "interval", [Interval(-np.inf, np.inf), Interval(1, np.inf), Interval(-np.inf, 2), Interval(-1, 3)]
)
def test_the_jacobian_is_the_derivative(interval):
    x = np.linspace(-3, 3, 7)
    slope = (interval.natural(x + 1e-6) - interval.natural(x - 1e-6)) / 2e-6
    np.testing.assert_allclose(interval.log_jacobian(x), np.log(slope), atol=1e-8)
    np.testing.assert_allclose(interval.unconstrained(interval.natural(x)), x, atol=1e-10)


def test_the_probability_of_order_by_counting():
    priors = [bml.Normal(-1, 1), bml.StudentT(4, 0, 1), bml.Normal(0.5, 1)]
    rng = np.random.default_rng(1)
    draws = np.stack([rng.normal(-1, 1, 400_000), rng.standard_t(4, 400_000), rng.normal(0.5, 1, 400_000)])
    share = np.mean((np.diff(draws, axis=0) > 0).all(axis=0))
    assert np.exp(log_probability_of_order(priors)) == pytest.approx(share, abs=0.003)
    assert log_probability_of_order([bml.Normal(0, 1)] * 3) == pytest.approx(-np.log(6))
