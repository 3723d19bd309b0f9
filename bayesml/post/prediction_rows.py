"""Rows to predict for: those of the fit, or of new data."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesml.design.arrays import Design
from bayesml.design.new_rows import new_rows
from bayesml.errors import DataError, SpecificationError


@dataclass(frozen=True, eq=False)
class TermRows:
    """Rows of one random term.

    Parameters
    ----------
    codes : ndarray (m,)
        Level of each row; -1 where the fit has not seen it.
    unseen : ndarray (m,)
        Number of the unseen level, counted from 0; -1 where the level was seen.
    unseen_labels : tuple of str
    Z : ndarray (m, q)
    """

    codes: np.ndarray
    unseen: np.ndarray
    unseen_labels: tuple[str, ...]
    Z: np.ndarray


@dataclass(frozen=True, eq=False)
class PredictionRows:
    """Arrays of the rows to predict for.

    Parameters
    ----------
    X : ndarray (m, p)
    terms : tuple of TermRows
        Empty where random effects do not matter.
    offset : ndarray (m,) or float
    weights : ndarray (m,) or None
        Weights w of new responses, of variance sigma² / w; None where they are all 1.
    weights_missing : bool
        The fit has weights or known sds, the new rows have none.
    index : pandas.Index
    """

    X: np.ndarray
    terms: tuple[TermRows, ...]
    offset: np.ndarray | float
    weights: np.ndarray | None
    weights_missing: bool
    index: pd.Index

    @property
    def random(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Codes and Z of each term."""
        return tuple((term.codes, term.Z) for term in self.terms)

    def response_scale(self, sigma: Any) -> Any:
        """Sd of a new response of each row."""
        if self.weights_missing:
            raise SpecificationError(
                "A prediction interval needs the weight or known sd of each new row: give its column in `newdata`, or "
                'ask for `interval="confidence"`.'
            )
        return sigma if self.weights is None else sigma / np.sqrt(self.weights)


def prediction_rows(design: Design, newdata: Any, with_random: bool) -> PredictionRows:
    """The rows of the fit where `newdata` is None, else those of `newdata`."""
    if newdata is None:
        none = np.full(design.nobs, -1)
        terms = tuple(TermRows(term.codes, none, (), term.Z) for term in design.random)
        offset = 0.0 if design.offset is None else design.offset
        return PredictionRows(design.X, terms, offset, design.precision_weights, False, design.index)
    new = new_rows(design, newdata)
    raise NotImplementedError(new)


def refuse_new_levels(design: Design, rows: PredictionRows) -> None:
    """An error that names the levels that the fit has not seen."""
    for term, own in zip(design.random, rows.terms, strict=True):
        if own.unseen_labels:
            shown = ", ".join(f"`{label}`" for label in own.unseen_labels[:5])
            more = ", …" if len(own.unseen_labels) > 5 else ""
            raise DataError(
                f"Levels of `{term.group}` that the fit has not seen: {shown}{more}. "
                '`new_levels="zero"` predicts on the population line, `new_levels="draw"` draws their effects, '
                '`ranef="marginal"` averages over all levels.'
            )
