"""A model and its data to the arrays that every engine works on."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bayesml.design.arrays import Design, RandomColumns
from bayesml.design.checks import (
    check_addresses,
    check_levels,
    check_names,
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
from bayesml.design.outcome import Outcome, read_categories, read_outcome, read_values
from bayesml.design.predictor import predictor_columns
from bayesml.design.rank import redundant_columns
from bayesml.design.rows import must_be_there, rows_used
from bayesml.design.state import DesignState, Learned
from bayesml.errors import DataError, NotIdentified
from bayesml.sources.frame import read_frame, require
from bayesml.spec.expressions import Call, Name, label
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
    formula = design_formula(model, frame.names)
    used = tuple(dict.fromkeys([*formula.names, *model.extra_columns]))
    require(frame, used)
    notes = Notes()
    columns = {name: read_column(name, frame.values(name)) for name in used}
    index = frame.index
    beside = (*formula.fixed.names, *(name for term in formula.random for name in term.names), *model.extra_columns)
    rows = rows_used(model, columns, must_be_there(model, used, beside), len(index), notes)
    evaluator, outcome = _outcome(model, columns, rows, len(index), notes)
    rows, n = evaluator.rows, evaluator.n

    everything = predictor_columns(formula.fixed, evaluator)
    redundant = redundant_columns(everything.values, n, everything.spans_ones)
    tell_of_redundant(formula.fixed, everything, redundant, evaluator, "the fixed part", notes)
    apart = () if model.family.takes_intercept else (0,)  # cut points stand for the column of ones
    kept = tuple(j for j in range(len(everything.names)) if j not in {*redundant, *apart})
    tell_of_constant_factors(formula.fixed, everything, evaluator, "the fixed part", notes)
    tell_of_few_numbers(formula.fixed, evaluator, notes)
    tell_of_text_like_numbers(formula.fixed, evaluator, notes)

    frequencies = evaluator.column_numbers(model.frequencies, "`frequencies`") if model.frequencies else None
    found = [
        _random_columns(term, covariance, evaluator, notes)
        for term, covariance in zip(formula.random, model.covariance, strict=True)
    ]
    plain = tuple(columns for columns, _, _ in found)
    nobs = n if frequencies is None else float(frequencies.sum())
    check_levels(plain, formula.random, model, outcome, nobs, evaluator)
    check_addresses(plain, formula.random)
    tell_of_random_terms(plain, formula.random, evaluator, notes)
    if len(plain) > 1:
        tell_of_restarted_numbers(plain, notes)

    predictors = model.family.predictors(outcome.categories)
    several = predictors if len(predictors) > 1 else ("",)
    coefficients = tuple(of_predictor(predictor, everything.names[j]) for predictor in several for j in kept)
    check_names(coefficients, model, outcome.categories)
    random = [entering(columns, term, several) for columns, term in zip(plain, formula.random, strict=True)]
    left_out = [f"{name} | {columns.group}" for columns, _, names in found for name in names]
    return Design(
        y=outcome.arrays["y"],
        fixed_columns=tuple(everything.values[j] for j in kept) * len(several),
        coefficients=coefficients,
        term_columns={
            term.label: tuple(
                of_predictor(predictor, everything.names[j])
                for predictor in several
                for j in kept
                if everything.terms[j] == term.label
            )
            for term in formula.fixed.terms
        },
        dropped=tuple(
            of_predictor(predictor, name)
            for predictor in several
            for name in (*(everything.names[j] for j in redundant), *left_out)
        ),
        random=tuple(columns for terms in random for columns in terms),
        weights=evaluator.column_numbers(model.weights, "`weights`") if model.weights else None,
        known_sd=outcome.values["sd"] if model.response.fixes_scale else None,
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
            model.response_arguments["sd"] if model.response.fixes_scale else None,
            tuple(kept for (_, kept, _), terms in zip(found, random, strict=True) for _ in terms),
            tuple(i for i, terms in enumerate(random) for _ in terms),
        ),
        notes=notes.warn(),
        response=outcome.arrays,
        categories=outcome.categories,
        predictors=predictors,
        fixed_predictors=tuple(k for k in range(len(several)) for _ in kept) if len(several) > 1 else (),
        frequencies=frequencies,
    )


def design_formula(model: Model, available: tuple[str, ...]) -> Formula:
    """The formula whose columns are built: each `.` replaced, the exposure an offset, cut points beside an intercept.

    Factors are coded as beside an intercept where cut points stand for it, whether or not it was written.
    """
    formula = with_columns(model, available)
    if model.exposure is not None:
        exposure = Call("log", (Name(model.exposure),))
        formula = replace(formula, fixed=replace(formula.fixed, offsets=(*formula.fixed.offsets, exposure)))
    if not model.family.takes_intercept:
        formula = replace(formula, fixed=replace(formula.fixed, intercept=True))
    return formula


def _outcome(
    model: Model, columns: Mapping[str, Column], rows: np.ndarray | None, total: int, notes: Notes
) -> tuple[Evaluator, Outcome]:
    """The response, and the evaluator of the rows that say something of it."""
    evaluator = Evaluator(columns, rows, total if rows is None else len(rows), Learned())
    if model.family.outcome != "number":
        return evaluator, read_categories(model, evaluator, notes)
    values = read_values(model, evaluator, notes)
    silent = model.response.silent(values)
    if silent is not None and silent[1].any():
        why, lost = silent
        what = f"{int(lost.sum())} of {total} rows {why}"
        if model.na == "raise":
            raise DataError(f'`{model.formula.response}`: {what}, and `na="raise"` asks for none.')
        if lost.all():
            raise DataError(f"`{model.formula.response}`: every row is {why}.")
        notes.tell(f"Dropped {what}.")
        rows = np.flatnonzero(~lost) if rows is None else rows[~lost]
        evaluator = Evaluator(columns, rows, len(rows), Learned())
        values = {name: array[~lost] for name, array in values.items()}
    return evaluator, read_outcome(model, values, evaluator, notes)


def of_predictor(predictor: str, name: str) -> str:
    """The address of a column in one of several predictors: `perhaps: Days`; the name alone where there is one."""
    return f"{predictor}: {name}" if predictor else name


def entering(columns: RandomColumns, term: RandomTerm, predictors: tuple[str, ...]) -> tuple[RandomColumns, ...]:
    """The columns of a random term in the predictors that they enter.

    ========== ==============================================================
    `(x | g)`  a term for each predictor, independent of the others
    `(x |p| g)`  one term with the columns of all predictors, in one block
    `shared(x | g)`  one term whose columns enter every predictor
    ========== ==============================================================
    """
    if len(predictors) == 1:
        return (columns,)
    if term.shared:
        return (replace(columns, predictors=(-1,) * len(columns.names)),)
    each = [
        replace(
            columns,
            names=tuple(of_predictor(predictor, name) for name in columns.names),
            predictors=(k,) * len(columns.names),
        )
        for k, predictor in enumerate(predictors)
    ]
    if term.tag is None:
        return tuple(each)
    return (
        replace(
            columns,
            names=tuple(name for part in each for name in part.names),
            columns=columns.columns * len(each),
            predictors=tuple(k for part in each for k in part.predictors),
        ),
    )


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
