"""Priors on variance and precision scales, and of covariance matrices, against numerical integration."""

import numpy as np
import pandas as pd
import pytest

import bayesml as bml

PRIORS = {
    "variances": {
        "sd(g)": bml.OnVariance(bml.InverseGamma(2, 3)),
        "sigma": bml.OnVariance(bml.InverseGamma(0.01, 0.01)),
    },
    "precisions": {"sd(g)": bml.OnPrecision(bml.Gamma(1.5, 2)), "sigma": bml.OnPrecision(bml.Gamma(3, 6))},
    "matrix of one": {"cov(g)": bml.InverseWishart(3, 2), "sigma": bml.OnPrecision(bml.Uniform(0.2, 3))},
    "truncated": {
        "sd(g)": bml.Truncated(bml.OnVariance(bml.InverseGamma(0.5, 0.1)), lower=0.2, upper=1.4),
        "sigma": bml.Truncated(bml.HalfCauchy(1), lower=0.9),
    },
    "beta": {"sd(g)": bml.Beta(2, 3), "sigma": bml.Truncated(bml.Flat(), 0.5, 2)},
}
BETA = bml.Normal(0, 10)


def nodes(lower, upper, n):
    """Points and weights of the Gauss–Legendre rule."""
    x, w = np.polynomial.legendre.leggauss(n)
    return (lower + upper) / 2 + (upper - lower) / 2 * x, (upper - lower) / 2 * w


def log_marginal(y, X, Z, G, sigma2):
    """Log density of balanced groups y (J, n), b ~ N(0, G) and beta ~ N(0, 10²) integrated out.

    G (S, q, q) and sigma2 (S,) are those of S points; also the mean of beta there.
    """
    V = Z @ G @ Z.T + sigma2[:, None, None] * np.eye(len(Z))
    inverse = np.linalg.inv(V)
    J, p = len(y), X.shape[1]
    H = J * X.T @ inverse @ X + np.eye(p) / BETA.sigma**2
    h = X.T @ inverse @ y.sum(axis=0)
    beta = np.linalg.solve(H, h[..., None])[..., 0]
    quadratic = np.einsum("ji,sik,jk->s", y, inverse, y) - np.einsum("si,si->s", h, beta)
    log_det = J * np.linalg.slogdet(V)[1] + np.linalg.slogdet(H)[1]
    return -0.5 * (log_det + quadratic), beta


def moments(values, weights):
    mean = np.sum(weights * values)
    return mean, np.sqrt(np.sum(weights * (values - mean) ** 2))


