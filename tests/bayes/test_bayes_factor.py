"""Bayes factors of equalities against closed forms and numerical integration."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayesml as bml
from bayesml.bayes.bayes_factor_posterior import kernel_density
from bayesml.errors import RefusedTest
from tests import posteriors

GROUPS, ROWS = 8, 6
INTERCEPT, X, SD, SIGMA = bml.Normal(1, 3), bml.Normal(0, 2), bml.HalfNormal(2), bml.HalfNormal(2)
PRIORS = {"Intercept": INTERCEPT, "x": X, "sd(Intercept | g)": SD, "sigma": SIGMA}


@cache
def data():
    rng = np.random.default_rng(11)
    g = np.repeat(np.arange(GROUPS), ROWS)
    x = rng.normal(size=GROUPS * ROWS)
    y = 0.5 + 0.4 * x + rng.normal(size=GROUPS)[g] + rng.normal(size=GROUPS * ROWS)
    return pd.DataFrame({"y": y, "x": x, "g": g})


@cache
def sampled(**priors):
    return bml.sample("y ~ x + (1 | g)", data(), priors=PRIORS | priors, random_seed=5, progressbar=False)


def pieces():
    frame = data()
    Z = np.eye(GROUPS)[frame["g"]]
    return frame["y"].to_numpy(), np.column_stack([np.ones(len(frame)), frame["x"]]), Z @ Z.T


def log_likelihood(sd, sigma, mean, covariance, X):
    """Of y at arrays of sd and sigma, coefficients normal with these moments."""
    y, _, ZZ = pieces()
    sd, sigma = np.broadcast_arrays(sd, sigma)
    V = np.square(sigma)[..., None, None] * np.eye(len(y)) + np.square(sd)[..., None, None] * ZZ + X @ covariance @ X.T
    return log_normal(np.broadcast_to(y - X @ mean, V.shape[:-1]), V)


def log_normal(gap, V):
    root = np.linalg.cholesky(V)
    z = np.linalg.solve(root, gap[..., None])[..., 0]
    log_det = np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(axis=-1)
    return -0.5 * (z**2).sum(axis=-1) - log_det - 0.5 * gap.shape[-1] * np.log(2 * np.pi)


MOMENTS = np.array([1.0, 0.0]), np.diag([9.0, 4.0])


def restricted(R, r):
    """Moments of the coefficients' prior given R beta = r, and of that event's density."""
    mean, S = MOMENTS
    gain = S @ R.T @ np.linalg.inv(R @ S @ R.T)
    return mean + gain @ (r - R @ mean), S - gain @ R @ S


EQUATIONS = {
    "x = 0": (np.array([[0.0, 1.0]]), np.array([0.0])),
    "x = 1.5": (np.array([[0.0, 1.0]]), np.array([1.5])),
    "Intercept - 2 * x = 0": (np.array([[1.0, -2.0]]), np.array([0.0])),
    "Intercept = 0 and x = 0": (np.eye(2), np.zeros(2)),
    "mean(x=1) = 1": (np.array([[1.0, 1.0]]), np.array([1.0])),
}


@pytest.mark.parametrize("text", EQUATIONS)
def test_closed_form_where_variances_are_known(text):
    post = sampled(**{"sd(Intercept | g)": bml.Fixed(1.5), "sigma": bml.Fixed(1.1)})
    _, design, _ = pieces()
    full = log_likelihood(1.5, 1.1, *MOMENTS, design)
    expected = log_likelihood(1.5, 1.1, *restricted(*EQUATIONS[text]), design) - full
    found = bml.hypothesis(post, text)
    assert_allclose(found.log_bf01, expected, atol=1e-8)
    assert_allclose(found.bf01 * found.bf10, 1)
    assert_allclose(found.probability, found.bf01 / (1 + found.bf01))


NODES = 32


def integrated(values, log_weights):
    top = values.max()
    return top + np.log(np.sum(np.exp(values - top + log_weights)))


def grid(low, high, prior):
    """Nodes on an interval, and log weights that contain the prior."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    x = low + (high - low) * (1 + nodes) / 2
    return x, np.log(weights * (high - low) / 2) + prior.logpdf(x)


HALF = stats.halfnorm(scale=2)


