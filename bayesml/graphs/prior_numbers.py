"""Priors resolved on data: every parameter gets a distribution with numbers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from bayesml.covariance import Covariance
from bayesml.design.arrays import Design, RandomColumns
from bayesml.distributions import LKJ, Distribution, HalfFlat, InverseWishart
from bayesml.errors import SpecificationError
from bayesml.families import Family
from bayesml.families.ancillary import Ancillary, follows
from bayesml.graphs.addresses import (
    corr_addresses,
    cov_address,
    no_such_parameter,
    sd_addresses,
    spellings_of_group,
)
from bayesml.graphs.prior_set import prior_set
from bayesml.links import Link
from bayesml.spec.priors import Priors
from bayesml.syntax.address import canonical


class Term(Protocol):
    """What is asked of a random term."""

    @property
    def columns(self) -> RandomColumns: ...
    @property
    def covariance(self) -> Covariance: ...
    @property
    def q(self) -> int: ...
    @property
    def n_sds(self) -> int: ...
    @property
    def n_correlations(self) -> int: ...


@dataclass(frozen=True)
class TermPriors:
    """Priors of one random term.

    Parameters
    ----------
    sd_addresses : tuple of str
    sds : tuple of Distribution
        One a free standard deviation.
    corr_addresses : tuple of str
    correlation : Distribution or None
        Of the correlation matrix (LKJ), of the only correlation, or a `Fixed` value of all; None without correlations.
    partials : tuple of Distribution
        The same, as independent priors of the partial correlations (or of the common correlation).
    covariance : InverseWishart or None
        Of the whole covariance matrix, in place of the others: `sds` are then its margins, `correlation` is None, and
        `partials` are those of a uniform correlation matrix.
    """

    sd_addresses: tuple[str, ...]
    sds: tuple[Distribution, ...]
    corr_addresses: tuple[str, ...] = ()
    correlation: Distribution | None = None
    partials: tuple[Distribution, ...] = ()
    covariance: InverseWishart | None = None

    @property
    def own_sds(self) -> tuple[Distribution, ...]:
        """Densities that the standard deviations have by themselves, beside that of the whole matrix."""
        return self.sds if self.covariance is None else (HalfFlat(),) * len(self.sds)

    @property
    def correlations(self) -> tuple[Distribution, ...]:
        """Prior of each correlation: that of their matrix, or the margin under that of the covariance matrix."""
        if self.covariance is None:
            return tuple(self.correlation for _ in self.corr_addresses if self.correlation is not None)
        q = len(self.sds)
        pairs = zip(*np.tril_indices(q, -1), strict=True)
        return tuple(self.covariance.correlation(int(i), int(j), q) for i, j in pairs)


@dataclass(frozen=True)
class ResolvedPriors:
    """Every prior of a model as a distribution with numbers.

    Parameters
    ----------
    prior_set : str
        Name of the set that the priors not given came from.
    addresses : tuple of str
        Of the coefficients.
    coefficients : tuple of Distribution
    terms : tuple of TermPriors
    sigma : Distribution or None
        None where the residual scale is no parameter.
    given : tuple of str
        Addresses whose priors the user gave.
    ancillary : dict of str to Distribution
        Of the other parameters of the family, by address, in the family's order.
    sources : dict of str to str
        Prior set of each parameter whose prior was not given: `prior_set`, or a set that it is based on.
    """

    prior_set: str
    addresses: tuple[str, ...]
    coefficients: tuple[Distribution, ...]
    terms: tuple[TermPriors, ...]
    sigma: Distribution | None
    given: tuple[str, ...] = ()
    ancillary: dict[str, Distribution] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def source(self, address: str) -> str:
        """Where the prior of a parameter comes from: "given", or the name of a prior set."""
        return "given" if address in self.given else self.sources.get(address, self.prior_set)

    def items(self) -> Iterator[tuple[str, Distribution]]:
        """Address and prior of each parameter, in the order of tables.

        Correlations have the prior of their matrix. Where the whole covariance matrix has a prior, the parameters have
        its margins, which `written` names.
        """
        yield from zip(self.addresses, self.coefficients, strict=True)
        for term in self.terms:
            yield from zip(term.sd_addresses, term.sds, strict=True)
            yield from zip(term.corr_addresses, term.correlations, strict=True)
        if self.sigma is not None:
            yield "sigma", self.sigma
        yield from self.ancillary.items()

    def written(self, address: str, prior: Distribution) -> str:
        """The prior of a parameter, from `items`, as tables print it."""
        for term in self.terms:
            if term.covariance is not None and address in (*term.sd_addresses, *term.corr_addresses):
                return f"{term.covariance}: {prior}"
        return str(prior)

    def of_ancillary(self, name: str) -> Distribution:
        """Prior of a parameter of the family, sigma among them."""
        if name != "sigma":
            return self.ancillary[name]
        assert self.sigma is not None
        return self.sigma


def given_priors(
    priors: Priors, design: Design, terms: Sequence[Term], ancillary: Sequence[Ancillary]
) -> dict[str, Distribution]:
    """Priors given one by one, by the address of each parameter that they hold for.

    Parameters
    ----------
    priors : Priors
    design : Design
    terms : sequence of RandomRole
    ancillary : sequence of Ancillary
        Parameters of the family besides its predictors.

    Raises
    ------
    ColumnNotFound
        No parameter has that address.
    SpecificationError
        A prior that its parameter cannot have.
    """
    if not priors.given:
        return {}
    own, of_groups = meanings(design, terms, ancillary)
    given = {canonical(text): (text, prior) for text, prior in priors.given}
    if design.known_sd is not None and "sigma" in given:
        raise SpecificationError("`sigma` is no parameter here: the residual sd of each row is known.")
    for key, (text, _) in given.items():
        if key not in own and key not in of_groups:
            raise no_such_parameter(
                text, [*(address for addresses in own.values() for address in addresses), *of_groups]
            )
    # the address of one parameter goes before that of all of a group
    domains = {parameter.name: parameter.domain for parameter in ancillary}
    found = {
        address: fitting_prior(prior, address, domains.get(address))
        for lookup in (of_groups, own)
        for key, (_, prior) in given.items()
        for address in lookup.get(key, ())
    }
    for term in terms:
        check_covariance(term, found)
        check_correlations(term, found)
    check_ordered(ancillary, found)
    return found


def meanings(
    design: Design, terms: Sequence[Term], ancillary: Sequence[Ancillary]
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Which parameters a text in canonical form means.

    Returns
    -------
    own : dict of str to tuple of str
        Spellings of the address of one parameter: `sd(Days|Subject)`.
    of_groups : dict of str to tuple of str
        Those that mean all of a group: `sd(Subject)`, `cut`, unless that is the address of one parameter.
    """
    own: dict[str, tuple[str, ...]] = {canonical(name): (name,) for name in design.coefficients}
    of_groups: dict[str, tuple[str, ...]] = {}
    own |= {canonical(parameter.name): (parameter.name,) for parameter in ancillary}
    for parameter in ancillary:
        if parameter.key not in own:
            of_groups[parameter.key] = (*of_groups.get(parameter.key, ()), parameter.name)
    for term in terms:
        for key in spellings_of_group("cov", term.columns.group):
            of_groups[key] = (*of_groups.get(key, ()), cov_address(term))
        for kind, addresses in (("sd", sd_addresses(term)), ("corr", corr_addresses(term))):
            own |= {canonical(address): (address,) for address in addresses}
            for key in spellings_of_group(kind, term.columns.group):
                if addresses and key not in own:
                    of_groups[key] = of_groups.get(key, ()) + addresses
    return own, of_groups


