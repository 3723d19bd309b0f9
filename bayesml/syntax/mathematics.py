"""A model printed as mathematics, in plain text and in LaTeX.

Without data it is not known which columns are factors, so a term is written by its name: the
coefficient of a factor stands for one of each of its columns.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bayesml.spec.expressions import Call, Expression, Literal, Name, label, names_in
from bayesml.spec.model import Model
from bayesml.spec.terms import RandomTerm, Term


def plain_text(model: Model) -> str:
    """The model in lines of plain text.

    ::

        Reaction[i] = beta0 + beta1 Days[i] + b0[Subject[i]] + b1[Subject[i]] Days[i] + e[i]
        (b0, b1) ~ N(0, G)   for each level of Subject; G unstructured
        e[i] ~ N(0, sigma^2)

    ::

        logit(P(y[i] <= k)) = cut[k] - (beta0 x[i] + b0[judge[i]])
        b0 ~ N(0, sd(judge)^2)   for each level of judge
    """
    return "\n".join(_lines(model, _PLAIN))


def latex(model: Model) -> str:
    """The model as LaTeX, an `aligned` block without delimiters."""
    return r"\begin{aligned}" + r" \\ ".join(_lines(model, _LATEX)) + r"\end{aligned}"


@dataclass(frozen=True)
class _Style:
    """How the pieces are written."""

    beta: Callable[[int, bool], str]
    effect: Callable[[int, int, str, bool], str]
    row: Callable[[Expression], str]
    text: Callable[[str], str]
    covariance: Callable[[int, str], str]
    variance: Callable[[str], str]
    normal: Callable[[str, str], str]
    function: Callable[[str, str], str]
    root: Callable[[str], str]
    start: str
    cut: str
    at_most: str
    equals: str
    distributed: str
    dot: str
    sigma: str
    error: str
    mean: str
    probability: str
    space: str


def _lines(model: Model, style: _Style) -> list[str]:
    """The line of the linear predictor, and the lines of what is random."""
    formula, several = model.formula, model.family.outcome == "unordered"
    intercept = formula.fixed.intercept and model.family.takes_intercept
    summands: list[str] = [style.beta(0, several)] if intercept else []
    first = len(summands)
    summands += [
        f"{style.beta(first + k, several)} {_product(term, style)}" for k, term in enumerate(formula.fixed.terms)
    ]
    offsets = [*formula.fixed.offsets, *([Call("log", (Name(model.exposure),))] if model.exposure else [])]
    summands += [style.row(offset) for offset in offsets]
    below = []
    for k, (term, covariance) in enumerate(zip(formula.random, model.covariance, strict=True)):
        number = k + 1 if len(formula.random) > 1 else 0
        summands += _effects(term, number, style, several and not term.shared)
        below.append(_distribution(term, number, covariance.name, style, several))
    predictor = " + ".join(summands) or "0"
    lines = _outcome(model, predictor, len(summands), below, style)
    if reading := model.response.reading({name for name, e in model.response_arguments.items() if e != Literal(None)}):
        lines.append(_sentence(reading, model, style))
    if model.frequencies:
        lines.append(style.start + style.row(Name(model.frequencies)) + style.text(" rows equal to row i are counted"))
    priors = [
        f"{style.text(address)} {style.distributed} {style.text(str(prior))}" for address, prior in model.priors.given
    ]
    return [*lines, *priors]


def _outcome(model: Model, predictor: str, count: int, below: list[str], style: _Style) -> list[str]:
    """The lines of the response: what its mean or probability is, and how it is distributed."""
    family, link = model.family, model.link.name
    arguments = model.response_arguments
    subject = next(iter(arguments.values()))
    if model.response.named_by_call and not model.response.counts_trials:
        subject = Name("y")  # what lies between the ends has no name of its own
    response = style.row(subject)
    if link == "identity" and family.exact_with(model.link):
        return [f"{response} {style.equals} {predictor} + {style.error}", *below, _residual(model, style)]
    if family.outcome == "ordered":
        left = style.function(link, style.function("P", f"{response} {style.at_most} k"))
        inside = f"({predictor})" if count > 1 else predictor
        return [f"{left} {style.equals} {style.cut} - {inside}", *below]
    if family.outcome == "unordered":
        base = style.text(str(vars(family).get("base") or "base"))
        odds = f"{style.function('P', f'{response} = k')} / {style.function('P', f'{response} = {base}')}"
        return [f"{style.function('log', odds)} {style.equals} {predictor}", *below]
    if model.response.counts_trials:
        trials = _trials(arguments, style)
        mean = style.probability
        distribution = style.function(family.name, f"{trials}, {mean}")
    elif family.reads_two_levels:
        return [f"{style.function(link, style.function('P', f'{response} = 1'))} {style.equals} {predictor}", *below]
    else:
        mean = style.mean
        distribution = style.function(family.name, ", ".join([mean, *_parameters(model, style)]))
    left = mean if link == "identity" else style.function(link, mean)
    return [f"{left} {style.equals} {predictor}", *below, f"{response} {style.distributed} {distribution}"]


def _trials(arguments: Mapping[str, Expression], style: _Style) -> str:
    """The number of trials of a row."""
    if "n" in arguments:
        return style.row(arguments["n"])
    match arguments["success"], arguments["failure"]:
        case success, Call("-", (total, other)) if other == success:
            return style.row(total)
        case success, failure:
            return f"{style.row(success)} + {style.row(failure)}"


def _parameters(model: Model, style: _Style) -> list[str]:
    """Parameters of the family besides its mean, and its options."""
    family = model.family
    shown = [style.text(ancillary.name) for ancillary in family.ancillary()]
    if family.scale_parameter is not None:
        names = [ancillary.name for ancillary in family.ancillary()]
        place = names.index(family.scale_parameter)
        shown[place] = _scale(model, shown[place], style)
    return shown + [style.text(f"{name} {value}") for name, value in vars(family).items() if value is not None]


def _scale(model: Model, sigma: str, style: _Style) -> str:
    """The scale of a row: the parameter, divided by the root of a weight, or known."""
    if model.response.fixes_scale:
        return style.row(model.response_arguments["sd"])
    return f"{sigma} / {style.root(style.row(Name(model.weights)))}" if model.weights else sigma


def _residual(model: Model, style: _Style) -> str:
    """The line of the residuals."""
    if model.response.fixes_scale:
        variance = f"{style.row(model.response_arguments['sd'])}^2"
    elif model.weights:
        variance = f"{style.sigma}^2 / {style.row(Name(model.weights))}"
    else:
        variance = f"{style.sigma}^2"
    return f"{style.error} {style.distributed} {style.normal('0', variance)}"


def _sentence(template: str, model: Model, style: _Style) -> str:
    """Words with the arguments of the left side between them, which stand in braces."""
    words = re.split(r"\{(\w+)\}", template)
    arguments = model.response_arguments
    parts = (style.row(arguments[word]) if i % 2 else style.text(word) for i, word in enumerate(words) if word)
    return style.start + "".join(parts)


def _product(term: Term, style: _Style) -> str:
    return f" {style.dot} ".join(style.row(factor) for factor in term.factors)


def _effects(term: RandomTerm, number: int, style: _Style, several: bool) -> list[str]:
    """The summands of a random term; `number` counts the terms where there are several."""
    group = term.group_name
    effects = [style.effect(number, 0, group, several)] if term.columns.intercept else []
    first = len(effects)
    return effects + [
        f"{style.effect(number, first + k, group, several)} {_product(t, style)}"
        for k, t in enumerate(term.columns.terms)
    ]


def _distribution(term: RandomTerm, number: int, covariance: str, style: _Style, several: bool) -> str:
    """The line of the random effects of a term."""
    count = len(term.columns.terms) + term.columns.intercept
    joined = several and term.tag is not None
    names = [style.effect(number, k, "", several and not term.shared) for k in range(count)]
    each = f"for each level of {term.group_name}"
    if several and not term.shared:
        each += ", all categories k together" if joined else " and each category k"
    if count == 1 and not joined:
        variance, note, vector = style.variance(term.group_name), each, names[0]
    else:
        variance, note = style.covariance(number, term.group_name), f"{each}; {covariance}"
        vector = f"({', '.join(names)})"
    return f"{vector} {style.distributed} {style.normal('0', variance)}{style.space}{style.text(note)}"


# -- plain text -----------------------------------------------------------------------------------


def _plain_row(expression: Expression) -> str:
    text = label(expression)
    if not names_in(expression):
        return text
    return f"{text}[i]" if isinstance(expression, Name) else _indexed(str(expression), expression, "[i]")


def _indexed(text: str, expression: Expression, index: str) -> str:
    """The text of a function with an index behind each column in it."""
    for name in names_in(expression):
        shown = str(Name(name))
        text = re.sub(rf"(?<![\w.`]){re.escape(shown)}(?![\w.`(])", lambda match: match[0] + index, text)
    return text


def _plain_effect(number: int, k: int, group: str, several: bool) -> str:
    index = ", ".join([*([f"{group}[i]"] if group else []), *(["k"] if several else [])])
    return (f"b{number}_{k}" if number else f"b{k}") + (f"[{index}]" if index else "")


# -- LaTeX ----------------------------------------------------------------------------------------

_SPECIAL = {
    "\\": r"\textbackslash{}", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
}  # fmt: skip


def _escape(text: str) -> str:
    return r"\text{" + "".join(_SPECIAL.get(character, character) for character in text) + "}"


def _operator(name: str) -> str:
    """The name of a function or distribution, upright."""
    return r"\mathrm{" + name.replace("_", r"\_") + "}"


def _latex_row(expression: Expression) -> str:
    return _escape(label(expression)) + "_{i}" * bool(names_in(expression))


def _latex_effect(number: int, k: int, group: str, several: bool) -> str:
    parts = [str(number)] * bool(number) + [str(k)] + [_escape(group) + "[i]"] * bool(group) + ["k"] * several
    return f"b_{{{', '.join(parts)}}}"


_PLAIN = _Style(
    beta=lambda k, several: f"beta{k}" + "[k]" * several,
    effect=_plain_effect,
    row=_plain_row,
    text=str,
    covariance=lambda number, group: f"G{number or ''}",
    variance=lambda group: f"sd({group})^2",
    normal=lambda mean, variance: f"N({mean}, {variance})",
    function=lambda name, inside: f"{name}({inside})",
    root=lambda inside: f"sqrt({inside})",
    start="",
    cut="cut[k]",
    at_most="<=",
    equals="=",
    distributed="~",
    dot="*",
    sigma="sigma",
    error="e[i]",
    mean="mu[i]",
    probability="p[i]",
    space="   ",
)
_LATEX = _Style(
    beta=lambda k, several: rf"\beta_{{{k}{', k' * several}}}",
    effect=_latex_effect,
    row=_latex_row,
    text=_escape,
    covariance=lambda number, group: f"G_{{{_escape(group)}}}",
    variance=lambda group: rf"\mathrm{{sd}}({_escape(group)})^2",
    normal=lambda mean, variance: rf"\mathcal{{N}}\left({mean}, {variance}\right)",
    function=lambda name, inside: rf"{'P' if name == 'P' else _operator(name)}\left({inside}\right)",
    root=lambda inside: rf"\sqrt{{{inside}}}",
    start="&",
    cut=r"\mathrm{cut}_{k}",
    at_most=r"\le",
    equals="&=",
    distributed=r"&\sim",
    dot=r"\cdot",
    sigma=r"\sigma",
    error=r"\varepsilon_{i}",
    mean=r"\mu_{i}",
    probability="p_{i}",
    space=r" \quad ",
)
