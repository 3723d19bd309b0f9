"""Parsed expressions of a formula: what is computed from the columns, as values.

An expression is data: it is compared, hashed and printed, and evaluated only by
`bayesml.design`, which knows a fixed list of functions. Nothing here is Python code.
Printed text parses to an equal expression again.
"""

import re
from dataclasses import dataclass

from bayesml.spec.functions import CODINGS

PLAIN_NAME = re.compile(r"(?:[^\W\d_]|\.(?=[^\W\d_])|_)[\w.]*")
"""A name that needs no backticks: letters of any alphabet, digits, `_` and `.`, as in R."""

RESERVED = frozenset({"True", "False", "TRUE", "FALSE", "None", "NULL", "lambda"})
"""Words that are not column names unless in backticks."""


def looks_private(name: str) -> bool:
    """Whether a name has the form of Python's own attributes, `__import__` or `x.__class__`: only in backticks."""
    return name.startswith("__") or ".__" in name


@dataclass(frozen=True)
class Name:
    """A column of the data."""

    name: str

    def __str__(self) -> str:
        if PLAIN_NAME.fullmatch(self.name) and self.name not in RESERVED and not looks_private(self.name):
            return self.name
        escaped = self.name.replace("\\", "\\\\").replace("`", "\\`")
        return f"`{escaped}`"


@dataclass(frozen=True)
class OtherColumns:
    """The `.` of a formula: all columns of the data not used elsewhere in it, but those of `without`.

    `. - x` takes `x` out. Which columns these are is known when the model meets data.
    """

    without: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"({' - '.join(['.', *(str(Name(n)) for n in self.without)])})" if self.without else "."


@dataclass(frozen=True)
class Literal:
    """A number, string, or one of True / False / None, as written."""

    value: float | int | str | bool | None

    def __str__(self) -> str:
        if isinstance(self.value, str):
            escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        return str(self.value)

    # 1 == True == 1.0 in Python; in a formula they print differently and are different.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and type(self.value) is type(other.value) and self.value == other.value

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


OPERATORS: dict[str, int] = {
    **dict.fromkeys(["==", "!=", "<", "<=", ">", ">="], 1),
    **dict.fromkeys(["+", "-"], 2),
    **dict.fromkeys(["*", "/"], 3),
    "^": 5,
}
"""Binary operators of arithmetic and how tightly they bind; a sign binds with 4."""

_SIGN, _ATOM = 4, 6


@dataclass(frozen=True)
class Call:
    """A function of a fixed list applied to expressions: `log(x)`, `poly(x, 2)`, `C(f, Treatment("b"))`.

    Arithmetic inside functions and on the left side is a call too, with the operator as its function.
    """

    function: str
    arguments: tuple["Expression", ...] = ()
    options: tuple[tuple[str, "Expression"], ...] = ()

    def __str__(self) -> str:
        if self.function in OPERATORS:
            return self._arithmetic()
        if self.function in CODINGS and not self.arguments:
            return self.function
        inside = [str(a) for a in self.arguments] + [f"{k}={v}" for k, v in self.options]
        return f"{self.function}({', '.join(inside)})"

    def _arithmetic(self) -> str:
        """As R prints it: `x^2`, `x/z`, `x + z`, with no more parentheses than needed."""
        binds = OPERATORS[self.function]
        if len(self.arguments) == 1:
            return f"-{_within(self.arguments[0], _SIGN)}"
        left, right = self.arguments
        if self.function == "^":
            return f"{_within(left, binds + 1)}^{_within(right, _SIGN)}"
        between = "/" if self.function == "/" else f" {self.function} "
        # a comparison does not chain, so both sides bind tighter
        return f"{_within(left, binds + (binds == 1))}{between}{_within(right, binds + 1)}"


Expression = Name | OtherColumns | Literal | Call


def _within(expression: Expression, at_least: int) -> str:
    """The text of an operand, in parentheses where it binds less than `at_least`."""
    match expression:
        case Call(function, arguments) if function in OPERATORS:
            binds = OPERATORS[function] if len(arguments) == 2 else _SIGN
        case Literal(float() | int() as value) if value < 0:
            binds = _SIGN
        case _:
            binds = _ATOM
    return str(expression) if binds >= at_least else f"({expression})"


def names_in(expression: Expression) -> tuple[str, ...]:
    """Names of the columns that an expression uses, in order, without repeats."""
    match expression:
        case Name(name):
            return (name,)
        case Call(_, arguments, options):
            parts = [*arguments, *(value for _, value in options)]
            return tuple(dict.fromkeys(name for part in parts for name in names_in(part)))
        case _:
            return ()


def label(expression: Expression) -> str:
    """The text of an expression in addresses and tables: a column has its own name, without backticks."""
    return expression.name if isinstance(expression, Name) else str(expression)
