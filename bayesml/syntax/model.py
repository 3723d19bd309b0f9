"""`bml.Model`: the specification as users write it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from os import PathLike
from typing import Any, Literal

from bayesml.covariance import COVARIANCES, Covariance
from bayesml.distributions import Distribution
from bayesml.errors import SpecificationError
from bayesml.families import FAMILIES, FAMILY_SYNONYMS, Family
from bayesml.links import LINKS, Link
from bayesml.spec import model as spec
from bayesml.spec.expressions import Expression, Name, label
from bayesml.spec.priors import Priors
from bayesml.spec.terms import Formula, RandomTerm
from bayesml.syntax.formula import parse_formula
from bayesml.syntax.mathematics import latex, plain_text

OPTIONS = ("family", "link", "covariance", "weights", "priors", "na", "frequencies", "exposure")
"""Keywords of a model, besides its formula; the verbs pass them on."""

_COVARIANCE_SYNONYMS = {
    "un": "unstructured", "us": "unstructured", "symm": "unstructured", "pdsymm": "unstructured",
    "diag": "independent", "pddiag": "independent", "diagonal": "independent",
    "ex": "exchangeable", "cs": "exchangeable", "homcs": "exchangeable", "pdcompsymm": "exchangeable",
    "id": "identity", "pdident": "identity", "homdiag": "identity",
}  # fmt: skip

_ELSEWHERE = {
    "REML": 'choose the criterion when fitting: `criterion="reml"` or `criterion="ml"`',
    "reml": 'choose the criterion when fitting: `criterion="reml"` or `criterion="ml"`',
    "method": 'choose the criterion when fitting (`criterion="reml"`, `"ml"`, `"map"`), or sample with `bml.sample`',
    "criterion": "it is an option of `bml.fit`",
    "integration": "it is an option of `bml.fit`",
    "points": "it is an option of `bml.fit`, beside `integration`",
    "nAGQ": 'choose the integral when fitting: `integration="laplace"` (nAGQ = 1), or `integration="aghq", points=7`',
    "intmethod": 'choose the integral when fitting: `integration="mvaghq"`, `"aghq"`, `"ghq"` or `"laplace"`',
    "intpoints": "they are called `points`, an option of `bml.fit` beside `integration`",
    "data": "a model holds no data: give them to `bml.fit(model, data)` or `bml.sample(model, data)`",
    "random": "write random terms in the formula: `(x | group)`",
    "re_formula": "write random terms in the formula: `(x | group)`",
    "groups": "write random terms in the formula: `(x | group)`",
    "group": "write random terms in the formula: `(x | group)`",
    "vc_formula": "write random terms in the formula: `(0 + f | group)`",
    "correlation": "residual structures are not available; rows are independent given the random effects",
    "residual": "residual structures are not available; rows are independent given the random effects",
    "residuals": "residual structures are not available; rows are independent given the random effects",
    "dispformula": "predictors of the scale are not available",
    "ziformula": "zero inflation is not available",
    "scale": "predictors of the scale are not available",
    "offset": "write it in the formula, `offset(log(time))`, or give the column as `exposure=`",
    "trials": "write them on the left side: `p(success, n)` or `cbind(success, failure)`",
    "size": "write them on the left side: `p(success, n)` or `cbind(success, failure)`",
    "censored": "write it on the left side: `censored(y, status)`, `interval(lo, hi)`, `tobit(y, lower=0)`",
    "event": "write it on the left side: `Surv(time, event)`",
    "metric": 'it is an option of the family: `bml.families.Weibull(metric="time")`',
    "dispersion": 'it is an option of the family: `bml.families.NegativeBinomial(dispersion="constant")`',
    "base": 'it is an option of the family: `bml.families.Categorical(base="no")`',
    "baseoutcome": 'it is an option of the family: `bml.families.Categorical(base="no")`',
    "subset": "select the rows of the data first",
    "contrasts": "choose the coding in the formula: `C(f, Sum)`",
    "control": "there are no optimiser controls; the result's `status` says how a fit ended",
    "start": "there are no starting values to give",
    "na_action": 'it is called `na`: "drop" or "raise"',
    "na.action": 'it is called `na`: "drop" or "raise"',
    "dropna": 'it is called `na`: "drop" or "raise"',
    "prior": "it is called `priors`",
    "weight": "it is called `weights`",
    "pweights": "sampling weights are not available; `weights` are prior weights (variance sigma² / weight)",
    "fweights": "they are called `frequencies`: how many rows each row stands for",
    "fweight": "they are called `frequencies`: how many rows each row stands for",
    "frequency": "it is called `frequencies`",
    "survey": "survey weights are not available; `weights` are prior weights (variance sigma² / weight)",
    "cov": "it is called `covariance`",
    "cov_struct": "it is called `covariance`",
    "noncentered": 'it is `parametrisation="auto"` of `bml.sample`',
    "seed": "it is an option of `bml.sample`",
    "draws": "it is an option of `bml.sample`",
    "chains": "it is an option of `bml.sample`",
    "tune": "it is an option of `bml.sample`",
    "iter": "draws to keep are called `draws`, those to adapt with `tune`, both options of `bml.sample`",
    "warmup": "it is called `tune`, an option of `bml.sample`",
    "burnin": "it is called `tune`, an option of `bml.sample`",
    "mcmcsize": "it is called `draws`, of each chain, an option of `bml.sample`",
    "nchains": "it is called `chains`, an option of `bml.sample`",
    "rseed": "it is called `random_seed`, an option of `bml.sample`",
    "adapt_delta": "it is called `target_accept`, an option of `bml.sample`",
    "thin": "all draws are kept; thin them afterwards: `post.idata.posterior.isel(draw=slice(None, None, 5))`",
    "thinning": "all draws are kept; thin them afterwards: `post.idata.posterior.isel(draw=slice(None, None, 5))`",
}
"""Keywords of other systems and of other verbs, and where their meaning is found here."""


@dataclass(frozen=True, init=False, repr=False, eq=True)
class Model(spec.Model):
    """A multilevel model, without data.

    Parameters
    ----------
    formula : str or Formula
        ``"y ~ x + f + (x | school)"``, in R's notation.
    family : str or Family, default "gaussian"
    link : str or Link, optional
        The family's default where it is not given.
    covariance : str, dict or sequence of Covariance, optional
        Covariance of the random effects: ``"unstructured"``, ``"independent"``, ``"identity"`` or ``"exchangeable"``;
        one for all terms, or a dict by grouping factor or by term: ``{"school": "exchangeable"}``,
        ``{"(x | school)": "independent"}``. Default: unstructured for `(x | g)`, independent for `(x || g)`.
    weights : str, optional
        Column of prior weights: the variance of a row is sigma² / weight.
    priors : str, path or dict, optional
        Name of a prior set, path of a file of one's own (``"my_priors.toml"``), or priors by address that replace those
        of the default set:
        ``{"Days": bml.Normal(0, 10), "sd(Days | Subject)": bml.HalfNormal(10), "sigma": bml.Fixed(1)}``;
        `bml.Priors` has set and priors.
    na : {"drop", "raise"}, default "drop"
        Rows with a missing value in a column that is used are dropped, counted and told; or refused.
    frequencies : str, optional
        Column of the number of equal rows that each row stands for: its log density counts so often.
    exposure : str, optional
        Column whose logarithm is added to the linear predictor; for a log link.

    Raises
    ------
    FormulaError
        The formula cannot be read; the place is marked.
    SpecificationError
        An option that does not exist, or parts that do not go together.

    Examples
    --------
    >>> model = Model("Reaction ~ Days + (Days | Subject)")
    >>> model
    Model('Reaction ~ 1 + Days + (1 + Days | Subject)', family='gaussian')
    """

    def __init__(
        self,
        formula: str | Formula,
        family: str | Family = "gaussian",
        link: str | Link | None = None,
        covariance: str | Covariance | Mapping[str, str | Covariance] | tuple[Covariance, ...] | None = None,
        weights: str | None = None,
        priors: Priors | str | PathLike[str] | Mapping[str, Distribution] | None = None,
        na: Literal["drop", "raise"] = "drop",
        frequencies: str | None = None,
        exposure: str | None = None,
        **unknown: Any,
    ):
        refuse_unknown(unknown)
        if not isinstance(formula, str | Formula):
            raise SpecificationError(f"A model starts with its formula, a text, not {type(formula).__name__}.")
        parsed = parse_formula(formula) if isinstance(formula, str) else formula
        _check_terms(parsed)
        family = _family(family)
        if na not in ("drop", "raise"):
            raise SpecificationError(f'`na` is "drop" or "raise", not {na!r}.')
        for name, column in {"weights": weights, "frequencies": frequencies, "exposure": exposure}.items():
            if column is not None and not isinstance(column, str):
                raise SpecificationError(f"`{name}` is the name of a column, not {type(column).__name__}.")
        super().__init__(
            parsed,
            family,
            _link(link, family),
            _covariances(covariance, parsed),
            weights,
            Priors.of(priors),
            na,
            frequencies,
            exposure,
        )
        _check_response(self)
        _check_shared(self)
        _check_columns(self)

    def __str__(self) -> str:
        return plain_text(self)

    def latex(self) -> str:
        """The model as LaTeX, an `aligned` block without delimiters."""
        return latex(self)

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"


def refuse_unknown(keywords: Mapping[str, Any], allowed: tuple[str, ...] = OPTIONS) -> None:
    """Raise a `SpecificationError` for keywords that do not exist, naming ours where another system's is known."""
    for name in keywords:
        if name in _ELSEWHERE:
            raise SpecificationError(f"There is no option `{name}`: {_ELSEWHERE[name]}.")
        near = get_close_matches(name, allowed, 1)
        advice = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(allowed)}."
        raise SpecificationError(f"There is no option `{name}`; {advice}")


