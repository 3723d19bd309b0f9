import dataclasses

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayesml as bml
from bayesml.errors import ColumnNotFound
from tests import fitted_models as models

SLEEP = ("sleepstudy", models.SLEEP)


def frames_close(ours: pd.DataFrame, theirs: pd.DataFrame, rtol: float, atol: float = 0.0) -> None:
    pd.testing.assert_frame_equal(ours, theirs, rtol=rtol, atol=atol)


@pytest.mark.parametrize("model", models.MODELS, ids=lambda m: f"{m[0]}-{m[2]}-{m[3]}")
class TestAgainstDenseAlgebra:
    """The same result class over two ways of computing, and labels over both."""

    def test_scalars(self, model):
        ours, theirs = models.fit(*model), models.dense(*model)
        for name in ("loglik", "aic", "bic", "sigma", "sigma2"):
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-7), name
        assert (ours.df, ours.boundary, ours.ngroups) == (theirs.df, theirs.boundary, theirs.ngroups)

    def test_fixed_effects(self, model):
        ours, theirs = models.fit(*model), models.dense(*model)
        assert_allclose(ours.fixef, theirs.fixef, rtol=1e-7)
        assert_allclose(ours.se, theirs.se, rtol=1e-5)
        frames_close(ours.vcov, theirs.vcov, 1e-5, 1e-8)

    def test_variances(self, model):
        ours, theirs = models.fit(*model), models.dense(*model)
        scale = ours.sigma2
        frames_close(ours.varcorr, theirs.varcorr, 1e-4, 1e-7 * scale)
        frames_close(ours.parameters, theirs.parameters, 1e-4, 1e-7)
        assert_allclose(ours.vcov_all, theirs.vcov_all, rtol=1e-3, atol=1e-5 * np.nanmax(ours.vcov_all))

    def test_random_effects(self, model):
        ours, theirs = models.fit(*model), models.dense(*model)
        for group in ours.ngroups:
            frames_close(ours.ranef[group], theirs.ranef[group], 1e-5, 1e-6)
            frames_close(ours.ranef_se[group], theirs.ranef_se[group], 1e-5, 1e-8)

    def test_fitted(self, model):
        ours, theirs = models.fit(*model), models.dense(*model)
        assert_allclose(ours.fitted, theirs.fitted, rtol=1e-7)


def test_varcorr_is_laid_out_as_lme4s():
    frame = models.fit(*SLEEP).varcorr
    assert list(frame.columns) == ["group", "var1", "var2", "vcov", "sdcor", "se", "lower", "upper"]
    assert frame[["group", "var1", "var2"]].to_numpy().tolist() == [
        ["Subject", "Intercept", ""],
        ["Subject", "Days", ""],
        ["Subject", "Intercept", "Days"],
        ["Residual", "", ""],
    ]
    assert_allclose(frame["sdcor"], [24.74066, 5.92214, 0.06555, 25.59180], rtol=1e-4)


def test_intervals_of_variances_are_symmetric_on_the_log_scale():
    row = models.fit(*SLEEP).varcorr.iloc[0]
    assert row["lower"] * row["upper"] == pytest.approx(row["vcov"] ** 2)
    assert np.log(row["upper"] / row["vcov"]) == pytest.approx(1.959964 * row["se"] / row["vcov"])


def test_intervals_of_correlations_are_symmetric_on_the_atanh_scale():
    row = models.fit(*SLEEP).parameters.loc["corr(Intercept, Days | Subject)"]
    middle = (np.arctanh(row["lower"]) + np.arctanh(row["upper"])) / 2
    assert np.tanh(middle) == pytest.approx(row["estimate"])


def test_parameters_are_tidy():
    frame = models.fit(*SLEEP).parameters
    assert list(frame.columns) == [
        "part", "group", "name", "estimate", "se", "statistic", "ddf", "p", "lower", "upper",
    ]  # fmt: skip
    assert list(frame["part"]) == ["fixed", "fixed", "random", "random", "random", "residual"]
    assert frame.loc["Days", "statistic"] == pytest.approx(6.7715, rel=1e-4)
    assert frame.loc["Days", "ddf"] == np.inf
    assert frame.loc["sigma", ["statistic", "ddf", "p"]].isna().all()


def test_vcov_all_holds_the_variances_of_all_parameters():
    fit = models.fit(*SLEEP)
    assert list(fit.vcov_all.index) == list(fit.parameters.index)
    assert_allclose(np.sqrt(np.diag(fit.vcov_all)), fit.parameters["se"], rtol=1e-12)


def test_nothing_is_known_of_what_lies_on_the_boundary():
    fit = models.fit("dyestuff2", models.DYESTUFF)
    row = fit.varcorr.iloc[0]
    assert row["vcov"] == row["sdcor"] == 0.0
    assert row[["se", "lower", "upper"]].isna().all()
    assert fit.parameters.loc["sd(Intercept | Batch)", ["se", "lower", "upper"]].isna().all()
    assert fit.parameters.loc["sigma", "se"] > 0
    assert fit.boundary == ["sd(Intercept | Batch)"]


