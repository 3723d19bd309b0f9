"""Randomised quantile residuals: uniform and independent under the true model, for every family and response."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import special, stats

import bayesml as bml
from bayesml.design.build import build_design
from bayesml.families import FAMILIES, Poisson
from bayesml.results.bayesian import BayesianResult
from bayesml.results.posterior import Posterior
from bayesml.syntax.model import Model
from tests import fitted_models as models
from tests import posteriors

GROUPS, EACH = 60, 25
N = GROUPS * EACH


@dataclass
class Truth:
    """A model with all that is unknown, and how a response is made."""

    left: str
    family: str
    link: str | None = None
    ancillary: tuple[float, ...] = ()
    sigma: float = 1.0
    categories: int = 0
    beta: tuple[float, ...] = (0.4, 0.7)
    observe: dict = field(default_factory=dict)


def right_censored(table, rng):
    limit = rng.exponential(np.median(table["y"]) * 2, N)
    table["event"], table["y"] = (table["y"] <= limit).astype(int), np.minimum(table["y"], limit)


def late(table, rng):
    table["entry"] = rng.uniform(0, np.median(table["y"]), N)
    right_censored(table, rng)
    return table[table["y"] > table["entry"]]


def tobit(table, rng):
    table["y"] = np.maximum(table["y"], 0.0)


def intervals(table, rng):
    table["lo"], table["hi"] = np.floor(table["y"]), np.floor(table["y"]) + 1


CASES = {
    "gaussian": (Truth("y", "gaussian", sigma=1.5), None),
    "tobit": (Truth("tobit(y)", "gaussian", sigma=1.5), tobit),
    "interval": (Truth("interval(lo, hi)", "gaussian", sigma=1.5), intervals),
    "known_sd": (Truth("known_sd(y, s)", "gaussian"), None),
    "student_t": (Truth("y", "student_t", sigma=1.5, ancillary=(4.0,)), None),
    "bernoulli": (Truth("y", "bernoulli"), None),
    "binomial": (Truth("p(y, n)", "binomial", "probit"), None),
    "poisson": (Truth("y", "poisson"), None),
    "negative_binomial": (Truth("y", "negative_binomial", ancillary=(0.6,)), None),
    "nbinom1": (Truth("y", "nbinom1", ancillary=(1.2,)), None),
    "gamma": (Truth("y", "gamma", sigma=0.8), None),
    "beta": (Truth("y", "beta", ancillary=(6.0,)), None),
    "exponential": (Truth("y", "exponential"), None),
    "weibull": (Truth("Surv(y, event)", "weibull", ancillary=(1.4,)), right_censored),
    "late entry": (Truth("Surv(entry, y, event)", "weibull", ancillary=(1.4,)), late),
    "lognormal": (Truth("y", "lognormal", sigma=0.7), None),
    "loglogistic": (Truth("y", "loglogistic", ancillary=(0.5,)), None),
    "cumulative": (Truth("y", "cumulative", ancillary=(-0.8, 0.5, 1.6), categories=4, beta=(0.7,)), None),
    "categorical": (Truth("y", "categorical", categories=3, beta=(0.4, 0.7, -0.3, 0.2)), None),
}


def at_truth(name: str, seed: int) -> BayesianResult:
    """Data simulated from a model, and that model with the true values as its only draw."""
    truth, observe = CASES[name]
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"x": rng.normal(size=N), "g": np.repeat(np.arange(GROUPS), EACH)})
    table["n"], table["s"] = rng.integers(1, 12, N), rng.uniform(0.5, 2, N)
    random = "shared(1 | g)" if truth.family == "categorical" else "(1 | g)"
    model = Model(f"{truth.left} ~ x + {random}", family=truth.family, link=truth.link)
    b = rng.normal(0, 0.6, GROUPS)
    categories = tuple(str(code) for code in range(truth.categories))
    X = np.column_stack([np.ones(N), table["x"]])[:, 2 - min(len(truth.beta), 2) :]
    etas = [X @ np.array(truth.beta[i : i + X.shape[1]]) + b[table["g"]] for i in range(0, len(truth.beta), X.shape[1])]
    own = model.family.ancillary(categories)
    others = iter(truth.ancillary)
    values = [truth.sigma if a.name == "sigma" else next(others) for a in own]
    scale = table["s"].to_numpy() if "known_sd" in truth.left else None
    trials = table["n"].to_numpy(float) if "n)" in truth.left else None
    parameters = model.family.at(model.link, etas, values, np, categories, scale, trials)
    table["y"] = model.family.simulate(rng, parameters)
    if truth.categories:
        table["y"] = pd.Categorical.from_codes(table["y"].astype(int), list(categories), ordered=True)
    if observe is not None:
        changed = observe(table, rng)
        table = table if changed is None else changed
    design = build_design(model, table)
    posterior = Posterior(
        beta=np.array(truth.beta)[None, None],
        sds=(np.full((1, 1, 1), 0.6),),
        corrs=(np.empty((1, 1, 0)),),
        sigma=np.full((1, 1), truth.sigma),
        stats={},
        parametrisation="truth",
        seed=seed,
        effects=(b[None, None, :, None],),
        ancillary=np.array(truth.ancillary)[None, None],
    )
    return BayesianResult(model, design, posterior)


def uniform_and_independent(u: np.ndarray, codes: np.ndarray) -> list[float]:
    """p values: Kolmogorov and Smirnov's, and of the means of the groups."""
    z = special.ndtri(u)
    counts = np.bincount(codes)
    means = np.bincount(codes, z)[counts > 0] / np.sqrt(counts[counts > 0])
    return [stats.kstest(u, "uniform").pvalue, stats.chi2.sf((means**2).sum(), len(means))]


