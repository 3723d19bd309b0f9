"""The `.` of a formula, once the columns of the data are known."""

from dataclasses import replace
from itertools import product

from bayesml.errors import SpecificationError
from bayesml.spec.expressions import Expression, Name, OtherColumns
from bayesml.spec.model import Model
from bayesml.spec.terms import FixedPart, Formula, Term


def with_columns(model: Model, available: tuple[str, ...]) -> Formula:
    """The formula of a model with every `.` replaced by the columns that it stands for.

    These are the columns that are neither in the response, nor weights, frequencies or exposure, an offset or part of a
    grouping factor, in the order of the data.
    """
    formula = model.formula
    if not formula.has_dot:
        return formula
    groups = [name for term in formula.random for name in replace(term, columns=FixedPart()).names]
    offsets = replace(formula.fixed, terms=()).names
    used = {*replace(formula, fixed=FixedPart(), random=()).names, *groups, *offsets, *model.extra_columns}
    others = [name for name in available if name not in used]
    if not others:
        raise SpecificationError("`.` stands for no column: all columns of the data are used elsewhere in the formula.")
    return replace(
        formula,
        fixed=_expand(formula.fixed, others),
        random=tuple(replace(term, columns=_expand(term.columns, others)) for term in formula.random),
    )


def _expand(part: FixedPart, others: list[str]) -> FixedPart:
    terms: dict[frozenset[Expression], Term] = {}
    for term in part.terms:
        choices = [
            [Name(name) for name in others if name not in factor.without]
            if isinstance(factor, OtherColumns)
            else [factor]
            for factor in term.factors
        ]
        for combination in product(*choices):
            factors = tuple(dict.fromkeys(combination))
            terms.setdefault(frozenset(factors), Term(factors))
    return replace(part, terms=tuple(sorted(terms.values(), key=lambda term: len(term.factors))))