def _family(family: str | Family) -> Family:
    match family:
        case Family():
            return family
        case str() if family.lower() in FAMILY_SYNONYMS:
            return FAMILY_SYNONYMS[family.lower()]
        case str() if family.lower() in LINKS:
            having = [own for own in FAMILIES.values() if family.lower() in own.links]
            families = [own.name for own in sorted(having, key=lambda own: own.default_link != family.lower())]
            raise SpecificationError(
                f'{family!r} is a link, not a family: give `family="{families[0]}", link="{family.lower()}"`. Families '
                f"with this link: {', '.join(families)}."
            )
        case str():
            near = get_close_matches(family.lower(), FAMILY_SYNONYMS, 1)
            advice = f"did you mean {near[0]!r}? There" if near else "there"
            raise SpecificationError(f"There is no family {family!r}; {advice} are {', '.join(FAMILIES)}.")
    raise SpecificationError(f"`family` is the name of a family ({', '.join(FAMILIES)}), not {type(family).__name__}.")


def _link(link: str | Link | None, family: Family) -> Link:
    name = family.default_link if link is None else link.name if isinstance(link, Link) else link
    if name not in family.links or name not in LINKS:
        raise SpecificationError(f"The {family.name} family has no link {name!r}; it has {', '.join(family.links)}.")
    return link if isinstance(link, Link) else LINKS[name]


