"""Times to an event, of which some are known only to be longer."""

from collections.abc import Container, Mapping
from math import inf
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from bayesml.families import Family
from bayesml.responses.base import Problem, Response


class Survival(Response):
    """Time to an event: the density of a row with an event, the survivor function of one without.

    It is the density of the time itself, not of its logarithm.
    """

    name = "Surv"
    arguments: ClassVar[tuple[str, ...]] = ("time", "event")
    inputs: ClassVar[tuple[str, ...]] = ("y", "status")
    needs_tails = True

    def reading(self, given: Container[str]) -> str:
        return "{time} is only known to be longer where {event} is 0"

    def problems(self, values: Mapping[str, np.ndarray]) -> tuple[Problem, ...]:
        known = np.isin(values["event"], (0.0, 1.0))
        allowed = "the event is 1 or True, a row without it 0 or False (with other codes write `event == 2`)"
        return (Problem(allowed, ~known),)

    def arrays(
        self, values: Mapping[str, np.ndarray], support: tuple[float, float] = (-inf, inf)
    ) -> dict[str, np.ndarray]:
        return {"y": values["time"], "status": 1.0 - values["event"]}

    def log_density(
        self, family: Family, y: Mapping[str, Any], parameters: Mapping[str, Any], namespace: ModuleType
    ) -> Any:
        observed = family.log_density(y["y"], parameters, namespace)
        longer = family.log_survivor(y["y"], parameters, namespace)
        return namespace.where(y["status"] > 0.5, longer, observed)

    def probabilities(
        self, family: Family, y: Mapping[str, np.ndarray], parameters: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        at = family.distribution(y["y"], parameters)
        assert at is not None, "families without tails are refused"
        return at, np.where(y["status"] > 0.5, 1.0, at)


class LateEntry(Survival):
    """Time to an event of a unit that was seen because it had none before its entry (left truncation)."""

    arguments = ("entry", "time", "event")
    given = ("entry",)
    inputs = ("y", "status", "entry", "late")

    @property
    def subject(self) -> str:
        return "time"

    def reading(self, given: Container[str]) -> str:
        return super().reading(given) + "; the row was seen because the time is longer than {entry}"

    def problems(self, values: Mapping[str, np.ndarray]) -> tuple[Problem, ...]:
        early = Problem("the entry must come before the exit", values["entry"] >= values["time"])
        return (*super().problems(values), early)

    def arrays(
        self, values: Mapping[str, np.ndarray], support: tuple[float, float] = (-inf, inf)
    ) -> dict[str, np.ndarray]:
        late = values["entry"] > support[0]
        entry = np.where(late, values["entry"], values["time"])  # where all are there: any time at which S is defined
        return super().arrays(values, support) | {"entry": entry, "late": late.astype(np.float64)}

    def log_density(
        self, family: Family, y: Mapping[str, Any], parameters: Mapping[str, Any], namespace: ModuleType
    ) -> Any:
        before = family.log_survivor(y["entry"], parameters, namespace)
        return super().log_density(family, y, parameters, namespace) - namespace.where(y["late"] > 0.5, before, 0.0)

    def probabilities(
        self, family: Family, y: Mapping[str, np.ndarray], parameters: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        found, before = super().probabilities(family, y, parameters), family.distribution(y["entry"], parameters)
        assert found is not None and before is not None
        seen = np.where(y["late"] > 0.5, before, 0.0)
        lower, upper = ((own - seen) / (1.0 - seen) for own in found)
        return lower, upper


class TimeToEvent(Survival):
    """`Surv(time, event)`, and `Surv(entry, exit, event)` for units seen from their entry on."""

    variants = (LateEntry(),)
