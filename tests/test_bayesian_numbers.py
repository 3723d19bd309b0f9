"""Posteriors, evidences, Bayes factors and leave-one-out of small models against numerical integration.

Nothing of the package computes the references: dense covariance matrices and grids.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logsumexp

import bayesml as bml
from bayesml.bayes.loo import Loo
from bayesml.results.bayesian import BayesianResult

PARAMETRISATIONS = ("auto", "noncentred", "partial")


class Integrated(NamedTuple):
    """What integration finds: log evidence, mean and sd by address, log densities of units given all others."""

    evidence: float
    moments: dict[str, tuple[float, float]]
    rows: np.ndarray
    groups: np.ndarray


def legendre(lower: float, upper: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on an interval."""
    x, w = np.polynomial.legendre.leggauss(n)
    return (lower + upper) / 2 + (upper - lower) / 2 * x, (upper - lower) / 2 * w


def mesh(*rules: tuple[np.ndarray, np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Coordinates of the points of a product rule, and their log weights."""
    points = [axis.ravel() for axis in np.meshgrid(*(x for x, _ in rules), indexing="ij")]
    weights = np.meshgrid(*(w for _, w in rules), indexing="ij")
    return points, np.log(np.prod(weights, axis=0)).ravel()


def weighted(log_weights: np.ndarray, mean: np.ndarray, variance: np.ndarray | float = 0.0) -> tuple[float, float]:
    """Mean and sd of a mixture."""
    w = np.exp(log_weights - logsumexp(log_weights))
    centre = np.sum(w * mean)
    return float(centre), float(np.sqrt(np.sum(w * (variance + (mean - centre) ** 2))))


def assert_moments(post: BayesianResult, moments: dict[str, tuple[float, float]]) -> None:
    for address, (mean, sd) in moments.items():
        draws = post.draws(address)
        assert abs(draws.mean() - mean) < 0.05 * sd, address
        assert draws.std() == pytest.approx(sd, rel=0.08), address


# Linear models: normal given the standard deviations, which are on a grid.

LINEAR_PRIORS = {
    "Intercept": bml.Normal(1, 4), "x": bml.Normal(0.5, 2), "sd(g)": bml.HalfStudentT(3, 1.5),
    "sigma": bml.OnPrecision(bml.Gamma(2, 1)),
}  # fmt: skip


@cache
def linear_table() -> pd.DataFrame:
    """Eight groups of one to seven rows."""
    rng = np.random.default_rng(42)
    g = np.repeat(np.arange(8), [2, 3, 7, 4, 1, 6, 5, 3])
    x = rng.normal(2, 1, len(g))
    y = 3 + 0.7 * x + rng.normal(0, 0.8, 8)[g] + rng.normal(0, 1.2, len(g))
    return pd.DataFrame({"y": y, "x": x, "g": [f"g{j}" for j in g]})


class Normal(NamedTuple):
    """y ~ N(X m, V), V = sigma² I + tau² Z Z' + X S X', at each point of the grid."""

    log_density: np.ndarray
    beta: tuple[np.ndarray, np.ndarray]
    effects: tuple[np.ndarray, np.ndarray]


def normal(y: np.ndarray, X: np.ndarray, Z: np.ndarray, tau: np.ndarray, sigma: np.ndarray) -> Normal:
    """Log density of y, and conditional means and variances of coefficients and effects."""
    location, spread = np.array([1.0, 0.5])[: X.shape[1]], np.array([16.0, 4.0])[: X.shape[1]]
    V = sigma[:, None, None] ** 2 * np.eye(len(y)) + tau[:, None, None] ** 2 * (Z @ Z.T) + (X * spread) @ X.T
    P, residual = np.linalg.inv(V), y - X @ location
    solved = P @ residual
    log_density = -0.5 * (np.linalg.slogdet(2 * np.pi * V)[1] + solved @ residual)
    beta = location + solved @ (X * spread)
    beta_variance = spread - spread**2 * np.einsum("ni,snm,mi->si", X, P, X)
    effects = tau[:, None] ** 2 * (solved @ Z)
    effect_variance = tau[:, None] ** 2 - tau[:, None] ** 4 * np.einsum("nj,snm,mj->sj", Z, P, Z)
    return Normal(log_density, (beta, beta_variance), (effects, effect_variance))


@cache
def linear(slope: bool = True) -> Integrated:
    """The random-intercept model, each row and each group left out by integrating once more without it."""
    table = linear_table()
    names = [f"g{j}" for j in range(8)]
    y, codes = table["y"].to_numpy(), table["g"].str[1:].to_numpy(int)
    X = np.column_stack([np.ones(len(y)), table["x"]])[:, : 1 + slope]
    Z = (codes[:, None] == np.arange(8)).astype(float)
    (log_tau, log_sigma), log_w = mesh(legendre(-8, 3, 36), legendre(-1, 1.6, 24))
    tau, sigma = np.exp(log_tau), np.exp(log_sigma)
    # sigma = precision^(-1/2): the density of the precision times its slope
    log_w = log_w + np.log(2) + stats.t(3, scale=1.5).logpdf(tau) + log_tau
    log_w = log_w + stats.gamma(2).logpdf(sigma**-2.0) + np.log(2) - 3 * log_sigma + log_sigma
    found = normal(y, X, Z, tau, sigma)
    log_posterior = log_w + found.log_density
    evidence = logsumexp(log_posterior)

    def without(part: np.ndarray) -> float:
        return evidence - logsumexp(log_w + normal(y[~part], X[~part], Z[~part], tau, sigma).log_density)

    values = {
        "Intercept": (found.beta[0][:, 0], found.beta[1][:, 0]), "sd(Intercept | g)": (tau, 0.0),
        "sigma": (sigma, 0.0),
    }  # fmt: skip
    if slope:
        values["x"] = found.beta[0][:, 1], found.beta[1][:, 1]
    values |= {
        f"b(Intercept | g[{name}])": (found.effects[0][:, j], found.effects[1][:, j]) for j, name in enumerate(names)
    }
    return Integrated(
        evidence,
        {address: weighted(log_posterior, *own) for address, own in values.items()},
        np.array([without(np.arange(len(y)) == i) for i in range(len(y))]) if slope else np.empty(0),
        np.array([without(codes == j) for j in range(8)]) if slope else np.empty(0),
    )


@cache
def linear_post(parametrisation: str = "auto", slope: bool = True) -> BayesianResult:
    priors = {name: prior for name, prior in LINEAR_PRIORS.items() if slope or name != "x"}
    formula = "y ~ x + (1 | g)" if slope else "y ~ 1 + (1 | g)"
    return bml.sample(
        formula, linear_table(), priors, draws=4000, parametrisation=parametrisation, target_accept=0.98,
        random_seed=4, progressbar=False,
    )  # fmt: skip


@pytest.mark.parametrize("parametrisation", PARAMETRISATIONS)
def test_a_linear_model(parametrisation):
    post, exact = linear_post(parametrisation), linear()
    assert_moments(post, exact.moments)
    assert abs(bml.evidence(post).log_evidence - exact.evidence) < 0.02


def test_bayes_factor_of_a_linear_model():
    exact = linear(slope=False).evidence - linear().evidence
    assert_one_bayes_factor(linear_post(), linear_post(slope=False), exact)


def assert_one_bayes_factor(big: BayesianResult, small: BayesianResult, exact: float) -> None:
    ratio, bridge = bml.hypothesis(big, "x = 0"), bml.bayes_factor(small, big)
    assert abs(ratio.log_bf01 - exact) < 0.02 + 3 * ratio.log_mcse < 0.08
    assert abs(bridge.log_bayes_factor - exact) < 0.02 + 3 * bridge.mcse < 0.08
    assert abs(ratio.log_bf01 - bridge.log_bayes_factor) < 0.02 + 3 * np.hypot(ratio.log_mcse, bridge.mcse)


def assert_left_out(found: Loo, exact: np.ndarray) -> None:
    """Each unit of good Pareto k, and their sum, within the error that is told; few are not good."""
    good = (found.pareto_k <= found.good_k).to_numpy()
    away, mcse = (found.pointwise["elpd"] - exact)[good], found.pointwise["mcse"][good]
    assert good.mean() > 0.85
    assert (np.abs(away) < 4 * mcse).all()
    assert abs(away.sum()) < 0.25


@pytest.mark.parametrize("unit", ["row", "g"])
def test_leaving_out_of_a_linear_model(unit):
    exact = linear().rows if unit == "row" else linear().groups
    assert_left_out(bml.loo(linear_post(), unit, exact=False), exact)


# Counts and successes: the likelihood of a group is a function of its own intercept, which is on a grid.

OTHER_PRIORS = {"Intercept": bml.Normal(0, 1.5), "x": bml.Normal(0, 1), "sd(g)": bml.Exponential(1)}
FAMILIES = {"bernoulli": 0.99, "poisson": 0.95}
"""Acceptance at which nothing diverges, by family."""


@cache
def other_table() -> pd.DataFrame:
    """Ten groups of two to nine rows."""
    rng = np.random.default_rng(77)
    g = np.repeat(np.arange(10), [3, 8, 5, 6, 4, 7, 9, 2, 6, 5])
    x = rng.normal(size=len(g))
    eta = 0.3 + 0.5 * x + rng.normal(0, 0.8, 10)[g]
    successes, counts = rng.binomial(1, 1 / (1 + np.exp(-eta))), rng.poisson(np.exp(eta))
    return pd.DataFrame({"bernoulli": successes, "poisson": counts, "x": x, "g": [f"g{j}" for j in g]})


def log_density(family: str, y: int, eta: np.ndarray) -> np.ndarray:
    return stats.poisson.logpmf(y, np.exp(eta)) if family == "poisson" else -np.logaddexp(0, (1 - 2 * y) * eta)


def positive(density: np.ndarray) -> np.ndarray:
    """Densities far from all that is likely, where they are too small for a number, as something."""
    return np.maximum(density, 1e-290)


@cache
def other(family: str, slope: bool = True) -> Integrated:
    """The model with a random intercept, and each row and group left out."""
    table = other_table()
    y, x, codes = table[family].to_numpy(), table["x"].to_numpy(), table["g"].str[1:].to_numpy(int)
    step = 0.07
    level = np.arange(-16, 16, step)
    beta, beta_weights = legendre(-0.9, 1.6, 44) if slope else (np.zeros(1), np.ones(1))
    (mean, tau), log_w = mesh(legendre(-4.5, 5.5, 50), legendre(0, 9, 50))
    log_w = log_w + stats.norm(0, 1.5).logpdf(mean) + stats.expon.logpdf(tau)
    # an sd below the step of the grid is as good as the step
    among = step * stats.norm.pdf(level[:, None], mean, np.maximum(tau, step))
    around = (level[:, None] - mean) * among, (level[:, None] - mean) ** 2 * among
    log_posterior, log_groups, log_rows, effects = [], [], [], []
    for b, w in zip(beta, beta_weights, strict=True):
        rows = np.stack([log_density(family, y[i], level + b * x[i]) for i in range(len(y))])
        groups = np.stack([rows[codes == j].sum(axis=0) for j in range(10)])
        likelihood = positive(np.exp(groups) @ among)
        log_groups.append(np.log(likelihood))
        log_posterior.append(log_w + np.log(w) + log_groups[-1].sum(axis=0) + (stats.norm.logpdf(b) if slope else 0))
        if slope:
            log_rows.append(np.log(positive(np.exp(groups[codes] - rows) @ among)) - log_groups[-1][codes])
            effects.append(np.stack([np.exp(groups) @ own / likelihood for own in around]))
    log_posterior = np.concatenate(log_posterior)
    evidence = logsumexp(log_posterior)
    if not slope:
        return Integrated(evidence, {}, np.empty(0), np.empty(0))
    first, second = np.concatenate(effects, axis=-1)
    values = {
        "Intercept": (np.tile(mean, len(beta)), 0.0), "x": (np.repeat(beta, len(mean)), 0.0),
        "sd(Intercept | g)": (np.tile(tau, len(beta)), 0.0),
    }  # fmt: skip
    values |= {f"b(Intercept | g[g{j}])": (first[j], second[j] - first[j] ** 2) for j in range(10)}
    return Integrated(
        evidence,
        {address: weighted(log_posterior, *own) for address, own in values.items()},
        evidence - logsumexp(log_posterior + np.concatenate(log_rows, axis=1), axis=1),
        evidence - logsumexp(log_posterior - np.concatenate(log_groups, axis=1), axis=1),
    )


@cache
def other_post(family: str, slope: bool = True) -> BayesianResult:
    priors = {name: prior for name, prior in OTHER_PRIORS.items() if slope or name != "x"}
    formula = f"{family} ~ x + (1 | g)" if slope else f"{family} ~ 1 + (1 | g)"
    return bml.sample(
        formula, other_table(), priors, family=family, draws=2000, target_accept=FAMILIES[family], random_seed=2,
        progressbar=False,
    )  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_another_family(family):
    post, exact = other_post(family), other(family)
    assert_moments(post, exact.moments)
    found = bml.evidence(post)
    assert abs(found.log_evidence - exact.evidence) < 3 * found.mcse < 0.04


@pytest.mark.parametrize("family", FAMILIES)
def test_bayes_factor_of_another_family(family):
    exact = other(family, slope=False).evidence - other(family).evidence
    assert_one_bayes_factor(other_post(family), other_post(family, slope=False), exact)


@pytest.mark.parametrize("unit", ["row", "g"])
@pytest.mark.parametrize("family", FAMILIES)
def test_leaving_out_of_another_family(family, unit):
    exact = other(family).rows if unit == "row" else other(family).groups
    assert_left_out(bml.loo(other_post(family), unit, exact=False), exact)


# Priors on variances, precisions and a covariance matrix where the random effects are sampled too.


def test_variances_of_crossed_factors():
    rng = np.random.default_rng(6)
    rows, columns = np.divmod(np.arange(30), 6)
    y = 2 + rng.normal(0, 1, 5)[rows] + rng.normal(0, 0.5, 6)[columns] + rng.normal(0, 0.7, 30)
    table = pd.DataFrame({"y": y, "r": [f"r{i}" for i in rows], "c": [f"c{i}" for i in columns]})
    priors = {
        "Intercept": bml.Normal(0, 3), "sd(r)": bml.OnVariance(bml.InverseGamma(1.5, 0.5)),
        "sd(c)": bml.OnPrecision(bml.Gamma(2, 0.5)), "sigma": bml.OnVariance(bml.Gamma(2, 3)),
    }  # fmt: skip
    post = bml.sample(
        "y ~ 1 + (1 | r) + (1 | c)", table, priors, draws=4000, parametrisation="partial", target_accept=0.95,
        random_seed=1, progressbar=False,
    )  # fmt: skip
    logs, log_w = mesh(*[legendre(-2.2, 2.6, 24), legendre(-2.2, 2.0, 24), legendre(-1.2, 0.9, 20)])
    variances = [np.exp(2 * own) for own in logs]
    # eigenvalues of the balanced table: grand mean, rows, columns, rest
    square, (among_rows, among_columns) = y.reshape(5, 6), (variances[0] * 6, variances[1] * 5)
    left, up = square.mean(axis=1) - y.mean(), square.mean(axis=0) - y.mean()
    rest = np.sum((square - left[:, None] - up - y.mean()) ** 2)
    eigen = [variances[2] + among_rows + among_columns + 30 * 9, variances[2] + among_rows,
             variances[2] + among_columns, variances[2]]  # fmt: skip
    sums = [30 * y.mean() ** 2, 6 * left @ left, 5 * up @ up, rest]
    for value, total, df in zip(eigen, sums, (1, 4, 5, 20), strict=True):
        log_w = log_w - 0.5 * df * np.log(2 * np.pi * value) - 0.5 * total / value
    # the variance is the parameter: d variance = 2 variance d log sd; of the precision the same
    log_w = log_w + stats.invgamma(1.5, scale=0.5).logpdf(variances[0]) + np.log(2 * variances[0])
    log_w = log_w + stats.gamma(2, scale=2).logpdf(1 / variances[1]) + np.log(2 / variances[1])
    log_w = log_w + stats.gamma(2, scale=1 / 3).logpdf(variances[2]) + np.log(2 * variances[2])
    names = ("sd(Intercept | r)", "sd(Intercept | c)", "sigma")
    assert_moments(post, {name: weighted(log_w, np.exp(own)) for name, own in zip(names, logs, strict=True)})
    assert abs(bml.evidence(post).log_evidence - logsumexp(log_w)) < 0.02


def test_an_inverse_wishart_covariance_of_sampled_effects():
    rng = np.random.default_rng(8)
    x, groups = np.array([-1.0, -0.3, 0.5, 1.2]), 7
    Z = np.column_stack([np.ones(4), x])
    b = rng.normal(size=(groups, 2)) @ np.array([[0.9, 0.3], [0.0, 0.6]])
    y = b @ Z.T + rng.normal(0, 0.8, (groups, 4))
    table = pd.DataFrame({"y": y.ravel(), "x": np.tile(x, groups), "g": np.repeat(list("abcdefg"), 4)})
    priors = {"cov(g)": bml.InverseWishart(4, ((1, 0.2), (0.2, 0.5))), "sigma": bml.Fixed(0.8)}
    post = bml.sample(
        "y ~ 0 + (x | g)", table, priors, draws=4000, parametrisation="partial", target_accept=0.95, random_seed=1,
        progressbar=False,
    )  # fmt: skip
    (a, c, z), log_w = mesh(legendre(-3, 2.2, 36), legendre(-3.5, 2, 36), legendre(-3, 3, 36))
    first, second, r = np.exp(a), np.exp(c), np.tanh(z)
    off = r * first * second
    G = np.moveaxis(np.array([[first**2, off], [off, second**2]]), -1, 0)
    V = Z @ G @ Z.T + 0.64 * np.eye(4)
    quadratic = np.einsum("ji,sik,jk->s", y, np.linalg.inv(V), y)
    log_w = log_w - 0.5 * (groups * np.linalg.slogdet(2 * np.pi * V)[1] + quadratic)
    log_w = log_w + stats.invwishart(4, [[1, 0.2], [0.2, 0.5]]).logpdf(np.moveaxis(G, 0, -1))
    # dG = 4 sd³ sd³ (1 - r²) d log sd d log sd d atanh r
    log_w = log_w + np.log(4) + 3 * (a + c) + np.log1p(-(r**2))
    names = ("sd(Intercept | g)", "sd(x | g)", "corr(Intercept, x | g)")
    assert_moments(post, {name: weighted(log_w, own) for name, own in zip(names, (first, second, r), strict=True)})
    assert abs(bml.evidence(post).log_evidence - logsumexp(log_w)) < 0.02


def test_the_density_of_a_standard_deviation_by_a_kernel():
    sd = np.array([0.5, 1.0])
    post = other_post("bernoulli")
    # log density at a value less that of the prior, by integration at the value
    for value, exact in zip(sd, other_given("bernoulli", sd) - other("bernoulli").evidence, strict=True):
        found = bml.hypothesis(post, f"sd(g) = {value}")
        assert abs(found.log_bf01 - exact) < 3 * found.log_mcse < 0.3


def other_given(family: str, sds: np.ndarray) -> np.ndarray:
    """Log evidence of the model at each of some values of the standard deviation."""
    table = other_table()
    y, x, codes = table[family].to_numpy(), table["x"].to_numpy(), table["g"].str[1:].to_numpy(int)
    level = np.arange(-10, 10, 0.07)
    (b, mean), log_w = mesh(legendre(-0.9, 1.6, 30), legendre(-4.5, 5.5, 50))
    log_w = log_w + stats.norm.logpdf(b) + stats.norm(0, 1.5).logpdf(mean)
    rows = np.stack([log_density(family, y[i], level + b[::50, None] * x[i]) for i in range(len(y))])
    groups = np.exp(np.stack([rows[codes == j].sum(axis=0) for j in range(10)]))
    among = 0.07 * stats.norm.pdf(level[:, None, None], mean[:50], sds[:, None])
    found = np.log(positive(np.einsum("jbl,lsm->sjbm", groups, among, optimize=True))).sum(axis=1)
    return logsumexp(found.reshape(len(sds), -1) + log_w, axis=1)
