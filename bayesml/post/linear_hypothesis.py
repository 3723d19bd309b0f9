"""Equations between coefficients, cut points and parameters of the family as R b = r."""

from collections.abc import Mapping

import numpy as np

from bayesml.design.addresses import parameter_addresses
from bayesml.errors import RefusedTest
from bayesml.results.base import Result
from bayesml.syntax.address import canonical
from bayesml.syntax.statement import (
    Address,
    Arithmetic,
    Binary,
    Comparison,
    Function,
    Logical,
    Number,
    Statement,
    parse_statement,
)

Form = tuple[np.ndarray, float]
"""Weights of the parameters and a constant."""


def linear_restrictions(
    text: str, result: Result, parameters: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """R (m, p), r (m,) and the restrictions as text.

    Parameters
    ----------
    text : str
    result : Result
    parameters : tuple of str
        Addresses of the p parameters that may be in the equations.

    Raises
    ------
    RefusedTest
        The text is no system of linear equations between these parameters.
    """
    known = [address.text for address in parameter_addresses(result.design, result.ancillary)]
    terms = {canonical(t): columns for t, columns in result.design.term_columns.items() if columns and t not in known}
    rows, lines = [], []
    for left, right in by_column(equations(parse_statement(text, [*known, *terms]), text), terms, text):
        (a, constant_a), (b, constant_b) = linear_form(left, parameters, text), linear_form(right, parameters, text)
        if not (a - b).any():
            raise RefusedTest(f"`{left} = {right}` says nothing about a coefficient.")
        rows.append((a - b, constant_b - constant_a))
        lines.append(f"{left} = {right}")
    return np.stack([row for row, _ in rows]), np.array([constant for _, constant in rows]), tuple(lines)


def equations(statement: Statement, text: str) -> list[tuple[Arithmetic, Arithmetic]]:
    """The two sides of each equation; `a = b = 0` is two of them. A coefficient alone is one that is 0."""
    match statement:
        case Comparison(operators, operands) if set(operators) == {"="}:
            return [(operand, operands[-1]) for operand in operands[:-1]]
        case Logical("and", parts):
            return [pair for part in parts for pair in equations(part, text)]
        case Address():
            return [(statement, Number(0.0))]
    raise RefusedTest(
        f"`{text}` is not an equation. A Wald test takes equations joined by commas, such as `Days = 10, x1 = x2`; "
        "for an inequality see `hypothesis` and a posterior."
    )


def by_column(
    pairs: list[tuple[Arithmetic, Arithmetic]], terms: Mapping[str, tuple[str, ...]], text: str
) -> list[tuple[Arithmetic, Arithmetic]]:
    """The equations with the name of a term replaced by each of its columns."""
    found: list[tuple[Arithmetic, Arithmetic]] = []
    for pair in pairs:
        sides: list[list[Arithmetic]] = []
        for side in pair:
            columns = terms.get(side.address, ()) if isinstance(side, Address) else ()
            sides.append([Address(column) for column in columns] or [side])
        if len(sides[0]) > 1 and len(sides[1]) > 1 and len(sides[0]) != len(sides[1]):
            raise RefusedTest(f"The two sides of `{text}` have different numbers of columns.")
        count = max(map(len, sides))
        left, right = (side * count if len(side) == 1 else side for side in sides)
        found += zip(left, right, strict=True)
    return found


def linear_form(part: Arithmetic, parameters: tuple[str, ...], text: str) -> Form:
    """Weights and constant of a linear expression."""
    match part:
        case Number(value):
            return np.zeros(len(parameters)), value
        case Address(address) if address in parameters:
            return np.eye(len(parameters))[parameters.index(address)], 0.0
        case Address(address):
            raise RefusedTest(
                f"`{address}` is no coefficient. A Wald test of a variance or correlation is wrong near its boundary: "
                "compare two fits by `lrtest`."
            )
        case Function(name, argument):
            weights, constant = linear_form(argument, parameters, text)
            if name == "-":
                return -weights, -constant
            if not weights.any():
                return weights, float(getattr(np, name)(constant))
        case Binary(operator, left, right):
            combined = combine(operator, linear_form(left, parameters, text), linear_form(right, parameters, text))
            if combined is not None:
                return combined
    raise RefusedTest(f"`{part}` in `{text}` is not linear in the coefficients, as a Wald test needs it.")


def combine(operator: str, left: Form, right: Form) -> Form | None:
    """The linear expression of two others; None where the result is not linear."""
    (a, constant_a), (b, constant_b) = left, right
    match operator:
        case "+":
            return a + b, constant_a + constant_b
        case "-":
            return a - b, constant_a - constant_b
        case "*" if not a.any():
            return constant_a * b, constant_a * constant_b
        case "*" if not b.any():
            return a * constant_b, constant_a * constant_b
        case "/" if not b.any() and constant_b != 0:
            return a / constant_b, constant_a / constant_b
        case "^" if not (a.any() or b.any()):
            return a, constant_a**constant_b
    return None