def test_family_params_are_those_of_the_residual():
    frame = models.fit(*SLEEP).family_params
    assert list(frame.index) == ["sigma"]
    assert list(frame.columns) == ["estimate", "se", "lower", "upper"]


def test_coef_is_fixef_plus_ranef():
    fit = models.fit(*SLEEP)
    expected = fit.ranef["Subject"] + fit.fixef[["Intercept", "Days"]]
    pd.testing.assert_frame_equal(fit.coef["Subject"], expected, check_names=False)


def test_coef_repeats_what_does_not_vary_and_keeps_columns_that_are_only_random():
    fit = models.fit("machines", models.MACHINES_COLUMNS, "reml", "exchangeable")
    frame = fit.coef["Worker"]
    assert list(frame.columns) == ["Intercept", "Machine[B]", "Machine[C]", "Machine[A]"]
    assert (frame["Intercept"] == fit.fixef["Intercept"]).all()
    assert_allclose(frame["Machine[A]"], fit.ranef["Worker"]["Machine[A]"])


def test_groups_are_found_by_lme4s_reversed_name():
    fit = models.fit("machines", models.MACHINES)
    assert fit.ngroups == {"Worker": 6, "Worker:Machine": 18}
    assert fit.ngroups["Machine:Worker"] == 18
    assert fit.ranef["Machine:Worker"] is fit.ranef["Worker:Machine"]
    with pytest.raises(ColumnNotFound, match="Did you mean `Worker`"):
        fit.ranef["Workers"]


def test_labels_are_the_users():
    fit = models.fit(*SLEEP)
    assert list(fit.ranef["Subject"].index[:2]) == ["308", "309"]
    assert fit.fitted.index.equals(fit.residuals.index)
    assert fit.group_sizes.loc["Subject"].to_dict() == {"levels": 18, "smallest": 10, "average": 10, "largest": 10}


def test_residuals():
    fit = models.fit(*SLEEP)
    assert_allclose(fit.residuals, fit.observed - fit.fitted)
    assert_allclose(fit.standardized_residuals, fit.residuals / fit.sigma)


@pytest.mark.parametrize(
    ("address", "value"),
    [
        ("Days", 10.46729),
        ("sd(Days | Subject)", 5.92214),
        ("corr(Days, Intercept | Subject)", 0.06555),
        ("sigma", 25.59180),
        ("b(Days | Subject[308])", 9.19898),
    ],
)
def test_estimates_by_address(address, value):
    assert models.fit(*SLEEP)[address] == pytest.approx(value, rel=1e-4)


def test_information_criteria_count_rows_as_lme4_does():
    fit = models.fit(*SLEEP)
    assert fit.df == 6
    assert fit.aic == pytest.approx(1755.6283, abs=1e-3)
    assert fit.bic == pytest.approx(1774.7860, abs=1e-3)


def test_results_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        models.fit(*SLEEP).design = None


def test_weights_enter_standardized_residuals_and_the_fit():
    table = bml.datasets.load("sleepstudy").assign(w=lambda d: 1.0 + d["Days"])
    fit = bml.fit(models.SLEEP_INTERCEPT, table, weights="w")
    assert_allclose(fit.standardized_residuals, fit.residuals * np.sqrt(table["w"]) / fit.sigma)


def test_known_residual_sds_leave_no_residual_parameter():
    fit = bml.fit("known_sd(effect, se) ~ 1 + (1 | school)", bml.datasets.load("eight_schools"))
    assert list(fit.varcorr["group"]) == ["school"]
    assert "sigma" not in fit.parameters.index
    assert "The residual sd of each row is known" in str(fit)


def test_models_without_random_effects_have_the_same_attributes():
    fit = bml.fit("Reaction ~ Days", bml.datasets.load("sleepstudy"), criterion="ml")
    assert fit.ngroups == fit.ranef == fit.ranef_se == fit.coef == bml.ranef(fit) == {}
    assert list(fit.varcorr["group"]) == ["Residual"]
    assert list(fit.parameters.index) == ["Intercept", "Days", "sigma"]
    assert_allclose(bml.predict(fit)["estimate"], fit.fitted)
    assert_allclose(fit.loglik, -950.1465281781818)


def test_models_without_coefficients():
    fit = bml.fit("Reaction ~ 0 + (1 | Subject)", bml.datasets.load("sleepstudy"), criterion="ml")
    assert len(fit.fixef) == 0
    assert list(fit.parameters.index) == ["sd(Intercept | Subject)", "sigma"]
    assert list(fit.coef["Subject"].columns) == ["Intercept"]
    assert_allclose(bml.predict(fit)["estimate"], fit.fitted)
    assert "Fixed effects" not in str(fit)
