"""What decides a statement: one quantity between limits, or the smallest of several margins."""

from dataclasses import dataclass

import numpy as np

from bayesml.bayes.statement_draws import Draws, evaluate
from bayesml.syntax.statement import (
    Arithmetic,
    Binary,
    Comparison,
    Function,
    Logical,
    Number,
    Statement,
    addresses_in,
    predictions_in,
)


@dataclass(frozen=True)
class Margin:
    """A statement that holds where a quantity lies between two limits.

    Parameters
    ----------
    quantity : Arithmetic
    lower, upper : float
    """

    quantity: Arithmetic
    lower: float = -np.inf
    upper: float = np.inf


def constant(part: Arithmetic) -> float | None:
    """The number that a part is; None where it depends on the draws."""
    if addresses_in(part) or predictions_in(part):
        return None
    return float(evaluate(part, lambda leaf: np.empty(0)))


def margin_of(statement: Statement) -> Margin | None:
    """The one quantity and the limits that a statement is about; None where it is about several."""
    match statement:
        case Comparison((sign,), (left, right)):
            return margin_of_pair(sign, left, right)
        case Comparison((first, second), (low, middle, high)) if first[0] == second[0] and first[0] in "<>":
            ends = constant(low), constant(high)
            if None in ends or constant(middle) is not None:
                return None
            lower, upper = ends if first[0] == "<" else ends[::-1]
            assert lower is not None and upper is not None
            return Margin(middle, lower, upper)
    return None


def margin_of_pair(sign: str, left: Arithmetic, right: Arithmetic) -> Margin | None:
    """The quantity of a comparison, and its limits; None where nothing in it varies."""
    a, b = constant(left), constant(right)
    if a is not None and b is not None:
        return None
    quantity, limit = (left, b) if b is not None else (right, a) if a is not None else (difference(left, right), 0.0)
    assert limit is not None
    if sign == "=":
        return Margin(quantity, limit, limit)
    above = (sign[0] == ">") == (a is None)
    return Margin(quantity, lower=limit) if above else Margin(quantity, upper=limit)


def difference(left: Arithmetic, right: Arithmetic) -> Arithmetic:
    """The left side less the right one, without zeros."""
    if constant(right) == 0:
        return left
    if constant(left) == 0:
        return Function("-", right)
    if isinstance(right, Number) and right.value < 0:
        return Binary("+", left, Number(-right.value))
    return Binary("-", left, right)


def contrast_of(statement: Statement) -> Arithmetic | None:
    """What a table shows of a statement: left - right of a comparison, the middle of two limits; else None."""
    match statement:
        case Comparison((_,), (left, right)):
            return difference(left, right)
    found = margin_of(statement)
    return None if found is None else found.quantity


def deciding_margin(statement: Statement, draws: Draws) -> np.ndarray:
    """A number at each draw that is above 0 where the statement holds, in posterior standard deviations.

    Of several comparisons that must hold together the smallest margin, of alternatives the largest.
    """
    match statement:
        case Comparison(signs, operands):
            values = [evaluate(operand, draws) for operand in operands]
            gaps = [
                (right - left) if sign[0] == "<" else (left - right)
                for sign, left, right in zip(signs, values[:-1], values[1:], strict=True)
            ]
            return np.min([gap / (np.std(gap) or 1.0) for gap in gaps], axis=0)
        case Logical("not", (part,)):
            return -deciding_margin(part, draws)
        case Logical(word, parts):
            join = np.min if word == "and" else np.max
            return join([deciding_margin(part, draws) for part in parts], axis=0)
    raise AssertionError(statement)


def comparisons_of(statement: Statement) -> list[tuple[str, Arithmetic, Arithmetic]]:
    """The single comparisons of a statement, (sign, left, right), in order."""
    match statement:
        case Comparison(signs, operands):
            return list(zip(signs, operands[:-1], operands[1:], strict=True))
        case Logical(_, parts):
            return [found for part in parts for found in comparisons_of(part)]
    return []
