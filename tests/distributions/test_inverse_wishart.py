"""The inverse Wishart distribution against SciPy's, its margins against draws and integrals."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from bayesml.distributions import InverseWishart
from bayesml.errors import SpecificationError

FULL = ((2.0, 0.8, 0.1), (0.8, 1.0, 0.3), (0.1, 0.3, 0.5))
PRIORS = [
    InverseWishart(3, 1).for_columns(2, "g"), InverseWishart(scale=(4, 0.5)).for_columns(2, "g"),
    InverseWishart(2.5, ((2, 0.8), (0.8, 1))), InverseWishart(7, FULL), InverseWishart(4.5, (1, 2, 3)),
]  # fmt: skip
SIZES = [2, 2, 2, 3, 3]
cases = pytest.mark.parametrize(("prior", "q"), list(zip(PRIORS, SIZES, strict=True)), ids=[str(p) for p in PRIORS])


def at_parameters(sd, r):
    """Covariance matrix of sds and the correlations (1, 0), (2, 0), (2, 1)."""
    R = np.eye(len(sd))
    R[np.tril_indices(len(sd), -1)] = r
    return np.outer(sd, sd) * (R + R.T - np.eye(len(sd)))


@cases
def test_density_is_that_of_scipy_times_the_jacobian(prior, q, rng):
    sd, r = rng.uniform(0.5, 2, q), rng.uniform(-0.3, 0.3, q * (q - 1) // 2)

    def entries(v):
        return at_parameters(v[:q], v[q:])[np.tril_indices(q)]

    at, h = np.concatenate([sd, r]), 1e-6
    J = np.stack([(entries(at + h * e) - entries(at - h * e)) / (2 * h) for e in np.eye(len(at))])
    G = at_parameters(sd, r)
    expected = stats.invwishart(prior.nu, prior.matrix(q)).logpdf(G) + np.linalg.slogdet(J)[1]
    assert prior.log_density_of(G) == pytest.approx(expected, abs=1e-8)


@cases
def test_slope_in_any_root(prior, q, rng):
    root, h = 0.3 * rng.normal(size=(q, q)) + 2 * np.eye(q), 1e-6
    found = prior.slope_of(root)
    for i, j in np.ndindex(q, q):
        E = np.zeros((q, q))
        E[i, j] = h
        up, down = (prior.log_density_of((root + s * E) @ (root + s * E).T) for s in (1, -1))
        assert found[i, j] == pytest.approx((up - down) / (2 * h), abs=1e-6)


@cases
def test_margins_are_those_of_draws(prior, q, rng):
    G = prior.draws(q, (4000,), rng)
    sd = np.sqrt(np.diagonal(G, axis1=-2, axis2=-1))
    for i in range(q):
        assert stats.kstest(sd[:, i], prior.sd(i, q).scipy(stats).cdf).statistic < 0.03
        for j in range(i):
            r = G[:, i, j] / sd[:, i] / sd[:, j]
            assert stats.kstest(r, prior.correlation(i, j, q).scipy(stats).cdf).statistic < 0.03


def test_draws_have_the_mean(rng):
    prior = InverseWishart(9, FULL)
    G = prior.draws(3, (40_000,), rng)
    np.testing.assert_allclose(G.mean(axis=0), np.array(FULL) / 5, atol=4 * G.std(axis=0).max() / 200)


@pytest.mark.parametrize(("nu", "rho"), [(2, -0.9), (3, 0.5), (20, 0.7)])
def test_density_of_a_correlation(nu, rho):
    prior = InverseWishart(nu, ((1, rho), (rho, 1))).correlation(1, 0, 2)
    own = prior.scipy(stats)
    edges = np.sort(np.append(own.ppf(np.linspace(0.001, 0.999, 9)), rho))
    total = sum(integrate.quad(lambda r: np.exp(prior.log_density(r)), a, b)[0] for a, b in pairwise(edges))
    assert total == pytest.approx(0.998, abs=2e-5)
    x = own.ppf(np.linspace(0.02, 0.98, 9))
    h = 1e-4 * (1 - np.abs(x))
    differences = (prior.log_density(x + h) - prior.log_density(x - h)) / (2 * h)
    np.testing.assert_allclose(prior.slope(x), differences, rtol=1e-6, atol=1e-6)


def test_one_column_is_an_inverse_gamma_variance():
    prior = InverseWishart(4, 3)
    sd = 1.7
    assert prior.log_density_of(np.array([[sd**2]])) == pytest.approx(float(prior.sd(0, 1).log_density(sd)))


def test_singular_matrices_have_no_density():
    assert InverseWishart(3, 1).log_density_of(np.ones((2, 2))) == -np.inf
    assert InverseWishart(3, 1).log_density_of(np.zeros((2, 2))) == -np.inf


def test_times_scales_the_matrix():
    assert InverseWishart(3, 2).times(3) == InverseWishart(3, 18)
    assert InverseWishart(3, (1, 2)).times_each(np.array([2.0, 3.0])) == InverseWishart(3, (4, 18))
    assert InverseWishart(3, 1).times_each(np.array([2.0, 3.0])) == InverseWishart(3, (4, 9))
    assert InverseWishart(3, ((2, 1), (1, 2))).times(2) == InverseWishart(3, ((8, 4), (4, 8)))


def test_values():
    assert InverseWishart(3, [1, 2]) == InverseWishart(3.0, (1.0, 2.0))
    assert hash(InverseWishart(3, np.eye(2))) == hash(InverseWishart(3, ((1, 0), (0, 1))))
    assert str(InverseWishart(3, ((2, 1), (1, 2)))) == "InverseWishart(3, ((2, 1), (1, 2)))"
    assert str(InverseWishart(scale=2)) == "InverseWishart(scale=2)"


@pytest.mark.parametrize(
    "bad", [0, -1, ((1, 2), (2, 1)), ((1, 0.5), (0, 1)), "x", (1, -1), (), ((1, 2, 3), (4, 5, 6)), np.inf]
)
def test_bad_scales_are_refused(bad):
    with pytest.raises(SpecificationError, match="scale"):
        InverseWishart(3, bad)


@pytest.mark.parametrize("bad", [0, -1, np.nan, "3", True])
def test_bad_degrees_of_freedom_are_refused(bad):
    with pytest.raises(SpecificationError, match="nu"):
        InverseWishart(bad)


def test_what_does_not_fit_the_columns_is_refused():
    with pytest.raises(SpecificationError, match="above 2"):
        InverseWishart(2, 1).for_columns(3, "g")
    with pytest.raises(SpecificationError, match="3 x 3 matrices"):
        InverseWishart(5, (1, 2, 3)).for_columns(2, "g")
    assert InverseWishart().for_columns(3, "g") == InverseWishart(4, 1)


def test_it_is_no_distribution_of_a_number():
    with pytest.raises(SpecificationError, match="matrices"):
        InverseWishart(3, 1).log_density(1.0)


@settings(max_examples=60, deadline=None)
@given(
    q=st.integers(1, 4),
    extra=st.floats(0.2, 20),
    scale=st.floats(1e-3, 1e3),
    unit=st.floats(1e-2, 1e2),
    seed=st.integers(0, 10_000),
)
def test_slope_of_any_prior_anywhere(q, extra, scale, unit, seed):
    """Relative to the size of the root, which the derivative belongs to."""
    own = np.random.default_rng(seed)
    factor = own.normal(size=(q, q)) + 3 * np.eye(q)
    prior = InverseWishart(q - 1 + extra, scale * factor @ factor.T)
    root = unit * (0.4 * own.normal(size=(q, q)) + 2 * np.eye(q))
    if np.linalg.cond(root) > 50:
        return
    direction = own.normal(size=(q, q)) * unit
    h = 1e-5
    up, down = (prior.log_density_of((root + s * h * direction) @ (root + s * h * direction).T) for s in (1, -1))
    found = np.sum(prior.slope_of(root) * direction)
    assert found == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=1e-4)
