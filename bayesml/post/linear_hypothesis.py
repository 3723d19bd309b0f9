"""Equations between coefficients, cut points and parameters of the family as R b = r."""

from collections.abc import Callable, Mapping, Sequence

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
    Prediction,
    Statement,
    addresses_in,
    parse_statement,
)

Form = tuple[np.ndarray, float]
"""Weights of the parameters and a constant."""


def linear_restrictions(
    text: str | Sequence[str], result: Result, parameters: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """R (m, p), r (m,) and the restrictions as text.

    Parameters
    ----------
    text : str or sequence of str
        Equations, or several texts of them.
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
    for own in [text] if isinstance(text, str) else text:
        for left, right in by_column(equations(parse_statement(own, [*known, *terms]), own), terms, own):
            (a, constant_a), (b, constant_b) = linear_form(left, parameters, own), linear_form(right, parameters, own)
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
    """Weights and constant of a linear expression; refused where it is none."""
    weights = dict(zip(parameters, np.eye(len(parameters)), strict=True))
    for address in addresses_in(part):
        if address not in weights:
            raise RefusedTest(
                f"`{address}` is no coefficient. A Wald test of a variance or correlation is wrong near its boundary: "
                "compare two fits by `lrtest`."
            )
    form = form_of(part, lambda leaf: (weights[leaf.address], 0.0) if isinstance(leaf, Address) else None)
    if form is None:
        raise RefusedTest(f"`{part}` in `{text}` is not linear in the coefficients, as a Wald test needs it.")
    return np.broadcast_to(form[0], len(parameters)), form[1]


def form_of(part: Arithmetic, leaf: Callable[[Address | Prediction], Form | None]) -> Form | None:
    """Weights and constant of a linear expression; None where it is not linear.

    Parameters
    ----------
    part : Arithmetic
    leaf : callable
        Weights and constant of an address or prediction; None of one that is not linear.
    """
    match part:
        case Number(value):
            return np.zeros(()), value
        case Address() | Prediction():
            return leaf(part)
        case Function(name, argument):
            if (inner := form_of(argument, leaf)) is None:
                return None
            if name == "-":
                return -inner[0], -inner[1]
            return None if inner[0].any() else (inner[0], float(getattr(np, name)(inner[1])))
        case Binary(operator, left, right):
            first, second = form_of(left, leaf), form_of(right, leaf)
            return None if first is None or second is None else combine(operator, first, second)
    raise AssertionError(part)


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
