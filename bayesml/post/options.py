"""Checks of the options of the verbs."""

from collections.abc import Iterable, Mapping
from typing import Any

from bayesml.errors import SpecificationError


def one_of(name: str, given: Any, allowed: Iterable[Any], why: str = "") -> None:
    """Refuse an option that is not among those allowed."""
    choices = list(allowed)
    if given not in choices:
        listed = ", ".join(f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in choices)
        shown = f'"{given}"' if isinstance(given, str) else repr(given)
        raise SpecificationError(f"`{name}={shown}` is not possible{why}. `{name}` is one of {listed}.")


def refuse_unknown(verb: str, unknown: Mapping[str, Any], elsewhere: Mapping[str, str]) -> None:
    """Refuse keywords that a verb does not have, naming ours for those of other systems."""
    for keyword in unknown:
        advice = elsewhere.get(keyword, f"see `help(bml.{verb})` for those there are")
        raise SpecificationError(f"`{verb}` has no option `{keyword}`: {advice}.")
