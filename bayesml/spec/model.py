"""`Model`: the specification of a multilevel model, a frozen value without data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import Literal as OneOf

from bayesml.covariance import Covariance
from bayesml.errors import SpecificationError
from bayesml.families import FAMILIES, Family
from bayesml.links import Link
from bayesml.responses import PLAIN, RESPONSES, Response
from bayesml.spec.expressions import Call, Expression, Literal, label
from bayesml.spec.priors import Priors
from bayesml.spec.terms import Formula


@dataclass(frozen=True)
class Model:
    """A multilevel model: parsed terms, parts and options; no data, no graph.

    Two models are equal when all their fields are. `dataclasses.replace` gives a changed one.

    Parameters
    ----------
    formula : Formula
    family : Family
        Distribution of the response given its mean.
    link : Link
    covariance : tuple of Covariance
        One for each random term of the formula, in its order.
    weights : str or None
        Column of prior weights: the variance of a row is sigma² / weight.
    priors : Priors
    na : {"drop", "raise"}
        What happens to rows with a missing value in a column that is used.
    frequencies : str or None
        Column of the numbers of equal rows that each row stands for.
    exposure : str or None
        Column whose logarithm is added to the linear predictor.
    """

    formula: Formula
    family: Family
    link: Link
    covariance: tuple[Covariance, ...]
    weights: str | None
    priors: Priors
    na: OneOf["drop", "raise"]
    frequencies: str | None = None
    exposure: str | None = None

    @property
    def response(self) -> Response:
        """What a row contributes to the likelihood, chosen by the left side."""
        match self.formula.response:
            case Call(function, arguments, options) if function in RESPONSES:
                return RESPONSES[function].taking(len(arguments) + len(options))
            case _:
                return PLAIN

    @property
    def response_arguments(self) -> dict[str, Expression]:
        """Expressions of the left side by the names of the response's arguments; the response itself is first."""
        response = self.response
        match self.formula.response:
            case Call(function, arguments, options) if function in RESPONSES:
                given = response.bind(arguments, dict(options))
                if given is None:
                    ways = [RESPONSES[function], *RESPONSES[function].variants]
                    raise SpecificationError(
                        f"The left side is written {' or '.join(f'`{way.written}`' for way in ways)}, not "
                        f"`{self.formula.response}`."
                    )
                complete = given | {name: Literal(value) for name, value in response.left_out(given).items()}
                return {name: complete[name] for name in (response.subject, *response.arguments)}
            case expression:
                return {response.subject: expression}

    @property
    def response_name(self) -> str:
        """Name of the response as it is printed."""
        if self.response.named_by_call:
            return str(self.formula.response)
        return label(next(iter(self.response_arguments.values())))

    @property
    def scale_is_free(self) -> bool:
        """Whether the dispersion (sigma) is a parameter: the family has one that nothing fixes."""
        fixed = any(address == "sigma" and prior.fixed is not None for address, prior in self.priors.given)
        return self.family.has_scale and not self.response.fixes_scale and not fixed

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the data that are used."""
        return tuple(dict.fromkeys([*self.formula.names, *self.extra_columns]))

    @property
    def extra_columns(self) -> tuple[str, ...]:
        """Columns of the data that are used beside those of the formula."""
        return tuple(name for name in (self.weights, self.frequencies, self.exposure) if name is not None)

    def options(self) -> Mapping[str, Any]:
        """What differs from the defaults, by name, for printing."""
        options: dict[str, Any] = {"family": self.family.name}
        if self.family != FAMILIES.get(self.family.name):
            options["family"] = self.family
        if self.link.name != self.family.default_link:
            options["link"] = self.link.name
        for term, covariance in zip(self.formula.random, self.covariance, strict=True):
            if covariance.name != default_covariance(term.correlated):
                options.setdefault("covariance", {})[str(term)] = covariance.name
        for name in ("weights", "frequencies", "exposure"):
            if (column := getattr(self, name)) is not None:
                options[name] = column
        if self.priors != Priors():
            options["priors"] = str(self.priors)
        if self.na != "drop":
            options["na"] = self.na
        return options

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self.options().items())
        return f"Model({str(self.formula)!r}{options})"


def default_covariance(correlated: bool) -> str:
    """Name of the covariance of `(x | g)`, and of `(x || g)`."""
    return "unstructured" if correlated else "independent"
