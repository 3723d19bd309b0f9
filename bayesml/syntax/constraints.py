"""Linear constraints on coefficients, C beta = d, from text."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from bayesml.errors import FormulaError, RefusedTest
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

_TOLERANCE = 1e-10


def linear_constraints(
    statement: str, names: Sequence[str], term_columns: Mapping[str, Sequence[str]] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Matrix and right side of the hypothesis ``C beta = d``.

    Parameters
    ----------
    statement : str
        ``"Days = 10"``, ``"a[2] = a[3] = 0"``, ``"2 * x - z = 1 and w = 0"``; a quantity alone is set to 0. The name of
        a term (a factor, an interaction) means all its columns.
    names : sequence of str
        Addresses of the p coefficients.
    term_columns : mapping, optional
        Addresses of the columns of each term.

    Returns
    -------
    C : ndarray (k, p)
        Of full row rank: constraints that follow from others are left out.
    d : ndarray (k,)

    Raises
    ------
    FormulaError
        Text that cannot be read, is not linear, or compares otherwise than by `=`.
    ColumnNotFound
        A coefficient that does not exist.
    RefusedTest
        Constraints that contradict each other, or say nothing.
    """
    terms = {term: columns for term, columns in (term_columns or {}).items() if term not in names and columns}
    parsed = parse_statement(statement, [*names, *terms])
    reader = _Reader(statement, list(names), terms)
    rows = reader.rows(parsed)
    C = np.array([coefficients for coefficients, _ in rows])
    d = np.array([0.0 - constant for _, constant in rows])
    return _independent(C, d, statement)


class _Reader:
    """Rows (coefficients, constant) that must be zero."""

    def __init__(self, source: str, names: list[str], terms: Mapping[str, Sequence[str]]):
        self.source, self.names, self.terms = source, names, terms

    def rows(self, statement: Statement) -> list[tuple[np.ndarray, float]]:
        """The rows of a statement."""
        match statement:
            case Logical("and", parts):
                return [row for part in parts for row in self.rows(part)]
            case Logical(operator, _):
                raise FormulaError(f"a Wald test joins constraints by `and`, not `{operator}`", self.source)
            case Comparison(operators, operands):
                if set(operators) != {"="}:
                    raise FormulaError(
                        f"a Wald test needs `=`, not `{next(o for o in operators if o != '=')}`", self.source
                    )
                pairs = pairwise(operands)
                return [row for left, right in pairs for row in self.difference(left, right)]
            case quantity:
                return self.sides(quantity)

    def difference(self, left: Arithmetic, right: Arithmetic) -> list[tuple[np.ndarray, float]]:
        """`left - right`, for each column where one side is a term."""
        a, b = self.sides(left), self.sides(right)
        if len(a) > 1 and len(b) > 1 and len(a) != len(b):
            raise FormulaError("the two sides have different numbers of columns", self.source)
        count = max(len(a), len(b))
        a, b = (side * count if len(side) == 1 else side for side in (a, b))
        return [(x - y, c - e) for (x, c), (y, e) in zip(a, b, strict=True)]

    def sides(self, quantity: Arithmetic) -> list[tuple[np.ndarray, float]]:
        """A quantity, or all columns of a term."""
        match quantity:
            case Address(address) if address in self.terms:
                return [self.linear(Address(column)) for column in self.terms[address]]
        return [self.linear(quantity)]

    def linear(self, quantity: Arithmetic) -> tuple[np.ndarray, float]:
        """Coefficients and constant of a linear quantity."""
        match quantity:
            case Number(value):
                return np.zeros(len(self.names)), value
            case Address(address) if address in self.names:
                coefficients = np.zeros(len(self.names))
                coefficients[self.names.index(address)] = 1.0
                return coefficients, 0.0
            case Address(address):
                raise FormulaError(f"`{address}` has several columns and cannot be part of arithmetic", self.source)
            case Function("-", argument):
                coefficients, constant = self.linear(argument)
                return -coefficients, -constant
            case Binary("+" | "-" as operator, left, right):
                (a, c), (b, e) = self.linear(left), self.linear(right)
                return (a + b, c + e) if operator == "+" else (a - b, c - e)
            case Binary("*" | "/" as operator, left, right):
                (a, c), (b, e) = self.linear(left), self.linear(right)
                if not b.any() and (operator == "*" or e != 0):
                    return (a * e, c * e) if operator == "*" else (a / e, c / e)
                if not a.any() and operator == "*":
                    return b * c, c * e
            case Binary("^", left, right):
                (a, c), (b, e) = self.linear(left), self.linear(right)
                if not a.any() and not b.any():
                    return a, c**e
            case Function(name, argument):
                coefficients, constant = self.linear(argument)
                if not coefficients.any():
                    return coefficients, float(getattr(np, name)(constant))
        raise FormulaError(f"`{quantity}` is not linear in the coefficients", self.source)


def _independent(C: np.ndarray, d: np.ndarray, statement: str) -> tuple[np.ndarray, np.ndarray]:
    """The constraints that do not follow from earlier ones."""
    kept: list[int] = []
    for i in range(len(C)):
        if np.linalg.matrix_rank(C[[*kept, i]], tol=_TOLERANCE) > len(kept):
            kept.append(i)
            continue
        weights = np.linalg.lstsq(C[kept].T, C[i], rcond=None)[0] if kept else np.zeros(0)
        if abs(weights @ d[kept] - d[i]) > _TOLERANCE * max(1.0, float(np.abs(d).max())):
            raise RefusedTest(f"`{statement}` contradicts itself: no coefficients fulfil it.")
    if not kept:
        raise RefusedTest(f"`{statement}` holds for any coefficients; there is nothing to test.")
    return C[kept], d[kept]
