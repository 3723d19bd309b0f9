"""Log marginal likelihoods against numerical integration."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import trapezoid
from scipy.special import expit, logsumexp

import bayesml as bml
from bayesml.bayes.evidence import warn_of_error
from bayesml.design.build import build_design
from bayesml.errors import BayesmlWarning, RefusedTest, SpecificationError
from bayesml.estimators.bridge import bridge_sampling
from bayesml.estimators.posterior_densities import JointDensity, density_of
from bayesml.graphs.roles import build_graph
from bayesml.results.bayesian import BayesianResult
from bayesml.results.prior_draws import draw_prior
from tests import posteriors


def log_integral(log_density: np.ndarray, *grids: np.ndarray) -> float:
    """Trapezoidal rule over all axes, of log values."""
    top = log_density.max()
    values = np.exp(log_density - top)
    for grid in grids[::-1]:
        values = trapezoid(values, grid)
    return float(np.log(values) + top)


def test_eight_schools():
    table = bml.datasets.load("eight_schools")
    priors = {"Intercept": bml.Normal(0, 20), "sd(Intercept | school)": bml.HalfNormal(10)}
    post = bml.sample(
        "known_sd(effect, se) ~ 1 + (1 | school)", table, priors=priors, target_accept=0.9, random_seed=1,
        progressbar=False,
    )  # fmt: skip
    y, se = table["effect"].to_numpy(), table["se"].to_numpy()
    grid = np.linspace(0, 80, 4001)
    values = [stats.multivariate_normal(cov=np.diag(se**2 + tau**2) + 20.0**2).logpdf(y) for tau in grid]
    exact = log_integral(np.array(values) + stats.halfnorm(scale=10).logpdf(grid), grid)
    found = bml.evidence(post)
    assert abs(found.log_evidence - exact) < 0.02
    assert found.mcse < 0.012
    assert found.dimension == 1


def test_a_random_intercept_model():
    table, post = bml.datasets.load("dyestuff"), posteriors.dyestuff()
    y, codes = table["Yield"].to_numpy(float), pd.factorize(table["Batch"])[0]
    n, J = len(y), int(codes.max()) + 1
    tau, sigma = np.linspace(0, 250, 501)[:, None], np.linspace(20, 200, 401)[None, :]
    # compound symmetry: within and between groups; the mean is normal too
    m = n // J
    means = np.bincount(codes, y) / m
    within = np.sum((y - means[codes]) ** 2)
    variance = tau**2 + sigma**2 / m
    total = variance / J + 100.0**2
    log_lik = (
        -0.5 * (n - J) * np.log(2 * np.pi * sigma**2) - 0.5 * within / sigma**2
        - 0.5 * J * np.log(2 * np.pi * variance) - 0.5 * J * np.log(m)
        - 0.5 * np.sum((means - means.mean()) ** 2) / variance
        + 0.5 * np.log(variance / J) - 0.5 * np.log(total) - 0.5 * (means.mean() - 1500) ** 2 / total
    )  # fmt: skip
    log_prior = stats.halfnorm(scale=50).logpdf(tau) + stats.halfnorm(scale=60).logpdf(sigma)
    exact = log_integral(log_lik + log_prior, tau[:, 0], sigma[0])
    found = bml.evidence(post)
    assert abs(found.log_evidence - exact) < 0.02
    assert found.mcse < 0.01
    assert float(found) == found.log_evidence
    density = np.exp(log_lik + log_prior - exact)
    for address, grid, weights in (
        ("sd(Intercept | Batch)", tau[:, 0], trapezoid(density, sigma[0], axis=1)),
        ("sigma", sigma[0], trapezoid(density, tau[:, 0], axis=0)),
    ):
        mean = trapezoid(weights * grid, grid)
        sd = np.sqrt(trapezoid(weights * (grid - mean) ** 2, grid))
        assert abs(post.draws(address).mean() - mean) < 0.05 * sd


def test_it_is_the_same_from_a_file(tmp_path):
    post = posteriors.dyestuff()
    post.save(tmp_path / "post.nc")
    assert bml.evidence(bml.load(tmp_path / "post.nc")).log_evidence == bml.evidence(post).log_evidence


def counts(family: str) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(12), 5)
    eta = 0.4 + 0.6 * rng.normal(size=12)[group]
    y = rng.poisson(np.exp(eta)) if family == "poisson" else rng.binomial(1, expit(eta))
    return pd.DataFrame({"y": y, "g": [f"g{j}" for j in group]})


def row_density(family: str, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    return stats.poisson(np.exp(eta)).logpmf(y) if family == "poisson" else stats.bernoulli(expit(eta)).logpmf(y)


@pytest.mark.parametrize("family", ["poisson", "bernoulli"])
def test_a_generalised_model(family):
    table = counts(family)
    priors = {"Intercept": bml.Normal(0, 1.5), "sd(g)": bml.HalfNormal(1)}
    post = bml.sample("y ~ 1 + (1 | g)", table, family=family, priors=priors, random_seed=1, progressbar=False)
    beta, log_sd = np.linspace(-4, 5, 91), np.linspace(-7, 2, 91)
    z, w = np.polynomial.hermite_e.hermegauss(80)
    log_w = np.log(w) - 0.5 * np.log(2 * np.pi)
    eta = beta[:, None, None] + np.exp(log_sd)[None, :, None] * z
    log_lik = np.zeros((91, 91))
    for _, rows in table.groupby("g"):
        log_lik += logsumexp(sum(row_density(family, y, eta) for y in rows["y"]) + log_w, axis=-1)
    log_prior = stats.norm(0, 1.5).logpdf(beta)[:, None] + stats.halfnorm().logpdf(np.exp(log_sd)) + log_sd
    exact = log_integral(log_lik + log_prior, beta, log_sd)
    found = bml.evidence(post)
    assert abs(found.log_evidence - exact) < 0.02
    assert found.mcse < 0.015
    joint = JointDensity(post.graph, post.posterior)
    other = bridge_sampling(joint, joint.points(post.posterior), np.random.default_rng(1))
    assert abs(other.value - exact) < 3 * other.error < 0.2


def test_cut_points_are_known_to_be_in_order():
    table = pd.DataFrame({"grade": [1] * 9 + [2] * 14 + [3] * 7})
    post = bml.sample(
        "grade ~ 1", table, family="cumulative", priors={"cut": bml.Normal(0, 2)}, random_seed=1, progressbar=False
    )
    grid = np.linspace(-8, 8, 801)
    low, high = grid[:, None], grid[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        log_lik = 9 * np.log(expit(low)) + 14 * np.log(expit(high) - expit(low)) + 7 * np.log(expit(-high))
    log_prior = stats.norm(0, 2).logpdf(low) + stats.norm(0, 2).logpdf(high) + np.log(2)
    exact = log_integral(np.where(low < high, log_lik + log_prior, -np.inf), grid, grid)
    assert abs(bml.evidence(post).log_evidence - exact) < 0.02


def test_what_no_chain_found_is_counted():
    """With a strong negative correlation held, a random intercept of nearly 0 is a second, flat region."""
    priors = {"corr(Subject)": bml.Fixed(-0.9)}
    table = bml.datasets.load("sleepstudy")
    post = bml.sample("Reaction ~ Days + (Days | Subject)", table, priors, random_seed=1, progressbar=False)
    assert post.draws("sd(Intercept | Subject)").min() > 10
    with pytest.warns(BayesmlWarning, match=r"5\.\d % of the posterior has a smaller `sd\(Intercept \| Subject\)`"):
        found = bml.evidence(post)
    density = density_of(post.graph, post.posterior)
    grids = np.linspace(-2, 5.3, 60), np.linspace(1.2, 3.8, 40), np.linspace(3, 3.8, 24)
    points = np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1)
    exact = log_integral(density(points.reshape(-1, 3)).reshape(points.shape[:-1]), *grids)
    assert abs(found.log_evidence - exact) < 3 * found.mcse < 0.02
    assert "missing from what the draws tell" in str(found).replace("\n ", "")


def test_chains_that_did_not_go_well_are_told():
    post = posteriors.dyestuff()
    found, unwell = bml.evidence(post), replace(post)
    vars(unwell)["status"] = replace(post.status, rhat=1.2)
    assert "did not go well" not in str(found)
    assert "did not go well" in str(replace(found, result=unwell))


def test_flat_priors_are_refused_by_name():
    model = bml.Model("Yield ~ 1 + (1 | Batch)", priors={"Intercept": bml.Flat(), "sigma": bml.HalfFlat()})
    design = build_design(model, bml.datasets.load("dyestuff"))
    post = BayesianResult(model, design, posteriors.dyestuff().posterior, build_graph(model, design).priors)
    with pytest.raises(RefusedTest, match="`Intercept`, `sigma` is flat"):
        bml.evidence(post)


def test_coefficients_that_share_scales_are_refused():
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(size=(40, 3)), columns=["x", "z", "y"])
    model = bml.Model("y ~ x + z", priors={"x": bml.Horseshoe(), "z": bml.Horseshoe()})
    design = build_design(model, table)
    graph = build_graph(model, design)
    prior = draw_prior(graph, 100, 1, effects=False)
    with pytest.raises(RefusedTest, match="`x`, `z` share the scales of their prior"):
        bml.evidence(BayesianResult(model, design, prior, graph.priors))


def test_a_fit_has_none():
    fit = bml.fit("Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff"))
    with pytest.raises(SpecificationError, match="`evidence` takes a posterior"):
        bml.evidence(fit)


@pytest.mark.parametrize(("error", "shape"), [(0.2, (4, 100, 2)), (np.nan, (4, 100, 2)), (0.01, (2, 80, 9))])
def test_what_is_not_to_be_trusted_is_told(error, shape):
    with pytest.warns(BayesmlWarning, match=r"[Tt]ake more `draws`"):
        warn_of_error(error, np.zeros(shape))


def test_other_data_are_refused_before_anything_is_computed(monkeypatch):
    monkeypatch.setattr("bayesml.bayes.bayes_factor.evidence", None)
    with pytest.raises(RefusedTest, match="rows"):
        bml.bayes_factor(posteriors.sleepstudy(), posteriors.dyestuff())
    fit = bml.fit("Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff"))
    with pytest.raises(SpecificationError, match="`bayes_factor` takes a posterior"):
        bml.bayes_factor(posteriors.dyestuff(), fit)
