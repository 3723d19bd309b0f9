"""The named arrays of a model applied to data: what every engine works on.

Rows are those used, in the order of the data. All arrays are float64 or int64 and are never
views that a caller could change. Labels are the user's own.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bayesml.covariance import Covariance


@dataclass(frozen=True, eq=False)
class RandomColumns:
    """Arrays of one random term `(columns | group)`.

    Parameters
    ----------
    group : str
        Printed name of the grouping factor, `school:class`.
    levels : pandas.Index
        The levels that occur, in the user's order, J of them; a MultiIndex for `a:b`.
    codes : ndarray of int64, shape (n,)
        Position of each row's level in `levels`.
    names : tuple of str
        Addresses of the q columns within the term: `Intercept`, `Days`, `Machine[A]`.
    columns : tuple of ndarray or None
        The q columns of Z, each of shape (n,); None is a column of ones.
    covariance : Covariance
    predictors : tuple of int
        Which linear predictor each column enters, -1 for all of them; empty where there is one.
    """

    group: str
    levels: pd.Index
    codes: np.ndarray
    names: tuple[str, ...]
    columns: tuple[np.ndarray | None, ...]
    covariance: Covariance
    predictors: tuple[int, ...] = ()

    @cached_property
    def level_labels(self) -> tuple[str, ...]:
        """The levels as text, `I:Victory` for interactions: used in addresses and coordinates."""
        if isinstance(self.levels, pd.MultiIndex):
            return tuple(":".join(map(str, level)) for level in self.levels)
        return tuple(map(str, self.levels))

    @property
    def Z(self) -> np.ndarray:
        """The columns as an array, shape (n, q)."""
        return stack(self.columns, len(self.codes))


@dataclass(frozen=True, eq=False)
class Design:
    """Arrays of a model applied to data.

    Parameters
    ----------
    y : ndarray, shape (n,)
        The response: numbers, or codes 0, 1, … of `categories`; of a trial the successes, of an interval its middle.
    fixed_columns : tuple of ndarray or None
        The p columns of X that are kept, each (n,); None is a column of ones.
    coefficients : tuple of str
        Addresses of the p columns.
    term_columns : dict of str to tuple of str
        For each fixed term, as printed, the addresses of its columns: `{"treat": ("treat[ozone]",)}`.
    dropped : tuple of str
        Addresses of columns left out because they are linear combinations of earlier ones.
    random : tuple of RandomColumns
        One for each random term of the formula, in its order.
    weights : ndarray (n,) or None
        Prior weights: the variance of a row is sigma² / weight.
    known_sd : ndarray (n,) or None
        The residual sd of each row, where it is known; sigma is then fixed at 1 and
        the variance of a row is known_sd².
    offset : ndarray (n,) or None
    index : pandas.Index
        Index of the data at the rows used.
    response_name : str
    rows : ndarray of int64 (n,)
        Positions of the rows used among the rows given.
    state : any
        What is needed to build the same columns from new data, a `bayesml.design.state.DesignState`.
    notes : tuple of str
        Repairs and readings that the user was told of.
    response : dict of str to ndarray (n,)
        All arrays that the response's density reads, `y` among them: `trials`, `status`, `lower`, `upper`, `entry`.
    categories : tuple of str
        Labels of the codes in `y`, the base first; empty for numbers.
    predictors : tuple of str
        Names of the linear predictors; one, `mu`, for most families; else one a category beside the base.
    fixed_predictors : tuple of int
        Which predictor each fixed column enters; empty where there is one.
    frequencies : ndarray (n,) or None
        How many rows each row stands for: its log density counts so often.
    """

    y: np.ndarray
    fixed_columns: tuple[np.ndarray | None, ...]
    coefficients: tuple[str, ...]
    term_columns: dict[str, tuple[str, ...]]
    random: tuple[RandomColumns, ...]
    index: pd.Index
    rows: np.ndarray
    dropped: tuple[str, ...] = ()
    weights: np.ndarray | None = None
    known_sd: np.ndarray | None = None
    offset: np.ndarray | None = None
    response_name: str = "y"
    state: Any = None
    notes: tuple[str, ...] = field(default=())
    response: dict[str, np.ndarray] = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    predictors: tuple[str, ...] = ("mu",)
    fixed_predictors: tuple[int, ...] = ()
    frequencies: np.ndarray | None = None

    @property
    def n(self) -> int:
        """Number of rows in the arrays."""
        return len(self.y)

    @property
    def nobs(self) -> int:
        """Number of rows used, n; with frequencies, of the rows that they stand for."""
        return self.n if self.frequencies is None else round(float(self.frequencies.sum()))

    @property
    def X(self) -> np.ndarray:
        """The fixed columns as an array, shape (n, p)."""
        return stack(self.fixed_columns, self.n)

    @property
    def precision_weights(self) -> np.ndarray | None:
        """w (n,) with R = sigma² diag(1/w); None where all are one."""
        return self.weights if self.known_sd is None else self.known_sd**-2.0

    @property
    def row_weights(self) -> np.ndarray | None:
        """How much each row counts in weighted cross-products (n,), w times its frequency; None where all are one."""
        weights = self.precision_weights
        if self.frequencies is None or weights is None:
            return weights if self.frequencies is None else self.frequencies
        return weights * self.frequencies


def stack(columns: tuple[np.ndarray | None, ...], n: int) -> np.ndarray:
    """Columns as an array (n, number of columns); None is a column of ones."""
    out = np.ones((n, len(columns)))
    for j, column in enumerate(columns):
        if column is not None:
            out[:, j] = column
    return out