def fitting_prior(prior: Distribution, address: str, domain: str | None = None) -> Distribution:
    """The prior as its parameter can have it; flat on a positive parameter is flat on positive values.

    Parameters
    ----------
    prior : Distribution
    address : str
    domain : str, optional
        Of a parameter of the family: `positive`, `real`, `ordered`.

    Raises
    ------
    SpecificationError
        A coefficient with an LKJ prior, a standard deviation that could be negative.
    """
    if address.startswith("cov("):
        if prior.of != "covariance matrix":
            raise SpecificationError(
                f"`{address}` is a covariance matrix and takes InverseWishart(nu, scale), not {prior}; standard "
                f"deviations and correlations take priors of their own, by `{address.replace('cov', 'sd', 1)}` and "
                f"`{address.replace('cov', 'corr', 1)}`."
            )
        return prior
    if prior.of == "covariance matrix":
        raise SpecificationError(
            f"{prior} is a prior of a covariance matrix, such as `cov(group)`; `{address}` is none."
        )
    if address.startswith("corr("):
        return prior
    if prior.of == "correlations":
        raise SpecificationError(f"{prior} is a prior of correlations; `{address}` is none.")
    if not (domain == "positive" or address.startswith("sd(")):
        return prior
    positive = prior.positive_counterpart
    if positive is None or (positive is not prior and not prior.improper):
        hint = f" Give {positive}." if positive is not None else ""
        what = "a positive parameter" if domain == "positive" and address != "sigma" else "a standard deviation"
        raise SpecificationError(f"`{address}` is {what}, and {prior} allows negative values.{hint}")
    if domain == "positive" and prior.fixed == 0:
        raise SpecificationError(f"`{address}` cannot be held at 0: the responses would have no density.")
    return positive


