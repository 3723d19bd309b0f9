"""Models that the data cannot identify, and names that mean two things, found before work starts."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from bayesml.design.arrays import RandomColumns
from bayesml.design.evaluation import CodedFactor, Evaluator, Numbers
from bayesml.design.factors import Factor, constant_within
from bayesml.design.notes import Notes
from bayesml.design.outcome import Outcome
from bayesml.design.predictor import Columns
from bayesml.errors import NotIdentified, SpecificationError
from bayesml.spec.expressions import Name
from bayesml.spec.model import Model
from bayesml.spec.terms import FixedPart, RandomTerm

_FEW, _CLOSE, _MANY = 5, 10, 20
_GLANCE = 200


def check_levels(
    random: Sequence[RandomColumns],
    terms: Sequence[RandomTerm],
    model: Model,
    outcome: Outcome,
    nobs: float,
    evaluator: Evaluator,
) -> None:
    """Refuse random terms with one level, or with so many that residual and random effect are the same.

    The rule is lme4's: where the scale is a parameter there must be fewer random effects than rows (`nobs`, those that
    frequencies stand for). Columns with variances of their own and no correlations (`||`) are counted one by one. A
    level a row is a model of more variance than a family of counts has; one 0 or 1, or one category, a row says nothing
    of it.

    Raises
    ------
    NotIdentified
    """
    n = nobs
    for columns, term in zip(random, terms, strict=True):
        levels = len(columns.levels)
        if levels < 2:
            raise NotIdentified(
                f"The grouping factor `{columns.group}` of `{term}` has one level, {columns.level_labels[0]!r}: a "
                f"variance "
                "between levels needs at least two, and better five. Leave the term out."
            )
        free = model.scale_is_free
        if levels >= n and free:
            raise NotIdentified(
                f"Each row is a level of its own of `{columns.group}` in `{term}`, so its variance cannot be told "
                f"from the "
                "residual variance. Leave the term out, or give the residual sd of each row: `known_sd(y, se) ~ ...`."
            )
        if levels >= n and outcome.one_trial:
            raise NotIdentified(
                f"Each row is a level of its own of `{columns.group}` in `{term}`, and one outcome of the "
                f"{model.family.name} family a row says nothing of a variance between rows. Leave the term out."
            )
        together = 1 if columns.covariance.column_freedom == "scale" else len(columns.names)
        if levels * together > n or (levels * together == n and free):
            raise NotIdentified(
                f"`{term}` has {levels} levels times {together} columns = {levels * together} random effects for {n:g} "
                f"rows; its variances cannot be told from the residual variance. "
                + (evaluator.text_like_numbers(term.columns) or "Use fewer columns, or `||`.")
            )


def check_names(coefficients: Sequence[str], model: Model, categories: tuple[str, ...]) -> None:
    """Refuse columns that are called as a parameter of the family is: an address would mean two things.

    Raises
    ------
    SpecificationError
    """
    known = model.family.scale_parameter if model.response.fixes_scale else None
    taken = {own.name for own in model.family.ancillary(categories)} - {known}
    for name in coefficients:
        if name in taken:
            raise SpecificationError(
                f"The column `{name}` is called as a parameter of the {model.family.name} family is, so that the "
                f'address `{name}` would mean two things. Rename it, as in `data.rename(columns={{"{name}": "x"}})`.'
            )


def check_addresses(random: Sequence[RandomColumns], terms: Sequence[RandomTerm]) -> None:
    """Refuse two terms that share a column, of one group or of two that put the same rows together.

    Raises
    ------
    NotIdentified
    """
    seen: dict[tuple[str, str, bool], RandomTerm] = {}
    for columns, term in zip(random, terms, strict=True):
        for name in columns.names:
            if (earlier := seen.setdefault((columns.group, name, term.shared), term)) is not term:
                raise NotIdentified(
                    f"`{earlier}` and `{term}` both have the column `{name}` for `{columns.group}`; its variances "
                    f"cannot be told "
                    "apart. Take it out of one of them."
                )

    for (first, earlier), (second, term) in combinations(zip(random, terms, strict=True), 2):
        alike = len(first.levels) == len(second.levels) and first.group != second.group
        shared = [name for name in first.names if name in second.names]
        if alike and shared and constant_within(first.codes, Factor(second.codes, second.levels)):
            raise NotIdentified(
                f"`{earlier}` and `{term}` put the same rows together and both have the column `{shared[0]}`; its "
                "variances cannot be told apart. Leave one of them out."
            )


def tell_of_random_terms(
    random: Sequence[RandomColumns], terms: Sequence[RandomTerm], evaluator: Evaluator, notes: Notes
) -> None:
    """Notes on readings of random terms that a user may not expect."""
    for columns, term in zip(random, terms, strict=True):
        groups = Factor(columns.codes, columns.levels)
        factors = {f for t in term.columns.terms for f in t.factors if isinstance(evaluator.block(f), CodedFactor)}
        if not term.correlated and factors:
            notes.tell(
                f"`{term}` has one variance for each of {', '.join(columns.names)}, all uncorrelated; lme4 gives a "
                f"factor on "
                "the left of `||` a full covariance matrix (write `(1 | g) + (0 + f | g)` for that)."
            )
        for name, values in zip(columns.names, columns.columns, strict=True):
            if values is not None and constant_within(values, groups):
                notes.tell(
                    f"`{name}` does not vary within levels of `{columns.group}`: its random slope in `{term}` is "
                    f"told from "
                    "differences between levels alone."
                )
                break


def tell_of_restarted_numbers(random: Sequence[RandomColumns], notes: Notes) -> None:
    """A note where whole numbers start again in each level of another factor, but are read as crossed with it.

    That is so where one occurs in several levels of the other, the numbers within each are 1, 2, ..., k (or
    start at 0), and k differs: a factor that is really crossed would not look like this.
    """
    single = {c.group: Factor(c.codes, c.levels) for c in random if c.levels.nlevels == 1}
    for inner, numbers in single.items():
        if numbers.levels.dtype.kind not in "iu" or numbers.levels[0] not in (0, 1):
            continue
        for outer, factor in single.items():
            if outer == inner or len(factor.levels) < 2 or constant_within(factor.codes, numbers):
                continue
            value = (numbers.levels.to_numpy() - numbers.levels[0] + 1)[numbers.codes]
            last = np.zeros(len(factor.levels), dtype=np.int64)
            np.maximum.at(last, factor.codes, value)
            if last.sum() > len(value):
                continue
            count = np.bincount(np.unique(factor.codes * len(numbers.levels) + numbers.codes) // len(numbers.levels))
            if np.array_equal(count, last) and count.min() < count.max():
                notes.tell(
                    f"The numbers of `{inner}` start again in each level of `{outer}`, and equal numbers are read as "
                    f"the same "
                    f"level. If they are different units, write `(1 | {outer}/{inner})`."
                )


def tell_of_few_numbers(part: FixedPart, evaluator: Evaluator, notes: Notes) -> None:
    """A note for whole numbers with few values close to each other, which may be codes of classes."""
    for name in {f.name: None for term in part.terms for f in term.factors if isinstance(f, Name)}:
        column, block = evaluator.columns[name], evaluator.block(Name(name))
        if not column.whole or not isinstance(block, Numbers):
            continue
        values = block.columns[0]
        if len(set(values[:_GLANCE].tolist())) > _FEW:
            continue
        distinct = len(np.unique(values))
        if 2 < distinct <= _FEW and np.ptp(values) < _CLOSE:
            notes.tell(
                f"`{name}` holds whole numbers with {distinct} values and enters as a number, with one slope; if "
                f"they are "
                f"classes, write `C({name})`."
            )


def tell_of_text_like_numbers(part: FixedPart, evaluator: Evaluator, notes: Notes) -> None:
    """A note for text that looks like measurements, which enters as a factor."""
    for name in {f.name: None for term in part.terms for f in term.factors if isinstance(f, Name)}:
        block = evaluator.block(Name(name))
        many = isinstance(block, CodedFactor) and len(block.factor.levels) > _MANY
        if many and evaluator.columns[name].looks_like_numbers:
            notes.tell(
                f"`{name}` is text that looks like numbers, and enters as a factor with more than {_MANY} levels; for "
                "one slope convert it to numbers."
            )


def tell_of_constant_factors(part: FixedPart, columns: Columns, evaluator: Evaluator, where: str, notes: Notes) -> None:
    """A note for terms that have no column because a factor has one level among the rows used."""
    without: dict[str, list[str]] = {}
    for term in part.terms:
        if term.label in columns.terms:
            continue
        blocks = [block for f in term.factors if isinstance(block := evaluator.block(f), CodedFactor)]
        for single in [block for block in blocks if len(block.factor.levels) == 1][:1]:
            what = f"`{single.name}` has one level in the rows used, {single.factor.labels[0]!r}"
            without.setdefault(what, []).append(f"`{term.label}`")
    for what, terms in without.items():
        notes.tell(f"{what}; {', '.join(terms)} {'is' if len(terms) == 1 else 'are'} left out of {where}.")


def tell_of_redundant(
    part: FixedPart, columns: Columns, redundant: Sequence[int], evaluator: Evaluator, where: str, notes: Notes
) -> None:
    """A note of the columns that are left out: zero in all rows, or combinations of earlier ones.

    Raises
    ------
    NotIdentified
        A product of a column so far from zero that it lost its digits.
    """
    dependent: list[str] = []
    zero: list[str] = []
    for j in redundant:
        if far := far_from_zero(part, evaluator, columns.terms[j]):
            raise NotIdentified(
                f"`{columns.names[j]}` cannot be told from earlier columns: the mean of `{far}` is more than 1e5 of "
                f"its standard deviations away from zero, and products of it lose their digits. Write "
                f"`center({far})` in the interaction."
            )
        values = columns.values[j]
        (zero if values is not None and not values.any() else dependent).append(f"`{columns.names[j]}`")
    several = "are linear combinations", "is a linear combination"
    for named, what in (
        (dependent, f"{several[len(dependent) == 1]} of earlier columns (constants included)"),
        (zero, f"{'is' if len(zero) == 1 else 'are'} zero in all rows used"),
    ):
        if named:
            shown = ", ".join(named[:8]) + (f" and {len(named) - 8} more" if len(named) > 8 else "")
            notes.tell(f"{shown} {what} and left out of {where}.")


def far_from_zero(part: FixedPart, evaluator: Evaluator, label: str) -> str | None:
    """A numeric column of an interaction whose mean is so far from zero that products of it lose their digits."""
    for term in part.terms:
        if term.label != label or len(term.factors) < 2:
            continue
        for factor in term.factors:
            block = evaluator.block(factor)
            if isinstance(block, Numbers) and np.abs(block.columns[0].mean()) > 1e5 * block.columns[0].std() > 0:
                return str(factor)
    return None
