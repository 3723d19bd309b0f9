"""Prior densities of sums: closed forms, quadrature, averages over draws."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayesml as bml
from bayesml.bayes.bayes_factor_prior import (
    Scaled,
    by_draws,
    log_convolved,
    log_density_jointly,
    log_density_of_sum,
)
from bayesml.errors import RefusedTest

NORMAL, T, CAUCHY, GAMMA = bml.Normal(1, 2), bml.StudentT(4, 0, 3), bml.Cauchy(0, 1), bml.Gamma(3, 2)


def test_sums_of_normals_are_normal():
    found = log_density_of_sum([NORMAL, bml.Normal(-1, 3)], np.array([2.0, -1.0]), 4.0, [1])
    assert_allclose(found.value, stats.norm(3, 5).logpdf(4))
    assert found.error == 0
    assert found.method == "closed form"


def test_one_parameter_has_its_own_density_over_its_weight():
    found = log_density_of_sum([T], np.array([-2.0]), 4.0, [1])
    assert_allclose(found.value, stats.t(4, 0, 3).logpdf(-2) - np.log(2))


def test_held_parameters_move_the_value():
    found = log_density_of_sum([bml.Fixed(3), NORMAL], np.array([2.0, 1.0]), 5.0, [1])
    assert_allclose(found.value, stats.norm(1, 2).logpdf(-1))


@pytest.mark.parametrize("value", [0.0, 1.5, -8.0, 40.0])
@pytest.mark.parametrize(
    ("first", "second", "weight"), [(T, NORMAL, 1.0), (CAUCHY, T, -2.0), (GAMMA, NORMAL, 1.0), (GAMMA, GAMMA, -1.0)]
)
def test_quadrature_of_two(first, second, weight, value):
    a, b = first.scipy(stats), second.scipy(stats)
    t, step = np.linspace(-20, 20, 800_001, retstep=True)
    x = np.sinh(t)
    expected = step * np.sum(np.cosh(t) * a.pdf(x) * b.pdf((value - x) / weight) / abs(weight))
    found = log_convolved(Scaled(first, 1.0), Scaled(second, weight), value)
    assert_allclose(np.exp(found), expected, rtol=1e-6, atol=1e-300)


def test_densities_far_out_do_not_become_zero():
    alone = log_density_of_sum([NORMAL], np.array([1.0]), 1e4, [1])
    assert_allclose(alone.value, stats.norm(1, 2).logpdf(1e4))
    flat_top = log_density_of_sum([NORMAL, bml.Uniform(0, 1e-3)], np.array([1.0, 1.0]), 400.0, [1])
    assert_allclose(flat_top.value, stats.norm(1, 2).logpdf(400), rtol=2e-5)
    assert log_density_of_sum([GAMMA], np.array([1.0]), -1.0, [1]).value == -np.inf


def test_sums_of_cauchys_are_cauchy():
    found = log_density_of_sum([CAUCHY, bml.Cauchy(2, 3)], np.array([1.0, 1.0]), 30.0, [1])
    assert_allclose(found.value, stats.cauchy(2, 4).logpdf(30), atol=1e-7)
    assert found.method == "quadrature"


def test_averages_over_draws_know_their_error():
    found = log_density_of_sum([CAUCHY, bml.Cauchy(2, 3), bml.Cauchy(0, 2)], np.array([1.0, 1.0, 1.0]), 5.0, [1])
    assert "draws" in found.method
    assert 0 < found.error < 0.01
    assert_allclose(found.value, stats.cauchy(2, 6).logpdf(5), atol=4 * found.error)
    parts = [Scaled(NORMAL, 1.0), Scaled(bml.Normal(0, 1), 2.0)]
    drawn = by_draws(parts, 0.5, np.random.default_rng(2))
    assert_allclose(drawn.value, stats.norm(1, np.sqrt(8)).logpdf(0.5), atol=4 * drawn.error)


def test_jointly():
    R, r = np.array([[1.0, -1.0, 0.0], [0.0, 1.0, 1.0]]), np.array([0.5, 1.0])
    priors = [NORMAL, bml.Normal(0, 1), bml.Normal(2, 3)]
    covariance = R @ np.diag([4.0, 1.0, 9.0]) @ R.T
    expected = stats.multivariate_normal(R @ [1, 0, 2], covariance).logpdf(r)
    assert_allclose(log_density_jointly(priors, R, r, [1]).value, expected)
    apart = log_density_jointly([T, CAUCHY], np.diag([1.0, 2.0]), np.array([1.0, 2.0]), [1])
    assert_allclose(apart.value, stats.t(4, 0, 3).logpdf(1) + stats.cauchy.logpdf(1) - np.log(2))
    with pytest.raises(RefusedTest, match="share a parameter"):
        log_density_jointly([NORMAL, T, NORMAL], R, r, [1])
