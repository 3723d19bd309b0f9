"""Results of models that are not linear: scales, labels, tables."""

import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

import bayesml as bml
from bayesml.errors import DataError, SpecificationError
from tests import fitted_models as models
from tests.results.test_summary import text

EPIL = """\
Multilevel model fitted by maximum likelihood
y ~ 1 + lbase + trt + V4 + (1 | subject)

Family, link         poisson, log    Log likelihood          -667.3019
Response                        y    AIC                     1344.6039
Rows used                     236    BIC                     1361.9230
Wald chi2(3)               111.39    P > chi2                   <0.001
Integration               Laplace    Parameters (df)                 5
Quadrature              available
──────────────────────────────────────────────────────────────────────
Grouping factor                     levels  smallest  average  largest
──────────────────────────────────────────────────────────────────────
subject                                 59         4        4        4
──────────────────────────────────────────────────────────────────────
Fixed effects   estimate       se      z   P>|z|  [95% conf. interval]
──────────────────────────────────────────────────────────────────────
Intercept        1.84086  0.10869  16.94  <0.001     1.62783   2.05389
lbase            1.01058  0.10090  10.02  <0.001     0.81282   1.20834
trt[progabide]  -0.33438  0.15129  -2.21   0.027    -0.63090  -0.03786
V4              -0.15977  0.05458  -2.93   0.003    -0.26675  -0.05279
──────────────────────────────────────────────────────────────────────
Variance components   variance       se  [95% conf. interval]       sd
──────────────────────────────────────────────────────────────────────
subject
  Intercept            0.27370  0.06250      0.17494  0.42821  0.52316
──────────────────────────────────────────────────────────────────────
LR test against no random effects: chibar2(01) = 404.81, p < 0.001.
Optimum confirmed: log likelihood still to gain GAIN.
z and p are from the normal distribution, which holds for many groups."""


def epil():
    return models.other(*models.EPIL)


def test_counts():
    assert text(epil()) == EPIL


def test_where_there_is_quadrature_is_said():
    facts = dict(models.other(*models.VERBAGG).summary().facts)
    assert facts["Integration"] == "Laplace"
    assert facts["Quadrature"] == "none, groups are crossed"
    fit = models.other(*models.EPIL, integration="aghq", points=5)
    facts = dict(fit.summary().facts)
    assert facts["Integration"] == "AGHQ (5 points)"
    assert "Quadrature" not in facts


def test_ratios_have_the_name_of_their_family_and_link():
    fit = epil()
    table = fit.summary(exponentiate=True)
    assert "Incidence-rate ratio" in str(table)
    shown, plain = table.to_pandas("Fixed effects"), fit.parameters
    assert_allclose(shown["estimate"], np.exp(fit.fixef))
    assert_allclose(shown["se"], np.exp(fit.fixef) * fit.se)
    assert_allclose(shown["lower"], np.exp(plain.loc[fit.fixef.index, "lower"]))
    assert "Odds ratio" in str(models.other(*models.VERBAGG).summary(exponentiate=True))


def test_families_without_a_scale_have_no_residual():
    fit = epil()
    assert list(fit.varcorr["group"]) == ["subject"]
    assert fit.sigma == 1.0
    assert len(fit.family_params) == 0
    assert list(fit.parameters["part"].unique()) == ["fixed", "random"]
    assert "sigma" not in fit.parameters.index


def test_several_variances_have_a_conservative_lr_line():
    assert "chi2(2) = 1614.83, p < 0.001 (conservative" in " ".join(str(models.other(*models.VERBAGG)).split())


def test_fitted_values_and_residuals_are_on_the_scale_of_the_response():
    fit = models.other(*models.VERBAGG)
    p = expit(fit.fitted_predictors)
    assert_allclose(fit.fitted, p)
    assert_allclose(fit.residuals, fit.observed - p)
    assert_allclose(fit.standardized_residuals, (fit.observed - p) / np.sqrt(p * (1 - p)))
    counts = epil()
    assert_allclose(counts.standardized_residuals, (counts.observed - counts.fitted) / np.sqrt(counts.fitted))


def test_vcov_all_has_the_covariances_of_coefficients_with_variances():
    fit = epil()
    assert list(fit.vcov_all.index) == list(fit.parameters.index)
    assert_allclose(np.sqrt(np.diag(fit.vcov_all)), fit.parameters["se"], rtol=1e-12)
    sd = fit["sd(Intercept | subject)"]
    by_variance = fit.solution.cross_covariance()[:, 0] / (2 * sd)
    assert_allclose(fit.vcov_all["sd(Intercept | subject)"][:-1], by_variance, rtol=1e-12)
    assert (by_variance != 0).all()
    assert_allclose(fit.vcov_all, fit.vcov_all.T)


