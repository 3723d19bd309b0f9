"""Averages over normal variables against adaptive integration and closed forms."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import expit, ndtr

from bayesml.linalg.normal_average import average, covariance_roots, product_rule, rule_for


def averaged(function, eta, S):
    roots = covariance_roots(S)
    return average(function, eta, roots, rule_for(function, eta, roots))


FUNCTIONS = {
    "logit": expit,
    "probit": ndtr,
    "cloglog": lambda x: -np.expm1(-np.exp(np.minimum(x, 700.0))),
    "cauchit": lambda x: 0.5 + np.arctan(x) / np.pi,
    "hazard": lambda x: np.exp(-(np.exp(np.minimum(2.5 * x, 700.0)))),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("sd", [0.05, 0.7, 3.0, 10.0])
def test_against_adaptive_integration(name, sd):
    function, eta = FUNCTIONS[name], np.array([[-3.0], [0.0], [1.3]])
    found = averaged(lambda e, _: function(e[..., 0]), eta, np.full((3, 1, 1), sd**2))

    def reference(m):
        density = lambda u: function(m + sd * u) * np.exp(-0.5 * u**2) / np.sqrt(2 * np.pi)  # noqa: E731
        edges = np.linspace(-13, 13, 131)
        return sum(quad(density, a, b, epsabs=0, epsrel=1e-11)[0] for a, b in pairwise(edges))

    assert_allclose(found, [reference(m) for m in eta[:, 0]], rtol=1e-8)


def test_means_of_logarithmic_links_have_their_closed_form():
    eta, sd = np.array([[0.5], [2.0]]), 3.0
    found = averaged(lambda e, _: np.exp(e[..., 0]), eta, np.full((2, 1, 1), sd**2))
    assert_allclose(found, np.exp(eta[:, 0] + sd**2 / 2), rtol=1e-12)


def softmax(e, _):
    full = np.concatenate([np.zeros((*e.shape[:-1], 1)), e], axis=-1)
    shares = np.exp(full - full.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("S", [np.array([[1.0, 0.6], [0.6, 2.0]]), np.array([[1.0, 1.0], [1.0, 1.0]])])
def test_several_predictors_against_a_fine_rule(S):
    eta = np.array([[0.3, -1.0], [2.0, 0.1]])
    found = averaged(softmax, eta, np.tile(S, (2, 1, 1)))
    roots = covariance_roots(np.tile(S, (2, 1, 1)))
    fine = product_rule(np.sqrt((roots[0] ** 2).sum(axis=0)), 0.1)
    assert roots.shape[2] == np.linalg.matrix_rank(S)
    assert_allclose(found, average(softmax, eta, roots, fine), rtol=1e-8)
    assert_allclose(found.sum(axis=1), 1.0, rtol=1e-12)


def test_many_predictors_have_quasi_random_nodes():
    S, eta = np.tile(np.eye(5), (1, 1, 1)), np.zeros((1, 5))
    found = averaged(softmax, eta, S)
    assert_allclose(found[0, 1:], found[0, 1], rtol=2e-4)


def test_without_spread_the_function_itself():
    eta = np.array([[0.3], [1.0]])
    assert np.array_equal(averaged(lambda e, _: expit(e[..., 0]), eta, np.zeros((2, 1, 1))), expit(eta[:, 0]))


def test_each_row_has_its_own_place():
    eta, S, own = np.zeros((3, 1)), np.ones((3, 1, 1)), np.array([1.0, 2.0, 3.0])
    found = averaged(lambda e, rows: own[rows, None] + 0.0 * e[..., 0], eta, S)
    assert_allclose(found, own, rtol=1e-12)
