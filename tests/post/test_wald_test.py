import numpy as np
import pytest
from scipy import stats

import bayesml as bml
from bayesml.errors import ColumnNotFound, FormulaError, RefusedTest, SpecificationError
from tests import fitted_models as models

SLEEP = ("sleepstudy", models.SLEEP)
MACHINES = ("machines", models.MACHINES)


def by_hand(fit, R, r):
    R, r = np.atleast_2d(R), np.atleast_1d(r)
    distance = R @ fit.fixef.to_numpy() - r
    return distance @ np.linalg.solve(R @ fit.vcov.to_numpy() @ R.T, distance)


@pytest.mark.parametrize(
    ("hypothesis", "R", "r"),
    [
        ("Days = 10", [0, 1], 10),
        ("Days", [0, 1], 0),
        ("2 * Days - 3 = 17", [0, 2], 20),
        ("Intercept = 25 * Days", [1, -25], 0),
        ("Intercept / 25 = Days = 10", [[1 / 25, 0], [0, 1]], [10, 10]),
        ("Days = 10, Intercept = 250", [[0, 1], [1, 0]], [10, 250]),
        ("-Days = -(2 + 3)^2", [0, 1], 25),
    ],
)
def test_equations(hypothesis, R, r):
    fit = models.fit(*SLEEP)
    test = bml.wald_test(fit, hypothesis)
    df = len(np.atleast_2d(R))
    assert test.statistic == pytest.approx(by_hand(fit, R, r))
    assert (test.df, test.p) == (df, pytest.approx(stats.chi2.sf(test.statistic, df)))


@pytest.mark.parametrize(
    "hypothesis", ["Machine", "Machine = 0", "Machine[B] = Machine[C] = 0", "Machine = exp(0) - 1"]
)
def test_all_columns_of_a_factor(hypothesis):
    fit = models.fit(*MACHINES)
    test = bml.wald_test(fit, hypothesis)
    assert test.statistic == pytest.approx(by_hand(fit, [[0, 1, 0], [0, 0, 1]], [0, 0]))
    if "exp" not in hypothesis:
        assert test.hypothesis == ("Machine[B] = 0", "Machine[C] = 0")


def test_a_factor_among_other_equations():
    fit = models.fit(*MACHINES)
    test = bml.wald_test(fit, "Machine = 8 and Intercept = 52")
    assert test.statistic == pytest.approx(by_hand(fit, [[0, 1, 0], [0, 0, 1], [1, 0, 0]], [8, 8, 52]))


def test_interactions_by_name():
    fit = bml.fit("yield ~ Variety * nitro + (1 | Block)", bml.datasets.load("oats"), criterion="ml")
    assert bml.wald_test(fit, "nitro:Variety").df == 2


def test_dependent_equations_count_once():
    fit = models.fit(*SLEEP)
    test = bml.wald_test(fit, "Days = 10, 2 * Days = 20")
    assert (test.df, test.statistic) == (1, pytest.approx(by_hand(fit, [0, 1], 10)))


def test_prints_each_equation():
    assert (
        repr(bml.wald_test(models.fit(*SLEEP), "Days = 10"))
        == "Wald test\n  (1) Days = 10\n  chi2(1) = 0.09, p = 0.762"
    )


@pytest.mark.parametrize(
    ("hypothesis", "printed"),
    [
        ("(Days + Intercept) = (2)", "Days + Intercept = 2"),
        ("2 * (Days - 1) = Intercept / 2", "2 * (Days - 1) = Intercept / 2"),
        ("Days - (Intercept - 3) = -(Days + 1)", "Days - (Intercept - 3) = -(Days + 1)"),
        ("(Days * 2) + 3^2 = -Days", "Days * 2 + 3^2 = -Days"),
        ("Days = (-2)^(2 + 1) - (-Intercept)", "Days = (-2)^(2 + 1) - (-Intercept)"),
    ],
)
def test_equations_are_printed_without_surplus_parentheses(hypothesis, printed):
    fit = models.fit(*SLEEP)
    test = bml.wald_test(fit, hypothesis)
    assert test.hypothesis == (printed,)
    assert bml.wald_test(fit, printed) == test


@pytest.mark.parametrize(
    ("hypothesis", "error", "message"),
    [
        ("Days > 3", RefusedTest, "not an equation"),
        ("Days = 1 or Days = 2", RefusedTest, "not an equation"),
        ("sd(Days | Subject) = 0", RefusedTest, "wrong near its boundary"),
        ("Days^2 = 3", RefusedTest, "not linear"),
        ("Days * Intercept = 3", RefusedTest, "not linear"),
        ("exp(Days) = 3", RefusedTest, "not linear"),
        ("Days = 10, Days = 11", RefusedTest, "contradict"),
        ("Days = Days", RefusedTest, "says nothing"),
        ([], SpecificationError, "or a list of them"),
        (["Days = 10", 3], SpecificationError, "or a list of them"),
        ("Day = 3", ColumnNotFound, "`Days`"),
        ("Days = ", FormulaError, "found the end"),
    ],
)
def test_refused(hypothesis, error, message):
    with pytest.raises(error, match=message):
        bml.wald_test(models.fit(*SLEEP), hypothesis)


def test_cut_points_and_parameters_of_the_family():
    fit = models.other("kidney", "Surv(time, status) ~ age + female + (1 | patient)", "weibull")
    row = fit.family_params.loc["shape"]
    test = bml.wald_test(fit, "shape = 1")
    assert test.statistic == pytest.approx(((row["estimate"] - 1) / row["se"]) ** 2)
    assert bml.wald_test(fit, "shape = 1, age = 0").df == 2
    with pytest.raises(RefusedTest, match="edge of the range of `shape`"):
        bml.wald_test(fit, "shape = 0")
    wine = models.other("wine", "rating ~ temp + contact + (1 | judge)", "cumulative")
    names = ["cut[1|2]", "cut[2|3]", "cut[3|4]"]
    weights = np.array([-1.0, 2.0, -1.0])
    test = bml.wald_test(wine, "cut[2|3] - cut[1|2] = cut[3|4] - cut[2|3]")
    distance = weights @ wine.family_params.loc[names, "estimate"]
    variance = weights @ wine.vcov_all.loc[names, names].to_numpy() @ weights
    assert test.statistic == pytest.approx(distance**2 / variance)


def test_coefficients_of_several_predictors():
    fit = models.other("verbagg", "resp ~ Gender + Anger + (1 |p| id)", "categorical")
    test = bml.wald_test(fit, "perhaps: Anger = yes: Anger")
    difference = fit["perhaps: Anger"] - fit["yes: Anger"]
    V = fit.vcov_all.loc[["perhaps: Anger", "yes: Anger"], ["perhaps: Anger", "yes: Anger"]].to_numpy()
    assert test.statistic == pytest.approx(difference**2 / (V[0, 0] + V[1, 1] - 2 * V[0, 1]))
    assert bml.wald_test(fit, "Gender").df == 2


def test_several_texts_are_tested_together():
    fit = models.fit("sleepstudy", models.SLEEP)
    several, joined = (
        bml.wald_test(fit, ["Days = 10", "Intercept = 250"]),
        bml.wald_test(fit, "Days = 10, Intercept = 250"),
    )
    assert several == joined
    assert several.df == 2
