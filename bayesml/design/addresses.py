"""Addresses of a model's parameters: which there are, and which one a text means."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

from bayesml.design.arrays import Design, RandomColumns
from bayesml.errors import ColumnNotFound
from bayesml.syntax.address import canonical, nearest_addresses

Kind = Literal["coefficient", "sd", "corr", "effect", "sigma", "ancillary"]

SIGMA = ("sigma",)
"""The ancillary parameters of a family with a scale parameter and no other."""


@dataclass(frozen=True)
class Address:
    """What an address stands for, by positions in a `Design`.

    Parameters
    ----------
    kind : {"coefficient", "sd", "corr", "effect", "sigma", "ancillary"}
        `ancillary`: a parameter of the family other than sigma, such as `alpha` or `cut[1|2]`.
    text : str
        The address as it is printed.
    column : int
        The coefficient; or the column of the random term (the first of the two of a correlation); or the place among
        the ancillary parameters that were asked for.
    term : int
        The random term; -1 for coefficients, sigma and ancillary parameters.
    other : int
        The second column of a correlation; else -1.
    level : int
        The level of an effect `b(Days | Subject[308])`; else -1.
    """

    kind: Kind
    text: str
    column: int = 0
    term: int = -1
    other: int = -1
    level: int = -1


def sd_address(term: RandomColumns, i: int) -> str:
    """`sd(Days | Subject)`, or `sd(Subject)` where all columns share one sd."""
    return (
        f"sd({term.group})"
        if term.covariance.common_sd and len(term.names) > 1
        else f"sd({term.names[i]} | {term.group})"
    )


def corr_address(term: RandomColumns, i: int, j: int) -> str:
    """`corr(Intercept, Days | Subject)`, or `corr(Subject)` where all pairs share one correlation."""
    if term.covariance.correlations == "one" and len(term.names) > 1:
        return f"corr({term.group})"
    return f"corr({term.names[i]}, {term.names[j]} | {term.group})"


def effect_address(term: RandomColumns, i: int, level: int) -> str:
    """`b(Days | Subject[308])`."""
    return f"b({term.names[i]} | {term.group}[{term.level_labels[level]}])"


def covariance_addresses(design: Design) -> tuple[Address, ...]:
    """Free standard deviations and correlations, term by term: sds first, then correlations."""
    found: list[Address] = []
    for k, term in enumerate(design.random):
        q = len(term.names)
        sds = range(1 if term.covariance.common_sd else q)
        found += [Address("sd", sd_address(term, i), i, k) for i in sds]
        pairs = [(i, j) for i in range(q) for j in range(i + 1, q)]
        count = {"none": 0, "one": min(1, len(pairs)), "all": len(pairs)}[term.covariance.correlations]
        found += [Address("corr", corr_address(term, i, j), i, k, j) for i, j in pairs[:count]]
    return tuple(found)


def parameter_addresses(design: Design, ancillary: tuple[str, ...] = SIGMA) -> tuple[Address, ...]:
    """Coefficients, standard deviations and correlations, parameters of the family: all but the random effects.

    Parameters
    ----------
    design : Design
    ancillary : tuple of str
        Names of the free parameters of the family besides its predictors, sigma among them.
    """
    coefficients = [Address("coefficient", name, j) for j, name in enumerate(design.coefficients)]
    return (*coefficients, *covariance_addresses(design), *ancillary_addresses(ancillary))


def ancillary_addresses(ancillary: tuple[str, ...]) -> tuple[Address, ...]:
    """Addresses of parameters of the family: `sigma`, `alpha`, `cut[1|2]`."""
    return tuple(Address("sigma" if name in SIGMA else "ancillary", name, i) for i, name in enumerate(ancillary))


def find_address(text: str, design: Design, ancillary: tuple[str, ...] = SIGMA) -> Address:
    """The parameter that a text means.

    Blanks outside brackets do not count (`no:Gender[M]` is `no: Gender[M]`); the two columns of a correlation and the
    parts of an interaction may stand in either order (`school:class`, lme4's `class:school`).

    Parameters
    ----------
    text : str
        `Days`, `sd(Days | Subject)`, `corr(Intercept, Days | Subject)`, `b(Days | Subject[308])`, `sigma`,
        `cut[1|2]`, and with several predictors `no: Gender[M]`, `sd(no: Intercept | id)`.
    design : Design
    ancillary : tuple of str
        Names of the free parameters of the family besides its predictors.

    Raises
    ------
    ColumnNotFound
        No parameter is called so; the message names its nearest neighbours.
    """
    parameters = parameter_addresses(design, ancillary)
    for address in parameters:
        if address.text == text:
            return address
    known = {canonical(spelling): address for address in parameters for spelling in spellings(address, design)}
    found = known.get(canonical(text)) or find_effect(canonical(text), design)
    if found is None:
        raise ColumnNotFound(f"There is no parameter `{text}`; {nearest_addresses(text, [a.text for a in parameters])}")
    return found


def spellings(address: Address, design: Design) -> Iterable[str]:
    """The ways in which an address may be written that differ by more than `canonical` evens out.

    The columns of a correlation in either order; what all columns share, by any of them; the only one of a group
    without its columns.
    """
    yield address.text
    if address.kind not in ("sd", "corr"):
        return
    term = design.random[address.term]
    of_group = [
        a for a in covariance_addresses(design)
        if a.kind == address.kind and design.random[a.term].group == term.group
    ]  # fmt: skip
    if len(of_group) == 1:
        yield f"{address.kind}({term.group})"
    shared = address.text == f"{address.kind}({term.group})"
    if address.kind == "sd":
        yield from (f"sd({name} | {term.group})" for name in (term.names if shared else [term.names[address.column]]))
    else:
        both = (term.names[address.column], term.names[address.other])
        pairs = permutations(term.names, 2) if shared else (both, both[::-1])
        yield from (f"corr({first}, {second} | {term.group})" for first, second in pairs)


def find_effect(wanted: str, design: Design) -> Address | None:
    """The random effect that a canonical text means; None if there is none.

    The level is compared as text, so that a design with many levels need not spell out all addresses.
    """
    for k, term in enumerate(design.random):
        for i, name in enumerate(term.names):
            start, end = canonical(f"b({name} | {term.group})")[:-1] + "[", "])"
            if not (wanted.startswith(start) and wanted.endswith(end)):
                continue
            label = level_in_order(wanted[len(start) : -len(end)], term.group)
            if label not in term.level_labels:
                raise not_found(f"level of `{term.group}`", label, term.level_labels)
            level = term.level_labels.index(label)
            return Address("effect", effect_address(term, i, level), i, k, level=level)
    return None


def level_in_order(label: str, group: str) -> str:
    """A level of an interaction group in the formula's order; canonical text has its parts by name of the factor."""
    names, parts = group.split(":"), label.split(":")
    if len(names) == 1 or len(parts) != len(names):
        return label
    place = {name: part for name, part in zip(sorted(names), parts, strict=True)}
    return ":".join(place[name] for name in names)


def within_predictor(name: str, design: Design) -> str:
    """A column's name without the linear predictor that it enters: `Days` of `perhaps: Days`."""
    if len(design.predictors) == 1:
        return name
    found = next((p for p in design.predictors if name.startswith(f"{p}: ")), None)
    return name if found is None else name.removeprefix(f"{found}: ")


def reversed_group(name: str) -> str:
    """lme4's name of an interaction group: `class:school` for `school:class`."""
    return ":".join(reversed(name.split(":")))


def not_found(what: str, given: object, known: Iterable[str]) -> ColumnNotFound:
    """The error for a name that is not there, with its nearest neighbours."""
    names = list(dict.fromkeys(known))
    close = difflib.get_close_matches(str(given), names, n=3, cutoff=0.5)
    if close:
        return ColumnNotFound(
            f"There is no {what} `{given}`. Did you mean {' or '.join(f'`{name}`' for name in close)}?"
        )
    listed = ", ".join(f"`{name}`" for name in names[:6])
    return ColumnNotFound(f"There is no {what} `{given}`. There are: {listed}{', …' if len(names) > 6 else ''}.")
