"""Predictions of models that are not linear, against their formulas, brute force and simulation."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.optimize import brentq
from scipy.special import expit

import bayesml as bml
from bayesml.errors import SpecificationError
from tests import fitted_models as models
from tests.reference_cases import case_named

NEW = pd.DataFrame(
    {
        "lbase": [0.0, 0.5],
        "trt": ["placebo", "progabide"],
        "V4": [0.0, 1.0],
        "visit": [0.3, -0.1],
        "subject": ["1", "8"],
    }
)
Z = 1.959963984540054


def epil():
    return models.other(*models.EPIL)


def eta_zero(fit, table):
    own = {"lbase": table["lbase"], "trt[progabide]": table["trt"] == "progabide"}
    own |= {name: table[name] for name in ("V4", "visit") if name in fit.fixef}
    return fit.fixef["Intercept"] + sum(fit.fixef[name] * np.asarray(column, float) for name, column in own.items())


def test_fitted_means_are_conditional_predictions():
    fit = models.other(*models.VERBAGG)
    frame = bml.predict(fit, se=False)
    assert_allclose(frame["estimate"], fit.fitted, rtol=1e-12)
    assert_allclose(frame["estimate"], expit(fit.fitted_predictors), rtol=1e-12)


def test_conditional_means_have_the_effects_of_their_levels():
    fit = epil()
    effects = fit.ranef["subject"]["Intercept"][["1", "8"]].to_numpy()
    assert_allclose(bml.predict(fit, NEW)["estimate"], np.exp(eta_zero(fit, NEW) + effects), rtol=1e-12)


@pytest.mark.parametrize("ranef", ["conditional", "zero"])
def test_limits_are_those_of_the_predictor(ranef):
    fit = epil()
    linear = bml.predict(fit, NEW, kind="linear", ranef=ranef)
    mean = bml.predict(fit, NEW, ranef=ranef)
    for column in ("estimate", "lower", "upper"):
        assert_allclose(mean[column], np.exp(linear[column]), rtol=1e-9)
    assert_allclose(mean["se"], mean["estimate"] * linear["se"], rtol=1e-7)
    assert_allclose(linear["upper"], linear["estimate"] + Z * linear["se"], rtol=1e-9)


def test_standard_errors_at_zero_are_those_of_the_coefficients():
    fit = epil()
    x = np.array([1.0, 0.5, 1.0, 1.0])
    linear = bml.predict(fit, NEW, kind="linear", ranef="zero")
    assert linear["se"].iloc[1] == pytest.approx(np.sqrt(x @ fit.vcov.to_numpy() @ x), rel=1e-9)


def test_marginal_means_of_the_log_link_have_a_closed_form():
    fit = models.other(*models.EPIL_SLOPE)
    G = fit.solution.covariances[0]
    z = np.column_stack([np.ones(2), NEW["visit"]])
    expected = np.exp(eta_zero(fit, NEW) + 0.5 * np.einsum("mi,ij,mj->m", z, G, z))
    frame = bml.predict(fit, NEW.drop(columns="subject"), ranef="marginal")
    assert_allclose(frame["estimate"], expected, rtol=1e-9)
    # delta method by hand, in coefficients, variances and covariance
    x = np.column_stack([np.ones(2), NEW["lbase"], NEW["trt"] == "progabide", NEW["visit"]]).astype(float)
    parameters = fit.variances.parameters
    by_variances = np.column_stack([0.5 * z[:, i] * z[:, j] * (1 if i == j else 2) for _, i, j in parameters.names])
    gradient = expected[:, None] * np.column_stack([x, by_variances])
    cross = fit.solution.cross_covariance()
    vcov = np.block([[fit.vcov.to_numpy(), cross], [cross.T, parameters.vcov]])
    se = np.sqrt(np.einsum("mi,ij,mj->m", gradient, vcov, gradient))
    assert_allclose(frame["se"], se, rtol=1e-5)
    half = Z * se / expected
    assert_allclose(frame["upper"], expected * np.exp(half), rtol=1e-5)


def test_marginal_probabilities_are_averages_over_levels():
    fit = models.other(*models.VERBAGG)
    new = pd.DataFrame({"Anger": [20.0], "Gender": ["F"], "btype": ["curse"]})
    total = np.sqrt(sum(G[0, 0] for G in fit.solution.covariances))
    eta = bml.predict(fit, new, kind="linear", ranef="zero", se=False)["estimate"].iloc[0]
    nodes, weights = np.polynomial.hermite_e.hermegauss(101)
    expected = weights @ expit(eta + total * nodes) / weights.sum()
    frame = bml.predict(fit, new, ranef="marginal")
    assert frame["estimate"].iloc[0] == pytest.approx(expected, rel=1e-9)
    logit = np.log(expected / (1 - expected))
    half = Z * frame["se"].iloc[0] / (expected * (1 - expected))
    assert frame["lower"].iloc[0] == pytest.approx(expit(logit - half), rel=1e-6)


def test_probability_of_a_count():
    fit = epil()
    mean = np.exp(eta_zero(fit, NEW))
    frame = bml.predict(fit, NEW, kind="probability", outcome=3, ranef="zero")
    assert_allclose(frame["estimate"], stats.poisson.pmf(3, mean), rtol=1e-10)
    slope = stats.poisson.pmf(3, mean) * (3 - mean)
    linear = bml.predict(fit, NEW, kind="linear", ranef="zero")
    assert_allclose(frame["se"], np.abs(slope) * linear["se"], rtol=1e-6)


def test_probabilities_of_both_outcomes():
    fit = models.other(*models.VERBAGG)
    one, zero = (bml.predict(fit, kind="probability", outcome=k, ranef="zero") for k in (1, 0))
    assert_allclose(one["estimate"] + zero["estimate"], 1.0)
    assert_allclose(one["lower"], 1 - zero["upper"])
    assert_allclose(bml.predict(fit, ranef="zero"), one)


def test_prediction_intervals_are_quantiles_of_new_responses():
    fit = epil()
    frame = bml.predict(fit, NEW.iloc[:1], ranef="zero", interval="prediction", random_seed=1)
    pd.testing.assert_frame_equal(
        frame, bml.predict(fit, NEW.iloc[:1], ranef="zero", interval="prediction", random_seed=1)
    )
    linear = bml.predict(fit, NEW.iloc[:1], kind="linear", ranef="zero")
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    means = np.exp(linear["estimate"].iloc[0] + linear["se"].iloc[0] * nodes)
    at_most = lambda k: weights @ stats.poisson.cdf(k, means) / weights.sum()  # noqa: E731
    assert at_most(frame["lower"].iloc[0] - 1) < 0.025 + 0.01 < at_most(frame["lower"].iloc[0]) + 0.02
    assert at_most(frame["upper"].iloc[0] - 1) - 0.01 < 0.975 < at_most(frame["upper"].iloc[0]) + 0.01


def test_levels_taken_at_random_widen_prediction_intervals():
    fit = epil()
    widths = [
        bml.predict(fit, NEW, ranef=ranef, interval="prediction", random_seed=2)[["lower", "upper"]].diff(axis=1)[
            "upper"
        ]
        for ranef in ("zero", "marginal")
    ]
    assert (widths[1] > widths[0]).all()


def test_new_levels():
    fit = epil()
    unseen = NEW.assign(subject="new")
    zero = bml.predict(fit, unseen, new_levels="zero")
    assert_allclose(zero, bml.predict(fit, NEW, ranef="zero"))
    drawn = bml.predict(fit, unseen, kind="linear", new_levels="draw", random_seed=1)
    at_zero = bml.predict(fit, NEW, kind="linear", ranef="zero")
    moved = drawn["estimate"] - at_zero["estimate"]
    assert moved.iloc[0] == pytest.approx(moved.iloc[1]) != 0.0
    assert_allclose(drawn["se"] ** 2, at_zero["se"] ** 2 + fit.solution.covariances[0][0, 0], rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "survivor", "times": 1.0}, "is of times"),
        ({"kind": "median"}, "is of times"),
        ({"kind": "probability"}, "`outcome=0`"),
        ({"kind": "probability", "outcome": 1.5}, "whole numbers from 0"),
        ({"kind": "mean", "times": 3.0}, '`times` belongs to `kind="survivor"`'),
        ({"kind": "mean", "outcome": 3}, '`outcome` belongs to `kind="probability"`'),
        ({"kind": "linear", "interval": "prediction"}, 'needs `kind="mean"`'),
    ],
)
def test_quantities_that_do_not_exist(options, message):
    with pytest.raises(SpecificationError, match=message):
        bml.predict(epil(), NEW, **options)


# -- references of other programs ------------------------------------------------------------------


def test_probabilities_at_zero_are_those_of_emmeans():
    fit = models.other("cbpp", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "binomial")
    case = case_named("cbpp_postestimation")
    for row in case.expected["emmeans_prob_u0"]:
        ours = bml.predict(fit, {"period": [row["period"]]}, ranef="zero").iloc[0]
        assert_allclose(ours[["estimate", "se"]], [row["prob"], row["SE"]], rtol=1e-4)


def test_averages_of_predictions_are_those_of_margins():
    case = case_named("epil_poisson_margins")
    fit = models.other("epil", case.formula, "poisson")
    expected = case.expected["margins"]["mean_prediction"]
    for ranef, name in (("zero", "conditional_u0"), ("marginal", "marginal_integrated")):
        assert bml.predict(fit, ranef=ranef, se=False)["estimate"].mean() == pytest.approx(
            expected[name]["estimate"], rel=1e-4
        )


# -- categories ------------------------------------------------------------------------------------

WINE = ("wine", "rating ~ temp + contact + (1 | judge)", "cumulative")
RESPONSES = ("verbagg", "resp ~ Gender + Anger + (1 |p| id)", "categorical")


def test_ordered_categories():
    fit = models.other(*WINE)
    new = pd.DataFrame({"temp": ["cold", "warm"], "contact": ["no", "yes"]})
    cuts = fit.family_params["estimate"].to_numpy()
    eta = np.array([0.0, fit["temp[warm]"] + fit["contact[yes]"]])
    below = np.column_stack([np.zeros(2), expit(cuts - eta[:, None]), np.ones(2)])
    frame = bml.predict(fit, new, ranef="zero")
    assert list(frame.columns) == ["1", "2", "3", "4", "5"]
    assert frame.columns.name == "outcome"
    assert_allclose(frame, np.diff(below, axis=1), rtol=1e-10)
    # delta method in coefficients and cut points
    one = bml.predict(fit, new, kind="probability", outcome=3, ranef="zero")
    assert_allclose(one["estimate"], frame["3"])
    density = lambda x: expit(x) * (1 - expit(x))  # noqa: E731
    low, high = density(cuts[1] - eta), density(cuts[2] - eta)
    names = ["temp[warm]", "contact[yes]", "cut[2|3]", "cut[3|4]"]
    x = np.array([[0.0, 0.0], [1.0, 1.0]])
    gradient = np.column_stack([(low - high)[:, None] * x, -low, high])
    vcov = fit.vcov_all.loc[names, names].to_numpy()
    assert_allclose(one["se"], np.sqrt(np.einsum("mi,ij,mj->m", gradient, vcov, gradient)), rtol=1e-6)
    p = one["estimate"]
    assert_allclose(one["upper"], expit(np.log(p / (1 - p)) + Z * one["se"] / (p * (1 - p))), rtol=1e-9)


def test_fitted_values_of_categories_have_a_column_each():
    for fit in (models.other(*WINE), models.other(*RESPONSES)):
        assert_allclose(fit.fitted, bml.predict(fit, kind="probability"), rtol=1e-10)
        assert_allclose(fit.fitted.sum(axis=1), 1.0)
        assert list(fit.fitted.columns) == list(fit.design.categories)
        assert_allclose(fit.residuals.sum(axis=1), 0.0, atol=1e-12)


def test_unordered_categories():
    fit = models.other(*RESPONSES)
    new = pd.DataFrame({"Gender": ["F", "M"], "Anger": [20.0, 30.0]})
    linear = bml.predict(fit, new, kind="linear", ranef="zero")
    assert list(linear.columns) == ["perhaps", "yes"]
    b = fit.fixef["yes"]
    assert_allclose(
        linear["yes"], [b["Intercept"] + 20 * b["Anger"], b["Intercept"] + b["Gender[M]"] + 30 * b["Anger"]]
    )
    odds = np.column_stack([np.ones(2), np.exp(linear)])
    expected = odds / odds.sum(axis=1, keepdims=True)
    assert_allclose(bml.predict(fit, new, ranef="zero"), expected, rtol=1e-10)
    one = bml.predict(fit, new, kind="probability", outcome="yes", ranef="zero")
    p = expected[:, 2]
    x = np.column_stack([np.ones(2), [0.0, 1.0], [20.0, 30.0]])
    gradient = np.hstack([-(p * expected[:, 1])[:, None] * x, (p * (1 - p))[:, None] * x])
    assert_allclose(one["se"], np.sqrt(np.einsum("mi,ij,mj->m", gradient, fit.vcov.to_numpy(), gradient)), rtol=1e-6)


def test_marginal_probabilities_of_correlated_predictors(rng):
    fit = models.other(*RESPONSES)
    new = pd.DataFrame({"Gender": ["F"], "Anger": [20.0]})
    frame = bml.predict(fit, new, ranef="marginal")
    eta = bml.predict(fit, new, kind="linear", ranef="zero").to_numpy()[0]
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    L = np.linalg.cholesky(fit.solution.covariances[0])
    grid = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1) @ L.T + eta
    odds = np.concatenate([np.ones((40, 40, 1)), np.exp(grid)], axis=-1)
    shares = odds / odds.sum(axis=-1, keepdims=True)
    expected = np.einsum("a,b,abc->c", weights, weights, shares) / weights.sum() ** 2
    assert_allclose(frame.iloc[0], expected, rtol=1e-7)
    one = bml.predict(fit, new, kind="probability", outcome="no", ranef="marginal")
    assert one["estimate"].iloc[0] == pytest.approx(expected[0], rel=1e-7)
    assert one["se"].iloc[0] > 0


def test_categories_that_are_not_there():
    with pytest.raises(SpecificationError, match="has no category 'maybe'; it has no, perhaps, yes"):
        bml.predict(models.other(*RESPONSES), kind="probability", outcome="maybe")
    with pytest.raises(SpecificationError, match="`rating` is a category, of which there is no interval"):
        bml.predict(models.other(*WINE), interval="prediction")


# -- trials ----------------------------------------------------------------------------------------


def test_proportions_of_trials():
    fit = models.other("cbpp", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "binomial")
    table = bml.datasets.load("cbpp")
    assert_allclose(fit.observed, table["incidence"] / table["size"])
    p, n = fit.fitted, table["size"].to_numpy()
    assert_allclose(fit.standardized_residuals, fit.residuals / np.sqrt(p * (1 - p) / n))
    frame = bml.predict(fit, interval="prediction", random_seed=1)
    assert_allclose(frame["upper"] * n, np.rint(frame["upper"] * n), atol=0.51)
    assert frame["lower"].min() == 0.0
    with pytest.raises(SpecificationError, match="needs its number of trials"):
        bml.predict(fit, {"period": ["1"]}, ranef="zero", interval="prediction")


# -- times -----------------------------------------------------------------------------------------

KIDNEY = ("kidney", "Surv(time, status) ~ age + female + (1 | patient)", "weibull")
PATIENT = pd.DataFrame({"age": [40.0, 50.0], "female": [1, 0]}, index=["a", "b"])


def test_survivor_hazard_and_median():
    fit = models.other(*KIDNEY)
    shape = fit["shape"]
    eta = bml.predict(fit, PATIENT, kind="linear", ranef="zero", se=False)["estimate"]
    survivor = bml.predict(fit, PATIENT, kind="survivor", times=[10, 100], ranef="zero")
    assert list(survivor.index) == [("a", 10.0), ("a", 100.0), ("b", 10.0), ("b", 100.0)]
    assert survivor.index.names[-1] == "time"
    times = np.array([10.0, 100.0, 10.0, 100.0])
    rate = np.exp(eta.to_numpy().repeat(2))
    assert_allclose(survivor["estimate"], np.exp(-rate * times**shape), rtol=1e-9)
    hazard = bml.predict(fit, PATIENT, kind="hazard", times=10, ranef="zero")
    assert_allclose(hazard["estimate"], np.exp(eta) * shape * 10 ** (shape - 1), rtol=1e-9)
    median = bml.predict(fit, PATIENT, kind="median", ranef="zero")
    assert_allclose(median["estimate"], (np.log(2) / np.exp(eta)) ** (1 / shape), rtol=1e-9)
    # delta method in coefficients and shape, of the log hazard: eta + log(shape) + (shape - 1) log t
    names = ["Intercept", "age", "female", "shape"]
    gradient = np.array([1.0, 40.0, 1.0, 1 / shape + np.log(10)])
    se = np.sqrt(gradient @ fit.vcov_all.loc[names, names].to_numpy() @ gradient)
    assert hazard["se"].iloc[0] == pytest.approx(hazard["estimate"].iloc[0] * se, rel=1e-6)
    assert hazard["upper"].iloc[0] == pytest.approx(hazard["estimate"].iloc[0] * np.exp(Z * se), rel=1e-6)


@pytest.mark.parametrize("patient", ["21", "7"])
def test_se_of_a_patients_own_survivor_function(patient):
    """Delta method in coefficients and shape, on which the mode of the patient's frailty depends, written plainly."""
    fit = models.other(*KIDNEY)
    rows = bml.datasets.load("kidney").query("patient == @patient")
    names = ["Intercept", "age", "female", "shape"]
    X = np.column_stack([np.ones(len(rows)), rows[["age", "female"]]])
    variance = fit["sd(Intercept | patient)"] ** 2

    def mode(values):
        rate = (np.exp(X @ values[:3]) * rows["time"].to_numpy() ** values[3]).sum()
        return brentq(lambda b: rows["status"].sum() - np.exp(b) * rate - b / variance, -9, 9, xtol=1e-14)

    def log_hazard(values, b):
        return X[0] @ values[:3] + b + values[3] * np.log(50.0)

    at = fit.parameters.loc[names, "estimate"].to_numpy(float)
    assert fit.ranef["patient"].loc[patient, "Intercept"] == pytest.approx(mode(at), abs=1e-6)
    ends = [(at + move, at - move) for move in 1e-5 * np.eye(4)]
    gradient = [(log_hazard(up, mode(up)) - log_hazard(down, mode(down))) / 2e-5 for up, down in ends]
    own = fit.ranef_se["patient"].loc[patient, "Intercept"] ** 2
    spread = np.sqrt(gradient @ fit.vcov_all.loc[names, names].to_numpy() @ gradient + own)
    found = bml.predict(fit, rows.iloc[[0]], kind="survivor", times=50).iloc[0]
    cumulative = -np.log(found["estimate"])
    assert found["se"] == pytest.approx(found["estimate"] * cumulative * spread, rel=1e-5)
    assert found["lower"] == pytest.approx(np.exp(-cumulative * np.exp(Z * spread)), rel=1e-5)


