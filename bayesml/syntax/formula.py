"""Text of a formula, as R, lme4 and Bambi users write it, to a `Formula`.

Grammar, the loosest binding first (as in R)::

    formula  : expression "~" sum
    sum      : product (("+" | "-") product)*
    product  : within (("*" | "/") within)*
    within   : colon ("%in%" colon)*
    colon    : power (":" power)*
    power    : part ("^" number)?
    part     : 1 | 0 | "." | name | function | offset(expression) | "(" sum ")" | random | shared random
    random   : "(" sum ("|" | "||" | "|" tag "|") product ")"
"""

from dataclasses import replace
from functools import lru_cache

from bayesml.responses import RESPONSES
from bayesml.spec.expressions import Call, Expression, OtherColumns, names_in
from bayesml.spec.terms import FixedPart, Formula, RandomTerm
from bayesml.syntax.algebra import Algebra, Sum, by_degree
from bayesml.syntax.arithmetic import SEVERAL_COLUMNS, ArithmeticParser
from bayesml.syntax.tokens import Token

_LARGEST_POWER = 10


@lru_cache(maxsize=1024)
def parse_formula(text: str) -> Formula:
    """A formula as a value.

    Parameters
    ----------
    text : str
        For example ``"y ~ x * f + (x | school/class)"``. The operators mean what they mean in R;
        ``x^2`` is a crossing, ``I(x^2)`` a square.

    Returns
    -------
    Formula
        Terms in R's order; `(1 | a/b)` expanded. A `.` stays an `OtherColumns` until the model meets data.

    Raises
    ------
    FormulaError
        With the place marked and what was expected there.
    """
    return FormulaParser(" ".join(text.splitlines()).replace("\t", " ")).formula()


