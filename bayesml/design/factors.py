"""Factors: codes and levels of labelled columns, and of their interactions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesml.design.columns import Column
from bayesml.errors import DataError


@dataclass(frozen=True, eq=False)
class Factor:
    """A column of labels.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
        Position of each row's level; -1 where the level is not among `levels` (new data only).
    levels : pandas.Index
        In the user's order and type: that of a categorical, else sorted.
    """

    codes: np.ndarray
    levels: pd.Index

    @property
    def labels(self) -> tuple[str, ...]:
        """Levels as text."""
        return tuple(map(str, self.levels))


def factor_of(column: Column, rows: np.ndarray | None) -> Factor:
    """The factor that a column is, at the rows used; levels that do not occur there do not appear."""
    values = column.values if rows is None else column.values[rows]
    if isinstance(values, pd.Categorical):
        return without_unused(Factor(values.codes, values.categories))
    if column.whole and column.numbers is not None:
        return whole_number_factor(column.numbers if rows is None else column.numbers[rows])
    codes, levels = pd.factorize(values, sort=True)
    return Factor(codes, pd.Index(levels))


def whole_number_factor(values: np.ndarray) -> Factor:
    """The factor of whole numbers: by counting where their range allows, which is faster than hashing."""
    if len(values):
        low, high = int(values.min()), int(values.max())
        if high - low <= 4 * len(values) + 1000:
            # without leaving the range of the type, signed or not
            shifted = (values - values.min() if values.dtype.kind == "u" else values.astype(np.int64) - low).astype(
                np.int64
            )
            seen = np.zeros(high - low + 1, dtype=bool)
            seen[shifted] = True
            codes = np.cumsum(seen) - 1
            return Factor(codes[shifted], pd.Index(np.flatnonzero(seen).astype(values.dtype) + values.min()))
    codes, levels = pd.factorize(values, sort=True)
    return Factor(codes, pd.Index(levels))


def without_unused(factor: Factor) -> Factor:
    """The same factor without the levels that no row has."""
    used = np.zeros(len(factor.levels) + 1, dtype=bool)
    used[factor.codes] = True  # a code of -1 marks the last, extra place
    used = used[:-1]
    if used.all():
        return factor
    position = np.append(np.cumsum(used) - 1, -1)
    return Factor(position[factor.codes], factor.levels[used])


def codes_of_known(column: Column, levels: pd.Index) -> tuple[np.ndarray, np.ndarray]:
    """Codes of new rows for the levels of a fit, -1 where unseen, and which of those are missing values.

    Labels are compared as they are; a column of numbers given as text, or the reverse, by their text; false and true
    are also 0 and 1.
    """
    values = column.values
    missing = np.zeros(len(values), dtype=bool) if column.missing is None else column.missing
    new = pd.Index(values.astype(object) if isinstance(values, pd.Categorical) else values)
    if pd.api.types.is_bool_dtype(levels) and column.kind == "number":
        levels = levels.astype(np.int64)
    codes = levels.get_indexer(new)
    if (codes < 0).all() and len(codes) and not missing.all():
        same_kind = pd.api.types.is_numeric_dtype(levels) == pd.api.types.is_numeric_dtype(new)
        if not same_kind:
            codes = levels.map(str).get_indexer(new.map(str))
    codes = np.where(missing, -1, codes)
    return codes.astype(np.int64), missing


def interaction(factors: list[Factor], names: list[str]) -> Factor:
    """The factor whose levels are the combinations that occur, the first factor varying slowest."""
    if len(factors) == 1:
        return Factor(factors[0].codes.astype(np.int64), factors[0].levels.rename(names[0]))
    codes = factors[0].codes.astype(np.int64)
    for factor in factors[1:]:
        codes = codes * len(factor.levels) + factor.codes
    cells = int(np.prod([float(len(f.levels)) for f in factors]))
    if cells <= 4 * len(codes) + 1000:
        seen = np.zeros(cells, dtype=bool)
        seen[codes] = True
        used = np.flatnonzero(seen)
        codes = (np.cumsum(seen) - 1)[codes]
    else:
        used, codes = np.unique(codes, return_inverse=True)
    parts = []
    for factor in reversed(factors):
        used, place = np.divmod(used, len(factor.levels))
        parts.append(factor.levels[place])
    return Factor(codes, pd.MultiIndex.from_arrays(parts[::-1], names=names))


def whole_levels(column: Column, group: str) -> tuple[Column, str | None]:
    """A grouping column whose numbers are whole, and what to tell of it.

    Whole numbers that are stored as floats (a missing value makes them so) are read as whole numbers.

    Raises
    ------
    DataError
        Numbers that are not whole: they are measurements, not labels.
    """
    if column.kind != "number" or column.whole or column.numbers is None:
        return column, None
    known = column.numbers[~np.isnan(column.numbers)]
    if not (np.isfinite(known).all() and np.all(known == np.round(known)) and np.all(np.abs(known) < 2**53)):
        raise DataError(
            f"`{column.name}` has numbers that are not whole, but groups rows in `{group}`; make it text or "
            f"categories, or cut it "
            "into classes first."
        )
    whole = np.where(np.isnan(column.numbers), 0, column.numbers).astype(np.int64)
    if pd.api.types.is_integer_dtype(column.values.dtype):  # whole by its type, with missing values
        return Column(column.name, "number", whole, whole, column.missing), None
    note = f"`{column.name}` holds whole numbers stored as floats; its levels are read as whole numbers."
    return Column(column.name, "number", whole, whole, column.missing), note


def constant_within(values: np.ndarray, factor: Factor) -> bool:
    """Whether values, codes or numbers, are the same in all rows of each level."""
    n = len(values)
    stop = min(n, 1000)
    while True:
        # the first rows mostly show that they are not
        part, codes = values[:stop], factor.codes[:stop]
        first = np.zeros(len(factor.levels), dtype=values.dtype)
        first[codes[::-1]] = part[::-1]
        if not np.array_equal(part, first[codes]):
            return False
        if stop == n:
            return True
        stop = n
