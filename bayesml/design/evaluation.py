"""Evaluation of the expressions of a formula over columns: numbers or factors."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bayesml.design.codings import Coding, contrasts, indicators
from bayesml.design.columns import Column
from bayesml.design.factors import Factor, codes_of_known, factor_of
from bayesml.design.state import Learned
from bayesml.design.transforms import ROWWISE, SEVERAL_COLUMNS, TRANSFORMS
from bayesml.errors import DataError
from bayesml.spec.expressions import OPERATORS, Call, Expression, Literal, Name, label, names_in
from bayesml.spec.functions import FUNCTIONS, STATEFUL, VECTOR
from bayesml.spec.terms import FixedPart

_COMPARISONS = frozenset(operator for operator, binds in OPERATORS.items() if binds == 1)


@dataclass(frozen=True, eq=False)
class Numbers:
    """Columns of numbers that an expression stands for, (n,) each, and what follows its text in their addresses."""

    columns: tuple[np.ndarray, ...]
    suffixes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class CodedFactor:
    """A factor that an expression stands for, and how its levels become columns."""

    name: str
    factor: Factor
    coding: Call | None

    @cached_property
    def full(self) -> Coding:
        """A column for each level."""
        return indicators(self.factor.levels)

    @cached_property
    def contrasts(self) -> Coding:
        """One column fewer."""
        return contrasts(self.factor.levels, self.coding, self.name)


Block = Numbers | CodedFactor


class Evaluator:
    """Expressions over columns at the rows used; each is evaluated once.

    Parameters
    ----------
    columns : mapping of str to Column
    rows : ndarray of int or None
        Positions of the rows used, None for all.
    n : int
        Number of rows used.
    learned : Learned
        Filled while fitting; read for new rows.
    fitting : bool
        Whether transforms and levels are learnt from these rows.
    """

    def __init__(
        self, columns: Mapping[str, Column], rows: np.ndarray | None, n: int, learned: Learned, fitting: bool = True
    ):
        self.columns, self.rows, self.n, self.learned, self.fitting = columns, rows, n, learned, fitting
        self._blocks: dict[Expression, Block] = {}
        self._numbers: dict[str, np.ndarray] = {}

    def block(self, expression: Expression) -> Block:
        """What a factor of a term stands for: numbers or a factor."""
        if expression not in self._blocks:
            self._blocks[expression] = self._block(expression)
        return self._blocks[expression]

    def _block(self, expression: Expression) -> Block:
        match expression:
            case Name(name):
                # what a column is was settled by the fit: levels that look like numbers may be numbers in new rows
                labelled = self.columns[name].kind in ("labels", "flag")
                if labelled if self.fitting else str(expression) in self.learned.levels:
                    return CodedFactor(name, self.factor(expression), None)
                return Numbers((self.column_numbers(name, "a term of the formula"),), ("",))
            case Call("C", (inner, *coding), options):
                chosen = coding[0] if coding else dict(options).get("coding")
                assert chosen is None or isinstance(chosen, Call)
                return CodedFactor(str(expression), self.coded(expression, inner, dict(options).get("levels")), chosen)
            case Call("I", (Call(function),)) if function in _COMPARISONS:
                return CodedFactor(str(expression), self.factor(expression), None)
            case Call(function) if function in STATEFUL:
                columns = self.transform(expression)
                if function not in SEVERAL_COLUMNS:
                    return Numbers(tuple(columns), ("",))
                return Numbers(tuple(columns), tuple(f"[{i + 1}]" for i in range(len(columns))))
            case _:
                return Numbers((self.numbers(expression),), ("",))

    def text_like_numbers(self, part: FixedPart) -> str:
        """What to do about columns of a predictor that are text, but look like numbers; empty where there are none."""
        names = dict.fromkeys(f.name for term in part.terms for f in term.factors if isinstance(f, Name))
        found = [f"`{name}`" for name in names if self.columns[name].looks_like_numbers]
        if not found:
            return ""
        if len(found) == 1:
            return f"{found[0]} is text that looks like numbers: convert it."
        return f"{', '.join(found)} are text that looks like numbers: convert them."

    # -- numbers --------------------------------------------------------------------------------

    def column_numbers(self, name: str, use: str) -> np.ndarray:
        """A column as float64, (n,), one copy for all uses."""
        if name not in self._numbers:
            self._numbers[name] = self.columns[name].finite_numbers(self.rows, use)
        return self._numbers[name]

    def numbers(self, expression: Expression) -> np.ndarray:
        """A numeric expression, (n,), finite wherever its columns are there.

        Raises
        ------
        DataError
            Text where numbers are needed, or a result that is not finite: log(0), 1/0, an overflow.
        """
        if isinstance(expression, Name):
            return self.column_numbers(expression.name, "the model")
        with np.errstate(all="ignore"):
            values = np.asarray(self._arithmetic(expression, str(expression)), dtype=np.float64)
        if values.ndim == 0:
            values = np.full(self.n, float(values))
        bad = ~np.isfinite(values)
        if bad.any():
            for name in names_in(expression):
                bad &= np.isfinite(self.column_numbers(name, str(expression)))
            if bad.any():
                raise DataError(self._not_finite(expression, np.flatnonzero(bad)))
        return values

    def _not_finite(self, expression: Expression, places: np.ndarray) -> str:
        first = places[0]
        row = first if self.rows is None else self.rows[first]
        names = names_in(expression)
        inputs = ", ".join(f"{name} = {self.column_numbers(name, '')[first]:g}" for name in names)
        return (
            f"`{expression}` is not finite in {len(places)} rows, first in row {row} (counted from 0), where {inputs}."
        )

    def _arithmetic(self, expression: Expression, use: str) -> Any:
        match expression:
            case Name(name):
                return self.column_numbers(name, f"`{use}`")
            case Literal(str() | None):
                raise DataError(f"`{expression}` in `{use}` is not a number.")
            case Literal(value):
                return value
            case Call(function) if function in TRANSFORMS:
                return self.transform(expression)[0]
            case Call(function, arguments) if function in _COMPARISONS:
                return self._comparison(function, arguments, use)
            case Call(function, arguments, options):
                inputs = [self._arithmetic(a, use) for a in arguments]
                return ROWWISE[function](*inputs, **{k: self._arithmetic(v, use) for k, v in options})
        raise AssertionError(expression)

    def _comparison(self, function: str, arguments: tuple[Expression, ...], use: str) -> Any:
        """Numbers are compared with numbers, a factor's labels with text."""
        match arguments:
            case (Name(name), Literal(str() as text)) if self.columns[name].kind == "labels" and function in (
                "==",
                "!=",
            ):
                values = pd.Series(
                    self.columns[name].values if self.rows is None else self.columns[name].values[self.rows]
                )
                return ROWWISE[function](
                    values.astype(object).map(str, na_action="ignore").to_numpy(dtype=object), text
                )
        left, right = (self._arithmetic(a, use) for a in arguments)
        return ROWWISE[function](left, right)

    def transform(self, expression: Call) -> list[np.ndarray]:
        """Columns of a stateful transform, which is learnt while fitting."""
        inner, options = bound(expression)
        x = self.numbers(inner)
        transform, key = TRANSFORMS[expression.function], str(expression)
        if key not in self.learned.transforms:
            assert self.fitting
            try:
                self.learned.transforms[key] = transform.learn(x, options)
            except DataError as error:
                raise DataError(f"{error} In `{key}`.") from error
        return transform.apply(x, options, self.learned.transforms[key])

    # -- factors --------------------------------------------------------------------------------

    def factor(self, expression: Expression, column: Column | None = None) -> Factor:
        """The factor of a column or of computed values; codes of -1 where new rows are missing.

        Raises
        ------
        DataError
            A level in new rows that the fit did not see.
        """
        key = str(expression)
        if column is None:
            column = self.as_column(expression)
        if self.fitting:
            factor = factor_of(column, self.rows if column.name in self.columns else None)
            self.learned.levels[key] = factor.levels
            return factor
        levels = self.learned.levels[key]
        codes, missing = codes_of_known(column, levels)
        unseen = (codes < 0) & ~missing
        if unseen.any():
            level = pd.Series(column.values)[np.flatnonzero(unseen)[0]]
            shown = ", ".join(map(str, levels[:10])) + (", ..." if len(levels) > 10 else "")
            raise DataError(
                f"The level {str(level)!r} of `{label(expression)}` did not occur in the fit; it had {shown}."
            )
        return Factor(codes, levels)

    def as_column(self, expression: Expression) -> Column:
        """The column that an expression is as a factor, before its levels are taken."""
        if isinstance(expression, Name):
            column = self.columns[expression.name]
            if column.kind == "number" and not column.whole and column.numbers is not None:
                return self._computed(expression, column.numbers if self.rows is None else column.numbers[self.rows])
            return column
        match expression:
            case Call("I", (Call(function) as comparison,)) | (Call(function) as comparison) if (
                function in _COMPARISONS
            ):
                flags = np.asarray(self._arithmetic(comparison, str(expression)))
                missing = np.zeros(self.n, dtype=bool)
                for name in names_in(expression):
                    if self.columns[name].missing is not None and not self.fitting:
                        missing |= self.columns[name].missing
                return Column("", "flag", np.broadcast_to(flags, (self.n,)).astype(bool), None, missing)
        return self._computed(expression, self.numbers(expression))

    def _computed(self, expression: Expression, values: np.ndarray) -> Column:
        """Computed numbers as labels, whole numbers where they all are."""
        missing = np.isnan(values)
        known = values[~missing]
        if np.all(known == np.round(known)) and np.all(np.abs(known) < 2**53):
            values = np.where(missing, 0, values).astype(np.int64)
        return Column("", "number", values, values, missing)

    def coded(self, expression: Expression, inner: Expression, order: Expression | None) -> Factor:
        """The factor of `C(inner)`, its levels in a given order where there is one."""
        factor = self.factor(expression, self.as_column(inner))
        if order is None or not self.fitting:
            return factor
        assert isinstance(order, Call) and order.function == VECTOR
        wanted = [str(value.value) for value in order.arguments if isinstance(value, Literal)]
        if sorted(wanted) != sorted(factor.labels):
            raise DataError(
                f"`levels` of `{expression}` must list each level that occurs once: {', '.join(factor.labels)}."
            )
        position = np.array([wanted.index(text) for text in factor.labels])
        factor = Factor(position[factor.codes], factor.levels[np.argsort(position)])
        self.learned.levels[str(expression)] = factor.levels
        return factor


