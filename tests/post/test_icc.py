import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayesml as bml
from bayesml.errors import ColumnNotFound, RefusedTest, SpecificationError
from tests import fitted_models as models


def test_crossed_factors_and_their_total():
    frame = bml.icc(models.fit("penicillin", models.PENICILLIN))
    assert list(frame.index) == ["plate", "sample", "total"]
    assert_allclose(frame["estimate"], [0.15092, 0.78542, 0.93634], rtol=1e-4)


def test_nested_factors_have_cumulative_rows():
    frame = bml.icc(models.fit("machines", models.MACHINES))
    assert list(frame.index) == ["Worker", "Worker:Machine", "Machine|Worker", "total"]
    assert_allclose(frame["estimate"], [0.60645, 0.36902, 0.97547, 0.97547], rtol=1e-4)


def test_standard_errors_by_differences_of_the_ratio():
    fit = models.fit("machines", models.MACHINES)
    parameters = fit.solution.variance_parameters()
    ratio = lambda v: v[1] / v.sum()  # noqa: E731
    step = 1e-4 * parameters.estimate
    slope = np.array(
        [(ratio(parameters.estimate + h) - ratio(parameters.estimate - h)) / (2 * h.sum()) for h in np.diag(step)]
    )
    row = bml.icc(fit, "Worker:Machine").iloc[0]
    se = np.sqrt(slope @ parameters.vcov @ slope)
    assert row["se"] == pytest.approx(se, rel=1e-5)
    logit = np.log(row["estimate"] / (1 - row["estimate"]))
    half = 1.959964 * se / (row["estimate"] * (1 - row["estimate"]))
    assert row["upper"] == pytest.approx(1 / (1 + np.exp(-logit - half)), rel=1e-5)


def test_slopes_count_at_zero_and_it_is_said():
    fit = models.fit("sleepstudy", models.SLEEP)
    frame = bml.icc(fit)
    G = fit.solution.covariances[0]
    assert frame.loc["Subject", "estimate"] == pytest.approx(G[0, 0] / (G[0, 0] + fit.sigma2))
    assert "Effects of Days do not count" in repr(frame)


def test_slopes_at_given_covariates():
    fit = models.fit("sleepstudy", models.SLEEP)
    frame = bml.icc(fit, at={"Days": 5})
    z, G = np.array([1.0, 5.0]), fit.solution.covariances[0]
    assert frame.loc["total", "estimate"] == pytest.approx(z @ G @ z / (z @ G @ z + fit.sigma2))
    assert frame.attrs["notes"] == ["At Days = 5."]


def test_factors_with_random_effects():
    fit = models.fit("machines", models.MACHINES_COLUMNS, "reml", "exchangeable")
    by_level = [bml.icc(fit, "Worker", at={"Machine": level})["estimate"].iloc[0] for level in "ABC"]
    variance = fit.solution.covariances[0][0, 0]
    assert by_level == pytest.approx([variance / (variance + fit.sigma2)] * 3)


def test_the_level_must_be_given_where_each_has_its_own_effect():
    fit = models.fit("machines", models.MACHINES_COLUMNS, "reml", "exchangeable")
    with pytest.raises(RefusedTest, match='`at={"Machine": level}`'):
        bml.icc(fit)
    with pytest.raises(SpecificationError, match="`Machine` has no level 'D'; it has A, B, C"):
        bml.icc(fit, at={"Machine": "D"})


def test_one_row_in_either_spelling():
    fit = models.fit("machines", models.MACHINES)
    assert list(bml.icc(fit, "Machine:Worker").index) == ["Worker:Machine"]
    with pytest.raises(ColumnNotFound, match="Worker"):
        bml.icc(fit, "Workers")


def test_boundary_has_no_standard_error():
    row = bml.icc(models.fit("dyestuff2", models.DYESTUFF)).loc["Batch"]
    assert row["estimate"] == 0.0
    assert row[["se", "lower", "upper"]].isna().all()


