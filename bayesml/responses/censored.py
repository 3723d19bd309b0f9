"""Responses of which some rows are known only to lie above or below a limit."""

from collections.abc import Container, Mapping
from math import inf
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from bayesml.families import Family
from bayesml.responses.base import Problem, Response

OBSERVED, RIGHT, LEFT, INTERVAL = 0.0, 1.0, -1.0, 2.0
"""Status codes: a row is observed, lies above `y`, lies below `y`, lies between two limits."""


class Limited(Response):
    """Rows that are observed, or of which a limit is known: a distribution or survivor function of the limit."""

    inputs: ClassVar[tuple[str, ...]] = ("y", "status")
    needs_tails = True

    def log_density(
        self, family: Family, y: Mapping[str, Any], parameters: Mapping[str, Any], namespace: ModuleType
    ) -> Any:
        at, status = y["y"], y["status"]
        observed = family.log_density(at, parameters, namespace)
        above = family.log_survivor(at, parameters, namespace)
        below = family.log_distribution(at, parameters, namespace)
        return namespace.where(status > 0.5, above, namespace.where(status < -0.5, below, observed))

    def probabilities(
        self, family: Family, y: Mapping[str, np.ndarray], parameters: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        at = family.distribution(y["y"], parameters)
        assert at is not None, "families without tails are refused"
        return np.where(y["status"] < -0.5, 0.0, at), np.where(y["status"] > 0.5, 1.0, at)


class Censored(Limited):
    """`censored(y, status)`: status 0 is observed, 1 right-censored (above y), -1 left-censored (below y)."""

    name = "censored"
    arguments = ("y", "status")
    codes: ClassVar[Mapping[str, Mapping[str, float]]] = {"status": {"none": OBSERVED, "right": RIGHT, "left": LEFT}}

    def reading(self, given: Container[str]) -> str:
        return "{y} is only known to be larger where {status} is 1, smaller where it is -1"

    def problems(self, values: Mapping[str, np.ndarray]) -> tuple[Problem, ...]:
        known = np.isin(values["status"], (OBSERVED, RIGHT, LEFT))
        return (
            Problem("`status` is 0 (observed), 1 (right-censored: above y) or -1 (left-censored: below y)", ~known),
        )


class Tobit(Limited):
    """`tobit(y, lower=0, upper=None)`: rows at a limit or beyond it are known only to lie there.

    A limit is a number, a column, or None; a missing or infinite value of a column is no limit either. Where only the
    upper limit is given there is no lower one.
    """

    name = "tobit"
    arguments = ("y", "lower", "upper")
    given = ("lower", "upper")
    defaults: ClassVar[Mapping[str, Any]] = {"lower": 0, "upper": None}
    missing_allowed = ("lower", "upper")

    def left_out(self, given: Container[str]) -> dict[str, Any]:
        found = super().left_out(given)
        return found | {"lower": None} if "upper" in given and "lower" in found else found

    def reading(self, given: Container[str]) -> str | None:
        sides = {"lower": "at most {lower} where it reaches it", "upper": "at least {upper} where it reaches it"}
        known = [text for name, text in sides.items() if name in given]
        return "{y} is only known to be " + ", ".join(known) if known else None

    def problems(self, values: Mapping[str, np.ndarray]) -> tuple[Problem, ...]:
        lower, upper = limits(values, "lower", "upper")
        return (Problem("the lower limit must be below the upper limit", lower >= upper),)

    def told(self, values: Mapping[str, np.ndarray]) -> tuple[Problem, ...]:
        lower, upper = limits(values, "lower", "upper")
        y = values["y"]
        heaped = (y == 0.0) & bool(np.isinf(lower).all() and (y >= 0.0).all())
        return (
            Problem("no lower limit is given, and rows at 0 count as observed; `lower=0` makes it a limit", heaped),
            Problem("rows below the lower limit count as censored at it", y < lower),
            Problem("rows above the upper limit count as censored at it", y > upper),
        )

    def arrays(
        self, values: Mapping[str, np.ndarray], support: tuple[float, float] = (-inf, inf)
    ) -> dict[str, np.ndarray]:
        lower, upper = limits(values, "lower", "upper")
        y = values["y"]
        status = np.where(y <= lower, LEFT, np.where(y >= upper, RIGHT, OBSERVED))
        return {"y": np.clip(y, lower, upper), "status": status}


def limits(values: Mapping[str, np.ndarray], lower: str, upper: str) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper limits, infinite where there are none."""
    low, high = values[lower], values[upper]
    return np.where(np.isnan(low), -inf, low), np.where(np.isnan(high), inf, high)
