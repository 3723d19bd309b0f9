"""Addresses of parameters: one form to compare them by, and look-ups that tell the nearest neighbours.

An address is the formula's own text: `Days`, `treat[ozone]`, `Days:treat[ozone]`, `sd(Days | Subject)`,
`b(Days | school:class[I:Victory])`, `scale: x`. What stands in brackets is a level, taken literally.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from bayesml.errors import ColumnNotFound

_OPEN, _CLOSE = "([", ")]"


def canonical(address: str) -> str:
    """The form in which two ways of writing an address are equal.

    Spaces outside of brackets and quotes do not matter, nor do backticks, nor the order of the factors of an
    interaction (`b:a` is lme4's and Stata's way of writing what is `a:b` here), nor of the two columns of a
    correlation, nor R's `(Intercept)`.
    """
    text = address.strip()
    if "[" not in text and ":" not in text and "`" not in text and "(" not in text:
        return "".join(text.split())
    return _sorted(_squeezed(text)).replace("(Intercept)", "Intercept")


def _squeezed(text: str) -> str:
    """The text without spaces and backticks outside of brackets."""
    kept: list[str] = []
    depth = 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if depth > 0 or not (character.isspace() or character == "`"):
            kept.append(character)
    return "".join(kept)


def _sorted(text: str) -> str:
    """The factors of interactions in alphabetical order; what stands in parentheses likewise, but not levels."""
    parts = split_outside(text, ":")
    if len(parts) > 1:
        return ":".join(sorted(map(_sorted, parts)))
    opening = text.find("(")
    if opening > 0 and (closing := _matching(text, opening)) > 0 and "|" in text[opening:closing]:
        columns, _, group = text[opening + 1 : closing].rpartition("|")
        inside = [_sorted(c) for c in split_outside(columns, ",")]
        if text.startswith("corr("):
            inside.sort()
        return f"{text[:opening]}({','.join(inside)}|{_group(group)}){text[closing + 1 :]}"
    return text


def _group(text: str) -> str:
    """A grouping factor with its level: `b:a[2:1]` is `a:b[1:2]`."""
    name, bracket, level = text.partition("[")
    names = name.split(":")
    levels = level.removesuffix("]").split(":")
    if len(names) == 1 or (bracket and len(levels) != len(names)):
        return text
    order = sorted(range(len(names)), key=names.__getitem__)
    ordered = ":".join(names[i] for i in order)
    return f"{ordered}[{':'.join(levels[i] for i in order)}]" if bracket else ordered


def _matching(text: str, opening: int) -> int:
    """Place of the parenthesis that closes the one at `opening`; -1 if there is none."""
    depth = 0
    bracket = 0
    for i in range(opening, len(text)):
        bracket += (text[i] == "[") - (text[i] == "]")
        if bracket <= 0:
            depth += (text[i] == "(") - (text[i] == ")")
            if depth == 0:
                return i
    return -1


def split_outside(text: str, separator: str) -> list[str]:
    """Parts of a text between separators that stand outside of parentheses and brackets."""
    parts, depth, start = [], 0, 0
    for i, character in enumerate(text):
        if character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]


def by_canonical(known: Iterable[str]) -> dict[str, str]:
    """Addresses by their canonical form; the first of equal ones."""
    table: dict[str, str] = {}
    for address in known:
        table.setdefault(canonical(address), address)
    return table


def find_address(text: str, known: Collection[str]) -> str:
    """The address among those known that a text means.

    Raises
    ------
    ColumnNotFound
        There is none; the nearest ones are named.
    """
    if text in known:
        return text
    if found := by_canonical(known).get(canonical(text)):
        return found
    raise ColumnNotFound(f"There is no parameter `{text}`; {nearest_addresses(text, known)}")


ELSEWHERE = {"_cons": "intercept", "b_intercept": "intercept"}
"""What other systems call parameters, in small letters."""


def nearest_addresses(text: str, known: Collection[str]) -> str:
    """Advice for an address that is not there."""
    folded: Mapping[str, str] = {canonical(address).lower(): address for address in known}
    wanted = canonical(text).lower()
    wanted = ELSEWHERE.get(wanted, re.sub(r"^var\(", "sd(", wanted))
    near = [folded[key] for key in get_close_matches(wanted, folded, 3, 0.5)]
    # R writes a factor's column without brackets: treatozone for treat[ozone]
    bare = {key.replace("[", "").replace("]", ""): address for key, address in folded.items()}
    if wanted in bare:
        near = [bare[wanted]]
    if near:
        return "did you mean " + " or ".join(f"`{address}`" for address in near) + "?"
    first = list(known)[:12]
    return "there are " + ", ".join(f"`{address}`" for address in first) + (", ..." if len(known) > 12 else ".")