def test_shares_of_variances_that_are_not_determined_have_no_standard_error():
    rng = np.random.default_rng(12)
    g, f = np.arange(90) % 9, np.arange(90) // 9 % 2
    y = 4.0 * rng.normal(size=9)[g] + 2.0 * rng.normal(size=(9, 2))[g, f] + rng.normal(size=90)
    data = {"y": y, "g": g, "f": np.array(["a", "b"])[f]}
    flat = bml.fit("y ~ 1 + (1 | g) + (0 + f | g)", data)
    assert flat.status.not_unique
    assert "NOT UNIQUE: other variances of (Intercept | g), (f[a] + f[b] | g)" in str(flat.summary())
    assert bml.icc(flat, "g", at={"f": "b"})[["se", "lower", "upper"]].isna().all(axis=None)
    unique = bml.fit("y ~ 1 + (0 + f | g)", data)
    assert bml.icc(unique, "g", at={"f": "b"}).notna().all(axis=None)


def test_covariates_that_are_not_random():
    with pytest.raises(ColumnNotFound, match="`Days`"):
        bml.icc(models.fit("sleepstudy", models.SLEEP), at={"Day": 5})
    with pytest.raises(SpecificationError, match="give a number"):
        bml.icc(models.fit("sleepstudy", models.SLEEP), at={"Days": "five"})


def test_refusals():
    table = bml.datasets.load("eight_schools")
    with pytest.raises(RefusedTest, match="known residual sd"):
        bml.icc(bml.fit("known_sd(effect, se) ~ 1 + (1 | school)", table))
    with pytest.raises(RefusedTest, match="no random effects"):
        bml.icc(bml.fit("Reaction ~ Days", bml.datasets.load("sleepstudy")))


def test_latent_scale_of_the_logit_link():
    fit = models.other(*models.VERBAGG)
    frame = bml.icc(fit)
    variances = np.array([G[0, 0] for G in fit.solution.covariances])
    total = variances.sum() + np.pi**2 / 3
    assert_allclose(frame["estimate"], [*variances / total, variances.sum() / total], rtol=1e-12)
    # delta method in the two variances
    slope = np.array([1 / total - variances[0] / total**2, -variances[0] / total**2])
    assert frame["se"].iloc[0] == pytest.approx(np.sqrt(slope @ fit.variances.parameters.vcov @ slope), rel=1e-9)


def test_counts_have_no_level_one_variance():
    with pytest.raises(RefusedTest, match="poisson family with the log link has no level-1 variance"):
        bml.icc(models.other(*models.EPIL))


def test_each_predictor_has_its_own_shares():
    fit = models.other("verbagg", "resp ~ Gender + Anger + (1 |p| id)", "categorical")
    frame = bml.icc(fit)
    G = fit.solution.covariances[0]
    assert list(frame.index) == ["perhaps: id", "perhaps: total", "yes: id", "yes: total"]
    assert_allclose(frame["estimate"].iloc[[0, 2]], np.diag(G) / (np.diag(G) + np.pi**2 / 3), rtol=1e-12)
    assert list(bml.icc(fit, "id").index) == ["perhaps: id", "yes: id"]


@pytest.mark.parametrize(("link", "level1"), [("probit", 1.0), ("cloglog", np.pi**2 / 6)])
def test_latent_scales_of_ordered_categories(link, level1):
    fit = models.other("wine", "rating ~ temp + (1 | judge)", "cumulative", link)
    variance = fit.solution.covariances[0][0, 0]
    assert bml.icc(fit).loc["judge", "estimate"] == pytest.approx(variance / (variance + level1), rel=1e-12)


def test_cauchit_has_no_variance():
    fit = models.other("wine", "rating ~ temp + (1 | judge)", "cumulative", "cauchit")
    with pytest.raises(RefusedTest, match="cumulative family with the cauchit link"):
        bml.icc(fit)


def test_censored_normal_responses_have_that_of_sigma():
    fit = models.other("males", "tobit(wage, upper=2) ~ exper + (1 | nr)", "gaussian")
    row = bml.icc(fit).loc["nr"]
    variance = fit.solution.covariances[0][0, 0]
    total = variance + fit.sigma2
    assert row["estimate"] == pytest.approx(variance / total, rel=1e-12)
    slope = np.array([fit.sigma2, -variance]) / total**2
    assert row["se"] == pytest.approx(np.sqrt(slope @ fit.variances.parameters.vcov @ slope), rel=1e-8)
