"""Which parameters a user means: by address, by group, by pattern."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from bayesml.design.addresses import Address, effect_address, find_address, parameter_addresses
from bayesml.design.arrays import Design
from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.syntax.address import canonical, nearest_addresses

Wanted = str | Sequence[str] | None


class Parametrised(Protocol):
    """What has parameters with addresses: a result, say."""

    @property
    def design(self) -> Design: ...
    @property
    def ancillary(self) -> tuple[str, ...]: ...


def select(result: Parametrised, wanted: Wanted = None, *, effects: bool = False) -> tuple[Address, ...]:
    """Parameters of a result that a user asks for, each once, in the order asked for.

    Parameters
    ----------
    result : Result, or anything that has a `design` and `ancillary` names
    wanted : str or sequence of str, optional
        Addresses (`Days`, `b(Days | Subject[308])`); groups of them (`sd(Subject)`, `corr(Subject)`, `b(Subject)`, `b`,
        `cut`); patterns, in which `*` stands for any text and `?` for one character (`b(Days | Subject[33?])`); a `~`
        in front takes away what follows it (`["*", "~sigma"]`). Default: all but the random effects.
    effects : bool, default False
        Whether the default, and patterns that do not begin with `b`, take in the random effects too.

    Raises
    ------
    ColumnNotFound
        Nothing is called so.
    SpecificationError
        Nothing is left, or something that is no text.
    """
    parameters = parameter_addresses(result.design, result.ancillary)
    if wanted is None:
        return (*parameters, *effect_addresses(result.design)) if effects else parameters
    texts = [wanted] if isinstance(wanted, str) else list(wanted)
    chosen: dict[str, Address] = {}
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise SpecificationError(f"Parameters are asked for by address, a text, not {text!r}.")
        if text.startswith("~"):
            if place == 0:
                chosen = {address.text: address for address in parameters}
            for address in meant(result, text[1:], effects):
                chosen.pop(address.text, None)
        else:
            chosen |= {address.text: address for address in meant(result, text, effects)}
    if not chosen:
        raise SpecificationError(f"Nothing is left of {', '.join(map(repr, texts))}: all was taken away.")
    return tuple(chosen.values())


def effect_addresses(design: Design) -> tuple[Address, ...]:
    """Random effects term by term: all levels of the first column, then of the next."""
    return tuple(
        Address("effect", effect_address(term, i, level), i, k, level=level)
        for k, term in enumerate(design.random)
        for i in range(len(term.names))
        for level in range(len(term.levels))
    )


def meant(result: Parametrised, text: str, effects: bool) -> Iterable[Address]:
    """What one text without `~` means."""
    parameters = parameter_addresses(result.design, result.ancillary)
    key = canonical(text)
    if any(canonical(address.text) == key for address in parameters):
        return [find_address(text, result.design, result.ancillary)]
    matches = matcher(key)
    if matches is not None:
        own = effect_addresses(result.design) if effects or key.startswith("b(") or key == "b*" else ()
        found = [address for address in (*parameters, *own) if matches(canonical(address.text))]
        if found:
            return found
        raise ColumnNotFound(f"No parameter matches `{text}`; {nearest_addresses(text, [a.text for a in parameters])}")
    if found := of_group(result.design, parameters, key):
        return found
    return [find_address(text, result.design, result.ancillary)]


def matcher(key: str) -> Callable[[str], bool] | None:
    """Whether a text matches a pattern; None for a text that is no pattern."""
    if not set("*?") & set(key):
        return None
    parts = {"*": ".*", "?": "."}
    pattern = re.compile("".join(parts.get(character, re.escape(character)) for character in key), re.DOTALL)
    return lambda other: pattern.fullmatch(other) is not None


def of_group(design: Design, parameters: Sequence[Address], key: str) -> list[Address]:
    """What `sd(Subject)`, `corr(Subject)`, `b(Subject)`, `b` or `cut` means together; nothing for other texts."""
    effects = effect_addresses(design) if key == "b" or key.startswith("b(") else ()
    found = []
    for address in (*parameters, *effects):
        kind = "b" if address.kind == "effect" else address.kind
        if address.term >= 0:
            together = key in (kind, canonical(f"{kind}({design.random[address.term].group})"))
        else:
            together = address.kind == "ancillary" and address.text.startswith(f"{key}[")
        if together:
            found.append(address)
    return found
