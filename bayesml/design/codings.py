"""Codings: how the levels of a factor become columns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesml.errors import DataError
from bayesml.spec.expressions import Call, Literal


@dataclass(frozen=True, eq=False)
class Coding:
    """Columns of a factor.

    Parameters
    ----------
    labels : tuple of str
        What stands in brackets in the address of each column.
    matrix : ndarray (levels, columns) or None
        Row i is what level i contributes.
    picks : ndarray of int or None
        Where every column is the indicator of a level: which; `matrix` is then None.
    """

    labels: tuple[str, ...]
    matrix: np.ndarray | None = None
    picks: np.ndarray | None = None

    def column(self, j: int, codes: np.ndarray) -> np.ndarray:
        """The j-th column, shape (n,); NaN where a code is -1."""
        if self.picks is not None:
            values = (codes == self.picks[j]).astype(np.float64)
        else:
            assert self.matrix is not None
            values = self.matrix[codes, j]
        if codes.size and codes.min() < 0:
            values[codes < 0] = np.nan
        return values


def indicators(levels: pd.Index) -> Coding:
    """One column a level."""
    return Coding(tuple(map(str, levels)), picks=np.arange(len(levels)))


def contrasts(levels: pd.Index, coding: Call | None, name: str) -> Coding:
    """The columns of a factor beside an intercept, one fewer than it has levels.

    Parameters
    ----------
    levels : pandas.Index
    coding : Call or None
        `Treatment(reference)`, `Sum`, `Helmert`, `Poly`, `Simple(reference)`; None is treatment
        coding with the first level as reference, for ordered factors too.
    name : str
        The factor, for messages.
    """
    coding = coding or Call("Treatment")
    reference = _reference(levels, coding, name)
    return _CODINGS[coding.function](levels, reference)


def _reference(levels: pd.Index, coding: Call, name: str) -> int:
    if not coding.arguments:
        return 0
    (given,) = coding.arguments
    assert isinstance(given, Literal)
    value: Any = given.value
    labels = list(map(str, levels))
    if value in levels:
        return int(levels.get_loc(value))
    if str(value) in labels:
        return labels.index(str(value))
    shown = ", ".join(labels[:10]) + (", ..." if len(labels) > 10 else "")
    raise DataError(f"The reference level {value!r} of `{name}` does not occur; its levels are {shown}.")


def _treatment(levels: pd.Index, reference: int) -> Coding:
    """Each level against the reference."""
    keep = np.delete(np.arange(len(levels)), reference)
    return Coding(tuple(str(levels[i]) for i in keep), picks=keep)


def _simple(levels: pd.Index, reference: int) -> Coding:
    """Each level against the reference, the intercept being the mean of the levels."""
    keep = np.delete(np.arange(len(levels)), reference)
    return Coding(tuple(str(levels[i]) for i in keep), np.eye(len(levels))[:, keep] - 1.0 / len(levels))


def _sum(levels: pd.Index, _: int) -> Coding:
    """Each level but the last against the mean of the levels (R's contr.sum)."""
    k = len(levels)
    return Coding(tuple(map(str, levels[:-1])), np.vstack([np.eye(k - 1), -np.ones(k - 1)]))


def _helmert(levels: pd.Index, _: int) -> Coding:
    """Each level but the first against the mean of those before it (R's contr.helmert)."""
    k = len(levels)
    matrix = np.triu(-np.ones((k, k - 1)))
    matrix[np.arange(1, k), np.arange(k - 1)] = np.arange(1, k)
    return Coding(tuple(map(str, levels[1:])), matrix)


def _poly(levels: pd.Index, _: int) -> Coding:
    """Orthonormal polynomials of equally spaced levels (R's contr.poly)."""
    k = len(levels)
    scores = np.arange(k) - (k - 1) / 2
    q, r = np.linalg.qr(np.vander(scores, k, increasing=True))
    names = (".L", ".Q", ".C", *(f"^{i}" for i in range(4, k)))
    return Coding(names[: k - 1], (q * np.sign(np.diag(r)))[:, 1:])


_CODINGS: dict[str, Callable[[pd.Index, int], Coding]] = {
    "Treatment": _treatment,
    "Simple": _simple,
    "Sum": _sum,
    "Helmert": _helmert,
    "Poly": _poly,
}
