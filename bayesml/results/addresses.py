"""Addresses of a model's parameters: which there are, and which one a text means."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bayesml.design.arrays import Design, RandomColumns
from bayesml.errors import ColumnNotFound

Kind = Literal["coefficient", "sd", "corr", "effect", "sigma"]


@dataclass(frozen=True)
class Address:
    """What an address stands for, by positions in a `Design`.

    Parameters
    ----------
    kind : {"coefficient", "sd", "corr", "effect", "sigma"}
    text : str
        The address as it is printed.
    column : int
        The coefficient; or the column of the random term (the first of the two of a correlation).
    term : int
        The random term; -1 for coefficients and sigma.
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


def parameter_addresses(design: Design, sigma_free: bool = True) -> tuple[Address, ...]:
    """Coefficients, standard deviations and correlations, sigma: every parameter but the random effects."""
    coefficients = [Address("coefficient", name, j) for j, name in enumerate(design.coefficients)]
    sigma = [Address("sigma", "sigma")] if sigma_free else []
    return (*coefficients, *covariance_addresses(design), *sigma)


def find_address(text: str, design: Design, sigma_free: bool = True) -> Address:
    """The parameter that a text means.

    Blanks outside brackets do not count, the two columns of a correlation may stand in either
    order, and the parts of an interaction group too (`school:class`, lme4's `class:school`).

    Parameters
    ----------
    text : str
        `Days`, `sd(Days | Subject)`, `corr(Intercept, Days | Subject)`, `b(Days | Subject[308])`, `sigma`.
    design : Design
    sigma_free : bool
        Whether the model has a parameter `sigma`.

    Raises
    ------
    ColumnNotFound
        No parameter is called so; the message names its nearest neighbours.
    """
    known = {
        squeezed(spelling): address
        for address in parameter_addresses(design, sigma_free)
        for spelling in spellings(address, design)
    }
    wanted = squeezed(text)
    if wanted in known:
        return known[wanted]
    effect = find_effect(wanted, design)
    if effect is not None:
        return effect
    raise not_found("parameter", text, [a.text for a in known.values()])


def spellings(address: Address, design: Design) -> Iterable[str]:
    """All ways in which an address of a parameter may be written."""
    yield address.text
    if address.term < 0:
        return
    term = design.random[address.term]
    columns = [term.names[address.column]]
    if address.kind == "corr":
        columns.append(term.names[address.other])
    for group in dict.fromkeys([term.group, reversed_group(term.group)]):
        yield f"{address.kind}({', '.join(columns)} | {group})"
        yield f"{address.kind}({', '.join(reversed(columns))} | {group})"
        if address.text == f"{address.kind}({term.group})":
            yield f"{address.kind}({group})"


def find_effect(wanted: str, design: Design) -> Address | None:
    """The random effect that `b(column|group[level])`, without blanks, means; None if there is none."""
    for k, term in enumerate(design.random):
        for group in dict.fromkeys([term.group, reversed_group(term.group)]):
            for i, name in enumerate(term.names):
                start, end = f"b({squeezed(name)}|{squeezed(group)}[", "])"
                if not (wanted.startswith(start) and wanted.endswith(end)):
                    continue
                label = wanted[len(start) : -len(end)]
                if label in term.level_labels:
                    level = term.level_labels.index(label)
                    return Address("effect", effect_address(term, i, level), i, k, level=level)
                raise not_found(f"level of `{term.group}`", label, term.level_labels)
    return None


def reversed_group(name: str) -> str:
    """lme4's name of an interaction group: `class:school` for `school:class`."""
    return ":".join(reversed(name.split(":")))


def squeezed(text: str) -> str:
    """The text without blanks, except inside square brackets, where text is literal."""
    depth, kept = 0, []
    for character in text:
        depth += (character == "[") - (character == "]")
        if depth > 0 or not character.isspace():
            kept.append(character)
    return "".join(kept)


def split_interaction(name: str) -> list[str]:
    """Parts of a column's address: `["Days", "treat[a:b]"]` of `Days:treat[a:b]`."""
    parts, depth = [""], 0
    for character in name:
        depth += (character in "[(") - (character in "])")
        if character == ":" and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


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
