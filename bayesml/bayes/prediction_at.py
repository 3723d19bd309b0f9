"""Predictions that a statement names, `mean(Days=10, Subject=308)`: their rows, and their values at draws."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bayesml.design.addresses import not_found, within_predictor
from bayesml.design.arrays import Design
from bayesml.errors import ColumnNotFound, FormulaError
from bayesml.post.prediction_rows import PredictionRows, prediction_rows
from bayesml.post.quantities import Quantity, quantity
from bayesml.post.row_draws import RowDraws
from bayesml.results.base import Result
from bayesml.results.bayesian import BayesianResult
from bayesml.spec.expressions import Call, Expression, Name, label
from bayesml.spec.terms import FixedPart, RandomTerm
from bayesml.syntax.statement import At, Prediction


@dataclass(frozen=True, eq=False)
class PredictionAt:
    """A prediction of one row, at any draws of the model.

    Parameters
    ----------
    rows : PredictionRows
        One row.
    quantity : Quantity
    levels : tuple of str
        Levels whose random effects count, ``Subject = 308``; the effects of all others are 0.
    held : tuple of str
        What the columns that were not given are held at, ``age = 40.2 (mean)``.
    has_groups : bool
        Whether the model has random effects.
    """

    rows: PredictionRows
    quantity: Quantity
    levels: tuple[str, ...]
    held: tuple[str, ...]
    has_groups: bool

    @property
    def conditional(self) -> bool:
        """Whether random effects count."""
        return bool(self.levels)

    def draws(self, result: BayesianResult) -> np.ndarray:
        """Values at the draws of a result of the same model, (chain, draw)."""
        ranef = "conditional" if self.conditional else "zero"
        (block,) = RowDraws(result, self.rows, ranef, draw_new=False, seed=(0,)).blocks()
        return block.quantity(self.quantity)[:, 0].reshape(result.posterior.shape)


def prediction_at(result: Result, wanted: Prediction, text: str) -> PredictionAt:
    """The row and quantity of a prediction.

    Columns that are not given are held: numbers at their mean over the rows of the fit, factors at their reference
    level. A grouping factor that is given counts with the random effects of that level; all other effects are 0.

    Parameters
    ----------
    result : Result
    wanted : Prediction
    text : str
        The statement, for messages.

    Raises
    ------
    ColumnNotFound
        A column or level that the model does not have; the place is marked.
    FormulaError
        A value that its column cannot have, or a column that is not given and whose mean the fit does not know.
    """
    design = result.design
    columns = Columns(design)
    given = {at.column: columns.value(at, text) for at in wanted.at}
    terms = [k for k, term in enumerate(columns.terms) if set(names_of(term.group)) <= set(given)]
    held = columns.held(given, terms, wanted, text)
    conditional = bool(terms)
    cells = {name: [value] for name, value in (columns.fillers(conditional) | held | given).items()}
    rows = prediction_rows(result, cells or pd.DataFrame(index=[0]), random=conditional, groups=conditional)
    rows = replace(
        rows,
        terms=tuple(
            term if k in terms else replace(term, codes=np.full(1, -1), Z=np.zeros_like(term.Z))
            for k, term in enumerate(rows.terms)
        ),
    )
    found = asked_for(result, wanted)
    if found.times is not None:
        rows = rows.at_times(found.times)
    if found.columns:
        kind, labels = (
            ("linear", design.predictors) if found.outer == "predictor" else ("probability", design.categories)
        )
        listed = ", ".join(f"`{kind}({label}, ...)`" for label in labels[:6])
        many = "There are several linear predictors" if kind == "linear" else "A category has no mean but probabilities"
        raise FormulaError(f"{many}: name one, {listed}", *marked(text, wanted))
    levels = dict.fromkeys(f"{name} = {given[name]}" for k in terms for name in names_of(columns.terms[k].group))
    told = tuple(f"{name} = {shown(value)} ({columns.how(name)})" for name, value in held.items())
    return PredictionAt(rows, found, tuple(levels), told, bool(columns.terms))


def asked_for(result: Result, wanted: Prediction) -> Quantity:
    """The quantity, with the outcome or time that stands first in it."""
    of: Any = wanted.of or None
    if wanted.kind in ("survivor", "hazard"):
        return quantity(result, wanted.kind, times=None if of is None else number(of))
    if wanted.kind == "probability" and of is not None and not result.design.categories:
        of = number(of)
    return quantity(result, wanted.kind, outcome=of)


class Columns:
    """What a design knows of the columns of the data that it was built from."""

    def __init__(self, design: Design):
        self.design, self.state = design, design.state
        self.terms: list[RandomTerm] = [self.state.formula.random[i] for i in self.state.random_terms]

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that predictions are made from."""
        own = [*self.state.formula.fixed.names, *(name for term in self.terms for name in term.names)]
        return tuple(dict.fromkeys(own))

    def value(self, at: At, text: str) -> Any:
        """A value that was given, as its column holds it."""
        marks = text, at.position, len(at.column)
        if at.column not in self.names:
            error = FormulaError("", *marks)
            raise ColumnNotFound(f"{not_found('column of the model', at.column, self.names)}{error}")
        levels = self.levels(at.column)
        if levels is not None:
            texts = list(map(str, levels))
            if at.value not in texts:
                error = FormulaError("", *marks)
                raise ColumnNotFound(f"{not_found(f'level of `{at.column}`', at.value, texts)}{error}")
            return levels[texts.index(at.value)]
        found = number(at.value)
        if not isinstance(found, float) or not np.isfinite(found):
            raise FormulaError(f"`{at.column}` is a column of numbers; given was `{at.value}`", *marks)
        return found

    def levels(self, name: str) -> pd.Index | None:
        """Levels of a column that is a factor, or a grouping factor; None of numbers."""
        for expression in self.expressions:
            if name in names_of([expression]) and str(expression) in self.state.learned.levels:
                plain = isinstance(expression, Name) or (
                    isinstance(expression, Call) and expression.arguments[:1] == (Name(name),)
                )
                return self.state.learned.levels[str(expression)] if plain else None
        for k, term in enumerate(self.terms):
            for i, group in enumerate(term.group):
                if isinstance(group, Name) and group.name == name:
                    return self.design.random[k].levels.get_level_values(i).unique()
        return None

    @property
    def expressions(self) -> list[Expression]:
        """What the terms of the formula are products of."""
        parts: list[FixedPart] = [self.state.formula.fixed, *(term.columns for term in self.terms)]
        return [factor for part in parts for term in part.terms for factor in term.factors]

    def held(self, given: dict[str, Any], terms: list[int], wanted: Prediction, text: str) -> dict[str, Any]:
        """Values of the columns that matter and were not given."""
        needed = [*self.state.formula.fixed.names, *(n for k in terms for n in self.terms[k].columns.names)]
        found = {}
        for name in dict.fromkeys(needed):
            if name in given:
                continue
            levels = self.levels(name)
            found[name] = self.mean(name) if levels is None else self.reference(name, levels)
            if found[name] is None:
                uses = ", ".join(f"`{e}`" for e in self.expressions if name in names_of([e])) or "an offset"
                raise FormulaError(
                    f"The mean of `{name}` is not known: it enters the model as {uses}. Give its value, as in "
                    f"`{wanted.kind}({Name(name)}=1)`",
                    *marked(text, wanted),
                )
        return found

    def how(self, name: str) -> str:
        """What a column is held at, in one word."""
        return "mean" if self.levels(name) is None else "reference"

    def mean(self, name: str) -> float | None:
        """Mean of a column of numbers over the rows of the fit; None where the design does not have it."""
        design = self.design
        parts = [(design.coefficients, design.fixed_columns), *((term.names, term.columns) for term in design.random)]
        for names, columns in parts:
            for own, column in zip(names, columns, strict=True):
                if within_predictor(own, design) == name and column is not None:
                    return float(np.average(column, weights=design.frequencies))
        for transform in (f"center({Name(name)})", f"scale({Name(name)})"):
            if transform in self.state.learned.transforms:
                return float(self.state.learned.transforms[transform]["mean"])
        return None

    def reference(self, name: str, levels: pd.Index) -> Any:
        """The level that the coefficients of a factor are differences from, or the first."""
        for expression in self.expressions:
            base = self.state.base_levels.get(label(expression))
            if base is not None and name in names_of([expression]):
                texts = list(map(str, levels))
                own = base.removeprefix(f"{label(expression)}[").removesuffix("]")
                if own in texts:
                    return levels[texts.index(own)]
        return levels[0]

    def fillers(self, conditional: bool) -> dict[str, Any]:
        """Values of the columns that do not matter, but are read."""
        if not conditional:
            return {}
        out = {}
        for name in self.names:
            levels = self.levels(name)
            out[name] = 1.0 if levels is None else levels[0]
        return out


def names_of(expressions: Iterable[Expression]) -> list[str]:
    """Columns that expressions use."""
    return list(FixedPart(offsets=tuple(expressions)).names)


def number(text: str) -> float | str:
    """A text as a number, where it is one."""
    try:
        return float(text)
    except ValueError:
        return text


def shown(value: Any) -> str:
    """A value as it is printed."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def marked(text: str, wanted: Prediction) -> tuple[str, int, int]:
    """Source, position and length of a prediction, for errors."""
    return text, wanted.position, len(wanted.kind)