def check_ordered(ancillary: Sequence[Ancillary], found: Mapping[str, Distribution]) -> None:
    """Refuse priors that ordered parameters cannot have together: some held, or values out of order."""
    for key in dict.fromkeys(parameter.key for parameter in ancillary if parameter.domain == "ordered"):
        names = [parameter.name for parameter in ancillary if parameter.key == key]
        priors = [found.get(name) for name in names]
        held = [prior.fixed for prior in priors if prior is not None and prior.fixed is not None]
        if held and len(held) < len(names):
            raise SpecificationError(f"Of {', '.join(names)}, which are in order, hold all at values, or none.")
        if any(upper <= lower for lower, upper in pairwise(held)):
            raise SpecificationError(f"The values of {', '.join(names)} must increase; given were {held}.")
        if len({prior.kind for prior in priors if prior is not None}) > 1:
            raise SpecificationError(f"The priors of {', '.join(names)} must be distributions of one name.")


def check_covariance(term: Term, found: Mapping[str, Distribution]) -> None:
    """Refuse a prior of a whole covariance matrix that a term cannot have, or not beside others that were given."""
    address = cov_address(term)
    if address not in found:
        return
    prior = found[address]
    assert isinstance(prior, InverseWishart)
    if term.q > 1 and term.covariance.correlations != "all":
        raise SpecificationError(
            f"`{address}` has the structure `{term.covariance.name}`, and {prior} is a prior of unstructured "
            f"covariance matrices: give priors by `sd({term.columns.group})`, or let it be unstructured."
        )
    if others := [f"`{own}`" for own in (*sd_addresses(term), *corr_addresses(term)) if own in found]:
        raise SpecificationError(
            f"{prior} is the prior of all of `{address}`, and a prior was given for {', '.join(others)} too: give one "
            "or the other."
        )
    prior.for_columns(term.q, term.columns.group)