def test_survival_averaged_over_patients():
    fit = models.other(*KIDNEY)
    shape, sd = fit["shape"], fit["sd(Intercept | patient)"]
    eta = bml.predict(fit, PATIENT, kind="linear", ranef="zero", se=False)["estimate"].to_numpy()
    u = np.linspace(-9, 9, 20001)
    weights = np.exp(-0.5 * u**2)
    expected = [weights @ np.exp(-np.exp(e + sd * u) * 30**shape) / weights.sum() for e in eta]
    frame = bml.predict(fit, PATIENT, kind="survivor", times=30, ranef="marginal")
    assert_allclose(frame["estimate"], expected, rtol=1e-8)


def test_prediction_intervals_of_times_hold_their_share():
    fit = models.other(*KIDNEY)
    frame = bml.predict(fit, PATIENT, ranef="zero", interval="prediction", ci_prob=0.5, random_seed=4)
    inside = [
        np.subtract(*bml.predict(fit, PATIENT.iloc[[i]], kind="survivor", times=limits, ranef="zero")["estimate"])
        for i, limits in enumerate(frame[["lower", "upper"]].to_numpy())
    ]
    # wider than at the estimates, as these are uncertain
    assert all(0.5 < share < 0.62 for share in inside)


def test_times_must_be_given_and_positive():
    fit = models.other(*KIDNEY)
    with pytest.raises(SpecificationError, match="needs times"):
        bml.predict(fit, PATIENT, kind="survivor", ranef="zero")
    with pytest.raises(SpecificationError, match="above 0"):
        bml.predict(fit, PATIENT, kind="hazard", times=[0.0], ranef="zero")
