"""Sums of terms and what R's formula operators make of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bayesml.spec.expressions import Expression, Name, OtherColumns
from bayesml.spec.terms import RandomTerm, Term


@dataclass
class Sum:
    """What stands between `+` signs: terms, an explicit 1 or 0, offsets, random terms.

    `intercept` is None where neither 1 nor 0 was written.
    """

    terms: list[Term] = field(default_factory=list)
    intercept: bool | None = None
    offsets: list[Expression] = field(default_factory=list)
    random: list[RandomTerm] = field(default_factory=list)

    @property
    def is_number(self) -> bool:
        """Whether it is only a 1 or 0."""
        return self.intercept is not None and not (self.terms or self.offsets or self.random)

    @property
    def has_dot(self) -> bool:
        """Whether a `.` stands in it."""
        return any(isinstance(f, OtherColumns) for term in self.terms for f in term.factors)

    def factors(self) -> list[Term]:
        """The terms that take part in products: a written 1 is the empty one."""
        return [Term()] * bool(self.intercept) + self.terms

    def plus(self, other: "Sum") -> "Sum":
        """The union; the last word on the intercept counts."""
        return Sum(
            unique(self.terms + other.terms),
            self.intercept if other.intercept is None else other.intercept,
            self.offsets + other.offsets,
            self.random + other.random,
        )

    def minus(self, other: "Sum") -> "Sum":
        """The terms without those of `other`; `- 1` takes the intercept out, `- 0` puts it in."""
        terms = [term for term in self.terms if term not in other.terms]
        if self.has_dot:
            names = [f.name for term in other.terms for f in term.factors if isinstance(f, Name)]
            terms = [Term(tuple(_take_out(f, names) for f in term.factors)) for term in terms]
        intercept = self.intercept if other.intercept is None else not other.intercept
        return Sum(terms, intercept, self.offsets, self.random)


def _take_out(factor: Expression, names: list[str]) -> Expression:
    match factor:
        case OtherColumns(without):
            return OtherColumns(tuple(dict.fromkeys([*without, *names])))
        case _:
            return factor


def unique(terms: Iterable[Term]) -> list[Term]:
    """Terms in order, without repeats."""
    return list(dict.fromkeys(terms))


class Algebra:
    """Products of terms; factors of a term stand in the order in which the formula first names them, as in R."""

    def __init__(self) -> None:
        self.order: dict[Expression, int] = {}

    def term(self, factor: Expression) -> Term:
        """A term of one factor."""
        self.order.setdefault(factor, len(self.order))
        return Term((factor,))

    def product(self, *terms: Term) -> Term:
        """`a:b`; a factor multiplied by itself is itself (but each `.` may stand for another column)."""
        factors: list[Expression] = [f for term in terms for f in term.factors]
        dots: list[Expression] = [f for f in factors if isinstance(f, OtherColumns)]
        others: list[Expression] = list(dict.fromkeys(f for f in factors if not isinstance(f, OtherColumns)))
        return Term(tuple(sorted(others + dots, key=lambda f: self.order.get(f, len(self.order)))))

    def interaction(self, left: Sum, right: Sum) -> Sum:
        """`left : right`, all pairs."""
        return Sum(_proper(unique(self.product(a, b) for a in left.factors() for b in right.factors())))

    def crossing(self, left: Sum, right: Sum) -> Sum:
        """`left * right`."""
        pairs = [self.product(a, b) for a in left.factors() for b in right.factors()]
        return Sum(_proper(unique(left.terms + right.terms + pairs)))

    def nesting(self, left: Sum, right: Sum) -> Sum:
        """`left / right`: all factors of the left side times each term of the right one."""
        whole = self.product(*left.terms)
        return Sum(_proper(unique(left.terms + [self.product(whole, b) for b in right.factors()])))

    def within(self, left: Sum, right: Sum) -> Sum:
        """`left %in% right`."""
        whole = self.product(*right.terms)
        return Sum(_proper(unique(self.product(a, whole) for a in left.factors())))

    def power(self, base: Sum, exponent: int) -> Sum:
        """`(a + b)^2`: crossings up to a degree."""
        result = base
        for _ in range(exponent - 1):
            result = self.crossing(base, result)
        return Sum(result.terms, base.intercept)


def _proper(terms: list[Term]) -> list[Term]:
    return [term for term in terms if term.factors]


def by_degree(terms: Iterable[Term]) -> tuple[Term, ...]:
    """Terms in R's order: main effects, then interactions of two, of three, ..."""
    return tuple(sorted(terms, key=lambda term: len(term.factors)))
