"""Tables of columns: pandas frames and dicts of arrays here, other frames in `bayesml.sources.others`.

A frame hands out its columns by name, as they are, without a copy; nothing here writes to them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol

import numpy as np
import pandas as pd

import bayesml.sources as sources
from bayesml.errors import ColumnNotFound, DataError

Values = Any
"""A column as it is stored: a NumPy array, or a pandas array (`ExtensionArray`) where NumPy has no such type."""


class Frame(Protocol):
    """Columns by name.

    Attributes
    ----------
    names : tuple of str
    index : pandas.Index
        Labels of the rows; positions where the data have none.
    """

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def index(self) -> pd.Index: ...

    def values(self, name: str) -> Values:
        """The column of a name that is there."""
        ...


def read_frame(data: Any) -> Frame:
    """The columns of a table.

    Parameters
    ----------
    data : pandas.DataFrame, dict of arrays, polars or pyarrow table, or any frame that narwhals knows
        Never changed.

    Raises
    ------
    DataError
        Something that is not a table, or whose columns differ in length.
    """
    if isinstance(data, pd.DataFrame):
        return PandasFrame(data)
    if isinstance(data, Mapping):
        return DictFrame(data)
    if isinstance(data, str) or hasattr(data, "__fspath__"):
        raise DataError(
            f"The data are a text, {str(data)[:60]!r}: read the file first, for example with pandas.read_csv."
        )
    return sources.others.NarwhalsFrame(data)


@dataclass(frozen=True, eq=False)
class PandasFrame:
    """A pandas frame."""

    data: pd.DataFrame

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns; other labels as text."""
        return tuple(map(str, self.data.columns))

    @property
    def index(self) -> pd.Index:
        """The index of the frame."""
        return self.data.index

    def values(self, name: str) -> Values:
        """The column, without a copy where NumPy can hold it."""
        columns = self.data.columns
        if columns.is_unique and name in columns:
            series = self.data[name]
        else:
            places = [i for i, label in enumerate(columns) if str(label) == name]
            if len(places) > 1:
                raise DataError(f"The data have {len(places)} columns called `{name}`; rename them or keep one.")
            series = self.data.iloc[:, places[0]]
        return stored(series)


@dataclass(frozen=True, eq=False)
class DictFrame:
    """A dict of arrays, lists or series of equal length."""

    data: Mapping[Any, Any]

    def __post_init__(self) -> None:
        lengths = {str(name): np.shape(column)[:1] for name, column in self.data.items()}
        if bad := [name for name, shape in lengths.items() if not shape]:
            raise DataError(f"`{bad[0]}` is a single value; a dict of data holds an array for each column.")
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"`{name}` {shape[0]}" for name, shape in lengths.items())
            raise DataError(f"The columns have different lengths: {told}.")

    @property
    def names(self) -> tuple[str, ...]:
        """The keys."""
        return tuple(map(str, self.data))

    @property
    def index(self) -> pd.Index:
        """Positions of the rows."""
        return pd.RangeIndex(len(next(iter(self.data.values()), ())))

    def values(self, name: str) -> Values:
        """The column as an array of one dimension."""
        column = next(column for key, column in self.data.items() if str(key) == name)
        if hasattr(column, "dtype") and not isinstance(column, np.ndarray):
            return stored(pd.Series(column))
        array = np.asarray(column)
        if array.dtype.kind in "US" and not isinstance(column, np.ndarray):
            # a list with a missing value beside text would turn it into the text "nan" or "None"
            array = np.asarray(column, dtype=object)
        if array.ndim != 1:
            raise DataError(f"`{name}` has {array.ndim} dimensions; a column has one.")
        return array


def stored(series: pd.Series) -> Values:
    """The values of a series without a copy: a NumPy array where its type is NumPy's."""
    return series.to_numpy() if isinstance(series.dtype, np.dtype) else series.array


def require(frame: Frame, names: tuple[str, ...]) -> None:
    """Raise `ColumnNotFound` for the first name that is not a column, with its nearest neighbours."""
    available = set(frame.names)
    for name in names:
        if name not in available:
            raise ColumnNotFound(f"There is no column `{name}` in the data; {nearest(name, frame.names, 'columns')}")


def nearest(name: str, available: tuple[str, ...], what: str) -> str:
    """Advice for a name that is not there: the most similar ones, or the first ones of all."""
    folded = {n.lower(): n for n in reversed(available)}
    near = [folded[n] for n in get_close_matches(name.lower(), folded, 3, 0.6)]
    if near:
        return "did you mean " + " or ".join(f"`{n}`" for n in near) + "?"
    shown = ", ".join(f"`{n}`" for n in available[:10]) + (", ..." if len(available) > 10 else "")
    return f"the {what} are {shown}." if available else f"there are no {what}."
