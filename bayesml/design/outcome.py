"""The response of each row: numbers, codes of categories, and what else its density reads."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesml.design.columns import Column
from bayesml.design.evaluation import Evaluator, OpenEvaluator
from bayesml.design.factors import Factor, factor_of, whole_number_factor
from bayesml.design.notes import Notes
from bayesml.errors import DataError, NotIdentified
from bayesml.families import FAMILIES
from bayesml.spec.expressions import Call, Expression, Name, label, names_in
from bayesml.spec.model import Model

_SHOWN = 12


@dataclass(frozen=True, eq=False)
class Outcome:
    """The response at the rows used.

    Parameters
    ----------
    arrays : dict of str to ndarray (n,)
        What the density reads, `y` among them.
    values : dict of str to ndarray (n,)
        The arguments of the left side, as they were given.
    categories : tuple of str
        Labels of the codes in `y`, in their order; empty for numbers.
    one_trial : bool
        Whether each row holds one of two or more categories: rows then say nothing of a variance of their own.
    """

    arrays: dict[str, np.ndarray]
    values: dict[str, np.ndarray]
    categories: tuple[str, ...] = ()
    one_trial: bool = False


def read_values(model: Model, evaluator: Evaluator, notes: Notes) -> dict[str, np.ndarray]:
    """Numbers of the arguments of the left side; NaN where missing or None in those in which that says something.

    Raises
    ------
    DataError
        Text where numbers are needed, a text that is no code, values that are infinite.
    """
    response, family = model.response, model.family
    values = {}
    open_evaluator = OpenEvaluator(evaluator.columns, evaluator.rows, evaluator.n, evaluator.learned)
    for name, expression in model.response_arguments.items():
        if name == response.subject and family.reads_two_levels and (levels := _two_levels(expression, evaluator)):
            values[name] = _successes(levels, expression, notes)
            continue
        if name in response.codes and isinstance(expression, Name):
            column = evaluator.columns[expression.name]
            if column.kind == "labels":
                values[name] = _coded(column, evaluator.rows, response.codes[name])
                continue
        _require_numbers(model, expression, evaluator)
        chosen = open_evaluator if name in response.missing_allowed else evaluator
        values[name] = chosen.numbers(expression)
    return values


def read_outcome(model: Model, values: Mapping[str, np.ndarray], evaluator: Evaluator, notes: Notes) -> Outcome:
    """The response, checked against its own rules and the support of the family.

    Raises
    ------
    DataError
        Which rows hold which values, and what is allowed.
    """
    response, family = model.response, model.family
    for problem in response.problems(values):
        if problem.rows.any():
            raise DataError(_said(model, problem.allowed, problem.rows, values, evaluator))
    for reading in response.told(values):
        if reading.rows.any():
            notes.tell(f"`{model.formula.response}`: {reading.allowed} ({int(reading.rows.sum())} rows).")
    arrays = response.arrays(values, family.support)
    if family.takes_trials and "trials" not in arrays:
        arrays["trials"] = np.ones(evaluator.n)
        _refuse(model, (arrays["y"] == 0) | (arrays["y"] == 1), arrays["y"], evaluator, (
            "0 and 1 where no number of trials is given; write `cbind(success, failure)` or `p(success, n)`"
        ))  # fmt: skip
    _refuse(model, family.allows(arrays["y"]), arrays["y"], evaluator, family.allowed)
    _refuse_one_sided(model, arrays)
    one_trial = family.reads_two_levels and bool(np.all(arrays.get("trials", 1.0) == 1.0))
    return Outcome(arrays, dict(values), one_trial=one_trial)


def read_categories(model: Model, evaluator: Evaluator, notes: Notes) -> Outcome:
    """The codes of a response of categories, in the order of the family.

    The order is that of a categorical column, or of numbers; text is sorted, and told where order matters.

    Raises
    ------
    DataError
        Numbers that are not whole.
    NotIdentified
        One category only.
    """
    expression, family = next(iter(model.response_arguments.values())), model.family
    factor, sorted_text = _categories(expression, evaluator, notes)
    if len(factor.levels) < 2:
        raise NotIdentified(
            f"The response `{label(expression)}` has one category in the rows used, {factor.labels[0]!r}: there is "
            "nothing to tell apart."
        )
    given = factor.labels
    if len(set(given)) < len(given):
        raise DataError(f"Two categories of the response `{label(expression)}` have the same label; rename one.")
    if family.outcome == "ordered" and sorted_text:
        notes.tell(
            f"The response `{label(expression)}` has no order of its own; the order taken is {_listed(given, ' < ')}. "
            "Make it an ordered categorical for another."
        )
    categories = family.arrange(given)
    place = {category: code for code, category in enumerate(categories)}
    y = np.array([place[category] for category in given], dtype=np.float64)[factor.codes]
    return Outcome({"y": y}, {model.response.subject: y}, categories, one_trial=True)


def _categories(expression: Expression, evaluator: Evaluator, notes: Notes) -> tuple[Factor, bool]:
    """The factor that a response is, and whether its order is only that of its sorted texts."""
    column = evaluator.as_column(expression)
    rows = evaluator.rows if column.name in evaluator.columns else None
    if column.kind == "number" and not column.whole and column.numbers is not None:
        numbers = column.numbers if rows is None else column.numbers[rows]
        bad = np.flatnonzero(~(np.isfinite(numbers) & (numbers == np.round(numbers))))
        if len(bad):
            row = bad[0] if evaluator.rows is None else evaluator.rows[bad[0]]
            raise DataError(
                f"The response `{label(expression)}` is {numbers[bad[0]]:g} in row {row} (counted from 0), but its "
                "values are categories: give whole numbers, text or a categorical column."
            )
        return whole_number_factor(np.asarray(numbers).astype(np.int64)), False
    factor = factor_of(column, rows)
    if not isinstance(column.values, pd.Categorical):
        return (_by_number(factor), True) if column.kind == "labels" else (factor, False)
    unused = [str(level) for level in column.values.categories if level not in factor.levels]
    if unused:
        notes.tell(
            f"No row used has the {'category' if len(unused) == 1 else 'categories'} {_listed(unused, ', ')} of the "
            f"response `{label(expression)}`; left out."
        )
    levels = [str(level) for level in factor.levels]
    numeric = pd.to_numeric(pd.Series(levels), errors="coerce").notna().all()
    return factor, not (column.values.ordered or numeric or levels != sorted(levels))


def _by_number(factor: Factor) -> Factor:
    """Text that are all numbers in the order of these numbers, `2` before `10`."""
    numbers = pd.to_numeric(pd.Series(factor.labels), errors="coerce").to_numpy()
    if np.isnan(numbers).any():
        return factor
    order = np.argsort(numbers, kind="stable")
    return Factor(np.argsort(order)[factor.codes], factor.levels[order])


def _listed(labels: tuple[str, ...] | list[str], between: str) -> str:
    shown = [repr(text) for text in labels[:_SHOWN]]
    return between.join(shown) + (f"{between}…" if len(labels) > _SHOWN else "")


def _two_levels(expression: Expression, evaluator: Evaluator) -> Factor | None:
    """The factor of a column of labels."""
    if not isinstance(expression, Name) or evaluator.columns[expression.name].kind != "labels":
        return None
    return factor_of(evaluator.columns[expression.name], evaluator.rows)


def _successes(factor: Factor, expression: Expression, notes: Notes) -> np.ndarray:
    """1 for the second of two levels."""
    labels = factor.labels
    if len(labels) != 2:
        what = f"one level, {labels[0]!r}" if len(labels) == 1 else f"{len(labels)} levels, {_listed(labels, ', ')}"
        families = ", ".join(f'"{family.name}"' for family in FAMILIES.values() if family.outcome != "number")
        raise DataError(
            f"The response `{label(expression)}` has {what} in the rows used; a response of two has two."
            + (f" Families of more categories: {families}." if len(labels) > 2 and families else "")
        )
    notes.tell(f"The response `{label(expression)}` is read as 1 for {labels[1]!r} and 0 for {labels[0]!r}.")
    return factor.codes.astype(np.float64)


def _coded(column: Column, rows: np.ndarray | None, codes: Mapping[str, float]) -> np.ndarray:
    """Texts that stand for numbers."""
    factor = factor_of(column, rows)
    texts = [text.lower() for text in factor.labels]
    if unknown := [text for text, lower in zip(factor.labels, texts, strict=True) if lower not in codes]:
        allowed = ", ".join(f"{text!r} or {value:g}" for text, value in codes.items())
        raise DataError(f"`{column.name}` holds {unknown[0]!r}; allowed are {allowed}.")
    return np.array([codes[text] for text in texts], dtype=np.float64)[factor.codes]


def _refuse_one_sided(model: Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Refuse data of which every row is only known to be above its limit, or every row below."""
    status = arrays.get("status")
    if status is None:
        return
    for code, side in ((1.0, "above"), (-1.0, "below")):
        if (status == code).all():
            raise NotIdentified(
                f"`{model.formula.response}`: every row is censored and known only to lie {side} its limit, so the "
                f"likelihood grows without end. Rows that are observed are needed."
            )


