"""Response with a known standard deviation of each row."""

from collections.abc import Mapping
from math import inf

import numpy as np

from bayesml.families import Family
from bayesml.responses.base import Problem
from bayesml.responses.plain import Plain


class KnownSd(Plain):
    """`known_sd(y, se)`: the residual standard deviation of each row is known, and sigma is no parameter.

    The rows of a meta-analysis are estimates with their standard errors.
    """

    name = "known_sd"
    arguments = ("y", "sd")
    given = ("sd",)
    fixes_scale = True

    def refusal(self, family: Family) -> str | None:
        if family.scale_parameter is None:
            return "it has no scale that could be known"
        if family.support != (-inf, inf):
            return "its scale parameter is no standard deviation"
        return super().refusal(family)

    def problems(self, values: Mapping[str, np.ndarray]) -> tuple[Problem, ...]:
        return (Problem("`sd` must be positive and finite", ~(np.isfinite(values["sd"]) & (values["sd"] > 0))),)
