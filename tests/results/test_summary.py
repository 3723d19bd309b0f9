"""Reviewed text of summaries: change it only after reading the new text."""

import re

import pytest

import bayesml as bml
from bayesml.errors import SpecificationError
from tests import fitted_models as models

SLEEP = """\
Multilevel model fitted by restricted maximum likelihood (REML)
Reaction ~ 1 + Days + (1 + Days | Subject)

Family, link      gaussian, identity    Restricted log likelihood  -871.8141
Response                    Reaction    AIC                        1755.6283
Rows used                        180    BIC                        1774.7860
Wald chi2(1)                   45.85    P > chi2                      <0.001
Integration                    exact    Parameters (df)                    6
────────────────────────────────────────────────────────────────────────────
Grouping factor                           levels  smallest  average  largest
────────────────────────────────────────────────────────────────────────────
Subject                                       18        10       10       10
────────────────────────────────────────────────────────────────────────────
Fixed effects           estimate     se      z   P>|z|  [95% conf. interval]
────────────────────────────────────────────────────────────────────────────
Intercept                251.405  6.825  36.84  <0.001      238.029  264.781
Days                      10.467  1.546   6.77  <0.001        7.438   13.497
────────────────────────────────────────────────────────────────────────────
Variance components     variance      se  [95% conf. interval]     sd   corr
────────────────────────────────────────────────────────────────────────────
Subject  (unstructured)
  Intercept               612.09  288.78       242.78  1543.16  24.74
  Days                     35.07   14.78        15.35    80.12   5.92
  cov(Intercept, Days)      9.60   46.68       -81.88   101.09         0.066
Residual                  654.94   77.19       519.86   825.12  25.59
────────────────────────────────────────────────────────────────────────────
LR test against no random effects: chi2(3) = 150.04, p < 0.001
  (conservative: the true p is smaller).
Optimum confirmed: log likelihood still to gain GAIN.
z and p are from the normal distribution; small samples need denominator
  degrees of freedom."""


def text(table) -> str:
    return re.sub(r"to gain [\d.]+e[+-]\d+", "to gain GAIN", str(table))


def test_sleepstudy():
    assert text(models.fit("sleepstudy", models.SLEEP)) == SLEEP


def test_result_shows_itself():
    fit = models.fit("sleepstudy", models.SLEEP)
    assert repr(fit) == str(fit.summary())
    assert "<td style='text-align:right'>251.405</td>" in fit._repr_html_()
    assert r"\toprule" in fit.to_latex()


def test_sds_and_correlations():
    section = models.fit("sleepstudy", models.SLEEP).summary(scale="sd").to_pandas("Sds and correlations")
    assert list(section.index) == [
        "sd(Intercept | Subject)",
        "sd(Days | Subject)",
        "corr(Intercept, Days | Subject)",
        "sigma",
    ]
    assert section.loc["sd(Days | Subject)", "estimate"] == pytest.approx(5.92214, rel=1e-4)


def test_content_of_the_intervals_is_said_and_used():
    table = models.fit("sleepstudy", models.SLEEP).summary(ci_prob=0.9)
    assert str(table).count("[90% conf. interval]") == 2
    frame = table.to_pandas("Fixed effects")
    assert frame.loc["Days", "upper"] == pytest.approx(10.46729 + 1.644854 * 1.545790, rel=1e-5)


def test_exponentiated_coefficients():
    fit = models.fit("oats", models.OATS, "ml")
    plain, shown = (fit.summary(exponentiate=e).to_pandas("Fixed effects") for e in (False, True))
    row, ratio = plain.loc["Variety[Marvellous]"], shown.loc["Variety[Marvellous]"]
    assert "exp(b)" in str(fit.summary(exponentiate=True))
    assert ratio["estimate"] == pytest.approx(2.718281828 ** row["estimate"])
    assert ratio["upper"] == pytest.approx(2.718281828 ** row["upper"])
    assert ratio["se"] == pytest.approx(ratio["estimate"] * row["se"])
    assert ratio["z"] == row["z"]


def test_base_levels():
    table = models.fit("machines", models.MACHINES).summary(base_levels=True)
    frame = table.to_pandas("Fixed effects")
    assert list(frame.index) == ["Intercept", "Machine[A]", "Machine[B]", "Machine[C]"]
    assert frame.loc["Machine[A]", "estimate"] == 0.0
    assert "Machine[A]  (base)" in str(table)


def test_boundary_is_said_and_has_dots():
    shown = text(models.fit("dyestuff2", models.DYESTUFF))
    assert "  Intercept                      0.000      .             .       .  0.000" in shown
    assert "At the boundary: sd(Intercept | Batch)." in shown
    assert "chibar2(01) = 0.00, p = 1.000" in shown


def test_common_sds_are_one_row():
    shown = text(models.fit("machines", models.MACHINES_COLUMNS, "reml", "exchangeable"))
    assert "Worker  (exchangeable)" in shown
    assert "  each of 3 columns" in shown
    assert "  cov(each pair)" in shown


def test_no_wald_test_of_the_intercept_alone():
    assert "Wald" not in str(models.fit("penicillin", models.PENICILLIN))


def test_model_without_random_effects():
    shown = str(bml.fit("Reaction ~ Days", bml.datasets.load("sleepstudy"), criterion="ml"))
    assert "Grouping factor" not in shown
    assert "LR test" not in shown
    assert "Residual" in shown


@pytest.mark.parametrize("model", models.MODELS, ids=lambda m: f"{m[0]}-{m[2]}-{m[3]}")
def test_fits_an_ordinary_terminal(model):
    for scale in ("var", "sd"):
        assert max(map(len, str(models.fit(*model).summary(scale=scale)).splitlines())) <= 88


def test_unknown_scale():
    with pytest.raises(SpecificationError, match='"var" or as "sd"'):
        models.fit("sleepstudy", models.SLEEP).summary(scale="log")


def test_what_was_held_fixed_has_dots_and_is_said():
    table = bml.datasets.load("sleepstudy")
    fit = bml.fit(models.SLEEP_INTERCEPT, table, priors={"Days": bml.Fixed(10), "sigma": bml.Fixed(30)})
    shown = str(fit)
    assert "Held fixed: Days = 10, sigma = 30." in shown
    assert re.search(r"Days +10\.0+( +\.){5}\n", shown)
    assert fit.held == {"Days": 10.0, "sigma": 30.0}
    assert "Residual" in shown


def test_posterior_mode_has_no_information_criteria():
    fit = bml.fit(models.SLEEP_INTERCEPT, bml.datasets.load("sleepstudy"), criterion="map")
    shown = str(fit)
    assert "fitted by posterior mode (MAP)" in shown
    assert re.search(r"AIC +\.\n", shown)
    assert "LR test" not in shown


def test_unknown_option():
    with pytest.raises(SpecificationError, match="`digits` is no option"):
        models.fit("sleepstudy", models.SLEEP).summary(digits=3)


def test_no_lr_test_where_a_variance_was_held():
    table = bml.datasets.load("sleepstudy")
    fit = bml.fit(models.SLEEP_INTERCEPT, table, priors={"sd(Intercept | Subject)": bml.Fixed(30)})
    assert "Held fixed: sd(Intercept | Subject) = 30." in str(fit)
    assert "LR test" not in str(fit)
    assert fit.parameters.loc["sd(Intercept | Subject)", ["se", "lower", "upper"]].isna().all()
