"""Weighted draws: a normal posterior as draws of another."""

import numpy as np
import pytest
from scipy.stats import norm

from bayesml.bayes.importance import pareto_limit, power_sensitivity, smoothed_ratios, smoothed_weights


@pytest.fixture
def draws(rng) -> np.ndarray:
    return rng.normal(size=(4, 2000))


def ratios_to(mean: float, draws: np.ndarray) -> np.ndarray:
    return norm.logpdf(draws, mean) - norm.logpdf(draws)


def test_weighted_draws_have_the_moments_and_quantiles_of_the_other_posterior(draws):
    weights = smoothed_weights(ratios_to(0.5, draws))
    assert weights.reliable
    mean, sd = weights.moments(draws)
    error = 1.0 / np.sqrt(weights.sample_size)
    assert mean == pytest.approx(0.5, abs=3 * error)
    assert sd == pytest.approx(1.0, abs=3 * error)
    np.testing.assert_allclose(
        weights.quantiles(draws, [0.1, 0.5, 0.9]), norm.ppf([0.1, 0.5, 0.9], 0.5), atol=5 * error
    )


def test_effective_draws_are_those_of_the_variance_of_the_weights(draws):
    # of N(d, 1) over N(0, 1) the mean square ratio is exp(d²)
    assert smoothed_weights(ratios_to(0.5, draws)).sample_size == pytest.approx(8000 / np.exp(0.25), rel=0.05)


def test_effective_draws_for_a_mean_are_those_of_its_error():
    rng = np.random.default_rng(5)
    sizes, means = [], []
    for _ in range(400):
        draws = rng.normal(size=(4, 250))
        weights = smoothed_weights(ratios_to(0.7, draws))
        means.append(weights.moments(draws)[0])
        sizes.append(weights.size_for(draws))
        assert sizes[-1] < weights.sample_size
    # large weights stand at large values: the mean has a larger error than that of as many draws by Kish
    assert np.std(means) == pytest.approx(1.0 / np.sqrt(np.mean(sizes)), rel=0.12)


def test_a_distant_posterior_is_not_reliable(draws):
    assert not smoothed_weights(ratios_to(5.0, draws)).reliable


def test_what_does_not_vary_weighs_the_same(draws):
    weights = smoothed_weights(np.full(draws.shape, -3.0))
    assert weights.uniform
    assert np.isnan(weights.pareto_k)
    assert weights.reliable


def test_draws_outside_the_support_weigh_nothing(draws):
    weights = smoothed_weights(np.where(draws > 0, -draws, -np.inf))
    assert weights.values[draws <= 0].sum() == 0.0
    assert weights.values.sum() == pytest.approx(1.0)
    # N(0, 1) exp(-x) on positive values is N(-1, 1) cut off at 0
    ratio = norm.pdf(1.0) / norm.sf(1.0)
    assert weights.moments(draws)[0] == pytest.approx(-1.0 + ratio, abs=0.03)


def test_no_draw_inside_the_support_is_not_reliable(draws):
    assert not smoothed_weights(np.full(draws.shape, -np.inf)).reliable


def test_the_limit_of_pareto_k_falls_with_fewer_draws():
    assert pareto_limit(4000) == 0.7
    assert pareto_limit(100) == 0.5


def test_sensitivity_of_a_normal_posterior_to_its_normal_prior():
    # prior N(0, 1) to the power alpha and likelihood N(2, 1): posterior N(2 / (1 + alpha), 1 / (1 + alpha))
    q = (np.arange(20000) + 0.5) / 20000
    draws = norm.ppf(q, 1.0, np.sqrt(0.5))[np.random.default_rng(1).permutation(20000)].reshape(4, 5000)
    alphas = (0.99, 1.01)
    lower, upper = (smoothed_weights((a - 1) * norm.logpdf(draws)) for a in alphas)
    found = power_sensitivity(draws, lower, upper, alphas)
    exact = []
    for alpha in alphas:
        precision = 1.0 + alpha
        grid = np.linspace(draws.min(), draws.max(), 20001)
        p, r = norm.cdf(grid, 1.0, np.sqrt(0.5)), norm.cdf(grid, 2.0 / precision, precision**-0.5)
        exact.append(max(distance(p, r, grid), distance(1 - p, 1 - r, grid)) / abs(np.log2(alpha)))
    assert found == pytest.approx(np.mean(exact), rel=0.03)


def distance(p: np.ndarray, q: np.ndarray, grid: np.ndarray) -> float:
    """Cumulative Jensen–Shannon distance of two distribution functions, as defined in the paper, by quadrature."""

    def integral(values: np.ndarray) -> float:
        return float(np.trapezoid(values, grid))

    middle = 0.5 * (p + q)
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (np.nan_to_num(a * np.log2(a / middle)) for a in (p, q))
    shift = 0.5 / np.log(2) * integral(q - p)
    return np.sqrt((integral(one) + shift + integral(other) - shift) / integral(p + q))


def test_chains_that_stood_still_have_no_tail():
    log_ratios = np.repeat([[-1.0, 0.0], [0.5, 2.0]], 100, axis=1)
    weights = smoothed_weights(log_ratios)
    assert weights.pareto_k == np.inf
    assert not weights.reliable
    np.testing.assert_allclose(weights.values, np.exp(log_ratios) / np.exp(log_ratios).sum())
    assert smoothed_ratios(np.zeros((2, 50)))[1] == 0.0
