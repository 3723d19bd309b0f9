"""A model and its data to the arrays that every engine works on."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesml.design.arrays import Design, RandomColumns
from bayesml.design.checks import (
    check_addresses,
    check_levels,
    tell_of_constant_factors,
    tell_of_few_numbers,
    tell_of_random_terms,
    tell_of_redundant,
    tell_of_restarted_numbers,
    tell_of_text_like_numbers,
)
from bayesml.design.columns import Column, read_column
from bayesml.design.dot import with_columns
from bayesml.design.evaluation import CodedFactor, Evaluator
from bayesml.design.factors import factor_of, interaction, whole_levels
from bayesml.design.notes import Notes
from bayesml.design.predictor import predictor_columns
from bayesml.design.rank import redundant_columns
from bayesml.design.state import DesignState, Learned
from bayesml.errors import DataError, NotIdentified
from bayesml.sources.frame import read_frame, require
from bayesml.spec.expressions import Name, label, names_in
from bayesml.spec.model import Model
from bayesml.spec.terms import FixedPart, Formula, RandomTerm


def build_design(model: Model, data: Any) -> Design:
    """Arrays, levels and addresses of a model applied to data.

    Parameters
    ----------
    model : Model
    data : pandas.DataFrame, polars or pyarrow table, dict of arrays
        Only the columns that the model uses are read; nothing is changed.

    Returns
    -------
    Design
        Rows without missing values, in the order of the data. What was repaired or read in a way
        that could surprise is in `notes`, and was given as a `DataNote` warning each.

    Raises
    ------
    ColumnNotFound
        A column that is not in the data; names its nearest neighbours.
    DataError
        No rows, values that are infinite, of a wrong type or out of range; missing ones with `na="raise"`.
    NotIdentified
        A grouping factor with one level, a random term whose columns are all zero, or random effects that cannot be
        told from the residual.
    TooLarge
        More than 2000 columns in the fixed part.
    """
    frame = read_frame(data)
    formula = with_columns(model, frame.names)
    used = tuple(dict.fromkeys([*formula.names, *([model.weights] if model.weights else [])]))
    require(frame, used)
    notes = Notes()
    columns = {name: read_column(name, frame.values(name)) for name in used}
    index = frame.index
    rows = _rows_used(model, columns, len(index), notes)
    n = len(index) if rows is None else len(rows)
    evaluator = Evaluator(columns, rows, n, Learned())

    y, known_sd = _response(model, evaluator)
    everything = predictor_columns(formula.fixed, evaluator)
    redundant = redundant_columns(everything.values, n, everything.spans_ones)
    tell_of_redundant(formula.fixed, everything, redundant, evaluator, "the fixed part", notes)
    kept = tuple(j for j in range(len(everything.names)) if j not in set(redundant))
    tell_of_constant_factors(formula.fixed, everything, evaluator, "the fixed part", notes)
    tell_of_few_numbers(formula.fixed, evaluator, notes)
    tell_of_text_like_numbers(formula.fixed, evaluator, notes)

    found = [
        _random_columns(term, covariance, evaluator, notes)
        for term, covariance in zip(formula.random, model.covariance, strict=True)
    ]
    random = tuple(columns for columns, _, _ in found)
    check_levels(random, formula.random, model, evaluator)
    check_addresses(random, formula.random)
    tell_of_random_terms(random, formula.random, evaluator, notes)
    if len(random) > 1:
        tell_of_restarted_numbers(random, notes)

    return Design(
        y=y,
        fixed_columns=tuple(everything.values[j] for j in kept),
        coefficients=tuple(everything.names[j] for j in kept),
        term_columns={
            term.label: tuple(everything.names[j] for j in kept if everything.terms[j] == term.label)
            for term in formula.fixed.terms
        },
        dropped=(
            *(everything.names[j] for j in redundant),
            *(f"{name} | {columns.group}" for columns, _, names in found for name in names),
        ),
        random=random,
        weights=evaluator.column_numbers(model.weights, "`weights`") if model.weights else None,
        known_sd=known_sd,
        offset=_offset(formula, evaluator),
        index=index if rows is None else index[rows],
        response_name=model.response_name,
        rows=np.arange(n) if rows is None else rows,
        state=DesignState(
            formula,
            evaluator.learned,
            kept,
            _base_levels(formula.fixed, evaluator),
            model.weights,
            None if known_sd is None else list(model.response_arguments.values())[1],
            tuple(kept for _, kept, _ in found),
        ),
        notes=notes.warn(),
    )


def _rows_used(model: Model, columns: Mapping[str, Column], n: int, notes: Notes) -> np.ndarray | None:
    """Positions of the rows without missing values and with positive weights; None is all rows."""
    if n == 0:
        raise DataError("The data have no rows.")
    lost = None
    for column in columns.values():
        if column.missing is not None:
            lost = column.missing.copy() if lost is None else lost | column.missing
    if lost is not None and lost.any():
        count = int(lost.sum())
        by_column = ", ".join(f"`{c.name}` {int(c.missing.sum())}" for c in columns.values() if c.missing is not None)
        if model.na == "raise":
            raise DataError(f'{count} of {n} rows have a missing value ({by_column}), and `na="raise"` asks for none.')
        if count == n:
            raise DataError(f"Every row has a missing value in a column that the model uses ({by_column}).")
        notes.tell(f"Dropped {count} of {n} rows for a missing value ({by_column}).")
    else:
        lost = None
    if model.weights:
        weights = columns[model.weights].finite_numbers(None, "`weights`")
        known = weights if lost is None else weights[~lost]
        if (known < 0).any():
            raise DataError(
                f"The weights `{model.weights}` are negative in {int((known < 0).sum())} rows; they must be positive."
            )
        if (known == 0).any():
            count = int((known == 0).sum())
            notes.tell(f"Dropped {count} of {n} rows for a weight of 0.")
            lost = (weights == 0) if lost is None else lost | (weights == 0)
            if lost.all():
                raise DataError(f"No row has a positive weight `{model.weights}`.")
    return None if lost is None else np.flatnonzero(~lost)


def _response(model: Model, evaluator: Evaluator) -> tuple[np.ndarray, np.ndarray | None]:
    """The response, and the known sd of each row where the response has one."""
    (first, response), *others = model.response_arguments.items()
    for name in names_in(response):
        if evaluator.columns[name].numbers is None:
            raise DataError(
                f"The response `{label(response)}` is {_kind(evaluator.columns[name])}; the {model.family.name} family "
                "needs numbers."
            )
    y = evaluator.numbers(response)
    if not others:
        return y, None
    values = {first: y} | {name: evaluator.numbers(expression) for name, expression in others}
    if problem := model.response.problem(values):
        raise DataError(f"`{model.formula.response}`: {problem}")
    return y, values[others[0][0]]


def _kind(column: Column) -> str:
    return "a date" if column.kind == "date" else "text or categories"


def _offset(formula: Formula, evaluator: Evaluator) -> np.ndarray | None:
    """Sum of the offsets."""
    if not formula.fixed.offsets:
        return None
    return np.sum([evaluator.numbers(expression) for expression in formula.fixed.offsets], axis=0)


def _base_levels(part: FixedPart, evaluator: Evaluator) -> dict[str, str]:
    """The address that the reference level of each treatment-coded main effect would have."""
    base = {}
    for term in part.terms:
        if len(term.factors) != 1:
            continue
        block = evaluator.block(term.factors[0])
        if isinstance(block, CodedFactor) and block.contrasts.picks is not None:
            for level in set(block.full.labels) - set(block.contrasts.labels):
                base[term.label] = f"{block.name}[{level}]"
    return base


def _random_columns(
    term: RandomTerm, covariance: Any, evaluator: Evaluator, notes: Notes
) -> tuple[RandomColumns, tuple[int, ...], tuple[str, ...]]:
    """Levels, codes and columns of a random term; the places of the columns kept; the names of the others.

    A covariance matrix without restrictions gains nothing from a column that is a combination of earlier ones; under
    the others each column counts, unless it is zero in all rows.
    """
    parts = []
    for expression in term.group:
        column = evaluator.columns[expression.name] if isinstance(expression, Name) else evaluator.as_column(expression)
        whole, note = whole_levels(column, term.group_name)
        if note:
            notes.tell(note)
        parts.append(factor_of(whole, evaluator.rows if isinstance(expression, Name) else None))
    factor = interaction(parts, [label(expression) for expression in term.group])
    columns = predictor_columns(term.columns, evaluator, f"`{term}`")
    tell_of_constant_factors(term.columns, columns, evaluator, f"`{term}`", notes)
    zero = tuple(j for j, values in enumerate(columns.values) if values is not None and not values.any())
    if len(zero) == len(columns.names):
        raise NotIdentified(
            f"`{term}` has no column that differs from zero in the rows used, so there is no variance to estimate. "
            "Leave the term out."
        )
    redundant = zero
    if covariance.column_freedom == "linear" and len(columns.names) > 1:
        redundant = redundant_columns(columns.values, evaluator.n, columns.spans_ones)
    tell_of_redundant(term.columns, columns, redundant, evaluator, f"`{term}`", notes)
    kept = tuple(j for j in range(len(columns.names)) if j not in set(redundant))
    found = RandomColumns(
        term.group_name,
        factor.levels,
        factor.codes,
        tuple(columns.names[j] for j in kept),
        tuple(columns.values[j] for j in kept),
        covariance,
    )
    return found, kept, tuple(columns.names[j] for j in redundant)
