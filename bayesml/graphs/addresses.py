"""Addresses of the parameters that have priors, and which of them a text means."""

import difflib
from collections.abc import Iterable
from typing import Protocol

from bayesml.design.arrays import RandomColumns
from bayesml.errors import ColumnNotFound


class Term(Protocol):
    """What is asked of a random term."""

    @property
    def columns(self) -> RandomColumns: ...
    @property
    def sd_labels(self) -> tuple[str, ...]: ...
    @property
    def pairs(self) -> tuple[str, ...]: ...


def sd_addresses(term: Term) -> tuple[str, ...]:
    """`sd(Days | Subject)` of each free standard deviation; `sd(Subject)` where the columns share one."""
    return tuple(_address("sd", label, term) for label in term.sd_labels)


def corr_addresses(term: Term) -> tuple[str, ...]:
    """`corr(Intercept, Days | Subject)` of each free correlation; `corr(Subject)` where they are equal."""
    return tuple(_address("corr", label, term) for label in term.pairs)


def _address(kind: str, label: str, term: Term) -> str:
    group = term.columns.group
    shared = label == "all" and len(term.columns.names) > 1 and len(term.sd_labels) == 1
    return f"{kind}({group})" if shared else f"{kind}({label} | {group})"


def spellings(kind: str, address: str, term: Term) -> Iterable[str]:
    """How the address of an sd or correlation may be written, without blanks outside brackets."""
    group = term.columns.group
    inside = address.removeprefix(f"{kind}(").removesuffix(")").removesuffix(f" | {group}")
    for name in dict.fromkeys([group, reversed_group(group)]):
        if inside == group:
            yield squeezed(f"{kind}({name})")
            continue
        yield squeezed(f"{kind}({inside} | {name})")
        if kind == "corr":
            for first in term.columns.names:
                if inside.startswith(f"{first}, "):
                    yield squeezed(f"corr({inside.removeprefix(f'{first}, ')}, {first} | {name})")


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


def no_such_parameter(given: str, known: Iterable[str]) -> ColumnNotFound:
    """The error for an address of `priors=` that is not there, with its nearest neighbours."""
    names = list(dict.fromkeys(known))
    close = difflib.get_close_matches(given, names, n=3, cutoff=0.5) or names[:6]
    return ColumnNotFound(
        f"`priors=` names `{given}`, which is no parameter of the model. "
        f"Nearest: {', '.join(f'`{name}`' for name in close)}."
    )
