"""Bridge sampling of two models and the ratio of densities of Savage and Dickey are one Bayes factor."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.results.bayesian import BayesianResult

PRIORS = {
    "Intercept": bml.Normal(0, 2), "x": bml.Normal(0, 1), "sd(g)": bml.HalfNormal(1), "sigma": bml.HalfNormal(2),
}  # fmt: skip


@cache
def table() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    group = np.repeat(np.arange(10), 6)
    x = rng.normal(size=60)
    b = rng.normal(size=(10, 2)) * [0.7, 0.5]
    eta = 0.4 + 0.35 * x + b[group, 0] + b[group, 1] * x
    columns = {"x": x, "y": eta + rng.normal(size=60), "count": rng.poisson(np.exp(0.5 + 0.4 * eta))}
    return pd.DataFrame(columns | {"g": [f"g{j}" for j in group]})


@cache
def sampled(formula: str, family: str = "gaussian", **changed) -> BayesianResult:
    model = bml.Model(formula, family=family)
    names = {"Intercept", "sigma"} if family == "gaussian" else {"Intercept"}
    names |= {name for name in ("x", "sd(g)") if name.strip("sd()") in formula}
    priors = {name: prior for name, prior in PRIORS.items() if name in names and (name != "x" or "~ x" in formula)}
    return bml.sample(
        model, table(), priors | changed, draws=3000, target_accept=0.95, random_seed=2, progressbar=False
    )


def assert_one_factor(big: BayesianResult, small: BayesianResult, statement: str) -> float:
    ratio = bml.hypothesis(big, statement)
    bridge = bml.bayes_factor(small, big)
    assert abs(ratio.log_bf01 - bridge.log_bayes_factor) < 0.02 + 3 * np.hypot(ratio.log_mcse, bridge.mcse)
    assert bridge.mcse < 0.02
    assert ratio.log_mcse < 0.05
    return bridge.log_bayes_factor


def test_a_coefficient_of_a_linear_model():
    small = sampled("y ~ 1 + (1 | g)")
    big = sampled("y ~ x + (1 | g)")
    found = assert_one_factor(big, small, "x = 0")
    assert abs(found - (integrated(()) - integrated(("x",)))) < 0.02


def integrated(columns: tuple[str, ...]) -> float:
    """Log evidence by quadrature over both standard deviations, coefficients and effects being normal."""
    data = table()
    y, X = data["y"].to_numpy(), np.column_stack([np.ones(60), *(data[name] for name in columns)])
    same = (data["g"].to_numpy()[:, None] == data["g"].to_numpy()).astype(float)
    fixed = (X * np.array([4.0, 1.0])[: X.shape[1]]) @ X.T
    taus, sigmas = np.linspace(0, 4, 81), np.linspace(0.5, 2.5, 61)
    rows = []
    for tau in taus:
        V = sigmas[:, None, None] ** 2 * np.eye(60) + tau**2 * same + fixed
        quadratic = np.einsum("i,si->s", y, np.linalg.solve(V, np.broadcast_to(y[:, None], (61, 60, 1)))[..., 0])
        rows.append(-0.5 * (np.linalg.slogdet(2 * np.pi * V)[1] + quadratic) - 0.5 * tau**2 - 0.5 * (sigmas / 2) ** 2)
    values = np.array(rows) + np.log(4 / (2 * np.pi) / 2)
    inner = np.trapezoid(np.exp(values - values.max()), sigmas, axis=1)
    return float(np.log(np.trapezoid(inner, taus)) + values.max())


def test_a_value_that_is_not_zero():
    big = sampled("y ~ x + (1 | g)")
    assert_one_factor(big, sampled("y ~ x + (1 | g)", x=bml.Fixed(0.5)), "x = 0.5")


def test_a_residual_standard_deviation():
    big = sampled("y ~ x + (1 | g)")
    assert_one_factor(big, sampled("y ~ x + (1 | g)", sigma=bml.Fixed(1.0)), "sigma = 1")


def test_a_correlation():
    big = sampled("y ~ x + (x | g)", **{"corr(g)": bml.LKJ(2)})
    assert_one_factor(big, sampled("y ~ x + (x || g)"), "corr(Intercept, x | g) = 0")


def test_a_coefficient_of_counts():
    big, small = sampled("count ~ x + (1 | g)", "poisson"), sampled("count ~ 1 + (1 | g)", "poisson")
    assert_one_factor(big, small, "x = 0")


@pytest.mark.slow
def test_two_coefficients_at_once():
    big = bml.sample(
        "y ~ x + I(x^2) + (1 | g)", table(), PRIORS | {"I(x^2)": bml.Normal(0, 1)}, draws=3000, random_seed=3,
        progressbar=False,
    )  # fmt: skip
    assert_one_factor(big, sampled("y ~ 1 + (1 | g)"), "x = 0 and I(x^2) = 0")