def _require_numbers(model: Model, expression: Expression, evaluator: Evaluator) -> None:
    """Refuse text, but where it is compared."""
    match expression:
        case Call("==" | "!="):
            return
    for name in names_in(expression):
        column = evaluator.columns[name]
        if column.numbers is not None:
            continue
        kind = "a date" if column.kind == "date" else "text or categories"
        advice = ""
        if column.kind == "labels" and model.response.name is None:
            families = [f.name for f in FAMILIES.values() if f.outcome != "number" or f.reads_two_levels]
            advice = f" Families of categories: {', '.join(families)}." if families else ""
        raise DataError(
            f"The response `{label(expression)}` is {kind}; the {model.family.name} family needs numbers.{advice}"
        )


def _refuse(model: Model, possible: np.ndarray, y: np.ndarray, evaluator: Evaluator, allowed: str) -> None:
    """Refuse values that the family does not allow."""
    bad = np.flatnonzero(~possible)
    if len(bad):
        row = bad[0] if evaluator.rows is None else evaluator.rows[bad[0]]
        raise DataError(
            f"The response `{model.response_name}` is {y[bad[0]]:g} in row {row} (counted from 0), one of {len(bad)} "
            f"rows; the {model.family.name} family allows {allowed}."
        )


def _said(model: Model, allowed: str, bad: np.ndarray, values: Mapping[str, np.ndarray], evaluator: Evaluator) -> str:
    """What is allowed, in which row it is not so, and what stands there."""
    first = np.flatnonzero(bad)[0]
    row = first if evaluator.rows is None else evaluator.rows[first]
    given = model.response_arguments
    shown = ", ".join(
        f"`{label(given[name])}` = {array[first]:g}" for name, array in values.items() if names_in(given[name])
    )
    return (
        f"`{model.formula.response}`: {allowed}; it is not so in {int(bad.sum())} rows, first in row {row} (counted "
        f"from 0), where {shown}."
    )
