"""Weibull family."""

from collections.abc import Mapping
from math import pi
from types import ModuleType
from typing import Any, ClassVar, Literal

import numpy as np
from scipy import special

from bayesml.families.ancillary import Ancillary
from bayesml.families.log_location_scale import LogLocationScale
from bayesml.families.metric import METRICS, check_metric
from bayesml.links import Link
from bayesml.links.cloglog import Cloglog


class Weibull(LogLocationScale):
    """Times with the hazard ``exp(eta) shape t^(shape - 1)``, or the survivor function ``exp(-(t / exp(eta))^shape)``.

    ======== ===========================
    Support  positive numbers
    Mean     scale Γ(1 + 1 / shape)
    Variance scale² Γ(1 + 2 / shape) - mean²
    ======== ===========================

    where the scale is exp(-eta / shape) in the hazard metric, exp(eta) in the time metric.

    Parameters
    ----------
    metric : {"hazard", "time"}
        Whether coefficients are logarithms of hazard ratios or of time ratios: minus shape times the other.
    """

    name = "weibull"
    parameters: ClassVar[tuple[str, ...]] = ("mu", "shape")
    error = Cloglog()
    special_cases: ClassVar[Mapping[str, bool]] = {"exponential": False}

    def __init__(self, metric: Literal["hazard", "time"] = "hazard"):
        self.metric = check_metric(metric)

    def ancillary(self, categories: tuple[str, ...] = ()) -> tuple[Ancillary, ...]:
        return (Ancillary("shape", "shape", prior="shape"),)

    def shape(self, parameters: Mapping[str, Any]) -> Any:
        """Exponent of the time in the cumulative hazard."""
        return parameters["shape"]

    def spread(self, parameters: Mapping[str, Any]) -> Any:
        return 1.0 / self.shape(parameters)

    def location(self, parameters: Mapping[str, Any]) -> Any:
        eta = parameters["mu"].log
        return -eta / self.shape(parameters) if self.metric == "hazard" else eta

    def standardised(self, log_y: Any, parameters: Mapping[str, Any]) -> Any:
        # the log of the cumulative hazard
        eta, shape = parameters["mu"].log, self.shape(parameters)
        return eta + shape * log_y if self.metric == "hazard" else shape * (log_y - eta)

    def log_error_density(self, z: Any, namespace: ModuleType) -> Any:
        return z - namespace.exp(z)

    def moment(self, k: Any) -> np.ndarray:
        return special.gamma(1.0 + k)

    def start(self, y: np.ndarray, link: Link, categories: tuple[str, ...] = ()) -> tuple[float, list[float]]:
        mean = float(np.log(np.mean(y)))
        ancillary = [own.start for own in self.ancillary(categories)]
        return -mean if self.metric == "hazard" else mean, ancillary

    def latent_variance(self, link: Link, scale: float) -> float | None:
        # of the log of the cumulative hazard, to which the predictor is added in the hazard metric
        return pi**2 / 6 if self.metric == "hazard" else None

    def ratio(self, link: Link) -> str:
        return METRICS[self.metric]
