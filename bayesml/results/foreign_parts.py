"""Families and links that users define: stored by name and source, and what stands for them where they are absent."""

import hashlib
import inspect
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from bayesml.errors import StorageError
from bayesml.families import Family
from bayesml.families.ancillary import Ancillary
from bayesml.links import Link

FAMILY_FACTS = (
    "name", "parameters", "links", "support", "whole", "allowed", "scale_parameter", "exact_links", "outcome",
    "takes_intercept", "takes_trials", "no_tails",
)  # fmt: skip
LINK_FACTS = ("name", "mean_support", "latent_variance", "ratio")


def facts_of(part: Family | Link, categories: tuple[str, ...]) -> dict[str, Any] | None:
    """What tables read of a part; None for what is neither a family nor a link."""
    if isinstance(part, Family):
        own: dict[str, Any] = {name: getattr(part, name) for name in FAMILY_FACTS}
        names, ancillaries = part.predictors(categories), part.ancillary(categories)
        return own | {"predictor_names": names, "ancillaries": ancillaries, "stored_options": part.options}
    if isinstance(part, Link):
        return {name: getattr(part, name) for name in LINK_FACTS}
    return None


def source_hash(cls: type) -> str:
    """SHA-256 of the source of a class, or of its compiled functions where there is no source."""
    try:
        text = inspect.getsource(cls).encode()
    except (OSError, TypeError):
        functions = [own for own in vars(cls).values() if inspect.isfunction(own)]
        text = b"".join(own.__code__.co_code for own in functions)
    return hashlib.sha256(text).hexdigest()


def subclasses(cls: type) -> Iterator[type]:
    """All classes below one."""
    below: list[type] = cls.__subclasses__()
    for own in below:
        yield own
        yield from subclasses(own)


def part_from(path: str, digest: str, values: Mapping[str, Any], facts: Mapping[str, Any]) -> Any:
    """The part of a class that is loaded, if its source is the one that was stored; else what stands for it.

    Nothing is imported: the module of a user's family must have been imported before the result is loaded.
    """
    base: type = Family if "predictor_names" in facts else Link
    found = next((cls for cls in subclasses(base) if f"{cls.__module__}:{cls.__qualname__}" == path), None)
    if found is not None and source_hash(found) == digest:
        part: Any = object.__new__(found)
        vars(part).update(values)
        return part
    return (AbsentFamily if base is Family else AbsentLink)(path, found is not None, facts)


class Absent:
    """A part whose class is not there, or is another one by now: its facts, but none of its functions."""

    def __init__(self, path: str, changed: bool, facts: Mapping[str, Any]):
        vars(self).update(facts)
        self.path, self.changed = path, changed

    def refuse(self) -> NoReturn:
        """Refuse what needs the functions of the part."""
        name = self.path.partition(":")[2]
        why = "has changed since the result was saved" if self.changed else "is not loaded: import its module first"
        raise StorageError(
            f"`{name}`, which the result was fitted with, {why}. Estimates and tables can be read; what is computed "
            "from its functions, such as random effects and predictions, cannot."
        )


class AbsentFamily(Absent, Family):
    """Stands for a family that is not there."""

    name = "absent"
    parameters = ("mu",)
    links = ("identity",)
    support = (-np.inf, np.inf)

    @property
    def options(self) -> dict[str, Any]:
        return vars(self)["stored_options"]

    def predictors(self, categories: tuple[str, ...] = ()) -> tuple[str, ...]:
        return vars(self)["predictor_names"]

    def ancillary(self, categories: tuple[str, ...] = ()) -> tuple[Ancillary, ...]:
        return vars(self)["ancillaries"]

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        self.refuse()

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        self.refuse()

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        self.refuse()

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        self.refuse()


class AbsentLink(Absent, Link):
    """Stands for a link that is not there."""

    name = "absent"
    mean_support = (-np.inf, np.inf)

    def of(self, mu: Any, namespace: ModuleType) -> Any:
        self.refuse()

    def inverse(self, eta: Any, namespace: ModuleType) -> Any:
        self.refuse()
