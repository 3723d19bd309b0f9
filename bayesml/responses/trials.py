"""Responses that count successes among trials."""

from abc import abstractmethod
from collections.abc import Mapping
from math import inf
from typing import ClassVar

import numpy as np

from bayesml.responses.base import Problem
from bayesml.responses.plain import Plain


class Trials(Plain):
    """Counts of successes among a known number of trials, of independent trials with the same probability."""

    inputs = ("y", "trials")
    counts_trials = True
    named_by_call = True
    trials_from: ClassVar[tuple[str, ...]]
    """The arguments that `number` reads."""

    @abstractmethod
    def number(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Trials of each row."""

    def silent(self, values: Mapping[str, np.ndarray]) -> tuple[str, np.ndarray] | None:
        return "without a trial", self.number(values) == 0

    def problems(self, values: Mapping[str, np.ndarray]) -> tuple[Problem, ...]:
        return tuple(
            Problem(f"`{name}` must be a whole number from 0", ~((values[name] >= 0) & (values[name] % 1 == 0)))
            for name in self.arguments
        )

    def arrays(
        self, values: Mapping[str, np.ndarray], support: tuple[float, float] = (-inf, inf)
    ) -> dict[str, np.ndarray]:
        return {"y": values[self.subject], "trials": self.number(values)}


class SuccessesAndFailures(Trials):
    """`cbind(success, failure)`: counts of both, as in R."""

    name = "cbind"
    arguments = ("success", "failure")
    trials_from = ("success", "failure")

    def number(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        return values["success"] + values["failure"]


class SuccessesOfTrials(Trials):
    """`p(success, n)`: successes among n trials, as in Bambi."""

    name = "p"
    arguments = ("success", "n")
    given = ("n",)
    trials_from = ("n",)

    def number(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        return values["n"]

    def problems(self, values: Mapping[str, np.ndarray]) -> tuple[Problem, ...]:
        more = Problem("there cannot be more successes than trials", values["success"] > values["n"])
        return (*super().problems(values), more)
