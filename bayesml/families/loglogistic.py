"""Log-logistic family."""

from collections.abc import Mapping
from math import pi, sqrt
from types import ModuleType
from typing import Any

import numpy as np

from bayesml.families.ancillary import Ancillary
from bayesml.families.log_location_scale import LogLocationScale
from bayesml.links import Link
from bayesml.links.logit import Logit


class Loglogistic(LogLocationScale):
    """Positive responses whose logarithm is logistic with mean eta: ``S(t) = 1 / (1 + (t / exp(eta))^(1 / scale))``.

    ======== ===========================================================
    Support  positive numbers
    Mean     exp(eta) m(scale), where m(s) = π s / sin(π s); inf from scale 1
    Variance exp(2 eta) (m(2 scale) - m(scale)²); inf from scale 1/2
    ======== ===========================================================
    """

    name = "loglogistic"
    synonyms = ("llogistic",)
    parameters = ("mu", "scale")
    error = Logit()

    def ancillary(self, categories: tuple[str, ...] = ()) -> tuple[Ancillary, ...]:
        return (Ancillary("scale", "scale", prior="log_sd"),)

    def spread(self, parameters: Mapping[str, Any]) -> Any:
        return parameters["scale"]

    def log_error_density(self, z: Any, namespace: ModuleType) -> Any:
        return self.error.log_inverse(z, namespace) + self.error.log_complement(z, namespace)

    def moment(self, k: Any) -> np.ndarray:
        inside = np.where(np.asarray(k) < 1, k, 0.5)
        return np.where(np.asarray(k) < 1, 1.0 / np.sinc(inside), np.inf)

    def start(self, y: np.ndarray, link: Link, categories: tuple[str, ...] = ()) -> tuple[float, list[float]]:
        return float(np.mean(np.log(y))), [float(np.std(np.log(y))) * sqrt(3) / pi or 1.0]

    def latent_variance(self, link: Link, scale: float) -> None:
        return None

    def ratio(self, link: Link) -> str:
        return "Time ratio"
