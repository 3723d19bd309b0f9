"""Values of every kind survive the way through JSON and arrays."""

import datetime
import json

import numpy as np
import pandas as pd
import pytest

from bayesml.covariance import COVARIANCES
from bayesml.errors import StorageError
from bayesml.results.codec import Decoder, Encoder
from bayesml.syntax.model import Model


def through(value):
    encode = Encoder()
    document = json.loads(json.dumps(encode(value)))
    return Decoder(encode.arrays)(document)


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, -0.1, 1e300, float("inf"), "äöü \u2028", (1, (2.5, "x")), [1, [2]], {"a": 1, 2: ("b",)},
        frozenset({1, 2}), datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12), pd.Timestamp("2024-02-29"),
        COVARIANCES["exchangeable"], Model("y ~ x + (x | g)", weights="w"),
    ],
    ids=repr,
)  # fmt: skip
def test_values(value):
    assert through(value) == value
    assert type(through(value)) is type(value)


def test_nan_stays_nan():
    assert np.isnan(through(float("nan")))


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3), np.array([1, 2]), np.array([True, False]), np.array(2.5), np.empty((0, 3)),
        np.array(["a", "bc"]), np.array(["a", 1, None], dtype=object),
        np.array(["2024-01-01", "NaT"], dtype="datetime64[ns]"), np.array([np.nan, np.inf, -0.0]),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)  # fmt: skip
def test_arrays(array):
    out = through(array)
    assert out.dtype == array.dtype
    assert out.shape == array.shape
    np.testing.assert_array_equal(out, array)


@pytest.mark.parametrize(
    "index",
    [
        pd.Index(["a", "b"], name="x"), pd.Index(["a", 1, None], dtype=object), pd.RangeIndex(1, 7, 2),
        pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["p", None]),
        pd.CategoricalIndex(["a", "b", "a"], categories=["b", "a"], ordered=True),
        pd.DatetimeIndex(["2020-01-01", "2021-06-01"], tz="Europe/Berlin"), pd.DatetimeIndex(["2020-01-01 12:30"]),
        pd.IntervalIndex.from_breaks([0, 1, 2.5], closed="left"), pd.period_range("2020", periods=3, freq="M"),
        pd.Index([1.5, np.nan]), pd.Index([True, False]), pd.Index([1, 2], dtype="Int64"),
        pd.TimedeltaIndex(["1D", "2D"]), pd.Index([], dtype=object),
    ],
    ids=lambda index: str(index.dtype),
)  # fmt: skip
def test_indices(index):
    pd.testing.assert_index_equal(through(index), index)


def test_arrays_that_are_one_are_stored_once():
    encode, shared = Encoder(), np.arange(3.0)
    encode((shared, shared, shared.copy()))
    assert len(encode.arrays) == 2


@pytest.mark.parametrize("value", [object(), lambda: 1, np.sum, pd.DataFrame(), type], ids=lambda v: type(v).__name__)
def test_anything_else_is_refused(value):
    with pytest.raises(StorageError, match="cannot be stored"):
        Encoder()(value)