def test_what_is_held_is_neither_free_nor_tested():
    table = bml.datasets.load("epil")
    fit = bml.fit(models.EPIL[1], table, family="poisson", priors={"lbase": bml.Fixed(1.0)})
    assert fit.held == {"lbase": 1.0}
    assert fit.df == 4
    assert "Held fixed: lbase = 1." in str(fit)


def test_frequencies_count_as_rows():
    table = bml.datasets.load("epil")
    counts = table.assign(w=np.where(table["period"] == 1, 2.0, 1.0))
    fit = bml.fit(models.EPIL[1], counts, family="poisson", frequencies="w")
    twice = bml.fit(models.EPIL[1], pd.concat([table, table[table["period"] == 1]]), family="poisson")
    assert (fit.nobs, len(fit.fitted)) == (295, 236)
    assert fit.loglik == pytest.approx(twice.loglik, abs=1e-6)
    assert fit.bic == pytest.approx(twice.bic, abs=1e-5)
    assert fit.group_sizes.loc["subject"].to_dict() == twice.group_sizes.loc["subject"].to_dict()


def test_side_by_side():
    laplace, quadrature = epil(), models.other(*models.EPIL, integration="aghq", points=5)
    frame = bml.side_by_side(laplace, quadrature).to_pandas()
    assert list(frame.index) == list(laplace.parameters.index)


def test_saved_fits_come_back_equal(tmp_path):
    for number, fit in enumerate((epil(), models.other(*models.EPIL, integration="aghq", points=5))):
        fit.save(tmp_path / f"{number}.nc")
        loaded = bml.load(tmp_path / f"{number}.nc")
        assert str(loaded) == str(fit)
        assert loaded.model == fit.model
        pd.testing.assert_frame_equal(loaded.vcov_all, fit.vcov_all)
        pd.testing.assert_frame_equal(loaded.ranef["subject"], fit.ranef["subject"])
        pd.testing.assert_series_equal(loaded.fitted, fit.fitted)
        pd.testing.assert_frame_equal(bml.predict(loaded, ranef="marginal"), bml.predict(fit, ranef="marginal"))


WINE = """\
Cut points                   estimate      se  [95% conf. interval]
───────────────────────────────────────────────────────────────────
cut[1|2]                      -1.6237  0.6824      -2.9612  -0.2861
cut[2|3]                       1.5134  0.6037       0.3301   2.6967
cut[3|4]                       4.2285  0.8090       2.6430   5.8140
cut[4|5]                       6.0888  0.9725       4.1828   7.9947
"""

RESPONSES = """\
Fixed effects                     estimate       se      z   P>|z|  [95% conf. interval]
────────────────────────────────────────────────────────────────────────────────────────
perhaps
  Intercept                       -0.95656  0.28848  -3.32   0.001    -1.52196  -0.39115
  Gender[M]                        0.18630  0.15673   1.19   0.235    -0.12087   0.49348
  Anger                            0.01031  0.01395   0.74   0.460    -0.01703   0.03764
yes
  Intercept                       -3.20424  0.37036  -8.65  <0.001    -3.93014  -2.47834
  Gender[M]                        0.40699  0.19940   2.04   0.041     0.01617   0.79782
  Anger                            0.09402  0.01754   5.36  <0.001     0.05965   0.12839
"""

KIDNEY = r"Parameters of the family +estimate +se  \[95% conf. interval\]\n─+\nshape +1.1766  0.1543 +0.9099  1.5214\n"


def wine():
    return models.other("wine", "rating ~ temp + contact + (1 | judge)", "cumulative")


def responses():
    return models.other("verbagg", "resp ~ Gender + Anger + (1 |p| id)", "categorical")


def kidney():
    return models.other("kidney", "Surv(time, status) ~ age + female + (1 | patient)", "weibull")


def test_sections_of_cut_points_predictors_and_parameters_of_the_family():
    assert WINE in str(wine())
    assert RESPONSES in str(responses())
    assert re.search(KIDNEY, str(kidney()))
    assert "weibull (metric hazard), log" in str(kidney())
    assert "Hazard ratio" in str(kidney().summary(exponentiate=True))


