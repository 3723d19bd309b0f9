import dataclasses
from copy import copy

import numpy as np
import pytest
from scipy import stats

import bayesml as bml
from bayesml.errors import RefusedTest
from bayesml.families import FAMILIES
from bayesml.results.chibar2 import ChiBarSquare
from tests import fitted_models as models

SLEEP = bml.datasets.load("sleepstudy")


def sleep(formula: str, criterion: str = "ml", **options):
    return bml.fit(formula, SLEEP, criterion=criterion, **options)


def test_one_more_correlated_column():
    test = bml.lrtest(
        models.fit("sleepstudy", models.SLEEP_INTERCEPT, "ml"), models.fit("sleepstudy", models.SLEEP, "ml")
    )
    assert test.statistic == pytest.approx(42.1393, rel=1e-5)
    assert test.df == 2
    assert test.null == ChiBarSquare.half(1)
    assert test.p == pytest.approx(3.9612e-10, rel=1e-4)
    assert test.p_chi2 == pytest.approx(stats.chi2.sf(test.statistic, 2))


def test_either_order():
    small, big = models.fit("sleepstudy", models.SLEEP_INTERCEPT, "ml"), models.fit("sleepstudy", models.SLEEP, "ml")
    assert bml.lrtest(small, big) == bml.lrtest(big, small)


def test_zero_correlation_is_not_on_a_boundary():
    test = bml.lrtest(
        models.fit("sleepstudy", models.SLEEP_INDEPENDENT, "ml"), models.fit("sleepstudy", models.SLEEP, "ml")
    )
    assert test.null == ChiBarSquare.chi2(1)
    assert not test.null.conservative


def test_coefficients_by_ml():
    test = bml.lrtest(sleep("Reaction ~ 1 + (1 | Subject)"), sleep("Reaction ~ Days + (1 | Subject)"))
    assert test.null == ChiBarSquare.chi2(1)


def test_coefficient_and_variance_together():
    test = bml.lrtest(sleep("Reaction ~ 1 + (1 | Subject)"), sleep("Reaction ~ Days + (Days || Subject)"))
    assert test.null == ChiBarSquare(((1, 0.5), (2, 0.5)))


def test_same_columns_written_in_another_way_are_nested():
    shifted = bml.fit(models.SLEEP_INTERCEPT, SLEEP.assign(Days=SLEEP["Days"] + 1e6))
    test = bml.lrtest(shifted, models.fit("sleepstudy", models.SLEEP))
    assert test.df == 2


@pytest.mark.parametrize(
    "fixed",
    [
        "center(Days) + I(Days^2)",
        "I(Days^2) + Days",
        "Days + I((Days - 4)^2)",
        "0 + I(Days - Days + 1) + Days + I(Days^2)",
    ],
)
def test_reml_agrees_where_columns_are_shifted_or_in_another_order(fixed):
    one, other = (sleep(f"Reaction ~ {f} + (1 | Subject)", "reml") for f in (fixed, "Days + I(Days^2)"))
    big = sleep("Reaction ~ Days + I(Days^2) + (Days | Subject)", "reml")
    assert bml.lrtest(one, big).statistic == pytest.approx(bml.lrtest(other, big).statistic, rel=1e-9)


def test_statistic_is_not_negative():
    fit = models.fit("dyestuff2", models.DYESTUFF, "ml")
    without = bml.fit("Yield ~ 1", bml.datasets.load("dyestuff2"), criterion="ml")
    test = bml.lrtest(without, fit)
    assert (test.statistic, test.p, test.p_chi2) == (0.0, 1.0, 1.0)


def test_prints_both_models_and_the_distribution():
    shown = repr(bml.lrtest(models.fit("sleepstudy", models.SLEEP_INTERCEPT), models.fit("sleepstudy", models.SLEEP)))
    assert "Reaction ~ 1 + Days + (1 + Days | Subject)       -871.8141   6" in shown
    assert "chibar2(12) = 42.84, p < 0.001; ignoring the boundary,\n  chi2(2), p < 0.001." in shown


