"""What columns of any type hold."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest

from bayesml.design.columns import read_column
from bayesml.errors import DataError

NAN = np.nan
COLUMNS = {  # values: kind, numbers, missing
    "float": (np.array([1.0, NAN]), "number", [1, NAN], [False, True]),
    "float32": (np.array([1, 2], dtype=np.float32), "number", [1, 2], None),
    "int": (np.array([1, 2]), "number", [1, 2], None),
    "uint8": (np.array([1, 2], dtype=np.uint8), "number", [1, 2], None),
    "bool": (np.array([True, False]), "flag", [1, 0], None),
    "Int64": (pd.array([1, None], dtype="Int64"), "number", [1, NAN], [False, True]),
    "Int64 whole": (pd.array([1, 2], dtype="Int64"), "number", [1, 2], None),
    "Float64": (pd.array([1.5, None], dtype="Float64"), "number", [1.5, NAN], [False, True]),
    "boolean": (pd.array([True, None], dtype="boolean"), "flag", [1, NAN], [False, True]),
    "arrow int": (pd.array([1, None], dtype="int64[pyarrow]"), "number", [1, NAN], [False, True]),
    "arrow bool": (pd.array([True, None], dtype="bool[pyarrow]"), "flag", [1, NAN], [False, True]),
    "text": (pd.array(["a", None], dtype="str"), "labels", None, [False, True]),
    "string": (pd.array(["a", None], dtype="string"), "labels", None, [False, True]),
    "fixed width": (np.array(["a", "b"]), "labels", None, None),
    "object text": (np.array(["a", None], dtype=object), "labels", None, [False, True]),
    "object numbers": (np.array([1, None, 2.5], dtype=object), "number", [1, NAN, 2.5], [False, True, False]),
    "object whole": (np.array([1, 2], dtype=object), "number", [1, 2], None),
    "object flags": (np.array([True, None], dtype=object), "flag", [1, NAN], [False, True]),
    "decimal": (np.array([decimal.Decimal("1.5"), None], dtype=object), "number", [1.5, NAN], [False, True]),
    "all missing": (np.array([None, None], dtype=object), "number", [NAN, NAN], [True, True]),
    "category": (pd.Categorical(["a", None]), "labels", None, [False, True]),
    "datetime": (np.array(["2020-01-01", "NaT"], dtype="M8[s]"), "date", None, [False, True]),
    "timezone": (pd.array(pd.to_datetime(["2020-01-01"]).tz_localize("UTC")), "date", None, None),
    "date": (np.array([datetime.date(2020, 1, 1), None], dtype=object), "date", None, [False, True]),
    "period": (pd.period_range("2020", periods=2, freq="Y").array, "date", None, None),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_kind_numbers_and_missing_rows(name):
    values, kind, numbers, missing = COLUMNS[name]
    column = read_column("x", values)
    assert column.kind == kind
    for got, expected in ((column.numbers, numbers), (column.missing, missing)):
        if expected is None:
            assert got is None
        else:
            np.testing.assert_array_equal(got, expected)


def test_only_whole_types_are_whole():
    whole = [name for name, (values, *_) in COLUMNS.items() if read_column("x", values).whole]
    assert whole == ["int", "uint8", "Int64 whole", "object whole"]


@pytest.mark.parametrize(
    "values", [np.array([1j]), np.array([1, "a"], dtype=object), np.array([[1], {}], dtype=object)]
)
def test_refused(values):
    with pytest.raises(DataError, match="`x` holds"):
        read_column("x", values)


def test_numbers_are_a_copy():
    values = np.array([1.0, 2.0])
    column = read_column("x", values)
    column.finite_numbers(None, "this")[:] = 0
    column.finite_numbers(np.array([0]), "this")[:] = 0
    np.testing.assert_array_equal(values, [1, 2])