class OpenEvaluator(Evaluator):
    """Expressions in which a value that is missing, infinite or None says something: no value is refused."""

    def column_numbers(self, name: str, use: str) -> np.ndarray:
        numbers = self.columns[name].numbers
        if numbers is None:
            return super().column_numbers(name, use)
        if name not in self._numbers:
            self._numbers[name] = np.array(numbers if self.rows is None else numbers[self.rows], dtype=np.float64)
        return self._numbers[name]

    def numbers(self, expression: Expression) -> np.ndarray:
        match expression:
            case Literal(None):
                return np.full(self.n, np.nan)
            case Name(name):
                return self.column_numbers(name, "the model")
        with np.errstate(all="ignore"):
            values = np.asarray(self._arithmetic(expression, str(expression)), dtype=np.float64)
        return np.full(self.n, float(values)) if values.ndim == 0 else values


def bound(call: Call) -> tuple[Expression, dict[str, Any]]:
    """What a function is applied to, and its other arguments as plain values by name."""
    names = FUNCTIONS[call.function].arguments
    given = dict(zip(names, call.arguments, strict=False)) | dict(call.options)
    inner = given.pop(names[0])
    return inner, {name: _plain(value) for name, value in given.items()}


def _plain(expression: Expression) -> Any:
    match expression:
        case Literal(value):
            return value
        case Call(function, arguments) if function == VECTOR:
            return tuple(_plain(a) for a in arguments)
    raise AssertionError(expression)
