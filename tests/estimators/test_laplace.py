"""Fits by Laplace's approximation to data that are hard on it: they end at a maximum, or say why not."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayesml as bml
from bayesml.errors import ConvergenceWarning, NotIdentified

N, GROUPS = 200, 20


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    """Outcomes of several kinds in 20 groups of ten rows."""
    rng = np.random.default_rng(3)
    codes = np.repeat(np.arange(GROUPS), N // GROUPS)
    x, u = rng.normal(size=N), rng.normal(size=GROUPS)[codes]
    mean = np.exp(1 + 0.5 * x + 0.7 * u)
    latent = x + u + rng.logistic(size=N)
    return pd.DataFrame(
        {
            "x": x,
            "g": [f"g{code}" for code in codes],
            "row": [f"r{i}" for i in range(N)],
            "constant": codes % 2,
            "binary": rng.binomial(1, 1 / (1 + np.exp(-x - u))),
            "count": rng.poisson(mean),
            "huge": rng.poisson(1e6 * mean),
            "zeros": np.where(codes < 8, 0, rng.poisson(mean)),
            "single": (np.arange(N) == 5).astype(int),
            "positive": rng.gamma(2.0, mean / 2.0),
            "edge": np.clip(rng.beta(0.3, 0.3, N), 1e-12, 1 - 1e-12),
            "sparse": pd.Categorical(np.digitize(latent, [-6, -2, 0, 0.01, 7]).astype(str), ordered=True),
            "rare": np.where(np.arange(N) < 3, "rare", np.where(rng.random(N) < 0.5, "a", "b")),
            "time": mean * rng.weibull(1.5, N),
            "event": np.where(codes < 10, 0, (rng.random(N) < 0.5).astype(int)),
        }
    )


HARD = [
    ("constant ~ x + (1 | g)", "bernoulli"),
    ("constant ~ x + (1 | g)", ("bernoulli", "probit")),
    ("binary ~ x + (1 | g)", ("bernoulli", "cauchit")),
    ("zeros ~ x + (1 | g)", "poisson"),
    ("huge ~ x + (1 | g)", "poisson"),
    ("single ~ x + (1 | g)", "poisson"),
    ("count ~ x + (1 | row)", "poisson"),
    ("count ~ x + (1 | g)", ("poisson", "sqrt")),
    ("count ~ x + (1 | g)", "negative_binomial"),
    ("positive ~ x + (1 | g)", "gamma"),
    ("edge ~ x + (1 | g)", "beta"),
    ("sparse ~ x + (1 | g)", "cumulative"),
    ("rare ~ x + (1 | g)", "categorical"),
    ("rare ~ x + (x |p| g)", "categorical"),
    ("Surv(time, event) ~ x + (1 | g)", "weibull"),
]


@pytest.mark.parametrize(("formula", "family"), HARD, ids=[f"{f}-{m}" for f, m in HARD])
def test_ends_at_a_maximum(formula, family, data):
    family, link = family if isinstance(family, tuple) else (family, None)
    fit = bml.fit(formula, data, family=family, **({"link": link} if link else {}))
    assert fit.converged
    assert fit.status.gain_left < 1e-6
    assert np.isfinite(fit.loglik)
    assert (fit.se > 0).all()
    certain = fit.status.hessian_eigenvalues
    assert certain.min(initial=1.0) > -1e-6 * certain.max(initial=1.0)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize(
    ("outcome", "family"), [("binary", "bernoulli"), ("count", "poisson"), ("sparse", "cumulative")]
)
def test_units_of_covariates_do_not_matter(outcome, family, scale, data):
    formula = f"{outcome} ~ x + (x | g)"
    fit, scaled = (bml.fit(formula, d, family=family) for d in (data, data.assign(x=scale * data["x"])))
    assert_allclose(scaled.loglik, fit.loglik, atol=1e-7)
    assert_allclose(scaled.fixef["x"] * scale, fit.fixef["x"], rtol=1e-4)
    assert_allclose(scaled.se["x"] * scale, fit.se["x"], rtol=1e-3)
    assert fit.converged and scaled.converged


def test_a_column_far_from_zero_does_not_matter(data):
    fit, moved = (bml.fit("count ~ x + (x | g)", d, family="poisson") for d in (data, data.assign(x=data["x"] + 1e6)))
    assert_allclose(moved.loglik, fit.loglik, atol=1e-6)
    assert_allclose(moved.fixef["x"], fit.fixef["x"], rtol=1e-5)


@pytest.mark.parametrize("offset", [-20.0, 20.0])
@pytest.mark.parametrize(("outcome", "family"), [("binary", "bernoulli"), ("count", "poisson")])
def test_a_constant_offset_goes_to_the_intercept(outcome, family, offset, data):
    fit = bml.fit(f"{outcome} ~ x + (1 | g)", data, family=family)
    moved = bml.fit(f"{outcome} ~ x + offset(o) + (1 | g)", data.assign(o=offset), family=family)
    assert_allclose(moved.fixef["Intercept"] + offset, fit.fixef["Intercept"], rtol=1e-5)
    assert_allclose([moved.loglik, moved.fixef["x"]], [fit.loglik, fit.fixef["x"]], rtol=1e-7)


def test_units_of_times_move_the_intercept_alone(data):
    fit, scaled = (
        bml.fit("Surv(time, event) ~ x + (1 | g)", d, family="weibull")
        for d in (data, data.assign(time=1e8 * data["time"]))
    )
    events = data["event"].sum()
    assert_allclose(scaled.loglik, fit.loglik - events * np.log(1e8), rtol=1e-8)
    assert_allclose(scaled.fixef["x"], fit.fixef["x"], rtol=1e-4)
    assert_allclose(scaled["shape"], fit["shape"], rtol=1e-4)


@pytest.mark.parametrize(
    ("outcome", "named"), [(np.ones(N, int), "Intercept"), ("x above zero", "x")], ids=["all ones", "separated"]
)
def test_separation_names_the_coefficient(outcome, named, data):
    y = (data["x"] > 0).astype(int) if isinstance(outcome, str) else outcome
    with pytest.raises(NotIdentified, match=f"Separation: the coefficient of `{named}`"):
        bml.fit("y ~ x + (1 | g)", data.assign(y=y), family="bernoulli")


def test_means_that_reach_the_end_of_a_link_are_told(data):
    with pytest.warns(ConvergenceWarning, match="not a maximum"):
        fit = bml.fit("count ~ x + (1 | g)", data, family="poisson", link="identity")
    assert not fit.converged
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        str(fit.summary())


def test_no_random_effects_is_the_maximum_itself(data):
    """Of a Poisson model: the scores vanish, and the log likelihood is that of the density."""
    fit = bml.fit("count ~ x", data, family="poisson")
    mean = np.exp(fit.fixef["Intercept"] + fit.fixef["x"] * data["x"])
    assert_allclose([(data["count"] - mean).sum(), ((data["count"] - mean) * data["x"]).sum()], 0.0, atol=1e-5)
    assert fit.integration == "exact"
    assert_allclose(fit.fitted, mean)


def test_map_under_flat_priors_is_maximum_likelihood(data):
    ml = bml.fit("count ~ x + (1 | g)", data, family="poisson")
    flat = bml.fit("count ~ x + (1 | g)", data, family="poisson", criterion="map", priors="flat")
    assert_allclose(flat.loglik, ml.loglik, atol=1e-8)
    assert_allclose(flat.fixef, ml.fixef, rtol=1e-4)


def test_frequencies_are_repeated_rows(data):
    counts = np.random.default_rng(1).integers(1, 4, N)
    repeated = data.loc[np.repeat(data.index, counts)]
    counted = bml.fit("count ~ x + (1 | g)", data.assign(w=counts), family="poisson", frequencies="w")
    plain = bml.fit("count ~ x + (1 | g)", repeated, family="poisson")
    assert_allclose(counted.loglik, plain.loglik, rtol=1e-10)
    assert_allclose(counted.vcov_all, plain.vcov_all, rtol=1e-4, atol=1e-8)
    assert counted.nobs == plain.nobs == counts.sum()
