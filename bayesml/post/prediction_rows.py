"""Rows to predict for: those of the fit, or of new data."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bayesml.design.arrays import Design
from bayesml.design.columns import read_column
from bayesml.design.evaluation import Evaluator
from bayesml.design.new_rows import NewRandom, new_rows
from bayesml.errors import DataError, SpecificationError
from bayesml.results.base import Result
from bayesml.results.response_scale import trials_of
from bayesml.sources.frame import read_frame
from bayesml.spec.expressions import names_in

TRIALS = "trials"
"""Column of new rows that holds their number of trials."""


@dataclass(frozen=True, eq=False)
class PredictionRows:
    """Arrays of the rows to predict for.

    Parameters
    ----------
    X : ndarray (m, p)
    terms : tuple of NewRandom
        Empty where random effects do not matter.
    offset : ndarray (m,)
    weights : ndarray (m,) or None
        Weights w of new responses, of variance sigma² / w; None where they are all 1.
    weights_missing : bool
        The fit has weights or known sds, the new rows have none.
    index : pandas.Index
    any_level : bool
        Whether rows belong to no particular level.
    trials : ndarray (m,) or None
        Number of trials of each row; None where there are none, or they are not known.
    trials_missing : bool
        The response counts successes among trials, whose number the new rows do not have.
    times : ndarray (m,) or None
        Times at which something is predicted.
    """

    X: np.ndarray
    terms: tuple[NewRandom, ...]
    offset: np.ndarray
    weights: np.ndarray | None
    weights_missing: bool
    index: pd.Index
    any_level: bool = False
    trials: np.ndarray | None = None
    trials_missing: bool = False
    times: np.ndarray | None = None

    @property
    def complete(self) -> np.ndarray:
        """Whether all that a row needs is there (m,): no missing value, no missing level."""
        known = np.isfinite(self.X).all(axis=1) & np.isfinite(self.offset)
        for term in self.terms:
            known &= np.isfinite(term.Z).all(axis=1) & (self.any_level | (term.codes >= 0) | (term.unseen >= 0))
        return known

    def take(self, rows: np.ndarray) -> "PredictionRows":
        """Some of the rows."""
        return replace(
            self,
            X=self.X[rows],
            terms=tuple(replace(t, codes=t.codes[rows], unseen=t.unseen[rows], Z=t.Z[rows]) for t in self.terms),
            offset=self.offset[rows],
            weights=None if self.weights is None else self.weights[rows],
            index=self.index[rows],
            trials=None if self.trials is None else self.trials[rows],
            times=None if self.times is None else self.times[rows],
        )

    def at_times(self, times: np.ndarray) -> "PredictionRows":
        """Each row once for each time, in an index with the times as its last level."""
        m, count = len(self.index), len(times)
        rows = self.take(np.repeat(np.arange(m), count))
        levels = [rows.index.get_level_values(i) for i in range(rows.index.nlevels)]
        at = np.tile(times, m)
        index = pd.MultiIndex.from_arrays([*levels, at], names=[*self.index.names, "time"])
        return replace(rows, index=index, times=at)

    @property
    def random(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Codes and Z of each term."""
        return tuple((term.codes, term.Z) for term in self.terms)

    @property
    def scale_factor(self) -> np.ndarray | None:
        """Factor of the scale parameter in each row (m,); None where all are one, or not known."""
        return None if self.weights is None else self.weights**-0.5

    def response_scale(self, sigma: Any) -> Any:
        """Sd of a new response of each row."""
        self.refuse_unknown_rows()
        return sigma if self.weights is None else sigma / np.sqrt(self.weights)

    def refuse_unknown_rows(self) -> None:
        """Refuse new responses whose weight or number of trials is not known."""
        if self.weights_missing:
            raise SpecificationError(
                "A new response, or a prediction interval, needs the weight or known sd of each new row: give its "
                'column in `newdata`, or ask for the mean with `interval="confidence"`.'
            )
        if self.trials_missing:
            raise SpecificationError(
                "A new response, or a prediction interval, needs its number of trials: give it in `newdata`, in the "
                f"columns of the formula or in a column `{TRIALS}`, or ask for the mean with "
                '`interval="confidence"`.'
            )

    def proportions(self, values: np.ndarray) -> np.ndarray:
        """New responses on the scale of their mean: successes as part of their trials."""
        return values if self.trials is None else values / self.trials


def prediction_rows(result: Result, newdata: Any, random: bool, groups: bool) -> PredictionRows:
    """The rows of the fit where `newdata` is None, else those of `newdata`.

    Parameters
    ----------
    result : Result
    newdata : data frame, optional
    random : bool
        Whether the columns of the random terms are needed.
    groups : bool
        Whether the levels of the grouping factors are needed.
    """
    design = result.design
    if newdata is None:
        none = np.full(design.n, -1)
        terms = tuple(NewRandom(term.codes, none, (), term.Z) for term in design.random if random)
        offset = np.zeros(design.n) if design.offset is None else design.offset
        return PredictionRows(
            design.X, terms, offset, design.precision_weights, False, design.index, trials=trials_of(design)
        )
    new = new_rows(design, newdata, random, groups)
    offset = np.zeros(len(new.X)) if new.offset is None else new.offset
    weights = new.weights if new.known_sd is None else new.known_sd**-2.0
    missing = design.precision_weights is not None and weights is None
    trials = new_trials(result, newdata)
    return PredictionRows(
        new.X, new.random, offset, weights, missing, new.index, not groups,
        trials, trials_missing=trials_of(design) is not None and trials is None,
    )  # fmt: skip


def new_trials(result: Result, newdata: Any) -> np.ndarray | None:
    """Number of trials of each new row (m,); None where there are no trials, or their number is not given.

    It is read from the columns of the formula's left side where all that it needs are there, else from a column
    `trials`. A response of zeros and ones has one trial a row.

    Raises
    ------
    DataError
        Numbers of trials that are not whole or below 1.
    """
    if trials_of(result.design) is None:
        return None
    frame, response = read_frame(newdata), result.model.response
    m = len(frame.index)
    if not response.counts_trials:
        return np.ones(m)
    arguments = {name: own for name, own in result.model.response_arguments.items() if name in response.trials_from}
    needed = {column for own in arguments.values() for column in names_in(own)}
    if needed <= set(frame.names):
        columns = {name: read_column(name, frame.values(name)) for name in needed}
        evaluator = Evaluator(columns, None, m, result.design.state.learned, fitting=False)
        trials = response.number({name: evaluator.numbers(own) for name, own in arguments.items()})
    elif TRIALS in frame.names:
        trials = read_column(TRIALS, frame.values(TRIALS)).finite_numbers(None, f"`{TRIALS}`")
    else:
        return None
    if (bad := ~((trials >= 1) & (trials % 1 == 0))).any():
        raise DataError(
            f"The number of trials of a new row is a whole number from 1; it is {trials[bad][0]:g} in {bad.sum()} rows."
        )
    return trials


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
