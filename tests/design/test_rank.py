"""Which columns are redundant, against a plain search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesml.design.rank import redundant_columns


def plain(columns, n) -> tuple[int, ...]:
    """The first columns that raise the rank are kept."""
    X = np.column_stack([np.ones(n) if column is None else column for column in columns])
    kept, redundant = [], []
    for j in range(X.shape[1]):
        kept_and_j = [*kept, j]
        if np.linalg.matrix_rank(X[:, kept_and_j]) == len(kept_and_j):
            kept.append(j)
        else:
            redundant.append(j)
    return tuple(redundant)


@given(
    n=st.integers(1, 12),
    columns=st.lists(st.lists(st.integers(-2, 2), min_size=12, max_size=12), min_size=1, max_size=7),
    sums=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(-2, 2)), max_size=3),
    intercept=st.booleans(),
)
def test_small_whole_numbers(n, columns, sums, intercept):
    arrays = [np.array(column[:n], dtype=float) for column in columns]
    for i, j, factor in sums:
        arrays.insert(i, arrays[i % len(arrays)] + factor * arrays[j % len(arrays)])
    everything = ([None] if intercept else []) + arrays
    assert redundant_columns(everything, n, intercept) == plain(everything, n)


@pytest.mark.parametrize("n", [50, 20_000])
@pytest.mark.parametrize("offset", [0.0, 1e6, 1e9])
def test_offsets_and_units_do_not_matter_beside_an_intercept(rng, n, offset):
    x, z = rng.normal(size=(2, n))
    columns = [
        None,
        x + offset,
        1e-12 * z,
        x - z,
        1e12 * (x + offset),
        np.full(n, offset + 1),
        z + 1e-4 * rng.normal(size=n),
    ]
    assert redundant_columns(columns, n, True) == (3, 4, 5)


def test_all_levels_of_a_factor_stand_for_the_intercept(rng):
    f = np.eye(3)[np.arange(60) % 3].T
    x = rng.normal(size=60)
    assert redundant_columns([*f, x + 1e9], 60, True) == ()
    assert redundant_columns([x + 1e9, *f], 60, True) == ()
    assert redundant_columns([*f, x, np.ones(60)], 60, True) == (4,)
    assert redundant_columns([None, *f, x], 60, True) == (3,)


def test_more_columns_than_rows(rng):
    columns = list(rng.normal(size=(6, 4)))
    assert redundant_columns(columns, 4, False) == (4, 5)
    assert redundant_columns([None, *columns], 4, True) == (4, 5, 6)


def test_nothing_but_constants():
    assert redundant_columns([None], 5, True) == ()
    assert redundant_columns([], 5, False) == ()
    assert redundant_columns([None, None], 5, True) == (1,)
    assert redundant_columns([np.zeros(5), np.ones(5)], 5, False) == (0,)


def test_single_precision_duplicates_are_found(rng):
    x = rng.normal(size=100)
    assert redundant_columns([None, x, x.astype(np.float32).astype(float)], 100, True) == (2,)