def log_evidence(mean, covariance, sd=None, sigma=None):
    """Log marginal likelihood by integration over sd and sigma, or with one of them at a value."""
    _, design, _ = pieces()
    sds, sd_weights = grid(1e-6, 4.5, HALF) if sd is None else (np.array([sd]), np.zeros(1))
    sigmas, sigma_weights = grid(0.5, 2.2, HALF) if sigma is None else (np.array([sigma]), np.zeros(1))
    values = log_likelihood(sds[:, None], sigmas, mean, covariance, design)
    return integrated(values, sd_weights[:, None] + sigma_weights)


@cache
def full_evidence():
    return log_evidence(*MOMENTS)


def close(found, expected, error=0.025):
    assert abs(found.log_bf01 - expected) < 0.02 + 3 * found.log_mcse, (found.log_bf01, expected, found.log_mcse)
    assert found.log_mcse < error


@pytest.mark.parametrize("text", EQUATIONS)
def test_coefficients_with_everything_free(text):
    found = bml.hypothesis(sampled(), text)
    if text == "x = 0":
        assert "exact conditional normals" in found.posterior_density.method
    elif text == "x = 1.5":
        # five posterior sds from the mean few draws decide
        assert "integral at the value" in found.posterior_density.method
    close(found, log_evidence(*restricted(*EQUATIONS[text])) - full_evidence())


@pytest.mark.parametrize(("name", "value"), [("sd", 1.2), ("sd", 0.1), ("sd", 3.0), ("sigma", 1.0), ("sigma", 1.9)])
def test_standard_deviations_with_everything_free(name, value):
    text = f"{'sd(g)' if name == 'sd' else name} = {value}"
    close(bml.hypothesis(sampled(), text), log_evidence(*MOMENTS, **{name: value}) - full_evidence())


@pytest.mark.parametrize("value", [0.0, 1.5])
def test_coefficient_with_another_prior_in_a_linear_model(value):
    """Its likelihood at each node is a normal curve: the integral over it is of one dimension."""
    prior = bml.StudentT(3, 0, 0.5)
    found = bml.hypothesis(sampled(x=prior), f"x = {value}")
    if value == 0:
        assert found.posterior_density.method == "importance-weighted average"
    y, design, ZZ = pieces()
    sds, sd_weights = grid(1e-6, 4.5, HALF)
    sigmas, sigma_weights = grid(0.5, 2.2, HALF)
    slopes, slope_weights = grid(-1.5, 2.5, stats.t(3, 0, 0.5))
    null, alternative = np.empty((NODES, NODES)), np.empty((NODES, NODES))
    for i, a in enumerate(sds):
        for j, b in enumerate(sigmas):
            V = b**2 * np.eye(len(y)) + a**2 * ZZ + 9.0
            root = np.linalg.cholesky(V)
            u, v = np.linalg.solve(root, np.column_stack([y - 1.0, design[:, 1]])).T
            constant = -np.log(np.diag(root)).sum() - 0.5 * len(y) * np.log(2 * np.pi)
            curve = constant - 0.5 * (u @ u - 2 * slopes * (u @ v) + slopes**2 * (v @ v))
            alternative[i, j] = integrated(curve, slope_weights)
            null[i, j] = constant - 0.5 * (u @ u - 2 * value * (u @ v) + value**2 * (v @ v))
    weights = sd_weights[:, None] + sigma_weights
    close(found, integrated(null, weights) - integrated(alternative, weights))


@cache
def yes_or_no():
    frame = data().assign(y=lambda f: (f["y"] > 0.3).astype(int))
    post = bml.sample(
        "y ~ x + (1 | g)", frame, family="bernoulli", priors={k: v for k, v in PRIORS.items() if k != "sigma"},
        target_accept=0.97, random_seed=6, progressbar=False,
    )  # fmt: skip
    return frame, post


