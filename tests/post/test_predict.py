import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayesml as bml
from bayesml.errors import DataError, SpecificationError
from tests import fitted_models as models

SLEEP = ("sleepstudy", models.SLEEP)
NEW = pd.DataFrame({"Days": [0.0, 10.0, 3.0], "Subject": ["308", "309", "308"]}, index=["a", "b", "c"])


@pytest.mark.parametrize("model", models.MODELS, ids=lambda m: f"{m[0]}-{m[2]}-{m[3]}")
@pytest.mark.parametrize("ranef", ["conditional", "zero"])
def test_rows_of_the_fit_agree_with_dense_algebra(model, ranef):
    ours, theirs = (bml.predict(result, ranef=ranef) for result in (models.fit(*model), models.dense(*model)))
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-5)


def test_conditional_predictions_are_the_fitted_values():
    fit = models.fit(*SLEEP)
    frame = bml.predict(fit)
    assert list(frame.columns) == ["estimate", "se", "lower", "upper"]
    assert_allclose(frame["estimate"], fit.fitted)
    assert frame.index.equals(fit.fitted.index)


def test_new_rows_equal_to_old_ones_get_the_same_predictions():
    fit = models.fit(*SLEEP)
    table = bml.datasets.load("sleepstudy")
    rows = [25, 3, 170]
    pd.testing.assert_frame_equal(bml.predict(fit, table.iloc[rows]), bml.predict(fit).iloc[rows])


def test_factors_keep_their_coding_in_new_rows():
    fit = models.fit("machines", models.MACHINES)
    table = bml.datasets.load("machines")
    pd.testing.assert_frame_equal(bml.predict(fit, table.iloc[[20]]), bml.predict(fit).iloc[[20]])


def test_standard_error_of_a_conditional_mean_by_hand():
    """x'beta + z'b of one level: the covariance of coefficients and modes enters, not the sum of their variances."""
    fit, theirs = models.fit(*SLEEP), models.dense(*SLEEP).solution
    z = np.array([1.0, 10.0])
    joint = theirs.joint
    level = fit.design.random[0].level_labels.index("309")
    row = np.zeros(len(joint))
    row[:2] = z
    row[2 + 2 * level : 4 + 2 * level] = z
    frame = bml.predict(fit, NEW)
    assert frame.loc["b", "se"] == pytest.approx(np.sqrt(row @ joint @ row), rel=1e-6)


def test_limits_are_normal():
    frame = bml.predict(models.fit(*SLEEP), NEW, ci_prob=0.9)
    assert_allclose(frame["upper"] - frame["estimate"], 1.6448536 * frame["se"], rtol=1e-6)
    assert_allclose(frame["estimate"] - frame["lower"], 1.6448536 * frame["se"], rtol=1e-6)


def test_prediction_intervals_add_the_residual_variance():
    fit = models.fit(*SLEEP)
    frame = bml.predict(fit, NEW, interval="prediction")
    half = (frame["upper"] - frame["lower"]) / 2 / 1.959964
    assert_allclose(half**2, frame["se"] ** 2 + fit.sigma2, rtol=1e-6)
    assert_allclose(frame["se"], bml.predict(fit, NEW)["se"])


def test_marginal_prediction_intervals_add_the_variance_between_levels():
    fit = models.fit(*SLEEP)
    frame = bml.predict(fit, {"Days": [10.0]}, ranef="marginal", interval="prediction")
    z = np.array([1.0, 10.0])
    G = fit.solution.covariances[0]
    half = (frame["upper"] - frame["lower"]).iloc[0] / 2 / 1.959964
    assert half**2 == pytest.approx(frame["se"].iloc[0] ** 2 + z @ G @ z + fit.sigma2, rel=1e-6)


@pytest.mark.parametrize("ranef", ["zero", "marginal"])
def test_population_line_needs_no_groups(ranef):
    fit = models.fit(*SLEEP)
    frame = bml.predict(fit, {"Days": [0.0, 10.0]}, ranef=ranef)
    assert_allclose(frame["estimate"], fit.fixef["Intercept"] + fit.fixef["Days"] * np.array([0, 10]))
    x = np.array([1.0, 10.0])
    assert frame["se"].iloc[1] == pytest.approx(np.sqrt(x @ fit.vcov.to_numpy() @ x))


def test_unseen_levels_are_named():
    with pytest.raises(DataError, match="`Subject` that the fit has not seen: `400`"):
        bml.predict(models.fit(*SLEEP), {"Days": [1.0], "Subject": ["400"]})


def test_unseen_levels_on_the_population_line():
    fit = models.fit(*SLEEP)
    new = {"Days": [1.0, 1.0], "Subject": ["400", "308"]}
    frame = bml.predict(fit, new, new_levels="zero")
    assert_allclose(frame.iloc[0], bml.predict(fit, new, ranef="zero").iloc[0])
    assert_allclose(frame.iloc[1], bml.predict(fit, NEW.assign(Days=1.0)).iloc[0])


