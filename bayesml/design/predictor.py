"""Columns of a linear predictor: terms to addresses and numbers, by R's rules."""

from dataclasses import dataclass

import numpy as np

from bayesml.design.codings import Coding
from bayesml.design.evaluation import CodedFactor, Evaluator, Numbers
from bayesml.errors import SpecificationError, TooLarge
from bayesml.spec.expressions import Expression, label
from bayesml.spec.terms import FixedPart

MOST_COLUMNS = 2000
"""More columns than these in one predictor are refused."""

MOST_BYTES = 8 * 2**30
"""Columns of one predictor that would fill more than these are refused."""


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of a predictor.

    Parameters
    ----------
    names : tuple of str
        Addresses.
    values : tuple of ndarray (n,) or None
        None is the column of ones.
    terms : tuple of str
        The term, by label, that each column belongs to; `"Intercept"` for the intercept.
    spans_ones : bool
        Whether a combination of them is constant by construction.
    """

    names: tuple[str, ...]
    values: tuple[np.ndarray | None, ...]
    terms: tuple[str, ...]
    spans_ones: bool


def predictor_columns(part: FixedPart, evaluator: Evaluator, where: str = "The fixed part") -> Columns:
    """Columns of the terms of a predictor; the first factor of an interaction varies fastest.

    Parameters
    ----------
    part : FixedPart
    evaluator : Evaluator
    where : str
        What the predictor is, for messages.

    Raises
    ------
    TooLarge
        More than 2000 columns or 8 GiB, before any is made; names the factor with the most levels.
    SpecificationError
        Two columns with the same address.
    """
    names: list[str] = ["Intercept"] if part.intercept else []
    values: list[np.ndarray | None] = [None] if part.intercept else []
    terms: list[str] = list(names)
    spans_ones = part.intercept
    if not part.terms:
        return Columns(tuple(names), tuple(values), tuple(terms), spans_ones)

    full = full_dummies(part, evaluator)
    _check_size(part, evaluator, full, where)
    for term, dummies in zip(part.terms, full, strict=True):
        cells: list[tuple[str, np.ndarray | None]] = [("", None)]
        for factor, dummy in zip(term.factors, dummies, strict=True):
            cells = [
                (f"{left}:{right}" if left else right, column if so_far is None else so_far * column)
                for right, column in _factor_columns(factor, evaluator, dummy)
                for left, so_far in cells
            ]
        names += [name for name, _ in cells]
        values += [column for _, column in cells]
        terms += [term.label] * len(cells)
        spans_ones = spans_ones or all(dummies)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SpecificationError(
            f"Two columns of the model have the same address `{twice}`; rename a column of the data."
        )
    return Columns(tuple(names), tuple(values), tuple(terms), spans_ones)


def full_dummies(part: FixedPart, evaluator: Evaluator) -> list[tuple[bool, ...]]:
    """For each factor of each term, whether it has a column for every level (R's rule).

    A factor is coded by contrasts in a term if what remains of the term without it is part of an
    earlier term (or is empty), else by a column for each level. Without an intercept the first
    factor of the first term that has one gets all its levels.
    """
    is_factor = [[isinstance(evaluator.block(f), CodedFactor) for f in term.factors] for term in part.terms]
    sets = [frozenset(term.factors) for term in part.terms]
    full: list[list[bool]] = []
    for t, term in enumerate(part.terms):
        row = []
        for factor, categorical in zip(term.factors, is_factor[t], strict=True):
            rest = sets[t] - {factor}
            row.append(categorical and bool(rest) and not any(rest <= earlier for earlier in sets[:t]))
        full.append(row)
    if not part.intercept:
        first = next(((t, row.index(True)) for t, row in enumerate(is_factor) if True in row), None)
        if first:
            full[first[0]][first[1]] = True
    return [tuple(row) for row in full]


def _coding(block: CodedFactor, dummy: bool) -> Coding:
    return block.full if dummy else block.contrasts


def _factor_columns(factor: Expression, evaluator: Evaluator, dummy: bool) -> list[tuple[str, np.ndarray]]:
    """Addresses and columns of one factor of a term."""
    match evaluator.block(factor):
        case Numbers(columns, suffixes):
            return [(label(factor) + suffix, column) for suffix, column in zip(suffixes, columns, strict=True)]
        case CodedFactor() as block:
            coding = _coding(block, dummy)
            return [
                (f"{block.name}[{text}]", coding.column(j, block.factor.codes)) for j, text in enumerate(coding.labels)
            ]
    raise AssertionError(factor)


def _check_size(part: FixedPart, evaluator: Evaluator, full: list[tuple[bool, ...]], where: str) -> None:
    """Refuse too many columns, from the numbers of levels alone."""
    total = int(part.intercept)
    for term, dummies in zip(part.terms, full, strict=True):
        count = 1
        for factor, dummy in zip(term.factors, dummies, strict=True):
            match evaluator.block(factor):
                case Numbers(columns):
                    count *= len(columns)
                case CodedFactor(_, inner):
                    count *= len(inner.levels) - (not dummy)
        total += count
    needed = 8 * total * evaluator.n
    if total <= MOST_COLUMNS and needed <= MOST_BYTES:
        return
    blocks = [
        block for term in part.terms for f in term.factors if isinstance(block := evaluator.block(f), CodedFactor)
    ]
    why = f"more than {MOST_COLUMNS}" if total > MOST_COLUMNS else f"{needed / 2**30:.0f} GiB of memory"
    if not blocks:
        raise TooLarge(f"{where} would have {total} columns, {why}.")
    largest = max(blocks, key=lambda block: len(block.factor.levels))
    name, levels = largest.name, len(largest.factor.levels)
    raise TooLarge(
        f"{where} would have {total} columns, {why}: the factor `{name}` has {levels} levels. "
        f"Make it a grouping factor, `(1 | {name})`, or a number. {evaluator.text_like_numbers(part)}".rstrip()
    )
