"""Rows with frequencies count as so many equal rows, in every quantity that is read off the cross-products."""

import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.design.build import build_design
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.linalg.scores import scores
from bayesml.results.chibar2 import score_covariance
from bayesml.syntax.model import Model

FORMULA = "y ~ x + (x | g)"


@pytest.fixture(scope="module")
def rows():
    """Rows, and the same with each repeated as often as its frequency says."""
    rng = np.random.default_rng(11)
    n = 60
    table = pd.DataFrame(
        {
            "x": rng.normal(size=n) + 5,
            "g": np.repeat(np.arange(12), 5),
            "w": rng.uniform(0.5, 2, n),
            "f": rng.integers(1, 5, n),
        }
    )
    effects = rng.normal(size=(12, 2)) * [2, 0.5]
    table["y"] = 3 + table["x"] + effects[table["g"], 0] + effects[table["g"], 1] * table["x"] + rng.normal(size=n)
    return table, table.loc[table.index.repeat(table["f"])].reset_index(drop=True)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("criterion", ["ml", "reml"])
def test_fit_equals_that_of_repeated_rows(rows, weights, criterion):
    counted, repeated = rows
    a = bml.fit(FORMULA, counted, criterion=criterion, frequencies="f", weights=weights)
    b = bml.fit(FORMULA, repeated, criterion=criterion, weights=weights)
    assert a.nobs == b.nobs
    np.testing.assert_allclose(a.loglik, b.loglik, rtol=1e-10)
    np.testing.assert_allclose(a.bic, b.bic, rtol=1e-10)
    np.testing.assert_allclose(a.fixef, b.fixef, rtol=1e-6)
    np.testing.assert_allclose(a.se, b.se, rtol=1e-6)
    np.testing.assert_allclose(a.sigma2, b.sigma2, rtol=1e-6)
    np.testing.assert_allclose(a.varcorr["vcov"], b.varcorr["vcov"], rtol=1e-5)


def test_scores_by_group_and_covariance_of_scores(rows):
    designs = [build_design(Model(FORMULA, frequencies="f"), rows[0]), build_design(Model(FORMULA), rows[1])]
    roots, beta = [np.array([[1.5, 0.0], [0.2, 0.4]])], np.array([2.5, 1.1])
    a, b = (scores(GaussianSystem.of(d), d, roots, 1.2, beta) for d in designs)
    np.testing.assert_allclose(a.beta, b.beta, rtol=1e-9)
    np.testing.assert_allclose(a.covariances[0], b.covariances[0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(a.sigma, b.sigma, rtol=1e-9, atol=1e-9)
    independent = [
        build_design(Model("y ~ x + (x || g)", frequencies="f"), rows[0]),
        build_design(Model("y ~ x + (x || g)"), rows[1]),
    ]
    np.testing.assert_allclose(*map(score_covariance, independent), rtol=1e-9)
