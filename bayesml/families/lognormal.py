"""Log-normal family."""

from collections.abc import Mapping
from math import log, pi
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.families.ancillary import Ancillary
from bayesml.families.log_location_scale import LogLocationScale
from bayesml.links import Link
from bayesml.links.probit import Probit


class Lognormal(LogLocationScale):
    """Positive responses whose logarithm is normal with mean eta and standard deviation sigma.

    ======== ===========================
    Support  positive numbers
    Mean     exp(eta + sigma² / 2)
    Variance mean² (exp(sigma²) - 1)
    ======== ===========================

    The density is that of the response itself, not of its logarithm.
    """

    name = "lognormal"
    parameters = ("mu", "sigma")
    scale_parameter = "sigma"
    error = Probit()

    def ancillary(self, categories: tuple[str, ...] = ()) -> tuple[Ancillary, ...]:
        return (Ancillary("sigma", "sigma", prior="log_sd"),)

    def spread(self, parameters: Mapping[str, Any]) -> Any:
        return parameters["sigma"]

    def log_error_density(self, z: Any, namespace: ModuleType) -> Any:
        return -0.5 * z * z - 0.5 * log(2 * pi)

    def moment(self, k: Any) -> np.ndarray:
        return np.exp(0.5 * np.square(k))

    def start(self, y: np.ndarray, link: Link, categories: tuple[str, ...] = ()) -> tuple[float, list[float]]:
        return float(np.mean(np.log(y))), [float(np.std(np.log(y))) or 1.0]

    def latent_variance(self, link: Link, scale: float) -> float:
        return scale**2

    def ratio(self, link: Link) -> str:
        return "Time ratio"
