"""Fits by Laplace's approximation at the ends of what data can say: huge counts, no dispersion, no residual at all."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayesml as bml
from bayesml.errors import NotIdentified, SpecificationError

GROUPS, ROWS = 15, 6
CODES = np.repeat(np.arange(GROUPS), ROWS)


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    """Fifteen groups of six rows."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=GROUPS * ROWS)
    return pd.DataFrame(
        {
            "g": [f"g{code}" for code in CODES],
            "x": x,
            "huge": rng.poisson(np.exp(12.0 + rng.normal(size=GROUPS)[CODES])),
            "regular": np.round(np.exp(0.5 + 0.5 * x)),
            "linear": 1.0 + 0.5 * x,
            "level": np.exp(rng.normal(size=GROUPS))[CODES],
            "event": 1.0,
            "weibull": np.exp(1.0 + 0.5 * x) * rng.weibull(50.0, GROUPS * ROWS),
        }
    )


def test_groups_known_from_huge_counts_have_the_standard_errors_of_known_groups(data):
    """A million counts a group say its log mean to a thousandth: what is left is a sample of 15 normal numbers."""
    fit = bml.fit("huge ~ 1 + (1 | g)", data, family="poisson")
    sums = np.bincount(CODES, data["huge"])
    deviations = np.log(sums) - np.log(sums).mean()
    variance = (deviations**2).mean()
    expected = [np.sqrt(variance / GROUPS), variance * np.sqrt(2.0 / GROUPS)]
    assert_allclose([fit.se["Intercept"], fit.varcorr.loc[0, "se"]], expected, rtol=1e-4)


@pytest.mark.parametrize(("family", "name"), [("negative_binomial", "alpha"), ("nbinom1", "delta")])
def test_no_dispersion_is_an_end_of_the_range(family, name, data):
    fit = bml.fit("regular ~ x + (1 | g)", data, family=family)
    poisson = bml.fit("regular ~ x + (1 | g)", data, family="poisson")
    assert fit.converged
    assert fit.boundary == ["sd(Intercept | g)", name]
    assert_allclose(fit.loglik, poisson.loglik, atol=1e-7)
    assert_allclose(fit.se, poisson.se, rtol=1e-6)
    assert fit.family_params.loc[name, ["se", "lower", "upper"]].isna().all()
    assert fit.vcov_all.loc[name].isna().all()
    assert f"At the end of its range: {name}." in str(fit.status)


def test_normal_tails_are_an_end_of_the_range(data):
    spread = data.assign(y=data["x"] + np.random.default_rng(1).uniform(size=len(data)))
    fit = bml.fit("y ~ x + (1 | g)", spread, family="student_t")
    normal = bml.fit("y ~ x + (1 | g)", spread, criterion="ml")
    assert "nu" in fit.boundary
    assert_allclose(fit.loglik, normal.loglik, atol=1e-6)
    assert fit.family_params.loc["sigma", "se"] > 0


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("linear ~ x + (1 | g)", "student_t"),
        ("exp(linear) ~ x + (1 | g)", "gamma"),
        ("exp(linear) ~ x + (1 | g)", "lognormal"),
        ("level ~ 1 + (1 | g)", "gamma"),
        ("level ~ 1 + (1 | g)", "lognormal"),
    ],
)
def test_responses_explained_to_the_last_digit_are_refused(formula, family, data):
    with pytest.raises(NotIdentified, match="constant within groups, or computed from other columns"):
        bml.fit(formula, data, family=family)


@pytest.mark.parametrize("metric", ["hazard", "time"])
def test_steep_hazards_are_fitted_in_silence(metric, data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = bml.fit("weibull ~ x + (1 | g)", data, family=bml.families.Weibull(metric=metric))
    assert fit.converged
    assert 35 < fit.family_params.loc["shape", "estimate"] < 75


@pytest.mark.parametrize("criterion", ["ml", "map"])
@pytest.mark.parametrize("away", [2000.0, 1e6])
def test_cut_points_take_up_what_columns_are_away_from_zero(criterion, away, data):
    """Beside cut points there is no intercept that could."""
    rng = np.random.default_rng(5)
    latent = data["x"] + rng.normal(size=GROUPS)[CODES] + rng.logistic(size=len(data))
    near = data.assign(y=np.digitize(latent, [-1.0, 0.5]))
    far = near.assign(x=near["x"] + away)
    # a prior of the sd at x = 0 would move with x
    slope, priors = ("x", {}) if criterion == "ml" else ("1", {"cut[0|1]": bml.Flat(), "cut[1|2]": bml.Flat()})
    fit, moved = (
        bml.fit(f"y ~ x + ({slope} | g)", d, family="cumulative", criterion=criterion, priors=priors)
        for d in (near, far)
    )
    assert moved.converged
    assert_allclose([moved.loglik, moved["x"], moved.se["x"]], [fit.loglik, fit["x"], fit.se["x"]], rtol=1e-6)
    cuts = [f.family_params["estimate"].to_numpy() for f in (fit, moved)]
    assert_allclose(cuts[1] - away * moved["x"], cuts[0], atol=1e-8 * away)
    assert_allclose(moved.fitted, fit.fitted, atol=1e-6)
    if away < 1e4:  # beyond that standard errors lose their digits: differences of variances of cut points
        ours, theirs = (
            bml.predict(f, d.head(3), kind="probability", outcome=1) for f, d in ((moved, far), (fit, near))
        )
        assert_allclose(ours, theirs, rtol=1e-4)
    cut = [f.vcov_all.loc["cut[0|1]", "x"] - shift * f.vcov_all.loc["x", "x"] for f, shift in ((fit, 0), (moved, away))]
    assert_allclose(cut[1], cut[0], atol=1e-7 * away)


def test_conditional_predictors_have_their_errors_beside_cut_points(data):
    """With huge groups modes follow what cut points and coefficients leave: predictors less cut points are known."""
    rng = np.random.default_rng(6)
    table = pd.concat([data] * 20)
    latent = table["x"] + np.tile(rng.normal(size=GROUPS)[CODES], 20) + rng.logistic(size=len(table))
    table["y"] = np.digitize(latent, [-1.0, 0.5])
    moved = table.assign(x=table["x"] + 50.0)
    fits = [(bml.fit("y ~ x + (1 | g)", d, family="cumulative"), d.head(3)) for d in (table, moved)]
    near, far = (bml.predict(fit, rows, kind="linear") for fit, rows in fits)
    fit, rows = fits[1]
    assert_allclose(far["estimate"] - near["estimate"], 50.0 * fit["x"], rtol=1e-6)
    # of 50 units of x, and of what a group of 120 rows leaves open
    assert (far["se"] > 49.0 * fit.se["x"]).all()
    assert (near["se"] < 0.4).all()


def test_a_prior_without_density_at_the_start_is_named(rng):
    group, x = np.repeat(np.arange(10), 8), rng.normal(size=80)
    table = pd.DataFrame({"y": rng.poisson(np.exp(0.3 + x)), "x": x, "g": group})
    model = bml.Model("y ~ x + (1 | g)", family="poisson", priors={"x": bml.Truncated(bml.Normal(0, 1), upper=0)})
    with pytest.raises(SpecificationError, match=r"Truncated\(Normal\(0, 1\), upper=0\) of `x` has no density"):
        bml.fit(model, table, criterion="map")