def logit_evidence(frame, slope=None):
    """Log marginal likelihood by integration over intercept, slope, sd and, by quadrature, the levels."""
    b0, w0 = grid(-5, 6, stats.norm(1, 3))
    b1, w1 = grid(-3, 4, stats.norm(0, 2)) if slope is None else (np.array([slope]), np.zeros(1))
    sds, ws = grid(1e-6, 6, HALF)
    u, wu = np.polynomial.hermite_e.hermegauss(31)
    out = np.empty((len(b0), len(b1), len(sds)))
    log_wu = np.log(wu / np.sqrt(2 * np.pi))
    for k, s in enumerate(sds):
        total = 0.0
        for _, rows in frame.groupby("g"):
            sign = 2 * rows["y"].to_numpy() - 1
            eta = b0[:, None, None, None] + b1[:, None, None] * rows["x"].to_numpy() + (s * u)[:, None]
            log_density = -np.logaddexp(0, -sign * eta).sum(axis=-1)
            top = log_density.max(axis=-1, keepdims=True)
            total = total + top[..., 0] + np.log(np.exp(log_density - top + log_wu).sum(axis=-1))
        out[:, :, k] = total
    return integrated(out, w0[:, None, None] + w1[:, None] + ws)


@pytest.mark.parametrize("value", [0.0, 2.0])
def test_coefficient_of_a_model_that_is_not_linear(value):
    frame, post = yes_or_no()
    found = bml.hypothesis(post, f"x = {value}")
    assert found.posterior_density.method in (
        "importance-weighted average",
        "integral at the value by importance sampling",
    )
    close(found, logit_evidence(frame, value) - logit_evidence(frame), 0.04)


def test_kernel_estimates_know_their_error():
    rng = np.random.default_rng(3)
    normal, gamma, half_normal = stats.norm(2, 3), stats.gamma(4, scale=2), stats.halfnorm(scale=2)
    positive = (0, np.inf)
    # the last as the posterior of an sd that may be zero: its logarithm is skewed
    for truth, support, values in (
        (normal, (-np.inf, np.inf), (2, 6, -4)), (gamma, positive, (3, 8, 15)), (half_normal, positive, (0.4, 1.5, 3)),
    ):  # fmt: skip
        misses = []
        for _ in range(20):
            draws = truth.rvs(size=(4, 500), random_state=rng)
            for value in values:
                found = kernel_density(draws, value, support, "x")
                misses.append((found.value - truth.logpdf(value)) / found.error)
        assert np.mean(np.abs(misses) < 2) > 0.9
        assert np.mean(np.abs(misses)) > 0.3


def test_order_statements_have_the_ratio_of_odds():
    found = bml.hypothesis(sampled(), "x > 0.3")
    prior = stats.norm(0, 2).sf(0.3)
    expected = found.odds / (prior / (1 - prior))
    assert_allclose(found.bayes_factor, expected, rtol=0.03)
    relative = found.mcse / (found.probability * (1 - found.probability))
    assert_allclose(found.bayes_factor_mcse / found.bayes_factor, relative, rtol=0.05)


