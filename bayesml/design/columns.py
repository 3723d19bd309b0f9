"""A column of the data as a design reads it: numbers, flags, labels; and what is missing."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from bayesml.errors import DataError
from bayesml.sources.frame import Values

Kind = Literal["number", "flag", "labels", "date"]

_GLANCE = 200


@dataclass(frozen=True, eq=False)
class Column:
    """A column of the data.

    Parameters
    ----------
    name : str
    kind : str
        `"number"`; `"flag"`, true or false; `"labels"`, text or categories; `"date"`.
    values : ndarray or pandas array
        As stored in the data, all rows.
    numbers : ndarray or None
        Numbers, NaN where missing, for numbers and flags; not a copy where that can be.
    missing : ndarray of bool or None
        Rows with a missing value; None where there is none.
    """

    name: str
    kind: Kind
    values: Values
    numbers: np.ndarray | None
    missing: np.ndarray | None

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers by its type."""
        return self.numbers is not None and self.kind == "number" and self.numbers.dtype.kind in "iu"

    @property
    def looks_like_numbers(self) -> bool:
        """Whether it is text whose first values could all be read as numbers."""
        if self.kind != "labels":
            return False
        values = self.values.categories if isinstance(self.values, pd.Categorical) else self.values
        first = [value for value in values[:_GLANCE] if not pd.isna(value)]
        if not first or not all(isinstance(value, str) for value in first):
            return False
        return bool(pd.to_numeric(pd.Series(first, dtype=object), errors="coerce").notna().all())

    def finite_numbers(self, rows: np.ndarray | None, use: str) -> np.ndarray:
        """A float64 copy at the rows used; infinite values are refused.

        Parameters
        ----------
        rows : ndarray of int or None
            Positions; None is all.
        use : str
            What the numbers are for, for messages.
        """
        if self.numbers is None:
            if self.looks_like_numbers:
                raise DataError(f"`{self.name}` is text that looks like numbers, but {use} needs numbers: convert it.")
            kind = "text or categories" if self.kind == "labels" else "dates"
            raise DataError(f"`{self.name}` holds {kind}, but {use} needs numbers.")
        values = np.array(self.numbers if rows is None else self.numbers[rows], dtype=np.float64)
        if self.numbers.dtype.kind == "f" and not np.isfinite(values).all():
            bad = np.flatnonzero(np.isinf(values))
            if len(bad):
                where = bad[0] if rows is None else rows[bad[0]]
                raise DataError(f"`{self.name}` is infinite in {len(bad)} rows, first in row {where} (counted from 0).")
        return values


def read_column(name: str, values: Values) -> Column:
    """What a column holds, by its type.

    Raises
    ------
    DataError
        Complex numbers, numbers mixed with text, lists and the like.
    """
    if isinstance(values, np.ndarray):
        match values.dtype.kind:
            case "f":
                return _numbers(name, values, values)
            case "i" | "u":
                return Column(name, "number", values, values, None)
            case "b":
                return Column(name, "flag", values, values, None)
            case "M" | "m":
                return _labels(name, values, "date")
            case "U" | "S":
                return Column(name, "labels", values.astype(object), None, None)
            case "O":
                return _objects(name, values)
        raise DataError(f"`{name}` holds values of type {values.dtype}, which no column of a model can have.")
    return _extension(name, values)


def _extension(name: str, values: Values) -> Column:
    """Arrays of pandas' own types."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        codes = values.codes
        missing = codes < 0
        return Column(name, "labels", values, None, missing if missing.any() else None)
    if pd.api.types.is_bool_dtype(dtype):
        return _numbers(name, values, values.to_numpy(dtype=np.float64, na_value=np.nan), "flag")
    if pd.api.types.is_numeric_dtype(dtype):
        has_missing = bool(pd.isna(values).any())
        if pd.api.types.is_integer_dtype(dtype) and not has_missing:
            numbers = values.to_numpy(dtype=np.int64)
            return Column(name, "number", values, numbers, None)
        return _numbers(name, values, values.to_numpy(dtype=np.float64, na_value=np.nan))
    if pd.api.types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return _labels(name, values, "date")
    if pd.api.types.is_string_dtype(dtype):
        return _labels(name, values, "labels")
    return _objects(name, np.asarray(values, dtype=object))


def _numbers(name: str, values: Values, numbers: np.ndarray, kind: Kind = "number") -> Column:
    missing = np.isnan(numbers)
    return Column(name, kind, values, numbers, missing if missing.any() else None)


def _labels(name: str, values: Values, kind: Kind) -> Column:
    missing = np.asarray(pd.isna(values))
    return Column(name, kind, values, None, missing if missing.any() else None)


def _objects(name: str, values: np.ndarray) -> Column:
    """Python objects: what they all are, missing values aside."""
    match pd.api.types.infer_dtype(values, skipna=True):
        case "string":
            return _labels(name, values, "labels")
        case "integer" if not pd.isna(values).any():
            whole = values.astype(np.int64)
            return Column(name, "number", whole, whole, None)
        case "integer" | "floating" | "mixed-integer-float" | "decimal" | "empty":
            missing = np.asarray(pd.isna(values))
            numbers = np.array([np.nan if lost else float(v) for v, lost in zip(values, missing, strict=True)], float)
            return _numbers(name, numbers, numbers)
        case "boolean":
            flags = pd.array(values, dtype="boolean")
            return _extension(name, flags)
        case "datetime" | "datetime64" | "date" | "period":
            return _labels(name, values, "date")
        case kind:
            raise DataError(
                f"`{name}` holds {kind} values; a column holds numbers, text, categories or true and false, one kind "
                f"of them."
            )