REFUSED = {
    "reml of different fixed parts": (
        lambda: (sleep("Reaction ~ 1 + (1 | Subject)", "reml"), sleep("Reaction ~ Days + (1 | Subject)", "reml")),
        "REML likelihoods of different fixed parts",
    ),
    "reml of a covariate on another scale": (
        lambda: (sleep("Reaction ~ I(Days / 7) + (1 | Subject)", "reml"), sleep(models.SLEEP, "reml")),
        "scaled or coded differently",
    ),
    "reml of another coding": (
        lambda: (
            sleep("Reaction ~ C(Days, Sum) + (1 | Subject)", "reml"),
            sleep("Reaction ~ C(Days) + (Days | Subject)", "reml"),
        ),
        "scaled or coded differently",
    ),
    "criteria": (lambda: (sleep(models.SLEEP_INTERCEPT), sleep(models.SLEEP, "reml")), "differ in their criterion"),
    "rows": (
        lambda: (bml.fit(models.SLEEP_INTERCEPT, SLEEP.iloc[:170], criterion="ml"), sleep(models.SLEEP)),
        "different rows: 170 and 180",
    ),
    "order of rows": (
        lambda: (bml.fit(models.SLEEP_INTERCEPT, SLEEP.iloc[::-1], criterion="ml"), sleep(models.SLEEP)),
        "different responses or rows",
    ),
    "responses": (
        lambda: (sleep("log(Reaction) ~ Days + (1 | Subject)"), sleep(models.SLEEP)),
        "different responses",
    ),
    "weights": (
        lambda: (
            bml.fit(models.SLEEP_INTERCEPT, SLEEP.assign(w=1.0 + SLEEP["Days"]), criterion="ml", weights="w"),
            sleep(models.SLEEP),
        ),
        "different weights",
    ),
    "fixed parts that are not nested": (
        lambda: (sleep("Reaction ~ Days + (1 | Subject)"), sleep("Reaction ~ log1p(Days) + I(Days^3) + (1 | Subject)")),
        "the fixed part",
    ),
    "random parts that are not nested": (
        lambda: (
            bml.fit("diameter ~ 1 + (1 | plate)", bml.datasets.load("penicillin"), criterion="ml"),
            bml.fit("diameter ~ 1 + (1 | sample)", bml.datasets.load("penicillin"), criterion="ml"),
        ),
        "the random part",
    ),
    "a nuisance variance at 0": (
        lambda: (
            bml.fit("Yield ~ 1 + (1 | Batch)", dyestuff2_with_x(), criterion="ml"),
            bml.fit("Yield ~ x + (1 | Batch)", dyestuff2_with_x(), criterion="ml"),
        ),
        "sd\\(Intercept | Batch\\), which both models have, is at its boundary",
    ),
}


def dyestuff2_with_x():
    table = bml.datasets.load("dyestuff2")
    return table.assign(x=np.tile(np.arange(5.0), 6))


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    fits, message = REFUSED[name]
    with pytest.raises(RefusedTest, match=message):
        bml.lrtest(*fits())


def test_fits_that_did_not_converge_are_refused():
    small, big = models.fit("sleepstudy", models.SLEEP_INTERCEPT), models.dense("sleepstudy", models.SLEEP)
    status = dataclasses.replace(big.status, converged=False, advice="rescale.")
    solution = copy(big.solution)
    solution.status = status
    with pytest.raises(RefusedTest, match="did not converge: rescale"):
        bml.lrtest(small, dataclasses.replace(big, solution=solution))