def check_correlations(term: Term, found: Mapping[str, Distribution]) -> None:
    """Refuse priors that the correlations of a term cannot have together."""
    addresses = corr_addresses(term)
    priors = [found[address] for address in addresses if address in found]
    if not priors:
        return
    if len(set(priors)) > 1 or len(priors) < len(addresses):
        raise SpecificationError(
            f"The {len(addresses)} correlations of `{term.columns.group}` depend on one another and take one prior: "
            f'give "corr({term.columns.group})", or covariance="independent" to leave them out.'
        )
    if priors[0].partial_correlations(term.q, term.covariance.common_sd) is None:
        allowed = "LKJ, or Fixed" if len(addresses) > 1 else "LKJ, ScaledBeta or Uniform inside its bounds, or Fixed"
        lowest = -1 / (term.q - 1) if term.covariance.common_sd or term.q == 2 else -1
        raise SpecificationError(
            f"`corr({term.columns.group})` cannot have the prior {priors[0]}: correlations of {term.q} columns lie "
            f"between {lowest:.4g} and 1 and take {allowed}."
        )


def resolve_priors(
    priors: Priors,
    design: Design,
    terms: Sequence[Term],
    family: Family,
    link: Link,
    ancillary: Sequence[Ancillary],
) -> ResolvedPriors:
    """Every prior of a model as a distribution with numbers.

    Parameters
    ----------
    priors : Priors
    design : Design
    terms : sequence of RandomRole
    family : Family
    link : Link
    ancillary : sequence of Ancillary
        Parameters of the family besides its predictors; not sigma where each row's is known.

    Raises
    ------
    ColumnNotFound, SpecificationError
        As `given_priors`.
    DataError
        A prior set that is scaled to the data, and a constant response.
    """
    given = given_priors(priors, design, terms, ancillary)
    kinds = prior_set(priors, design, family, link)
    sources: dict[str, str] = {}

    def choose(address: str, make: Callable[..., tuple[Distribution, str]], *place: Any) -> Distribution:
        if address in given:
            return given[address]
        prior, sources[address] = make(*place)
        return prior

    coefficients = tuple(choose(name, kinds.coefficient, j) for j, name in enumerate(design.coefficients))
    resolved = []
    for k, term in enumerate(terms):
        addresses = (*sd_addresses(term), *corr_addresses(term))
        if covariance := given.get(cov_address(term)):
            given |= dict.fromkeys(addresses, covariance)
        elif not any(address in given for address in addresses):
            covariance, source = kinds.random_covariance(k)
            sources |= dict.fromkeys(addresses, source) if covariance else {}
        if covariance is not None:
            resolved.append(matrix_priors(term, covariance))
            continue
        sds = tuple(choose(address, kinds.random_sd, k, i) for i, address in enumerate(sd_addresses(term)))
        addresses = corr_addresses(term)
        correlation = choose(addresses[0], kinds.correlation) if addresses else None
        sources.update((address, sources[addresses[0]]) for address in addresses if address not in given)
        partials = correlation.partial_correlations(term.q, term.covariance.common_sd) if correlation else ()
        assert partials is not None
        resolved.append(TermPriors(sd_addresses(term), sds, addresses, correlation, partials))
    found = {parameter.name: choose(parameter.name, kinds.ancillary, parameter, ancillary) for parameter in ancillary}
    for i, parameter in enumerate(ancillary):
        # an order is kept in one variable, whose elements have priors of one kind: that of the first
        if follows(ancillary, i) and found[parameter.name].kind != found[ancillary[i - 1].name].kind:
            found[parameter.name] = found[ancillary[i - 1].name]
    sigma = found.pop("sigma", None)
    return ResolvedPriors(
        priors.prior_set, design.coefficients, coefficients, tuple(resolved), sigma, tuple(given), found, sources
    )


def matrix_priors(term: Term, prior: Distribution) -> TermPriors:
    """Priors of a term whose covariance matrix has one; with one column, that of its standard deviation."""
    assert isinstance(prior, InverseWishart)
    own = prior.for_columns(term.q, term.columns.group)
    sds = tuple(own.sd(i, term.q) for i in range(term.q))
    if term.q == 1:
        return TermPriors(sd_addresses(term), sds)
    partials = LKJ(1).partial_correlations(term.q, False)
    assert partials is not None
    return TermPriors(sd_addresses(term), sds, corr_addresses(term), None, partials, own)
