"""Codes and levels."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesml.design.columns import read_column
from bayesml.design.factors import (
    Factor,
    codes_of_known,
    constant_within,
    factor_of,
    interaction,
    whole_levels,
    without_unused,
)
from bayesml.errors import DataError


@given(st.lists(st.integers(-(2**62), 2**62) | st.integers(-5, 5), min_size=1, max_size=40))
def test_whole_numbers(values):
    array = np.array(values)
    factor = factor_of(read_column("g", array), None)
    levels, codes = np.unique(array, return_inverse=True)
    np.testing.assert_array_equal(factor.levels, levels)
    np.testing.assert_array_equal(factor.codes, codes)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "i4", "u4", "i8", "u8"])
def test_whole_numbers_keep_their_type(dtype):
    limits = np.iinfo(dtype)
    for values in ([limits.max, limits.min, limits.max], [limits.max, limits.max - 2], [limits.min + 1, limits.min]):
        array = np.array(values, dtype=dtype)
        factor = factor_of(read_column("g", array), None)
        assert factor.levels.dtype == array.dtype
        assert list(factor.levels) == sorted(set(values))
        assert list(factor.levels[factor.codes]) == values


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=30), st.permutations("abcdz"), st.data())
def test_categories_keep_their_order_without_unused_levels(values, order, data):
    rows = data.draw(st.none() | st.lists(st.sampled_from(range(len(values))), min_size=1, unique=True).map(np.array))
    column = read_column("f", pd.Categorical(values, categories=order))
    factor = factor_of(column, rows)
    used = np.array(values)[slice(None) if rows is None else rows]
    assert list(factor.levels) == [level for level in order if level in used]
    assert list(factor.levels[factor.codes]) == list(used)


def test_codes_of_minus_one_stay():
    factor = without_unused(Factor(np.array([2, -1, 0, 2], dtype=np.int8), pd.Index(list("abc"))))
    assert list(factor.levels) == ["a", "c"]
    np.testing.assert_array_equal(factor.codes, [1, -1, 0, 1])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 900), st.integers(0, 2)), min_size=1, max_size=30))
def test_interactions_are_the_combinations_that_occur(rows):
    columns = np.array(rows).T
    factors = [factor_of(read_column("g", column), None) for column in columns]
    combined = interaction(factors, ["a", "b", "c"])
    assert list(combined.levels) == sorted(set(rows))
    assert list(combined.levels[combined.codes]) == rows
    assert combined.codes.dtype == np.int64


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=20), st.booleans())
def test_constant_within(rows, long):
    codes, values = np.array(rows * (200 if long else 1)).T
    factor = factor_of(read_column("g", codes), None)
    expected = all(len({v for c, v in rows if c == level}) == 1 for level in set(codes.tolist()))
    assert constant_within(values.astype(float), factor) == expected


def test_constant_within_looks_at_all_rows():
    values = np.zeros(5000)
    values[-1] = 1.0
    assert not constant_within(values, Factor(np.zeros(5000, dtype=int), pd.Index([0])))
    assert constant_within(values, Factor((values > 0).astype(int), pd.Index([0, 1])))


def test_floats_as_groups():
    column, note = whole_levels(read_column("g", np.array([1.0, np.nan, 3.0])), "g")
    np.testing.assert_array_equal(factor_of(column, np.array([0, 2])).levels, [1, 3])
    assert "read as whole numbers" in note
    for bad in ([1.5, 2.0], [np.inf, 1.0], [1e300, 1.0]):
        with pytest.raises(DataError, match="not whole"):
            whole_levels(read_column("g", np.array(bad)), "g")


def test_missing_new_levels():
    codes, missing = codes_of_known(read_column("g", np.array(["b", None, "q"], dtype=object)), pd.Index(["a", "b"]))
    np.testing.assert_array_equal(codes, [1, -1, -1])
    np.testing.assert_array_equal(missing, [False, True, False])