def _covariance(value: str | Covariance) -> Covariance:
    if isinstance(value, Covariance):
        return value
    name = _COVARIANCE_SYNONYMS.get(value.lower(), value.lower()) if isinstance(value, str) else None
    if name not in COVARIANCES:
        raise SpecificationError(f"There is no covariance {value!r}; there are {', '.join(COVARIANCES)}.")
    return COVARIANCES[name]


def _covariances(given: Any, formula: Formula) -> tuple[Covariance, ...]:
    """One covariance a term, from one for all, one by group or term, or one each."""
    terms = formula.random
    default = tuple(COVARIANCES[spec.default_covariance(term.correlated)] for term in terms)
    match given:
        case None:
            return default
        case str() | Covariance():
            if not terms:
                raise SpecificationError("`covariance` is given, but the formula has no random term.")
            return tuple(_covariance(given) for _ in terms)
        case Mapping():
            chosen = list(default)
            for key, value in given.items():
                for place in _terms_of(key, terms):
                    chosen[place] = _covariance(value)
            return tuple(chosen)
        case tuple() | list():
            if len(given) != len(terms):
                raise SpecificationError(f"{len(given)} covariances are given for {len(terms)} random terms.")
            return tuple(map(_covariance, given))
    raise SpecificationError(f"`covariance` is a name or a dict by group or term, not {type(given).__name__}.")


