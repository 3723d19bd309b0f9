"""Response known to lie in an interval."""

from collections.abc import Container, Mapping
from math import inf
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.families import Family
from bayesml.responses.base import Problem
from bayesml.responses.censored import INTERVAL, LEFT, OBSERVED, RIGHT, Limited, limits


class Interval(Limited):
    """`interval(lo, hi)`: each row lies between lo and hi.

    An end that is missing or infinite is open; where both are equal the row is observed.
    """

    name = "interval"
    arguments = ("lo", "hi")
    missing_allowed = ("lo", "hi")
    inputs = ("y", "status", "lower", "upper")
    named_by_call = True

    def reading(self, given: Container[str]) -> str:
        return "y is only known to lie between {lo} and {hi}"

    def problems(self, values: Mapping[str, np.ndarray]) -> tuple[Problem, ...]:
        lower, upper = limits(values, "lo", "hi")
        beyond = (lower == inf) | (upper == -inf)
        return (Problem("the lower end must not lie above the upper end", (lower > upper) | beyond),)

    def silent(self, values: Mapping[str, np.ndarray]) -> tuple[str, np.ndarray] | None:
        lower, upper = limits(values, "lo", "hi")
        return "with neither end of the interval", (lower == -inf) & (upper == inf)

    def arrays(
        self, values: Mapping[str, np.ndarray], support: tuple[float, float] = (-inf, inf)
    ) -> dict[str, np.ndarray]:
        """Ends outside the support are open, and `y` is the middle, or the end that is there.

        Rows that are no interval get one that no density can fail on, as every branch of a `where` is evaluated: from
        `y` to the end of the data that is farther away.
        """
        lower, upper = limits(values, "lo", "hi")
        exact = lower == upper
        left = (lower <= support[0]) & ~exact
        right = (upper >= support[1]) & ~exact
        between = ~(exact | left | right)
        status = np.select([exact, left & ~right, right & ~left], [OBSERVED, LEFT, RIGHT], INTERVAL)
        y = np.select([exact, left & ~right, right], [lower, upper, lower], lower)
        y = np.where(between, 0.5 * lower + 0.5 * upper, y)
        low, high = y.min(), y.max()
        if low == high:
            low, high = low - 0.5 * abs(low) - (low == 0), high
        nearer_low = y - low < high - y
        return {
            "y": y,
            "status": status,
            "lower": np.where(between, lower, np.where(nearer_low, y, low)),
            "upper": np.where(between, upper, np.where(nearer_low, high, y)),
        }

    def probabilities(
        self, family: Family, y: Mapping[str, np.ndarray], parameters: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        found = super().probabilities(family, y, parameters)
        ends = [family.distribution(y[end], parameters) for end in ("lower", "upper")]
        assert found is not None and ends[0] is not None and ends[1] is not None
        between = y["status"] > 1.5
        return np.where(between, ends[0], found[0]), np.where(between, ends[1], found[1])

    def log_density(
        self, family: Family, y: Mapping[str, Any], parameters: Mapping[str, Any], namespace: ModuleType
    ) -> Any:
        within = family.log_interval(y["lower"], y["upper"], parameters, namespace)
        return namespace.where(y["status"] > 1.5, within, super().log_density(family, y, parameters, namespace))