def test_cut_points_have_symmetric_limits_and_shapes_those_of_their_logarithm():
    row = wine().family_params.loc["cut[1|2]"]
    assert row["upper"] + row["lower"] == pytest.approx(2 * row["estimate"])
    row = kidney().family_params.loc["shape"]
    assert row["upper"] * row["lower"] == pytest.approx(row["estimate"] ** 2)
    assert list(wine().parameters["part"].unique()) == ["fixed", "random", "cutpoints"]
    assert kidney().parameters.at["shape", "part"] == "ancillary"


def test_several_predictors_are_an_outer_level():
    fit = responses()
    assert fit.fixef.index.names == ["predictor", "address"]
    assert fit.fixef["perhaps", "Gender[M]"] == fit["perhaps: Gender[M]"] == fit["perhaps:Gender[M]"]
    assert list(fit.fixef["yes"].index) == ["Intercept", "Gender[M]", "Anger"]
    assert fit.vcov.loc[("yes", "Anger"), ("perhaps", "Anger")] == pytest.approx(
        fit.vcov_all.loc["yes: Anger", "perhaps: Anger"]
    )
    assert list(fit.ranef["id"].columns) == ["perhaps: Intercept", "yes: Intercept"]
    assert_allclose(fit.coef["id"]["yes: Intercept"], fit["yes: Intercept"] + fit.ranef["id"]["yes: Intercept"])
    label = fit.ranef["id"].index[0]
    assert fit[f"b(yes: Intercept | id[{label}])"] == fit.ranef["id"]["yes: Intercept"].iloc[0]


def test_effects_that_predictors_share_enter_the_coefficients_of_each():
    fit = models.other("verbagg", "resp ~ Gender + shared(1 | id)", "categorical")
    effects, coef = fit.ranef["id"]["Intercept"], fit.coef["id"]
    for predictor in ("perhaps", "yes"):
        assert_allclose(coef[f"{predictor}: Intercept"], fit[f"{predictor}: Intercept"] + effects)
    assert "Intercept" not in coef


def test_base_levels_stand_in_every_predictor():
    frame = responses().summary(base_levels=True).to_pandas("Fixed effects")
    assert [name for name in frame.index if "[F]" in name] == ["perhaps: Gender[F]", "yes: Gender[F]"]


def test_scales_are_residuals_where_families_have_them():
    gamma = models.other("chickweight", "weight ~ Time + Diet + (1 | Chick)", "gamma")
    assert list(gamma.varcorr["group"]) == ["Chick", "Residual"]
    assert gamma.varcorr["sdcor"].iloc[-1] == gamma["sigma"] == gamma.sigma
    assert_allclose(gamma.standardized_residuals, gamma.residuals / (gamma.sigma * gamma.fitted))
    loglogistic = models.other("kidney", "Surv(time, status) ~ age + female + (1 | patient)", "loglogistic")
    assert "Residual" not in set(loglogistic.varcorr["group"])
    assert loglogistic.parameters.at["scale", "part"] == "ancillary"


def test_what_has_cut_points_and_predictors_comes_back_equal(tmp_path):
    for fit in (wine(), responses(), kidney()):
        fit.save(tmp_path / "fit.nc")
        loaded = bml.load(tmp_path / "fit.nc")
        assert str(loaded) == str(fit)
        assert loaded.model == fit.model
        pd.testing.assert_frame_equal(loaded.parameters, fit.parameters)
        pd.testing.assert_frame_equal(pd.DataFrame(loaded.fitted), pd.DataFrame(fit.fitted))


def test_categories_are_refitted_by_their_labels():
    fit = wine()
    again = bml.refit(fit, bml.datasets.load("wine")["rating"])
    assert again.loglik == pytest.approx(fit.loglik, abs=1e-8)
    with pytest.raises(DataError, match="none of the categories 1, 2, 3, 4, 5 in 72 rows"):
        bml.refit(fit, ["bad"] * 72)
    with pytest.raises(SpecificationError, match="more than one number a row"):
        bml.refit(kidney(), np.ones(76))


def test_without_groups_rows_are_many():
    assert "which holds for many rows." in str(models.other("epil", "y ~ trt", "poisson"))


def test_the_base_of_categories_is_in_the_header():
    assert dict(responses().summary().facts)["Response"] == "resp (base no)"


def test_the_default_priors_by_name_are_for_map():
    with pytest.raises(SpecificationError, match='criterion="map"'):
        bml.fit("y ~ trt", bml.datasets.load("epil"), family="poisson", priors="weakly_informative")
