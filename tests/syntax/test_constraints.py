"""Linear constraints from text."""

import numpy as np
import pytest

from bayesml.errors import ColumnNotFound, FormulaError, RefusedTest
from bayesml.syntax.constraints import linear_constraints

NAMES = ("Intercept", "Days", "a[2]", "a[3]", "log(x)")
TERMS = {"Days": ("Days",), "a": ("a[2]", "a[3]"), "log(x)": ("log(x)",), "gone": ()}

ROWS = {
    "Days = 10": ([[0, 1, 0, 0, 0]], [10]),
    "Days": ([[0, 1, 0, 0, 0]], [0]),
    "10 = Days": ([[0, -1, 0, 0, 0]], [-10]),
    "a[2] = a[3] = 0": ([[0, 0, 1, -1, 0], [0, 0, 0, 1, 0]], [0, 0]),
    "a": ([[0, 0, 1, 0, 0], [0, 0, 0, 1, 0]], [0, 0]),
    "a = 2": ([[0, 0, 1, 0, 0], [0, 0, 0, 1, 0]], [2, 2]),
    "2 * Days - 3 = Intercept / 2": ([[-0.5, 2, 0, 0, 0]], [3]),
    "-(Days - 1) * 2^2 = exp(0)": ([[0, -4, 0, 0, 0]], [-3]),
    "a = 0 and Days = 1": ([[0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 1, 0, 0, 0]], [0, 0, 1]),
    "a[2] = 0, a[3] = 0, a[2] = a[3]": ([[0, 0, 1, 0, 0], [0, 0, 0, 1, 0]], [0, 0]),
    "log(x) = log(1)": ([[0, 0, 0, 0, 1]], [0]),
}


@pytest.mark.parametrize("statement", ROWS)
def test_rows(statement):
    C, d = linear_constraints(statement, NAMES, TERMS)
    np.testing.assert_array_equal(C, ROWS[statement][0])
    np.testing.assert_array_equal(d, ROWS[statement][1])


FAILS = {
    "exp(Days) = 1": (FormulaError, "not linear"),
    "Days * a[2] = 1": (FormulaError, "not linear"),
    "Days / 0 = 1": (FormulaError, "not linear"),
    "1 / Days = 1": (FormulaError, "not linear"),
    "Days > 1": (FormulaError, "needs `=`, not `>`"),
    "Days = 1 or Days = 2": (FormulaError, "joins constraints by `and`"),
    "2 * a = 1": (FormulaError, "several columns"),
    "gone": (ColumnNotFound, "no parameter `gone`"),
    "Day = 1": (ColumnNotFound, "did you mean `Days`"),
    "Days = 1 and Days = 2": (RefusedTest, "contradicts itself"),
    "Days = Days": (RefusedTest, "nothing to test"),
    "1 = 2": (RefusedTest, "contradicts itself"),
}


@pytest.mark.parametrize("statement", FAILS)
def test_refused(statement):
    error, words = FAILS[statement]
    with pytest.raises(error, match=words):
        linear_constraints(statement, NAMES, TERMS)
