"""Exponential family of times."""

from collections.abc import Mapping
from math import pi
from typing import Any, ClassVar

from bayesml.families.ancillary import Ancillary
from bayesml.families.weibull import Weibull
from bayesml.links import Link


class Exponential(Weibull):
    """Times with the constant hazard exp(eta), or the mean exp(eta): a Weibull family of shape 1.

    ======== ================
    Support  positive numbers
    Mean     1 / hazard
    Variance 1 / hazard²
    ======== ================

    Parameters
    ----------
    metric : {"hazard", "time"}
        Whether coefficients are logarithms of hazard ratios or of time ratios: minus one another.
    """

    name = "exponential"
    parameters = ("mu",)
    special_cases: ClassVar[Mapping[str, bool]] = {}

    def ancillary(self, categories: tuple[str, ...] = ()) -> tuple[Ancillary, ...]:
        return ()

    def shape(self, parameters: Mapping[str, Any]) -> Any:
        return 1.0

    def latent_variance(self, link: Link, scale: float) -> float:
        return pi**2 / 6
