"""Parser of expressions: names, numbers, arithmetic and functions of the fixed list."""

from difflib import get_close_matches
from typing import NoReturn

from bayesml.errors import FormulaError
from bayesml.spec.expressions import OPERATORS, Call, Expression, Literal, Name
from bayesml.spec.functions import (
    CATEGORICAL,
    CODING_SYNONYMS,
    CODINGS,
    ELEMENTWISE,
    FUNCTION_SYNONYMS,
    FUNCTIONS,
    STATEFUL,
    VECTOR,
    Signature,
)
from bayesml.syntax.tokens import Token, tokenize

_CONSTANTS: dict[str, bool | None] = {
    "True": True, "TRUE": True, "False": False, "FALSE": False, "None": None, "NULL": None,
}  # fmt: skip
_STRUCTURES = frozenset(
    {"us", "un", "diag", "cs", "homcs", "homdiag", "ar1", "toep", "ou", "exp", "mat", "gau", "rr"} - FUNCTIONS.keys()
)
"""Covariance structures as glmmTMB and nlme users write them around a random term."""
_DEEPEST = 40
_WITHIN_ARITHMETIC = frozenset(ELEMENTWISE) | {"center", "scale"}
_COMPARISONS = frozenset(operator for operator, binds in OPERATORS.items() if binds == 1)