REFUSED = {
    "sd(g) = 0": "edge",
    "sigma = -1": "impossible",
    "b(Intercept | g[1]) = 0": "random effect",
    "mean(x=1, g=1) = 0": "random effects",
    "x^2 = 1": "not linear",
    "x = 0 and sigma = 1": "test one equation at a time",
    "x = 0 and 2 * x = 0": "depend on each other",
    "x = x": "says nothing",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_has_no_ratio_of_densities_is_refused(text):
    with pytest.raises(RefusedTest, match=REFUSED[text]):
        bml.hypothesis(sampled(), text)


def test_flat_priors_are_refused():
    post = sampled(x=bml.Flat())
    with pytest.raises(RefusedTest, match=r"flat prior.*bml\.Normal"):
        bml.hypothesis(post, "x = 0")
    assert bml.hypothesis(post, "Intercept = 0").log_mcse < 0.05


def test_held_parameters_are_refused():
    post = sampled(**{"sd(Intercept | g)": bml.Fixed(1.5), "sigma": bml.Fixed(1.1)})
    with pytest.raises(RefusedTest, match="holds at values"):
        bml.hypothesis(post, "sd(g) = 1.5")


def test_parameters_whose_priors_depend_on_each_other_are_refused():
    machines, sleep = bml.datasets.load("machines"), bml.datasets.load("sleepstudy")
    quick = {"draws": 500, "tune": 500, "random_seed": 1, "progressbar": False}
    three = bml.sample("score ~ Machine + (Machine | Worker)", machines, **quick)
    with pytest.raises(RefusedTest, match=r"one of 3 correlations.*bml\.evidence"):
        bml.hypothesis(three, "corr(Intercept, Machine[B] | Worker) = 0")
    priors = {"cov(Subject)": bml.InverseWishart(3, (500, 30))}
    together = bml.sample(posteriors.SLEEP, sleep, priors=priors, **quick)
    for text in ("sd(Days | Subject) = 6", "corr(Subject) = 0"):
        with pytest.raises(RefusedTest, match="covariance matrix with one prior"):
            bml.hypothesis(together, text)
    with pytest.raises(RefusedTest, match="cut points in order"):
        bml.hypothesis(posteriors.wine(), "cut[1|2] = -1")


def test_coefficients_that_share_a_scale_are_refused_and_others_are_not():
    post = sampled(x=bml.Horseshoe(0.5))
    with pytest.raises(RefusedTest, match="scale other coefficients may share"):
        bml.hypothesis(post, "x = 1")
    assert bml.hypothesis(post, "Intercept = 0").log_mcse < 0.05
    rough = kernel_density(post.draws("sigma"), 1.0, (0, np.inf), "")
    found = bml.hypothesis(post, "sigma = 1").posterior_density
    assert abs(found.value - rough.value) < 3 * np.hypot(rough.error, found.error)


@pytest.mark.parametrize("value", [2.0, 3.5])
def test_coefficient_beside_cut_points(value):
    post = posteriors.wine()
    found = bml.hypothesis(post, f"temp[warm] = {value}")
    assert found.log_mcse < 0.05
    rough = kernel_density(post.draws("temp[warm]"), value, (-np.inf, np.inf), "")
    assert abs(found.posterior_density.value - rough.value) < 3 * np.hypot(rough.error, found.log_mcse)


def test_standard_deviation_of_a_model_that_is_not_linear():
    found = bml.hypothesis(posteriors.wine(), "sd(judge) = 1.2")
    assert found.posterior_density.method == "kernel estimate from the draws"
    assert 0.005 < found.log_mcse < 0.1
    with pytest.raises(RefusedTest, match="too few for a density"):
        bml.hypothesis(posteriors.wine(), "sd(judge) = 8")


def test_agrees_with_bridge_sampling():
    priors = {"Intercept": bml.Normal(250, 100), "Days": bml.Normal(0, 20)}
    sleep = bml.datasets.load("sleepstudy")
    with_days = bml.sample(posteriors.SLEEP, sleep, priors=priors, random_seed=1, progressbar=False)
    held = bml.sample(
        posteriors.SLEEP, sleep, priors=priors | {"Days": bml.Fixed(6.0)}, random_seed=2, progressbar=False
    )
    found = bml.hypothesis(with_days, "Days = 6")
    one, other = bml.evidence(held), bml.evidence(with_days)
    error = np.hypot(np.hypot(one.mcse, other.mcse), found.log_mcse)
    assert abs(float(one) - float(other) - found.log_bf01) < 0.02 + 3 * error


def test_averages_that_few_draws_decide_are_refused():
    """By bridge sampling the log Bayes factors of this posterior, with 8000 draws, are 1.71 ± 0.02 and -7.02 ± 0.02."""
    rng = np.random.default_rng(3)
    g, h, x = rng.integers(0, 10, 160), rng.integers(0, 8, 160), rng.normal(size=160)
    eta = 0.3 + 0.1 * x + 0.5 * rng.normal(size=10)[g] + 0.5 * rng.normal(size=8)[h]
    frame = pd.DataFrame({"y": rng.poisson(np.exp(eta)), "x": x, "w": rng.normal(size=10)[g], "g": g, "h": h})
    priors = {"Intercept": bml.Normal(0, 1.5), "x": bml.Normal(0, 1), "w": bml.Normal(0, 1)}
    priors |= {"sd(g)": bml.HalfNormal(1), "sd(h)": bml.HalfNormal(1)}
    post = bml.sample(
        "y ~ x + w + (1 | g) + (1 | h)", frame, priors, family="poisson", random_seed=1, progressbar=False
    )
    near = bml.hypothesis(post, "x = 0")
    assert near.log_mcse < 0.01
    assert abs(near.log_bf01 - 1.71) < 0.05
    with pytest.raises(RefusedTest, match=r"density of `w = 1` \(Pareto k 1\.\d+, above 0\.70\).*bml\.evidence"):
        bml.hypothesis(post, "w = 1")
