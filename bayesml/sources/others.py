"""Frames that are not pandas': polars, pyarrow and whatever else narwhals reads."""

from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from bayesml.errors import DataError
from bayesml.sources.frame import Values


class NarwhalsFrame:
    """A frame read through narwhals.

    Parameters
    ----------
    data : frame
        Eager: its rows are in memory.
    """

    def __init__(self, data: Any):
        try:
            self._frame = nw.from_native(data, eager_only=True)
        except TypeError as error:
            if "lazy" in type(data).__name__.lower():
                raise DataError("The data are lazy: collect them first, for example with `.collect()`.") from error
            raise DataError(
                f"The data are of type {type(data).__name__}; give a pandas, polars or pyarrow table, or a dict of "
                f"arrays."
            ) from error
        except nw.exceptions.DuplicateError as error:
            raise DataError(f"The data have columns of the same name; rename them or keep one. {error}") from error

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._frame.columns)

    @property
    def index(self) -> pd.Index:
        """Positions of the rows."""
        return pd.RangeIndex(len(self._frame))

    def values(self, name: str) -> Values:
        """The column as a NumPy array, or a pandas one for factors and bools with missing values."""
        series = self._frame[name]
        dtype = series.dtype
        if isinstance(dtype, nw.Enum | nw.Categorical):
            categories = dtype.categories if isinstance(dtype, nw.Enum) else _categories(series)
            return pd.Categorical(_text(series.cast(nw.String)), categories=list(categories))
        if isinstance(dtype, nw.Boolean) and series.is_null().any():
            return pd.array(series.to_list(), dtype="boolean")
        if isinstance(dtype, nw.Decimal):
            return series.cast(nw.Float64).to_numpy()
        return _text(series) if isinstance(dtype, nw.String) else series.to_numpy()


def _categories(series: nw.Series) -> list[str]:
    """Levels of a categorical column: in the order of a pyarrow dictionary, else sorted, as polars orders them."""
    native = series.to_native()
    if hasattr(native, "unify_dictionaries"):
        return native.unify_dictionaries().chunk(0).dictionary.to_pylist()
    return sorted(series.drop_nulls().cast(nw.String).unique().to_list())


def _text(series: nw.Series) -> Values:
    """A pandas array of text, without a copy where pandas keeps text in Arrow."""
    dtype = pd.StringDtype(na_value=np.nan)
    return pd.array(series.to_arrow() if dtype.storage == "pyarrow" else series.to_list(), dtype=dtype)