class ArithmeticParser:
    """Recursive descent over the tokens of a text.

    Parameters
    ----------
    source : str
        One line of text.
    """

    def __init__(self, source: str):
        self.source = source
        self.tokens = tokenize(source)
        self.at = 0
        self.depth = 0

    # -- tokens ---------------------------------------------------------------------------------

    @property
    def next(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.at]

    def take(self) -> Token:
        """The next token, passed over."""
        token = self.tokens[self.at]
        self.at += 1
        return token

    def sees(self, *operators: str, ahead: int = 0) -> bool:
        """Whether one of these operators comes next, or `ahead` tokens after it."""
        token = self.tokens[min(self.at + ahead, len(self.tokens) - 1)]
        return token.kind == "operator" and token.text in operators

    def accept(self, *operators: str) -> Token | None:
        """The next token if it is one of these operators, passed over; else None."""
        return self.take() if self.sees(*operators) else None

    def expect(self, operator: str, after: str) -> Token:
        """The next token, which must be this operator."""
        if not self.sees(operator):
            self.fail(f"expected `{operator}` {after}, found {self.next}")
        return self.take()

    def fail(self, message: str, token: Token | None = None) -> NoReturn:
        """Raise a `FormulaError` with the place of a token (the next one) marked."""
        token = token or self.next
        raise FormulaError(message, self.source, token.position, token.length)

    def deeper(self, token: Token) -> None:
        """Count a parenthesis that opens."""
        self.depth += 1
        if self.depth > _DEEPEST:
            self.fail(f"more than {_DEEPEST} parentheses within each other", token)

    # -- arithmetic -----------------------------------------------------------------------------

    def expression(self) -> Expression:
        """`a + b > c`: sums, compared at most once."""
        left = self.sum_of_products()
        if token := self.accept(*_COMPARISONS):
            left = Call(token.text, (left, self.sum_of_products()))
            if self.sees(*_COMPARISONS):
                self.fail("comparisons do not chain in a formula")
        return left

    def sum_of_products(self) -> Expression:
        """`a + b - c`."""
        left = self.product()
        while token := self.accept("+", "-"):
            left = Call(token.text, (left, self.product()))
        return left

    def product(self) -> Expression:
        """`a * b / c`."""
        left = self.signed()
        while token := self.accept("*", "/"):
            left = Call(token.text, (left, self.signed()))
        return left

    def signed(self) -> Expression:
        """`-a`, which binds less than `^`."""
        negative = False
        while sign := self.accept("+", "-"):
            negative ^= sign.text == "-"
        operand = self.power()
        if not negative:
            return operand
        match operand:
            case Literal(float() | int() as value) if not isinstance(value, bool) and value >= 0:
                return Literal(-value)
            case _:
                return Call("-", (operand,))

    def power(self) -> Expression:
        """`a^b`, from right to left."""
        base = self.operand()
        if not (token := self.accept("^")):
            return base
        self.deeper(token)
        exponent = self.signed()
        self.depth -= 1
        return Call("^", (base, exponent))

    def operand(self) -> Expression:
        """A name, number, text, function or parenthesis."""
        token = self.take()
        match token.kind:
            case "number":
                return Literal(int(token.text) if token.text.isdigit() else float(token.text))
            case "string":
                return Literal(token.text)
            case "quoted":
                return Name(token.text)
            case "name" if self.sees("("):
                return self.call(token, _WITHIN_ARITHMETIC)
            case "name":
                return self.name(token)
            case "operator" if token.text == "(":
                self.deeper(token)
                inner = self.expression()
                self.expect(")", "to close the parenthesis")
                self.depth -= 1
                return inner
        self.fail(f"expected a column, number or function, found {token}", token)

    def name(self, token: Token) -> Expression:
        """A column, or one of the constants."""
        if token.text in _CONSTANTS:
            return Literal(_CONSTANTS[token.text])
        if token.text == "lambda":
            self.fail("`lambda`: a formula is not code; only functions of a fixed list may stand in it", token)
        return Name(token.text)

    # -- functions ------------------------------------------------------------------------------

    def call(self, token: Token, allowed: frozenset[str]) -> Expression:
        """The arguments of a function whose name was just taken."""
        function = FUNCTION_SYNONYMS.get(token.text, token.text)
        if function == "relevel":
            return self.relevel(token)
        if function not in FUNCTIONS:
            self.unknown_function(token)
        self.deeper(token)
        if function not in allowed:
            self.fail(f"`{function}` has several columns and cannot be part of arithmetic", token)
        signature = FUNCTIONS[function]
        self.expect("(", f"after `{token.text}`")
        arguments, options = self.arguments(token, function)
        self.check_arguments(token, signature, arguments, options)
        self.depth -= 1
        return Call(function, tuple(arguments), tuple(options.items()))

    def unknown_function(self, token: Token) -> NoReturn:
        last = token.text.rpartition(".")[2]
        near = get_close_matches(token.text, FUNCTIONS, 1)
        if last in FUNCTIONS:
            advice = f"; write `{last}`"
        elif token.text in _STRUCTURES:
            advice = '; write the random term alone, and its structure as `covariance={"group": "independent"}`'
        else:
            advice = f"; {f'did you mean `{near[0]}`? There' if near else 'there'} are {', '.join(sorted(FUNCTIONS))}"
        self.fail(f"`{token.text}` is not a function that may stand in a formula{advice}", token)

    def arguments(self, token: Token, function: str) -> tuple[list[Expression], dict[str, Expression]]:
        """What stands between the parentheses: by place and by name."""
        arguments: list[Expression] = []
        options: dict[str, Expression] = {}
        while not self.accept(")"):
            if arguments or options:
                self.expect(",", f"or `)` in `{token.text}(...)`")
            if self.next.kind == "name" and self.sees("=", ahead=1):
                name = self.take()
                self.take()
                key = {"contr": "coding", "contrasts": "coding"}.get(name.text, name.text)
                if key in options:
                    self.fail(f"`{name.text}` is given twice", name)
                options[key] = self.argument(function, key)
            elif options:
                self.fail("an argument without a name cannot follow one with a name")
            else:
                known = FUNCTIONS[function].arguments
                arguments.append(self.argument(function, known[min(len(arguments), len(known) - 1)]))
        if not arguments and "x" in options:
            arguments.append(options.pop("x"))
        return arguments, options

    def argument(self, function: str, name: str) -> Expression:
        """One argument: arithmetic where columns are expected, constants elsewhere."""
        if name == "x":
            return self.expression()
        if name == "coding":
            return self.coding()
        start = self.next
        value = self.vector() if self.sees("[") or self.next.text == VECTOR else self.expression()
        constant = isinstance(value, Literal) or (isinstance(value, Call) and value.function == VECTOR)
        if not constant and not (function == "log" and name == "base"):
            self.fail(f"`{name}` of `{function}` must be a constant", start)
        return value

    def vector(self) -> Call:
        """`c(1, 2)` or `[1, 2]`."""
        start = self.take()
        close = "]" if start.text == "[" else ")"
        if close == ")":
            self.expect("(", "after `c`")
        values: list[Expression] = []
        while not self.accept(close):
            if values:
                self.expect(",", f"or `{close}`")
            token = self.next
            value = self.signed()
            if not isinstance(value, Literal):
                self.fail("expected a number or text in quotes", token)
            values.append(value)
        return Call(VECTOR, tuple(values))

    def coding(self) -> Call:
        """`Treatment("b")`, `Sum`, `contr.sum`, `"sum"`."""
        token = self.take()
        name = CODING_SYNONYMS.get(token.text, token.text)
        if token.kind not in ("name", "string") or name not in CODINGS:
            self.fail(f"expected a coding ({', '.join(CODINGS)}), found {token}", token)
        if not self.accept("("):
            return Call(name)
        reference: Expression | None = None
        if not self.accept(")"):
            if self.next.kind == "name" and self.sees("=", ahead=1):
                key = self.take()
                if key.text not in ("reference", "ref", "base"):
                    self.fail(f"expected `reference`, found {key}", key)
                self.take()
            start = self.next
            if not CODINGS[name].arguments:
                self.fail(f"`{name}` has no arguments", start)
            reference = self.signed()
            if not isinstance(reference, Literal):
                self.fail("expected a level: text in quotes, or a number", start)
            self.expect(")", f"to close `{name}(`")
        return Call(name, (reference,) if reference is not None else ())

    def relevel(self, token: Token) -> Call:
        """`relevel(f, ref="b")` is `C(f, Treatment("b"))`."""
        self.expect("(", "after `relevel`")
        factor = self.expression()
        self.expect(",", "and the reference level")
        if self.next.kind == "name" and self.next.text in ("ref", "reference") and self.sees("=", ahead=1):
            self.at += 2
        start = self.next
        reference = self.signed()
        if not isinstance(reference, Literal):
            self.fail("expected a level: text in quotes, or a number", start)
        self.expect(")", "to close `relevel(`")
        return Call("C", (factor, Call("Treatment", (reference,))))

    def check_arguments(
        self, token: Token, signature: Signature, arguments: list[Expression], options: dict[str, Expression]
    ) -> None:
        """Too many, too few, unknown, or given twice."""
        allowed = signature.arguments + (("levels",) if token.text in CATEGORICAL else ())
        if len(arguments) > len(signature.arguments) or len(arguments) < signature.required:
            self.fail(f"`{token.text}` is written `{token.text}({', '.join(signature.arguments)})`", token)
        for name in options:
            if name not in allowed and name in ("ref", "reference", "base", "levels"):
                factor = arguments[0] if arguments else "f"
                self.fail(
                    f"`{token.text}` has no argument `{name}`; write "
                    + (f'`C({factor}, levels=c("b", "a"))`' if name == "levels" else f'`C({factor}, Treatment("b"))`'),
                    token,
                )
            if name not in allowed:
                self.fail(f"`{token.text}` has no argument `{name}`; it has {', '.join(allowed)}", token)
            if name in signature.arguments[: len(arguments)]:
                self.fail(f"`{name}` of `{token.text}` is given twice", token)


SEVERAL_COLUMNS = frozenset(STATEFUL) | frozenset(ELEMENTWISE) | frozenset(CATEGORICAL)
"""Functions that may stand as a term of a formula."""