def check(name: str, seed: int) -> None:
    post = at_truth(name, seed)
    u = bml.quantile_residuals(post, scale="uniform").to_numpy()
    assert ((u > 0) & (u < 1)).all()
    assert min(uniform_and_independent(u, post.design.random[0].codes)) > 0.002
    # a wrong model is found: all effects and covariates left out
    if name not in ("bernoulli", "categorical"):
        flat = post.posterior.beta.copy()
        flat[..., -1] += 0.5
        wrong = BayesianResult(
            post.model,
            post.design,
            Posterior(**{**vars(post.posterior), "beta": flat, "effects": (np.zeros((1, 1, GROUPS, 1)),)}),
        )
        u = bml.quantile_residuals(wrong, scale="uniform").to_numpy()
        assert min(uniform_and_independent(u, post.design.random[0].codes)) < 1e-4


@pytest.mark.parametrize("name", CASES)
def test_uniform_under_the_true_model(name):
    check(name, 1)


def test_every_family_is_among_the_cases():
    assert {truth.family.replace("nbinom1", "negative_binomial") for truth, _ in CASES.values()} == set(FAMILIES)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_p_values_are_uniform_under_the_true_model(name):
    pvalues = []
    for seed in range(40):
        post = at_truth(name, seed)
        u = bml.quantile_residuals(post, scale="uniform").to_numpy()
        pvalues.append(uniform_and_independent(u, post.design.random[0].codes))
    assert stats.kstest(np.array(pvalues)[:, 0], "uniform").pvalue > 1e-3
    assert stats.kstest(np.array(pvalues)[:, 1], "uniform").pvalue > 1e-3


def test_a_gaussian_residual_is_the_standardised_one():
    fit = models.fit("sleepstudy", models.SLEEP)
    found = bml.quantile_residuals(fit, at="estimate")
    assert_allclose(found, fit.standardized_residuals, atol=1e-9)
    assert found.index.equals(fit.residuals.index)


def test_effects_of_a_fit_are_drawn_given_the_data():
    # each of 400 levels has 2 rows: at the modes residuals are too small, at a draw they are not
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(400), 2)
    y = rng.normal(size=400)[g] + rng.normal(size=800)
    fit = bml.fit("y ~ 1 + (1 | g)", {"y": y, "g": g})
    sd = {at: bml.quantile_residuals(fit, at=at).std() for at in ("draw", "estimate")}
    assert abs(sd["draw"] - 1) < 4 / np.sqrt(1600)
    assert sd["estimate"] < 0.85
    marginal = bml.quantile_residuals(fit, ranef="marginal")
    exact = (y - fit["Intercept"]) / np.sqrt(fit.sigma2 + fit["sd(Intercept | g)"] ** 2)
    assert np.corrcoef(marginal, exact)[0, 1] > 0.995
    assert abs(marginal.std() - exact.std()) < 0.03


def test_posteriors_by_average_and_by_draw():
    post = posteriors.sleepstudy()
    average = bml.quantile_residuals(post, at="estimate")
    drawn = bml.quantile_residuals(post)
    assert average.std() < drawn.std()
    assert stats.kstest(drawn, "norm").pvalue > 0.01
    pd.testing.assert_series_equal(drawn, bml.quantile_residuals(post))
    assert not drawn.equals(bml.quantile_residuals(post, random_seed=5))


class WithoutDistribution(Poisson):
    """Counts whose distribution function is not known."""

    name = "poisson_without"

    def distribution(self, y, parameters):
        return None


def test_families_without_a_distribution_function_are_simulated():
    data = bml.datasets.load("epil")
    formula = "y ~ lbase + trt + (1 | subject)"
    exact = bml.quantile_residuals(bml.fit(formula, data, family="poisson"), at="estimate", scale="uniform")
    found = bml.quantile_residuals(bml.fit(formula, data, family=WithoutDistribution()), at="estimate", scale="uniform")
    assert_allclose(found, exact, atol=5 * np.sqrt(0.25 / 1000))