def test_parameters_held_fixed_are_restrictions():
    big = models.fit("sleepstudy", models.SLEEP, "ml")
    held = sleep(models.SLEEP, priors={"Days": bml.Fixed(10), "sigma": bml.Fixed(25)})
    test = bml.lrtest(held, big)
    assert (test.df, test.null) == (2, ChiBarSquare.chi2(2))
    assert test.p == pytest.approx(stats.chi2.sf(2 * (big.loglik - held.loglik), 2))
    with pytest.raises(RefusedTest, match="other coefficients held fixed"):
        bml.lrtest(sleep(models.SLEEP, "reml", priors={"Days": bml.Fixed(10)}), models.fit("sleepstudy", models.SLEEP))
    with pytest.raises(RefusedTest, match="that the smaller does not"):
        bml.lrtest(models.fit("sleepstudy", models.SLEEP_INTERCEPT, "ml"), held)


def test_other_integrals_cannot_be_compared():
    small = models.other("epil", "y ~ lbase + (1 | subject)", "poisson", integration="aghq", points=5)
    big = models.other(*models.EPIL, integration="aghq", points=7)
    with pytest.raises(RefusedTest, match=r"integration, AGHQ \(5 points\) and AGHQ \(7 points\)"):
        bml.lrtest(small, big)
    with pytest.raises(RefusedTest, match="integration, AGHQ .* and Laplace"):
        bml.lrtest(small, models.other(*models.EPIL))


def test_models_that_are_not_linear():
    small, big = models.other("epil", "y ~ lbase + (1 | subject)", "poisson"), models.other(*models.EPIL)
    test = bml.lrtest(small, big)
    assert test.statistic == pytest.approx(2 * (big.loglik - small.loglik))
    assert test.null == ChiBarSquare.chi2(2)
    more = models.other("epil", "y ~ lbase + trt + V4 + (V4 | subject)", "poisson")
    assert bml.lrtest(big, more).null == ChiBarSquare.half(1)


def test_other_frequencies_are_other_data():
    table = bml.datasets.load("epil")
    fits = [
        bml.fit("y ~ lbase + (1 | subject)", table.assign(w=w), family="poisson", frequencies="w") for w in (1.0, 2.0)
    ]
    with pytest.raises(RefusedTest, match="different rows"):
        bml.lrtest(*fits)


def test_poisson_within_negative_binomial_is_at_an_edge():
    small = models.other(*models.EPIL)
    big = models.other(*models.EPIL[:2], "negative_binomial")
    test = bml.lrtest(small, big)
    assert (test.df, test.null) == (1, ChiBarSquare.half(0))
    assert test.statistic == pytest.approx(2 * (big.loglik - small.loglik))
    assert test.p == pytest.approx(stats.chi2.sf(test.statistic, 1) / 2)
    assert [name.split(" | subject), ")[1] for name, *_ in test.models] == [
        "poisson, log",
        "negative_binomial (dispersion mean), log",
    ]
    fewer = models.other("epil", "y ~ lbase + (1 | subject)", "poisson")
    assert bml.lrtest(fewer, big).null == ChiBarSquare.half(0).shifted(2)
    without = models.other("epil", "y ~ lbase + trt + V4", "poisson")
    assert bml.lrtest(without, big).null == ChiBarSquare.chi2(2, conservative=True)
    other = dataclasses.replace(big, model=dataclasses.replace(big.model, family=FAMILIES["gamma"]))
    with pytest.raises(RefusedTest, match="differ in their family"):
        bml.lrtest(small, other)


def test_exponential_within_weibull_is_not_at_an_edge():
    formula = "Surv(time, status) ~ age + female + (1 | patient)"
    small, big = (models.other("kidney", formula, family) for family in ("exponential", "weibull"))
    assert bml.lrtest(small, big).null == ChiBarSquare.chi2(1)


def test_cut_points_stand_for_the_constant():
    small, big = (models.other("wine", f"rating ~ {x} + (1 | judge)", "cumulative") for x in ("temp", "temp + contact"))
    assert bml.lrtest(small, big).null == ChiBarSquare.chi2(1)


def test_coefficients_of_every_predictor_count():
    small, big = (
        models.other("verbagg", f"resp ~ {x} + (1 | id)", "categorical") for x in ("Gender", "Gender + Anger")
    )
    assert bml.lrtest(small, big).null == ChiBarSquare.chi2(2)