class FormulaParser(ArithmeticParser):
    """Recursive descent over the tokens of a formula."""

    def __init__(self, source: str):
        super().__init__(source)
        self.algebra = Algebra()

    def formula(self) -> Formula:
        """`response ~ terms`."""
        if self.next.kind == "end":
            self.fail('the formula is empty; write for example "y ~ x + (1 | g)"')
        if self.sees("~"):
            self.fail("expected the response before `~`")
        response = self.response()
        self.expect("~", "between the response and the terms")
        everything = self.sum()
        self.expect_end()
        fixed = FixedPart(by_degree(everything.terms), everything.intercept is not False, tuple(everything.offsets))
        return Formula(response, fixed, tuple(everything.random))

    def expect_end(self) -> None:
        """Nothing may follow the terms."""
        if self.next.kind == "end":
            return
        if self.sees("|", "||"):
            self.fail("a random term stands in parentheses: `(1 | group)`")
        if self.sees(")"):
            self.fail("this `)` closes nothing")
        if self.sees("~"):
            self.fail("a formula has one `~`")
        if self.sees("<", ">", "<=", ">=", "==", "!="):
            self.fail("a comparison stands inside `I()`: `I(x > 3)`")
        if self.sees("["):
            self.fail("columns and levels are not indexed in a formula")
        self.fail(f"expected `+` or another operator, found {self.next}")

    # -- left side ------------------------------------------------------------------------------

    def response(self) -> Expression:
        """A name, a function of one, or a registered response such as `known_sd(y, se)`."""
        if self.next.kind == "name" and self.sees("(", ahead=1) and self.next.text in RESPONSES:
            return self.response_call()
        start = self.next
        response = self.expression()
        if not names_in(response):
            self.fail("the response has no column", start)
        return response

    def response_call(self) -> Expression:
        """`known_sd(y, se)`: expressions, by place or by name."""
        function = self.take()
        self.take()
        arguments: list[Expression] = []
        options: list[tuple[str, Expression]] = []
        while not self.accept(")"):
            if arguments or options:
                self.expect(",", f"or `)` in `{function.text}(...)`")
            if self.next.kind == "name" and self.sees("=", ahead=1):
                name = self.take()
                self.take()
                if name.text in dict(options):
                    self.fail(f"`{name.text}` is given twice", name)
                options.append((name.text, self.expression()))
            else:
                arguments.append(self.expression())
        call = Call(function.text, tuple(arguments), tuple(options))
        if not names_in(call):
            self.fail("the response has no column", function)
        return call

    # -- terms ----------------------------------------------------------------------------------

    def sum(self) -> Sum:
        """Terms added and taken out, from left to right."""
        total = Sum()
        sign = self.accept("+", "-")
        while True:
            while sign and (another := self.accept("+", "-")):
                sign = sign if another.text == "+" else another
            start = self.next
            part = self.product_of_terms()
            total = self.subtract(total, part, start) if sign and sign.text == "-" else total.plus(part)
            if not (sign := self.accept("+", "-")):
                return total

    def subtract(self, total: Sum, part: Sum, start: Token) -> Sum:
        """`total - part`."""
        if part.random or part.offsets:
            self.fail("a random term or offset cannot be taken out; leave it away", start)
        if part.has_dot or (total.has_dot and any(len(term.factors) > 1 for term in part.terms)):
            self.fail("from `.` single columns can be taken out: `. - x`", start)
        return total.minus(part)

    def product_of_terms(self) -> Sum:
        """`a * b / c`."""
        start = self.next
        left = self.within()
        while token := self.accept("*", "/"):
            self.check_factor(left, start)
            start = self.next
            right = self.within()
            self.check_factor(right, start)
            left = self.algebra.crossing(left, right) if token.text == "*" else self.algebra.nesting(left, right)
        return left

    def within(self) -> Sum:
        """`a %in% b`."""
        start = self.next
        left = self.colon()
        while self.accept("%in%"):
            self.check_factor(left, start)
            start = self.next
            right = self.colon()
            self.check_factor(right, start)
            left = self.algebra.within(left, right)
        return left

    def colon(self) -> Sum:
        """`a : b`."""
        start = self.next
        left = self.power_of_terms()
        while self.accept(":"):
            self.check_factor(left, start)
            start = self.next
            right = self.power_of_terms()
            self.check_factor(right, start)
            left = self.algebra.interaction(left, right)
        return left

    def power_of_terms(self) -> Sum:
        """`(a + b)^2`."""
        start = self.next
        base = self.part()
        if not self.accept("^"):
            return base
        self.check_factor(base, start)
        exponent = self.take()
        if exponent.kind != "number" or not exponent.text.isdigit() or not 1 <= int(exponent.text) <= _LARGEST_POWER:
            allowed = f"expected a whole number from 1 to {_LARGEST_POWER}, found {exponent}"
            self.fail(f"{allowed}: `^` crosses terms; a power is written `I(x^2)`", exponent)
        return self.algebra.power(base, int(exponent.text))

    def check_factor(self, part: Sum, start: Token) -> None:
        """Only terms can be multiplied."""
        if part.random:
            self.fail("a random term can only be added", start)
        if part.offsets:
            self.fail("an offset can only be added", start)
        if part.is_number:
            self.fail(f"`{start.text}` can only be added or taken out; multiply inside `I()`", start)

    def part(self) -> Sum:
        """A number, `.`, name, function, or something in parentheses."""
        token = self.take()
        match token.kind, token.text:
            case "number", "1" | "0":
                return Sum(intercept=token.text == "1")
            case "number", _:
                self.fail("only 1 (with intercept) and 0 (without) stand as numbers; scale inside `I()`", token)
            case "operator", "(":
                return self.parenthesis(token)
            case "operator", ".":
                return Sum([self.algebra.term(OtherColumns())])
            case "name", "offset" if self.sees("("):
                return self.offset()
            case "name", "shared" if self.sees("("):
                return self.shared(token)
            case "name", _ if self.sees("("):
                if token.text in RESPONSES:
                    self.fail(f"`{token.text}` stands on the left side, before `~`", token)
                return Sum([self.algebra.term(self.call(token, SEVERAL_COLUMNS))])
            case (("name" | "quoted"), _):
                self.at -= 1
                column = self.operand()
                if not names_in(column):
                    self.fail(f"`{token.text}` is not a term", token)
                return Sum([self.algebra.term(column)])
        self.fail(f"expected a term, found {token}", token)

    def offset(self) -> Sum:
        """`offset(log(exposure))`."""
        self.expect("(", "after `offset`")
        inner = self.expression()
        self.expect(")", "to close `offset(`")
        return Sum(offsets=[inner])

    # -- random terms ---------------------------------------------------------------------------

    def shared(self, token: Token) -> Sum:
        """`shared(x | g)`: a random term that enters every predictor."""
        inner = self.parenthesis(self.take())
        if not inner.random or inner.factors() or inner.offsets:
            self.fail("`shared` holds a random term: `shared(1 | group)`", token)
        if any(term.tag is not None for term in inner.random):
            self.fail("effects that are shared enter every predictor; a tag has nothing to join", token)
        return Sum(random=[replace(term, shared=True) for term in inner.random])

    def parenthesis(self, opening: Token) -> Sum:
        """`(a + b)`, or a random term."""
        self.deeper(opening)
        order, start = dict(self.algebra.order), self.at
        inner = self.sum()
        if self.sees("|", "||") and not inner.random:
            # columns of a random term have an order of their own, as a formula of their own would
            self.at, self.algebra.order = start, {}
            inner = self.sum()
        if bar := self.accept("|", "||"):
            random = self.random_terms(inner, bar, opening)
            self.algebra.order = order
            inner = Sum(random=random)
        elif not self.accept(")"):
            self.fail(f"expected `)`, `|` or an operator, found {self.next}; `(` at {opening.position + 1} is open")
        self.depth -= 1
        return inner

    def random_terms(self, inner: Sum, bar: Token, opening: Token) -> list[RandomTerm]:
        """The terms that `(inner | group)` stands for: one each of `a`, `a:b` for `a/b`."""
        if inner.random or inner.offsets:
            self.fail("a random term holds neither offsets nor other random terms", opening)
        columns = FixedPart(by_degree(inner.terms), inner.intercept is not False)
        if not columns.terms and not columns.intercept:
            self.fail("this random term has no columns; write `(1 | group)`", opening)
        self.algebra.order = {}
        tag = self.tag(bar)
        start = self.next
        if self.sees("(") and self.sees(")", ahead=1):
            self.fail("expected a grouping factor", start)
        groups = self.product_of_terms()
        if groups.is_number or groups.offsets or groups.random or groups.has_dot:
            self.fail("expected a grouping factor: a column, `a:b` or `a/b`", start)
        if self.sees("|", "||"):
            self.fail("expected `)`; a tag is one name between bars: `(x |tag| group)`")
        if self.sees("+", "-"):
            self.fail("groups are not added; write a random term for each: `(1 | a) + (1 | b)`")
        self.expect(")", "to close the random term")
        return [RandomTerm(columns, tuple(map(_group, term.factors)), bar.text == "|", tag) for term in groups.terms]

    def tag(self, bar: Token) -> str | None:
        """The name between the bars of `(x |tag| g)`; None in `(x | g)`."""
        if self.next.kind not in ("name", "quoted", "number") or not self.sees("|", ahead=1):
            return None
        tag = self.take()
        self.take()
        if bar.text == "||":
            self.fail("effects that a tag joins are correlated; write `(x |tag| group)` or `(x || group)`", bar)
        return tag.text


def _group(factor: Expression) -> Expression:
    """A grouping factor: `factor(g)` without a coding is `g`."""
    match factor:
        case Call("C", (inner,), ()):
            return inner
        case _:
            return factor
