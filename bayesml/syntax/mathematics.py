"""A model printed as mathematics, in plain text and in LaTeX.

Without data it is not known which columns are factors, so a term is written by its name: the
coefficient of a factor stands for one of each of its columns.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from bayesml.spec.expressions import Expression, Name, label, names_in
from bayesml.spec.model import Model
from bayesml.spec.terms import RandomTerm, Term


def plain_text(model: Model) -> str:
    """The model in lines of plain text.

    ::

        Reaction[i] = beta0 + beta1 Days[i] + b0[Subject[i]] + b1[Subject[i]] Days[i] + e[i]
        (b0, b1) ~ N(0, G)   for each level of Subject; G unstructured
        e[i] ~ N(0, sigma^2)
    """
    return "\n".join(_lines(model, _PLAIN))


def latex(model: Model) -> str:
    """The model as LaTeX, an `aligned` block without delimiters."""
    return r"\begin{aligned}" + r" \\ ".join(_lines(model, _LATEX)) + r"\end{aligned}"


@dataclass(frozen=True)
class _Style:
    """How the pieces are written."""

    beta: Callable[[int], str]
    effect: Callable[[int, int, str], str]
    row: Callable[[Expression], str]
    text: Callable[[str], str]
    covariance: Callable[[int, str], str]
    variance: Callable[[str], str]
    normal: Callable[[str, str], str]
    equals: str
    distributed: str
    dot: str
    sigma2: str
    error: str
    mean: str
    space: str


def _lines(model: Model, style: _Style) -> list[str]:
    """The line of the linear predictor, and the lines of what is random."""
    formula = model.formula
    summands: list[str] = [style.beta(0)] if formula.fixed.intercept else []
    first = len(summands)
    summands += [f"{style.beta(first + k)} {_product(term, style)}" for k, term in enumerate(formula.fixed.terms)]
    summands += [style.row(offset) for offset in formula.fixed.offsets]
    below = []
    for k, (term, covariance) in enumerate(zip(formula.random, model.covariance, strict=True)):
        number = k + 1 if len(formula.random) > 1 else 0
        summands += _effects(term, number, style)
        below.append(_distribution(term, number, covariance.name, style))
    predictor = " + ".join(summands) or "0"
    response = style.row(next(iter(model.response_arguments.values())))
    if model.link.name == "identity" and model.family.exact_with(model.link):
        first_line = f"{response} {style.equals} {predictor} + {style.error}"
        below.append(_residual(model, style))
    else:
        first_line = f"{style.text(model.link.name)}({style.mean}) {style.equals} {predictor}"
        below.append(f"{response} {style.distributed} {style.text(model.family.name)}({style.mean})")
    priors = [
        f"{style.text(address)} {style.distributed} {style.text(str(prior))}" for address, prior in model.priors.given
    ]
    return [first_line, *below, *priors]


def _residual(model: Model, style: _Style) -> str:
    """The line of the residuals."""
    arguments = list(model.response_arguments.values())
    if model.response.fixes_scale:
        variance = f"{style.row(arguments[1])}^2"
    elif model.weights:
        variance = f"{style.sigma2} / {style.row(Name(model.weights))}"
    else:
        variance = style.sigma2
    return f"{style.error} {style.distributed} {style.normal('0', variance)}"


def _product(term: Term, style: _Style) -> str:
    return f" {style.dot} ".join(style.row(factor) for factor in term.factors)


def _effects(term: RandomTerm, number: int, style: _Style) -> list[str]:
    """The summands of a random term; `number` counts the terms where there are several."""
    group = term.group_name
    effects = [style.effect(number, 0, group)] if term.columns.intercept else []
    first = len(effects)
    return effects + [
        f"{style.effect(number, first + k, group)} {_product(t, style)}" for k, t in enumerate(term.columns.terms)
    ]


def _distribution(term: RandomTerm, number: int, covariance: str, style: _Style) -> str:
    """The line of the random effects of a term."""
    count = len(term.columns.terms) + term.columns.intercept
    names = [style.effect(number, k, "") for k in range(count)]
    each = f"for each level of {term.group_name}"
    if count == 1:
        variance, note, vector = style.variance(term.group_name), each, names[0]
    else:
        variance, note = style.covariance(number, term.group_name), f"{each}; {covariance}"
        vector = f"({', '.join(names)})"
    return f"{vector} {style.distributed} {style.normal('0', variance)}{style.space}{style.text(note)}"


# -- plain text -----------------------------------------------------------------------------------


def _plain_row(expression: Expression) -> str:
    text = label(expression)
    return f"{text}[i]" if isinstance(expression, Name) else _indexed(str(expression), expression, "[i]")


def _indexed(text: str, expression: Expression, index: str) -> str:
    """The text of a function with an index behind each column in it."""
    for name in names_in(expression):
        shown = str(Name(name))
        text = re.sub(rf"(?<![\w.`]){re.escape(shown)}(?![\w.`(])", lambda match: match[0] + index, text)
    return text


def _plain_effect(number: int, k: int, group: str) -> str:
    return (f"b{number}_{k}" if number else f"b{k}") + (f"[{group}[i]]" if group else "")


# -- LaTeX ----------------------------------------------------------------------------------------

_SPECIAL = {
    "\\": r"\textbackslash{}", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
}  # fmt: skip


def _escape(text: str) -> str:
    return r"\text{" + "".join(_SPECIAL.get(character, character) for character in text) + "}"


def _latex_row(expression: Expression) -> str:
    return _escape(label(expression)) + "_{i}"


def _latex_effect(number: int, k: int, group: str) -> str:
    index = ", ".join([*([str(number)] if number else []), str(k), *([_escape(group) + "[i]"] if group else [])])
    return f"b_{{{index}}}"


_PLAIN = _Style(
    beta=lambda k: f"beta{k}",
    effect=_plain_effect,
    row=_plain_row,
    text=str,
    covariance=lambda number, group: f"G{number or ''}",
    variance=lambda group: f"sd({group})^2",
    normal=lambda mean, variance: f"N({mean}, {variance})",
    equals="=",
    distributed="~",
    dot="*",
    sigma2="sigma^2",
    error="e[i]",
    mean="mu[i]",
    space="   ",
)
_LATEX = _Style(
    beta=lambda k: rf"\beta_{{{k}}}",
    effect=_latex_effect,
    row=_latex_row,
    text=_escape,
    covariance=lambda number, group: f"G_{{{_escape(group)}}}",
    variance=lambda group: rf"\mathrm{{sd}}({_escape(group)})^2",
    normal=lambda mean, variance: rf"\mathcal{{N}}\left({mean}, {variance}\right)",
    equals="&=",
    distributed=r"&\sim",
    dot=r"\cdot",
    sigma2=r"\sigma^2",
    error=r"\varepsilon_{i}",
    mean=r"\mu_{i}",
    space=r" \quad ",
)