def groups(slope: bool) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Seven groups of five rows: the table, y (7, 5) and the columns of a group."""
    rng = np.random.default_rng(4)
    x = np.linspace(-1, 1, 5)
    Z = np.column_stack([np.ones(5), x]) if slope else np.ones((5, 1))
    y = 1 + 0.5 * x + rng.normal(size=(7, Z.shape[1])) @ Z.T + rng.normal(size=(7, 5))
    table = pd.DataFrame({"y": y.ravel(), "x": np.tile(x, 7), "g": np.repeat(list("abcdefg"), 5)})
    return table, y, Z


def sampled(formula, table, priors, **options):
    fixed = dict.fromkeys(["Intercept", "x"], BETA)
    return bml.sample(formula, table, priors=fixed | priors, draws=4000, random_seed=1, progressbar=False, **options)


@pytest.mark.parametrize("case", PRIORS)
def test_random_intercepts(case):
    table, y, Z = groups(slope=False)
    post = sampled("y ~ x + (1 | g)", table, PRIORS[case])
    found = dict(post.graph.priors.items())
    own = found["sd(Intercept | g)"], found["sigma"]
    ends = [(max(p.support[0], 1e-6), min(p.support[1], top)) for p, top in zip(own, (12.0, 4.0), strict=True)]
    (t, wt), (s, ws) = (nodes(*end, 200) for end in ends)
    tau, sigma = (a.ravel() for a in np.meshgrid(t, s, indexing="ij"))
    X = np.column_stack([np.ones(5), np.linspace(-1, 1, 5)])
    log_density, beta = log_marginal(y, X, Z, tau[:, None, None] ** 2, sigma**2)
    log_density = log_density + own[0].log_density(tau) + own[1].log_density(sigma)
    weights = np.exp(log_density - log_density.max()) * np.outer(wt, ws).ravel()
    weights /= weights.sum()
    for address, values in {"sd(Intercept | g)": tau, "sigma": sigma}.items():
        mean, sd = moments(values, weights)
        assert abs(post.draws(address).mean() - mean) < 0.05 * sd, address
        assert post.draws(address).std() == pytest.approx(sd, rel=0.05)
    for i, address in enumerate(("Intercept", "x")):
        draws = post.draws(address)
        assert abs(draws.mean() - np.sum(weights * beta[:, i])) < 0.05 * draws.std(), address


@pytest.mark.parametrize("prior", [bml.InverseWishart(3, 1), bml.InverseWishart(5, ((3, 1), (1, 0.5)))], ids=str)
def test_covariance_matrix_of_two_columns(prior):
    table, y, Z = groups(slope=True)
    post = sampled("y ~ x + (x | g)", table, {"cov(g)": prior, "sigma": bml.Fixed(1)}, target_accept=0.97)
    (a, wa), (b, wb), (z, wz) = nodes(-2.5, 2.2, 60), nodes(-3, 2.2, 60), nodes(-3.5, 3.5, 60)
    la, lb, lz = (v.ravel() for v in np.meshgrid(a, b, z, indexing="ij"))
    sd0, sd1, r = np.exp(la), np.exp(lb), np.tanh(lz)
    G = np.empty((len(r), 2, 2))
    G[:, 0, 0], G[:, 1, 1], G[:, 0, 1], G[:, 1, 0] = sd0**2, sd1**2, r * sd0 * sd1, r * sd0 * sd1
    log_density, _ = log_marginal(y, Z, Z, G, np.ones(len(r)))
    log_density = log_density + prior.log_density_of(G) + la + lb + np.log1p(-(r**2))
    weights = np.exp(log_density - log_density.max()) * np.einsum("i,j,k->ijk", wa, wb, wz).ravel()
    weights /= weights.sum()
    for address, values in (("sd(Intercept | g)", sd0), ("sd(x | g)", sd1), ("corr(Intercept, x | g)", r)):
        mean, sd = moments(values, weights)
        assert abs(post.draws(address).mean() - mean) < 0.05 * sd, address
        assert post.draws(address).std() == pytest.approx(sd, rel=0.05)


@pytest.mark.parametrize("prior", [bml.Horseshoe(0.5), bml.Horseshoe(0.2, slab_scale=0.5, scale=2)], ids=str)
def test_one_coefficient_with_a_horseshoe(prior):
    rng = np.random.default_rng(2)
    x = rng.normal(size=12)
    table = pd.DataFrame({"x": x, "y": 0.5 * x + rng.normal(size=12)})
    given = {"x": prior, "sigma": bml.Fixed(1)}
    post = bml.sample("y ~ 0 + x", table, priors=given, draws=4000, random_seed=1, progressbar=False)
    # in the cube root the density has no pole at 0
    r, weights = nodes(-1.6, 1.6, 400)
    b = r**3
    log_density = prior.log_density(b) - 0.5 * ((table["y"].to_numpy() - np.outer(b, x)) ** 2).sum(axis=1)
    weights = weights * 3 * r**2 * np.exp(log_density - log_density.max())
    mean, sd = moments(b, weights / weights.sum())
    draws = post.draws("x")
    assert abs(draws.mean() - mean) < 0.05 * sd
    assert draws.std() == pytest.approx(sd, rel=0.05)


@pytest.mark.slow
def test_coefficients_integrated_out_and_sampled_have_one_posterior():
    rng = np.random.default_rng(3)
    X, g = rng.normal(size=(80, 5)), np.arange(80) % 8
    table = pd.DataFrame(X, columns=list("abcde")).assign(g=g.astype(str))
    table["y"] = 1 + 2 * X[:, 0] + 0.3 * X[:, 1] + rng.normal(size=8)[g] + rng.normal(size=80)
    priors = dict.fromkeys("abcde", bml.Horseshoe(0.1, slab_scale=2))
    formula, options = "y ~ a + b + c + d + e + (1 | g)", {"draws": 2000, "random_seed": 1, "progressbar": False}
    marginal = bml.sample(formula, table, priors=priors, **options)
    joint = bml.sample(formula, table, priors=priors, parametrisation="partial", target_accept=0.99, **options)
    assert marginal.posterior.stats["diverging"].sum() == 0
    for address in "abcde":
        sd = marginal.draws(address).std()
        assert abs(joint.draws(address).mean() - marginal.draws(address).mean()) < 0.1 * sd, address
        assert joint.draws(address).std() == pytest.approx(sd, rel=0.1)
    tau = [np.log(post.posterior.scales["beta_tau"]) for post in (marginal, joint)]
    assert abs(tau[0].mean() - tau[1].mean()) < 0.1 * tau[0].std()
