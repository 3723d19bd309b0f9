"""Importance sampling that finds where an integrand is."""

import numpy as np
from numpy.testing import assert_allclose
from scipy import stats

from bayesml.bayes.bayes_factor_integral import effective, importance_sampling, log_average, t_constant


def test_a_far_normal_is_found_and_integrated():
    rng = np.random.default_rng(1)
    mean, covariance = np.array([30.0, -5.0, 2.0]), np.array([[4.0, 1.5, 0], [1.5, 1.0, 0.05], [0, 0.05, 0.01]])
    target = stats.multivariate_normal(mean, covariance)
    points = rng.normal(size=(500, 3))
    found = importance_sampling(lambda x: target.logpdf(x) + 7.0, points, np.zeros(500), rng)
    assert found.error < 0.01
    assert_allclose(found.value, 7.0, atol=4 * found.error)


def test_a_skewed_integrand():
    rng = np.random.default_rng(2)
    # the logarithm of a gamma variable
    found = importance_sampling(
        lambda x: stats.gamma(3).logpdf(np.exp(x[:, 0])) + x[:, 0], rng.normal(size=(200, 1)), np.zeros(200), rng
    )
    assert found.error < 0.01
    assert_allclose(found.value, 0.0, atol=4 * found.error)


def test_what_no_proposal_fits_is_left():
    rng = np.random.default_rng(3)
    assert importance_sampling(lambda x: np.full(len(x), np.nan), rng.normal(size=(50, 2)), np.zeros(50), rng) is None


def test_constants_and_effective_numbers():
    u = np.array([0.4, -1.2])
    expected = stats.multivariate_t(np.zeros(2), np.eye(2), df=6).logpdf(u)
    assert_allclose(t_constant(2) - 0.5 * 8 * np.log1p((u**2).sum() / 6), expected)
    assert_allclose(effective(np.log([1.0, 1.0, 0.0 + 1e-300])), 2)
    terms = np.log(np.random.default_rng(4).exponential(size=(4, 1000)))
    found = log_average(terms, "x")
    assert_allclose(found.value, 0, atol=4 * found.error)
    assert_allclose(found.error, 1 / np.sqrt(4000), rtol=0.2)
