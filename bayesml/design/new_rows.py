"""The columns of a fitted design, built from new rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesml.design.arrays import Design, RandomColumns, stack
from bayesml.design.columns import Column, read_column
from bayesml.design.evaluation import Evaluator
from bayesml.design.factors import codes_of_known, whole_levels
from bayesml.design.predictor import predictor_columns
from bayesml.design.state import DesignState
from bayesml.errors import DataError
from bayesml.sources.frame import Frame, read_frame, require
from bayesml.spec.expressions import Name, label
from bayesml.spec.terms import RandomTerm


@dataclass(frozen=True, eq=False)
class NewRandom:
    """New rows of one random term.

    Parameters
    ----------
    codes : ndarray of int64 (m,)
        Position of each row's level among those of the fit; -1 where the fit has not seen it.
    unseen : ndarray of int64 (m,)
        Number of the unseen level, counted from 0 in order of appearance; -1 where the level was seen or is missing.
    unseen_labels : tuple of str
        The levels that the fit has not seen, `I:Victory` for interactions.
    Z : ndarray (m, q)
    """

    codes: np.ndarray
    unseen: np.ndarray
    unseen_labels: tuple[str, ...]
    Z: np.ndarray


@dataclass(frozen=True, eq=False)
class NewRows:
    """New rows of a fitted design.

    Parameters
    ----------
    X : ndarray (m, p)
        NaN where a column of the row is missing.
    random : tuple of NewRandom
        One for each random term; empty where they were not asked for.
    offset : ndarray (m,) or None
    weights, known_sd : ndarray (m,) or None
        None where the fit has none, or the new rows do not have its columns.
    index : pandas.Index
    """

    X: np.ndarray
    random: tuple[NewRandom, ...]
    offset: np.ndarray | None
    weights: np.ndarray | None
    known_sd: np.ndarray | None
    index: pd.Index


def new_rows(design: Design, newdata: Any, random: bool = True, groups: bool = True) -> NewRows:
    """Columns of the fit for new rows, with the levels and transforms that the fit learnt.

    Parameters
    ----------
    design : Design
        Of the fit.
    newdata : pandas.DataFrame, polars or pyarrow table, dict of arrays
        The response is not needed.
    random : bool, default True
        Whether the columns of the random terms are needed too.
    groups : bool, default True
        Whether the levels of the random terms are needed; without them all codes are -1, and `newdata`
        needs no column of the grouping factors.

    Raises
    ------
    ColumnNotFound
        A column that is not there.
    DataError
        A level of a factor of the fixed part that the fit has not seen. Levels of grouping factors may be new.
    """
    state: DesignState = design.state
    formula, frame = state.formula, read_frame(newdata)
    terms_read = formula.random if random else ()
    random_names = (n for term in terms_read for n in (term.names if groups else term.columns.names))
    needed = tuple(dict.fromkeys([*formula.fixed.names, *random_names]))
    require(frame, needed)
    columns = {name: read_column(name, frame.values(name)) for name in needed}
    index = frame.index
    evaluator = Evaluator(columns, None, len(index), state.learned, fitting=False)
    everything = predictor_columns(formula.fixed, evaluator)
    repeats = len(design.predictors) if design.fixed_predictors else 1
    X = stack(tuple(everything.values[j] for j in state.kept) * repeats, len(index))
    terms = tuple(
        _new_random(formula.random[i], fitted, kept, evaluator)
        if groups
        else _any_level(formula.random[i], fitted, kept, evaluator)
        for i, fitted, kept in zip(state.random_terms, design.random, state.random_kept, strict=True)
        if random
    )
    offset = None
    if formula.fixed.offsets:
        offset = np.sum([evaluator.numbers(expression) for expression in formula.fixed.offsets], axis=0)
    weights = _if_there(frame, state.weights) if design.weights is not None else None
    known_sd = _known_sd(state, frame) if design.known_sd is not None else None
    return NewRows(X, terms, offset, weights, known_sd, index)


def _new_random(term: RandomTerm, fitted: RandomColumns, kept: tuple[int, ...], evaluator: Evaluator) -> NewRandom:
    """Codes of the levels that the fit has seen, numbers of the others, and the columns."""
    groups = [_group_column(expression, term, evaluator) for expression in term.group]
    n = evaluator.n
    codes = np.zeros(n, dtype=np.int64)
    missing = np.zeros(n, dtype=bool)
    seen = np.ones(n, dtype=bool)
    fitted_codes = np.zeros(len(fitted.levels), dtype=np.int64)
    for i, column in enumerate(groups):
        part = fitted.levels.get_level_values(i)
        levels = part.unique()
        own, lost = codes_of_known(column, levels)
        codes = codes * len(levels) + own
        fitted_codes = fitted_codes * len(levels) + levels.get_indexer(part)
        missing |= lost
        seen &= own >= 0
    position = pd.Index(fitted_codes).get_indexer(np.where(seen, codes, -1)).astype(np.int64)
    new = np.flatnonzero((position < 0) & ~missing)
    texts = [":".join(str(_plain(column.values[i])) for column in groups) for i in new]
    numbers, labels = pd.factorize(np.array(texts, dtype=object))
    unseen = np.full(n, -1, dtype=np.int64)
    unseen[new] = numbers
    return NewRandom(position, unseen, tuple(map(str, labels)), _kept_columns(term, fitted, kept, evaluator))


def _any_level(term: RandomTerm, fitted: RandomColumns, kept: tuple[int, ...], evaluator: Evaluator) -> NewRandom:
    """The columns of a random term without levels."""
    none = np.full(evaluator.n, -1, dtype=np.int64)
    return NewRandom(none, none, (), _kept_columns(term, fitted, kept, evaluator))


def _kept_columns(term: RandomTerm, fitted: RandomColumns, kept: tuple[int, ...], evaluator: Evaluator) -> np.ndarray:
    """The columns of a random term that the fit kept, (m, q), once for each predictor that a tag joins."""
    values = predictor_columns(term.columns, evaluator).values
    repeats = len(fitted.names) // len(kept)
    return stack(tuple(values[j] for j in kept) * repeats, evaluator.n)


def _group_column(expression: Any, term: RandomTerm, evaluator: Evaluator) -> Column:
    column = evaluator.columns[expression.name] if isinstance(expression, Name) else evaluator.as_column(expression)
    return whole_levels(column, term.group_name)[0]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) and value.dtype.kind in "iufb" else value


def _if_there(frame: Frame, name: str | None) -> np.ndarray | None:
    if name is None or name not in frame.names:
        return None
    return read_column(name, frame.values(name)).finite_numbers(None, "`weights`")


def _known_sd(state: DesignState, frame: Frame) -> np.ndarray | None:
    """The known sds of new rows, where their columns are there."""
    if state.known_sd is None or not set(state.known_sd_names) <= set(frame.names):
        return None
    columns = {name: read_column(name, frame.values(name)) for name in state.known_sd_names}
    values = Evaluator(columns, None, len(frame.index), state.learned, fitting=False).numbers(state.known_sd)
    if (values <= 0).any():
        raise DataError(f"`{label(state.known_sd)}` must be positive.")
    return values
