"""Hypotheses and constraints: arithmetic and comparisons over addresses, as a small tree.

Grammar, the loosest binding first::

    statement   : conjunction ("or" conjunction)*
    conjunction : negation (("and" | ",") negation)*
    negation    : "not" negation | comparison
    comparison  : sum (("<" | "<=" | ">" | ">=" | "=" | "!=") sum)*        a chain: 8 < Days < 12
    sum         : product (("+" | "-") product)*
    product     : signed (("*" | "/") signed)*
    signed      : ("-" | "+") signed | power
    power       : operand ("^" signed)?
    operand     : number | address | function(sum) | prediction | "(" statement ")"
    prediction  : kind "(" [of ","] column "=" value ("," column "=" value)* ")"      mean(Days=10, Subject=308)

Nothing is evaluated as code. Where the addresses that exist are known, the longest text that is one
of them is taken for it, so that `exp(x)` is a coefficient where there is one of that name and a function elsewhere.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from bayesml.errors import ColumnNotFound, FormulaError
from bayesml.spec.expressions import PLAIN_NAME, Name
from bayesml.syntax.address import by_canonical, canonical, nearest_addresses

FUNCTIONS = frozenset({"exp", "log", "sqrt", "abs"})
"""Functions of a statement."""

PREDICTIONS = frozenset({"mean", "linear", "probability", "survivor", "hazard", "median"})
"""Kinds of predictions that a statement may name, as in `predict`."""

_COMPARISONS = ("<=", ">=", "==", "!=", "<", ">", "=", "\u2264", "\u2265", "\u2260")
_SAME = {"==": "=", "\u2264": "<=", "\u2265": ">=", "\u2260": "!=", "**": "^"}
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_PLAIN_VALUE = re.compile(r"[^\s,=<>()'\"](?:[^,=<>()'\"]*[^\s,=<>()'\"])?")
_DEEPEST = 50


@dataclass(frozen=True)
class Number:
    """A number."""

    value: float

    def __str__(self) -> str:
        return f"{self.value:.15g}"


@dataclass(frozen=True)
class Address:
    """A parameter, by its address."""

    address: str

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True)
class Function:
    """`exp`, `log`, `sqrt` or `abs`; `-` is the change of sign."""

    function: str
    argument: "Arithmetic"

    def __str__(self) -> str:
        if self.function == "-":
            return f"-{_within(self.argument, _SIGN + 1)}"
        return f"{self.function}({self.argument})"


@dataclass(frozen=True)
class At:
    """A column of the data at a value, `Days=10`, as text; `position` is where it stands."""

    column: str
    value: str
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{Name(self.column)}={_quoted(self.value)}"


@dataclass(frozen=True)
class Prediction:
    """A prediction at values of columns: `mean(Days=10, Subject=308)`, `probability(5, temp=warm)`.

    Parameters
    ----------
    kind : str
        One of `PREDICTIONS`.
    of : str
        The outcome of a probability, the time of a survivor function or hazard, the predictor of several; or empty.
    at : tuple of At
    position : int
        Where it stands.
    """

    kind: str
    of: str = ""
    at: tuple[At, ...] = ()
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.kind}({', '.join([*([_quoted(self.of)] if self.of else []), *map(str, self.at)])})"


@dataclass(frozen=True)
class Binary:
    """`+ - * / ^` of two sides."""

    operator: str
    left: "Arithmetic"
    right: "Arithmetic"

    def __str__(self) -> str:
        binds = _BINDS[self.operator]
        if self.operator == "^":
            return f"{_within(self.left, binds + 1)}^{_within(self.right, _SIGN)}"
        right = _SIGN + 1 if _binds(self.right) == _SIGN else binds + 1
        return f"{_within(self.left, binds)} {self.operator} {_within(self.right, right)}"


@dataclass(frozen=True)
class Comparison:
    """A chain of comparisons, all of which must hold: `8 < Days < 12` has operators `<`, `<` and three operands."""

    operators: tuple[str, ...]
    operands: tuple["Arithmetic", ...]

    def __str__(self) -> str:
        pairs = zip(self.operators, self.operands[1:], strict=True)
        return str(self.operands[0]) + "".join(f" {operator} {operand}" for operator, operand in pairs)


@dataclass(frozen=True)
class Logical:
    """`and`, `or` of several parts, `not` of one."""

    operator: str
    parts: tuple["Logic", ...]

    def __str__(self) -> str:
        if self.operator == "not":
            return f"not ({self.parts[0]})"
        return f" {self.operator} ".join(f"({p})" if isinstance(p, Logical) else str(p) for p in self.parts)


Arithmetic = Number | Address | Function | Prediction | Binary

_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 4}
_SIGN = 3


def _quoted(value: str) -> str:
    """A value as it is written: in quotes where it could be taken for something else."""
    return value if _PLAIN_VALUE.fullmatch(value) else '"' + value.replace('"', "'") + '"'


def _binds(part: "Arithmetic") -> int:
    """How closely what an expression is written with binds; 5 where nothing stands open."""
    match part:
        case Binary(operator):
            return _BINDS[operator]
        case Function("-"):
            return _SIGN
        case Number(value) if value < 0:
            return _SIGN
    return 5


def _within(part: "Arithmetic", needed: int) -> str:
    """The text of an expression, in parentheses where it binds less closely than needed."""
    return str(part) if _binds(part) >= needed else f"({part})"


Logic = Comparison | Logical
Statement = Arithmetic | Logic


def parse_statement(
    text: str, known: Collection[str] | None = None, spellings: Mapping[str, str] | None = None
) -> Statement:
    """A hypothesis, constraint or quantity as a tree.

    Parameters
    ----------
    text : str
        ``"Days > 8"``, ``"8 < Days < 12"``, ``"sd(Days | Subject) > sd(Intercept | Subject) / 10"``.
    known : collection of str, optional
        Addresses that exist. They are preferred over functions and operators wherever the text has one of them,
        written with or without spaces and backticks; the tree holds them as they stand here.
        Without it addresses are read by their form.
    spellings : mapping of str to str, optional
        Other ways of writing some of the addresses: ``{"sd(judge)": "sd(Intercept | judge)"}``.

    Raises
    ------
    FormulaError
        With the place marked and what was expected there.
    ColumnNotFound
        An address that does not exist; the nearest ones are named.
    """
    parser = _Parser(text, known, spellings or {})
    statement = parser.disjunction()
    if parser.rest():
        parser.fail("expected an operator, a comparison or the end")
    return statement


def addresses_in(statement: Statement) -> tuple[str, ...]:
    """Addresses of a statement, in order, without repeats."""
    return tuple(dict.fromkeys(part.address for part in _leaves(statement) if isinstance(part, Address)))


def predictions_in(statement: Statement) -> tuple[Prediction, ...]:
    """Predictions of a statement, in order, without repeats."""
    return tuple(dict.fromkeys(part for part in _leaves(statement) if isinstance(part, Prediction)))


def _leaves(statement: Statement) -> Iterator[Arithmetic]:
    """The parts of a statement that have no parts."""
    match statement:
        case Function(_, argument):
            yield from _leaves(argument)
        case Binary(_, left, right):
            yield from _leaves(left)
            yield from _leaves(right)
        case Comparison(_, parts) | Logical(_, parts):
            for part in parts:
                yield from _leaves(part)
        case _:
            yield statement


class _Parser:
    """Recursive descent over the characters, since what an address is depends on those that exist."""

    def __init__(self, source: str, known: Collection[str] | None, spellings: Mapping[str, str]):
        self.source = " ".join(source.splitlines()).replace("\t", " ")
        self.known = known
        self.table = None
        if known is not None:
            others = {canonical(spelling): address for spelling, address in spellings.items()}
            self.table = others | by_canonical(known)
        self.position = 0
        self.depth = 0

    # -- text -----------------------------------------------------------------------------------

    def rest(self) -> str:
        """What is left, without leading spaces."""
        while self.position < len(self.source) and self.source[self.position].isspace():
            self.position += 1
        return self.source[self.position :]

    def accept(self, *symbols: str) -> str | None:
        """One of the symbols, passed over, if it comes next; the longest first."""
        rest = self.rest()
        for symbol in symbols:
            if rest.startswith(symbol):
                self.position += len(symbol)
                return _SAME.get(symbol, symbol)
        return None

    def accept_word(self, *words: str) -> str | None:
        """One of the words, passed over, if it comes next."""
        match = re.match(r"[A-Za-z]+(?![\w.\[:])|&&?|\|\|", self.rest())
        if match and match[0].lower() in words:
            self.position += len(match[0])
            return match[0].lower()
        return None

    def fail(self, message: str, position: int | None = None, length: int = 1) -> NoReturn:
        """Raise a `FormulaError` with a place marked, by default what comes next."""
        self.rest()
        raise FormulaError(message, self.source, self.position if position is None else position, length)

    def deeper(self) -> None:
        """Count a level of nesting."""
        self.depth += 1
        if self.depth > _DEEPEST:
            self.fail(f"more than {_DEEPEST} parentheses and signs within each other")

    # -- logic ----------------------------------------------------------------------------------

    def disjunction(self) -> Statement:
        """`a or b`."""
        return self.joined("or", self.conjunction, ("or", "||"))

    def conjunction(self) -> Statement:
        """`a and b`, `a, b`."""
        return self.joined("and", self.negation, ("and", "&", "&&"))

    def joined(self, operator: str, part, words: tuple[str, ...]) -> Statement:  # type: ignore[no-untyped-def]
        """Parts with a word between them."""
        start = self.position
        parts = [part()]
        while self.accept_word(*words) or (operator == "and" and self.depth == 0 and self.accept(",")):
            self.check_logic(parts[-1], start)
            start = self.position
            parts.append(part())
            self.check_logic(parts[-1], start)
        return parts[0] if len(parts) == 1 else Logical(operator, tuple(parts))

    def check_logic(self, part: Statement, start: int) -> None:
        if not isinstance(part, Comparison | Logical):
            self.fail(f"`{part}` is a quantity; compare it with something", start)

    def negation(self) -> Statement:
        """`not a`."""
        if self.known_address() or not self.accept_word("not"):
            return self.comparison()
        self.deeper()
        start = self.position
        part = self.negation()
        self.depth -= 1
        if not isinstance(part, Comparison | Logical):
            self.fail(f"`{part}` is a quantity; compare it with something", start)
        return Logical("not", (part,))

    def comparison(self) -> Statement:
        """`a < b < c`."""
        start = self.position
        first = self.sum()
        operands, operators = [first], []
        while operator := self.accept(*_COMPARISONS):
            operators.append(operator)
            at = self.position
            operands.append(self.quantity(self.sum(), at))
        if not operators:
            return first
        operands[0] = self.quantity(first, start)
        if "!=" in operators and len(operators) > 1:
            self.fail("`!=` does not stand in a chain", start)
        return Comparison(tuple(operators), tuple(operands))  # type: ignore[arg-type]

    # -- arithmetic -----------------------------------------------------------------------------

    def quantity(self, part: Statement, start: int) -> Arithmetic:
        """A part that must be a number."""
        if isinstance(part, Comparison | Logical):
            self.fail(f"`{part}` is true or false and cannot be part of arithmetic", start)
        return part

    def sum(self) -> Statement:
        """`a + b`."""
        start = self.position
        left = self.product()
        while operator := self.accept("+", "-"):
            at = self.position
            left = Binary(operator, self.quantity(left, start), self.quantity(self.product(), at))
        return left

    def product(self) -> Statement:
        """`a * b`."""
        start = self.position
        left = self.signed()
        while not self.rest().startswith("**") and (operator := self.accept("*", "/")):
            at = self.position
            left = Binary(operator, self.quantity(left, start), self.quantity(self.signed(), at))
        return left

    def signed(self) -> Statement:
        """`-a`, which binds less than `^`."""
        if not (sign := self.accept("-", "+")):
            return self.power()
        self.deeper()
        start = self.position
        operand = self.quantity(self.signed(), start)
        self.depth -= 1
        if sign == "+":
            return operand
        return Number(-operand.value) if isinstance(operand, Number) else Function("-", operand)

    def power(self) -> Statement:
        """`a^b`."""
        start = self.position
        base = self.operand()
        if not self.accept("^", "**"):
            return base
        self.deeper()
        at = self.position
        exponent = self.quantity(self.signed(), at)
        self.depth -= 1
        return Binary("^", self.quantity(base, start), exponent)

    def operand(self) -> Statement:
        """A number, address, function or parenthesis."""
        rest = self.rest()
        if not rest:
            self.fail("expected a number or a parameter, found the end")
        if found := self.known_address():
            length, address = found
            self.position += length
            return Address(address)
        if match := _NUMBER.match(rest):
            self.position += len(match[0])
            return Number(float(match[0]))
        if rest[0] == "(":
            return self.parenthesis()
        match = PLAIN_NAME.match(rest)
        if match and match[0] in FUNCTIONS and rest[match.end() :].lstrip().startswith("("):
            self.position += match.end()
            start = self.position
            return Function(match[0], self.quantity(self.parenthesis(), start))
        if match and match[0] in PREDICTIONS and rest[match.end() :].lstrip().startswith("("):
            return self.prediction(match[0])
        if match or rest[0] == "`":
            return self.unknown_address()
        self.fail(f"expected a number or a parameter, found `{rest[0]}`")

    def parenthesis(self) -> Statement:
        """`( ... )`."""
        self.rest()
        opening = self.position
        self.accept("(")
        self.deeper()
        inner = self.disjunction()
        self.depth -= 1
        if not self.accept(")"):
            self.fail(f"expected `)` or an operator; the `(` at {opening + 1} is open")
        return inner

    # -- predictions ----------------------------------------------------------------------------

    def prediction(self, kind: str) -> Prediction:
        """`mean(Days=10, Subject=308)`."""
        start = self.position
        self.position += len(kind)
        self.accept("(")
        of, at = "", list[At]()
        while not self.accept(")"):
            place = self.argument_place()
            name = re.match(rf"({PLAIN_NAME.pattern}|`[^`]+`)\s*==?\s*", self.rest())
            if name:
                self.position += len(name[0])
                column = name[1].strip("`")
                if any(column == other.column for other in at):
                    self.fail(f"`{column}` is given twice", place, len(name[1]))
                at.append(At(column, self.value(column), place))
            elif of or at:
                self.fail(f"expected `column=value`, as in `{kind}(x=1)`")
            else:
                of = self.value("")
            if not self.accept(",") and not self.rest().startswith(")"):
                self.fail(f"expected `,` or `)` of `{kind}(`")
        return Prediction(kind, of, tuple(at), start)

    def argument_place(self) -> int:
        """Where the next argument begins."""
        self.rest()
        return self.position

    def value(self, column: str) -> str:
        """A number, a label, or a text in quotes."""
        rest = self.rest()
        match = re.match(r'"([^"]*)"|\'([^\']*)\'', rest)
        if match:
            self.position += len(match[0])
            return match[1] if match[1] is not None else match[2]
        match = _PLAIN_VALUE.match(rest)
        if not match:
            self.fail(
                f"expected a value of `{column}`: a number, a label, or a text in quotes"
                if column
                else "expected `column=value`"
            )
        self.position += len(match[0])
        return match[0].strip()

    # -- addresses ------------------------------------------------------------------------------

    def known_address(self) -> tuple[int, str] | None:
        """Length and address of the longest text here that is an address that exists."""
        if not self.table:
            return None
        rest = self.rest()
        longest = max(map(len, self.table)) * 2 + 20
        for end in range(min(len(rest), longest), 0, -1):
            if rest[end - 1].isspace() or (end < len(rest) and _continues(rest[end - 1], rest[end])):
                continue
            if (address := self.table.get(canonical(rest[:end]))) is not None and _balanced(rest[:end]):
                return end, address
        return None

    def unknown_address(self) -> Statement:
        """An address by its form alone, or an error that names the nearest ones."""
        start, text = self.position, self.by_form()
        if self.table is None:
            return Address(text)
        assert self.known is not None
        error = FormulaError("", self.source, start, len(text))
        raise ColumnNotFound(f"There is no parameter `{text}`; {nearest_addresses(text, self.known)}{error}")

    def by_form(self) -> str:
        """`name`, `name(...)`, `name[...]`, joined by `:`."""
        start = self.position
        while True:
            rest = self.source[self.position :]
            match = PLAIN_NAME.match(rest) or re.match(r"`[^`]*`", rest)
            if not match:
                self.fail("expected a name")
            self.position += len(match[0])
            for opening, closing in ("()", "[]"):
                if self.source[self.position :].startswith(opening):
                    self.position += self.enclosed(opening, closing)
            if not (match := re.match(r"\s*:\s*(?=[^\W\d]|`)", self.source[self.position :])):
                return self.source[start : self.position]
            self.position += len(match[0])

    def enclosed(self, opening: str, closing: str) -> int:
        """Length of a bracketed text that starts here."""
        depth = 0
        for i, character in enumerate(self.source[self.position :]):
            depth += (character == opening) - (character == closing)
            if depth == 0:
                return i + 1
        self.fail(f"this `{opening}` is not closed")


def _continues(before: str, after: str) -> bool:
    """Whether a name goes on between two characters."""
    if before.isalnum() or before in "_.":
        return after.isalnum() or after in "_.[(:"
    return before in "])" and after in "[:"


def _balanced(text: str) -> bool:
    """Whether an address opens nothing that it does not close; brackets count first, since levels may hold anything."""
    return text.count("(") == text.count(")") or "[" in text
