"""Predictions from draws of models that are not linear: each number summarises the draws of its own quantity."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import expit

import bayesml as bml
from bayesml.results.bayesian import BayesianResult
from bayesml.results.posterior import Posterior
from tests import fitted_models as models

CHAINS, DRAWS = 2, 40
NEW = pd.DataFrame({"lbase": [0.0, 0.5], "trt": ["placebo", "progabide"], "V4": [0.0, 1.0], "subject": ["1", "8"]})


@cache
def around(*model: str) -> BayesianResult:
    """Draws scattered around the estimates of a fit: no posterior, but what a posterior is made of."""
    fit, rng = models.other(*model), np.random.default_rng(11)
    scatter = lambda value, size: value + size * rng.standard_normal((CHAINS, DRAWS, *np.shape(value)))  # noqa: E731
    (G,), (b,) = fit.solution.covariances, fit.solution.modes()
    posterior = Posterior(
        beta=scatter(fit.solution.beta, 0.05),
        sds=(np.abs(scatter(np.sqrt(np.diag(G)), 0.05)),),
        corrs=(np.zeros((CHAINS, DRAWS, 0)),),
        sigma=np.ones((CHAINS, DRAWS)),
        stats={"diverging": np.zeros((CHAINS, DRAWS), bool), "energy": rng.standard_normal((CHAINS, DRAWS))},
        parametrisation="centred",
        seed=1,
        effects=(scatter(b, 0.05),),
        ancillary=scatter(np.array(fit.ancillary_values), 0.01),
    )
    return BayesianResult(fit.model, fit.design, posterior)


def flat(array):
    return array.reshape(CHAINS * DRAWS, *array.shape[2:])


def summary(draws):
    return np.column_stack([draws.mean(axis=0), draws.std(axis=0, ddof=1), *np.quantile(draws, [0.025, 0.975], axis=0)])


def test_means_given_levels_and_at_zero():
    post = around(*models.EPIL)
    x = np.array([[1.0, 0.0, 0.0, 0.0], [1.0, 0.5, 1.0, 1.0]])
    eta = flat(post.posterior.beta) @ x.T
    assert_allclose(bml.predict(post, NEW, ranef="zero"), summary(np.exp(eta)), rtol=1e-10)
    levels = [post.design.random[0].level_labels.index(label) for label in ("1", "8")]
    own = eta + flat(post.effects[0])[:, levels, 0]
    assert_allclose(bml.predict(post, NEW), summary(np.exp(own)), rtol=1e-10)
    assert_allclose(
        bml.predict(post, NEW, kind="probability", outcome=2), summary(stats.poisson.pmf(2, np.exp(own))), rtol=1e-9
    )


def test_averages_over_levels_are_taken_at_every_draw():
    post = around(*models.EPIL)
    x = np.array([[1.0, 0.0, 0.0, 0.0], [1.0, 0.5, 1.0, 1.0]])
    means = np.exp(flat(post.posterior.beta) @ x.T + flat(post.posterior.sds[0]) ** 2 / 2)
    assert_allclose(bml.predict(post, NEW, ranef="marginal"), summary(means), rtol=1e-8)


def test_new_counts_are_counts():
    frame = bml.predict(around(*models.EPIL), NEW, interval="prediction", random_seed=1)
    limits = frame[["lower", "upper"]].to_numpy()
    assert np.array_equal(limits, np.rint(limits))
    assert (limits[:, 0] < frame["estimate"]).all() and (frame["estimate"] < limits[:, 1]).all()


@pytest.fixture(scope="module")
def wine():
    return around("wine", "rating ~ temp + contact + (1 | judge)", "cumulative")


def test_probabilities_of_categories(wine):
    new = pd.DataFrame({"temp": ["warm"], "contact": ["yes"]})
    eta = flat(wine.posterior.beta).sum(axis=1)
    cuts = flat(wine.posterior.ancillary)
    below = np.column_stack([np.zeros(len(eta)), expit(cuts - eta[:, None]), np.ones(len(eta))])
    shares = np.diff(below, axis=1)
    frame = bml.predict(wine, new, ranef="zero")
    assert list(frame.columns) == ["1", "2", "3", "4", "5"]
    assert_allclose(frame.iloc[0], shares.mean(axis=0), rtol=1e-10)
    one = bml.predict(wine, new, kind="probability", outcome="4", ranef="zero")
    assert_allclose(one, summary(shares[:, [3]]), rtol=1e-10)


def test_averages_of_probabilities(wine):
    new = pd.DataFrame({"temp": ["warm"], "contact": ["yes"]})
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    eta = flat(wine.posterior.beta).sum(axis=1)[:, None] + flat(wine.posterior.sds[0]) * nodes
    top = expit(eta - flat(wine.posterior.ancillary)[:, [3]]) @ weights / weights.sum()
    one = bml.predict(wine, new, kind="probability", outcome="5", ranef="marginal")
    assert_allclose(one, summary(top[:, None]), rtol=1e-6)


def test_shares_of_the_latent_variance(wine):
    variances = flat(wine.posterior.sds[0])[:, 0] ** 2
    shares = variances / (variances + np.pi**2 / 3)
    assert bml.icc(wine).loc["judge", "estimate"] == pytest.approx(np.median(shares))
