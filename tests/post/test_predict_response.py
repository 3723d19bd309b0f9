"""Predictions of models that are not linear, against their formulas, brute force and simulation."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import expit

import bayesml as bml
from bayesml.errors import SpecificationError
from tests import fitted_models as models

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
