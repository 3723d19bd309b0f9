"""Terms of a linear predictor: the fixed part and the random terms, as values."""

from dataclasses import dataclass

from bayesml.spec.expressions import Expression, Name, OtherColumns, label, names_in


@dataclass(frozen=True)
class Term:
    """A product of expressions, `a:b`; without factors it is the intercept."""

    factors: tuple[Expression, ...] = ()

    def __str__(self) -> str:
        return ":".join(map(str, self.factors)) or "1"

    @property
    def label(self) -> str:
        """As in addresses and tables: without the backticks of plain column names."""
        return ":".join(map(label, self.factors)) or "Intercept"


@dataclass(frozen=True)
class FixedPart:
    """Columns of X: terms in the order of their degree (as R sorts them) and offsets.

    Parameters
    ----------
    terms : tuple of Term
        Without the intercept.
    intercept : bool
    offsets : tuple of Expression
        Added to the linear predictor with coefficient one.
    """

    terms: tuple[Term, ...] = ()
    intercept: bool = True
    offsets: tuple[Expression, ...] = ()

    def __str__(self) -> str:
        terms = map(str, in_order_of_first_mention(self.terms))
        return " + ".join(["1" if self.intercept else "0", *terms, *(f"offset({o})" for o in self.offsets)])

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the data that are used."""
        parts = [f for t in self.terms for f in t.factors] + list(self.offsets)
        return tuple(dict.fromkeys(n for p in parts for n in names_in(p)))


@dataclass(frozen=True)
class RandomTerm:
    """A random term `(columns | group)`.

    Parameters
    ----------
    columns : FixedPart
        Columns of Z, without offsets.
    group : tuple of Expression
        The grouping factor is the interaction of these; `(1 | a/b)` gives two terms, `a` and `a:b`.
    correlated : bool
        False where it was written with `||`: the default covariance is then `independent`.
    tag : str or None
        The name in `(columns |tag| group)`, which joins the columns of all predictors into one block.
    shared : bool
        `shared(columns | group)`: the same effects enter every predictor.
    """

    columns: FixedPart
    group: tuple[Expression, ...]
    correlated: bool = True
    tag: str | None = None
    shared: bool = False

    @property
    def group_name(self) -> str:
        """The printed name of the grouping factor, `school:class`: column names joined, without backticks."""
        return ":".join(map(label, self.group))

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the data that are used."""
        groups = [n for g in self.group for n in names_in(g)]
        return tuple(dict.fromkeys([*self.columns.names, *groups]))

    def __str__(self) -> str:
        bar = f"|{Name(self.tag)}|" if self.tag is not None else "|" if self.correlated else "||"
        return f"{'shared' * self.shared}({self.columns} {bar} {':'.join(map(str, self.group))})"


@dataclass(frozen=True)
class Formula:
    """A parsed formula.

    Parameters
    ----------
    response : Expression
        Left side. A call of a registered response (`known_sd(y, se)`) selects that response;
        anything else is a plain response that is a name or a function of one.
    fixed : FixedPart
    random : tuple of RandomTerm
        `(1 | a/b/c)` is expanded.
    """

    response: Expression
    fixed: FixedPart
    random: tuple[RandomTerm, ...] = ()

    def __str__(self) -> str:
        return " + ".join([f"{self.response} ~ {self.fixed}", *map(str, self.random)])

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the data that are used, without those that a `.` stands for."""
        parts = [*names_in(self.response), *self.fixed.names, *(n for term in self.random for n in term.names)]
        return tuple(dict.fromkeys(parts))

    @property
    def has_dot(self) -> bool:
        """Whether a `.` waits for the columns of the data."""
        parts = [self.fixed, *(term.columns for term in self.random)]
        return any(isinstance(f, OtherColumns) for part in parts for term in part.terms for f in term.factors)


def in_order_of_first_mention(terms: tuple[Term, ...]) -> list[Term]:
    """Terms sorted so that text made of them is read again as the same terms.

    Factors of an interaction stand in the order in which the text first names them: `a*b - a` has the terms `b` and
    `a:b`, which must be written `a:b + b`. Terms of the same degree keep their order, since the reader keeps it.
    """
    earlier: dict[Expression, set[Expression]] = {}
    for term in terms:
        for i, factor in enumerate(term.factors):
            earlier.setdefault(factor, set()).update(term.factors[:i])
    waiting, written = list(terms), list[Term]()
    named: set[Expression] = set()
    while waiting:
        first_of_degree = {len(term.factors): term for term in reversed(waiting)}
        candidates = [term for _, term in sorted(first_of_degree.items())]
        ready = (
            t for t in candidates if all(earlier[f] <= named | set(t.factors) for f in t.factors if f not in named)
        )
        term = next(ready, candidates[0])
        waiting.remove(term)
        written.append(term)
        named.update(term.factors)
    return written