def _terms_of(key: str, terms: tuple[RandomTerm, ...]) -> list[int]:
    """Places of the terms that a key means: a grouping factor (`a:b`, or lme4's `b:a`), or the text of a term."""
    reversed_key = ":".join(reversed(key.split(":"))) if isinstance(key, str) else key
    for wanted in (key, reversed_key):
        if places := [i for i, term in enumerate(terms) if wanted in (term.group_name, str(term))]:
            return places
    if isinstance(key, str) and "|" in key:
        written = parse_formula(f"y ~ {key if key.startswith('(') else f'({key})'}").random
        if places := [i for i, term in enumerate(terms) if term in written]:
            return places
    groups = ", ".join(f"`{name}`" for name in dict.fromkeys(term.group_name for term in terms))
    raise SpecificationError(
        f"`covariance` names `{key}`, which is no group or term of the formula; groups: {groups or 'none'}."
    )


def _check_terms(formula: Formula) -> None:
    """Refuse random terms whose variances could not be told apart."""
    for i, term in enumerate(formula.random):
        for earlier in formula.random[:i]:
            if set(term.group) != set(earlier.group):
                continue
            if term.tag is not None and term.tag == earlier.tag:
                raise SpecificationError(
                    f"`{earlier}` and `{term}` have the same tag and group: write one term with the columns of both."
                )
            if term.shared != earlier.shared:
                continue  # a shared part beside the parts of each predictor
            if term.columns == earlier.columns:
                raise SpecificationError(f"The random term `{term}` stands twice in the formula.")
            if term.columns.intercept and earlier.columns.intercept:
                raise SpecificationError(
                    f"`{earlier}` and `{term}` both hold an intercept of `{term.group_name}`, whose variances cannot "
                    f"be told "
                    "apart; take it out of one: `(0 + ... | group)`."
                )


def _check_response(model: spec.Model) -> None:
    """The left side is a response that its family can have, which is not among the terms."""
    response, arguments = model.response, model.response_arguments
    if reason := response.refusal(model.family):
        raise SpecificationError(
            f"`{model.formula.response}` does not go with the {model.family.name} family: "
            f"{reason[0].lower()}{reason[1:].rstrip('.')}."
        )
    parts: set[Expression] = {value for name, value in arguments.items() if name not in response.given}
    for term in model.formula.fixed.terms:
        if found := parts & set(term.factors):
            raise SpecificationError(
                f"The response `{label(next(iter(found)))}` is among the terms; it cannot explain itself."
            )
    for random in model.formula.random:
        factors = {factor for term in random.columns.terms for factor in term.factors}
        if found := parts & {*random.group, *factors}:
            raise SpecificationError(
                f"The response `{label(next(iter(found)))}` is in `{random}`; it cannot explain itself."
            )


def _check_shared(model: spec.Model) -> None:
    """`shared()` needs several predictors to be shared by."""
    if model.family.outcome == "unordered":
        return
    for term in model.formula.random:
        if term.shared:
            raise SpecificationError(
                f"`{term}`: the {model.family.name} family has one predictor, so there is nothing to share; write "
                f"`{replace(term, shared=False)}`."
            )


def _check_columns(model: spec.Model) -> None:
    """Weights, frequencies and exposure mean something for the family, link and response."""
    if model.weights is not None and model.family.scale_parameter is None:
        raise SpecificationError(
            f"The {model.family.name} family has no dispersion that weights could divide; `frequencies=` says how many "
            "rows each row stands for."
            + (" Proportions of n trials are written `p(success, n)`." if model.family.takes_trials else "")
        )
    if model.weights is not None and model.response.fixes_scale:
        raise SpecificationError(
            f"`{model.response.name}` gives the sd of each row; weights have no meaning beside it."
        )
    if model.exposure is not None and model.link.name != "log":
        raise SpecificationError(
            f"`exposure` multiplies the mean of a model with a log link; this one has the {model.link.name} link. Add "
            f"what you mean to the predictor: `offset({Name(model.exposure)})`."
        )
