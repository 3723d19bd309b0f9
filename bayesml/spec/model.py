"""`Model`: the specification of a multilevel model, a frozen value without data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bayesml.covariance import Covariance
from bayesml.families import Family
from bayesml.links import Link
from bayesml.responses import PLAIN, RESPONSES, Response
from bayesml.spec.expressions import Call, Expression, label
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
    """

    formula: Formula
    family: Family
    link: Link
    covariance: tuple[Covariance, ...]
    weights: str | None
    priors: Priors
    na: Literal["drop", "raise"]

    @property
    def response(self) -> Response:
        """What a row contributes to the likelihood, chosen by the left side."""
        match self.formula.response:
            case Call(function) if function in RESPONSES:
                return RESPONSES[function]
            case _:
                return PLAIN

    @property
    def response_arguments(self) -> dict[str, Expression]:
        """Expressions of the left side by the names of the response's arguments; the response itself is first."""
        names = self.response.arguments
        match self.formula.response:
            case Call(function, arguments, options) if function in RESPONSES:
                given = dict(zip(names, arguments, strict=False)) | dict(options)
                return {name: given[name] for name in names}
            case expression:
                return {names[0]: expression}

    @property
    def response_name(self) -> str:
        """Name of the response as it is printed."""
        return label(next(iter(self.response_arguments.values())))

    @property
    def scale_is_free(self) -> bool:
        """Whether the dispersion (sigma) is a parameter: the family has one that nothing fixes."""
        fixed = any(address == "sigma" and prior.fixed is not None for address, prior in self.priors.given)
        return self.family.has_scale and not self.response.fixes_scale and not fixed

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the data that are used."""
        return tuple(dict.fromkeys([*self.formula.names, *([self.weights] if self.weights else [])]))

    def options(self) -> Mapping[str, Any]:
        """What differs from the defaults, by name, for printing."""
        options: dict[str, Any] = {"family": self.family.name}
        if self.link.name != self.family.default_link:
            options["link"] = self.link.name
        for term, covariance in zip(self.formula.random, self.covariance, strict=True):
            if covariance.name != default_covariance(term.correlated):
                options.setdefault("covariance", {})[str(term)] = covariance.name
        if self.weights:
            options["weights"] = self.weights
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
