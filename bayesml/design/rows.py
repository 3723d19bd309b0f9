"""Which rows of the data are used."""

from collections.abc import Mapping

import numpy as np

from bayesml.design.columns import Column
from bayesml.design.notes import Notes
from bayesml.errors import DataError
from bayesml.spec.expressions import names_in
from bayesml.spec.model import Model


def rows_used(
    model: Model, columns: Mapping[str, Column], names: tuple[str, ...], n: int, notes: Notes
) -> np.ndarray | None:
    """Positions of the rows without missing values and with positive weights and frequencies; None is all rows.

    Parameters
    ----------
    model : Model
    columns : mapping of str to Column
    names : tuple of str
        Columns in which no value may be missing.
    n : int
        Number of rows of the data.
    notes : Notes
        What was dropped is told.

    Raises
    ------
    DataError
        No row is left; a value is missing and `na="raise"`; a weight, frequency or exposure out of range.
    """
    if n == 0:
        raise DataError("The data have no rows.")
    lost = None
    read = [columns[name] for name in names]
    for column in read:
        if column.missing is not None:
            lost = column.missing.copy() if lost is None else lost | column.missing
    if lost is not None and lost.any():
        count = int(lost.sum())
        by_column = ", ".join(f"`{c.name}` {int(c.missing.sum())}" for c in read if c.missing is not None)
        if model.na == "raise":
            raise DataError(f'{count} of {n} rows have a missing value ({by_column}), and `na="raise"` asks for none.')
        if count == n:
            raise DataError(f"Every row has a missing value in a column that the model uses ({by_column}).")
        notes.tell(f"Dropped {count} of {n} rows for a missing value ({by_column}).")
    else:
        lost = None
    for name, what in ((model.weights, "weight"), (model.frequencies, "frequency")):
        if name is not None:
            lost = _without_zeros(columns[name], what, lost, n, notes)
    if model.exposure is not None:
        _positive_exposure(columns[model.exposure], lost)
    return None if lost is None else np.flatnonzero(~lost)


_PLURAL = {"weight": "weights", "frequency": "frequencies"}


def _without_zeros(column: Column, what: str, lost: np.ndarray | None, n: int, notes: Notes) -> np.ndarray | None:
    """Rows lost, those with a zero among them; negative values are refused."""
    plural = _PLURAL[what]
    values = column.finite_numbers(None, f"`{plural}`")
    known = values if lost is None else values[~lost]
    if (known < 0).any():
        raise DataError(
            f"The {plural} `{column.name}` are negative in {int((known < 0).sum())} rows; they must be positive."
        )
    if not (known == 0).any():
        return lost
    notes.tell(f"Dropped {int((known == 0).sum())} of {n} rows for a {what} of 0.")
    lost = (values == 0) if lost is None else lost | (values == 0)
    if lost.all():
        raise DataError(f"No row has a positive {what} `{column.name}`.")
    return lost


def _positive_exposure(column: Column, lost: np.ndarray | None) -> None:
    """An exposure is positive: its logarithm enters the predictor."""
    values = column.finite_numbers(None, "`exposure`")
    bad = values <= 0 if lost is None else (values <= 0) & ~lost
    if bad.any():
        first = np.flatnonzero(bad)[0]
        raise DataError(
            f"The exposure `{column.name}` is {values[first]:g} in row {first} (counted from 0), one of "
            f"{int(bad.sum())} rows in which it is not positive; a row without exposure has no count. Drop these rows."
        )


def must_be_there(model: Model, used: tuple[str, ...], elsewhere: tuple[str, ...]) -> tuple[str, ...]:
    """Columns in which no value may be missing: all but those only found in arguments where that says something.

    Parameters
    ----------
    model : Model
    used : tuple of str
        Every column that is used.
    elsewhere : tuple of str
        Those used beside the left side.
    """
    response = model.response
    strict = set(elsewhere)
    for name, expression in model.response_arguments.items():
        if name not in response.missing_allowed:
            strict |= set(names_in(expression))
    return tuple(name for name in used if name in strict)