def test_drawn_levels_share_their_draw_and_are_seeded():
    fit = models.fit(*SLEEP)
    new = {"Days": [0.0, 0.0, 0.0], "Subject": ["400", "401", "400"]}
    frame = bml.predict(fit, new, new_levels="draw", random_seed=1)
    pd.testing.assert_frame_equal(frame, bml.predict(fit, new, new_levels="draw", random_seed=1))
    assert frame["estimate"].iloc[0] == frame["estimate"].iloc[2]
    assert frame["estimate"].iloc[0] != frame["estimate"].iloc[1]
    between = fit.solution.covariances[0][0, 0]
    assert frame["se"].iloc[0] == pytest.approx(np.sqrt(fit.vcov.iloc[0, 0] + between))


def test_draws_have_the_covariance_of_the_random_effects():
    fit = models.fit(*SLEEP)
    n = 4000
    new = {"Days": np.full(n, 10.0), "Subject": [f"new {i}" for i in range(n)]}
    drawn = bml.predict(fit, new, new_levels="draw", se=False, random_seed=3)["estimate"]
    z = np.array([1.0, 10.0])
    expected = np.sqrt(z @ fit.solution.covariances[0] @ z)
    assert drawn.std() == pytest.approx(expected, rel=4 / np.sqrt(2 * n))


def test_partly_new_levels_of_nested_groups_keep_what_is_known():
    fit = models.fit("machines", models.MACHINES)
    new = {"Machine": ["A"], "Worker": ["1"]}
    known = bml.predict(fit, new)["estimate"].iloc[0]
    expected = fit.fixef["Intercept"] + fit["b(Intercept | Worker[1])"] + fit["b(Intercept | Worker:Machine[1:A])"]
    assert known == pytest.approx(expected)


def test_rows_with_missing_values_get_none():
    new = pd.DataFrame({"Days": [1.0, np.nan, 1.0], "Subject": ["308", "308", None]})
    frame = bml.predict(models.fit(*SLEEP), new)
    assert frame.isna().all(axis=1).tolist() == [False, True, True]


def test_only_what_was_asked_for():
    fit = models.fit(*SLEEP)
    assert list(bml.predict(fit, NEW, se=False).columns) == ["estimate"]
    assert list(bml.predict(fit, NEW, interval=None).columns) == ["estimate", "se"]


def test_weights_scale_prediction_intervals():
    table = bml.datasets.load("sleepstudy").assign(w=lambda d: 1.0 + d["Days"])
    fit = bml.fit(models.SLEEP_INTERCEPT, table, weights="w")
    with pytest.raises(SpecificationError, match="needs the weight"):
        bml.predict(fit, NEW, interval="prediction")
    frame = bml.predict(fit, NEW.assign(w=4.0), interval="prediction")
    half = (frame["upper"] - frame["lower"]) / 2 / 1.959964
    assert_allclose(half**2, frame["se"] ** 2 + fit.sigma2 / 4, rtol=1e-6)


def test_offsets_are_added():
    table = bml.datasets.load("sleepstudy").assign(base=lambda d: 2.0 * d["Days"])
    fit = bml.fit("Reaction ~ 1 + offset(base) + (1 | Subject)", table)
    frame = bml.predict(fit, {"base": [100.0]}, ranef="zero")
    assert frame["estimate"].iloc[0] == pytest.approx(fit.fixef["Intercept"] + 100.0)


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("kind", "response", '"mean", "linear"'),
        ("ranef", "all", '"conditional", "zero", "marginal"'),
        ("new_levels", "ignore", '"error", "zero", "draw"'),
        ("interval", "credible", '"confidence", "prediction", None'),
        ("ci_prob", 95, "between 0 and 1"),
    ],
)
def test_unknown_options(option, value, allowed):
    with pytest.raises(SpecificationError, match=allowed):
        bml.predict(models.fit(*SLEEP), NEW, **{option: value})


@pytest.mark.parametrize("ranef", ["conditional", "zero", "marginal"])
def test_nothing_but_missing_rows(ranef):
    frame = bml.predict(models.fit(*SLEEP), {"Days": [np.nan], "Subject": ["308"]}, ranef=ranef)
    assert frame.isna().all(axis=None)
    assert frame.shape == (1, 4)


@pytest.mark.parametrize("ranef", ["conditional", "zero"])
def test_origin_of_a_covariate_costs_no_digits(ranef):
    table = bml.datasets.load("sleepstudy")
    near = bml.predict(bml.fit(models.SLEEP_INTERCEPT, table), ranef=ranef)
    far = bml.predict(bml.fit(models.SLEEP_INTERCEPT, table.assign(Days=table["Days"] + 1e8)), ranef=ranef)
    assert_allclose(far, near, rtol=1e-6)


def test_keywords_of_other_systems_are_named():
    with pytest.raises(SpecificationError, match="no option `re_form`: it is called `ranef`"):
        bml.predict(models.fit(*SLEEP), re_form=None)
    with pytest.raises(SpecificationError, match="no option `frobnicate`: see"):
        bml.predict(models.fit(*SLEEP), frobnicate=1)
