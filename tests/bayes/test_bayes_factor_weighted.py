"""Importance-weighted densities of combinations, of densities that are known."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayesml as bml
from bayesml.bayes.bayes_factor_integral import importance_sampling, log_average
from bayesml.bayes.bayes_factor_weighted import of_coordinates, pooled

MEAN = np.array([1.0, -2.0, 0.5])
COVARIANCE = np.array([[2.0, 0.6, 0.0], [0.6, 1.0, -0.3], [0.0, -0.3, 0.5]])


class Density:
    """A normal density of three coordinates, times exp(3)."""

    coordinates = SimpleNamespace(coefficients=np.array([0, 1, 2]))
    graph = SimpleNamespace(priors=SimpleNamespace(coefficients=(bml.Normal(0, 1),) * 3))
    draws = SimpleNamespace(shape=(4, 1000))

    def points(self, draws):
        return np.random.default_rng(1).multivariate_normal(MEAN, COVARIANCE, size=draws.shape)

    def __call__(self, x):
        return stats.multivariate_normal(MEAN, COVARIANCE).logpdf(x) + 3.0


@pytest.mark.parametrize("distance", [0.0, 2.0, 8.0])
@pytest.mark.parametrize("W", [[[0.0, 2.0, 0.0]], [[1.0, -1.0, 3.0]], [[1.0, -1.0, 0.0], [0.5, 0.0, 2.0]]])
def test_normal_densities_anywhere(W, distance):
    W = np.array(W)
    spread = W @ COVARIANCE @ W.T
    values = W @ MEAN + distance * np.sqrt(np.diag(spread))
    expected = stats.multivariate_normal(W @ MEAN, spread).logpdf(values)
    found = of_coordinates(Density(), W, values, constant=0.25)
    average = log_average(found.terms, "")
    assert_allclose(average.value, expected + 0.25, atol=4 * average.error + 0.01 * (1 + distance**2))
    integral = importance_sampling(found.integrand, found.points, found.terms.ravel(), np.random.default_rng(2))
    assert_allclose(integral.value - 3.0, expected + 0.25, atol=4 * integral.error)


def test_slopes_of_levels_are_drawn_to_their_mean_by_their_noise():
    rng = np.random.default_rng(3)
    noise = np.full((200, 1, 1), 0.04)
    alike = rng.normal(0.5, 0.2, size=(200, 1, 1))
    assert pooled(alike, noise).std() < 0.08
    apart = np.concatenate([alike[:100], alike[100:] + 5])
    assert_allclose(pooled(apart, noise), apart, atol=0.05)
