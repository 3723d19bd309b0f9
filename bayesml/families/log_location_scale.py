"""Families of positive responses whose logarithm is a location plus a scaled error."""

from abc import abstractmethod
from collections.abc import Mapping
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from bayesml.families.positive import Positive
from bayesml.links import Link


class LogLocationScale(Positive):
    """A positive response T with ``log T = location + spread e``.

    A subclass sets

    - `error`, the link whose inverse is the distribution function of e, and `log_error_density(z)`;
    - `moment(k)`, ``E exp(k e)``, inf where it does not exist;
    - `spread(parameters)`;
    - `location(parameters)` and `standardised(log_y, parameters)`, the e of a response, where the linear predictor is
      not the location.
    """

    links = ("log",)
    error: ClassVar[Link]

    @abstractmethod
    def spread(self, parameters: Mapping[str, Any]) -> Any:
        """Factor of the error."""

    @abstractmethod
    def log_error_density(self, z: Any, namespace: ModuleType) -> Any:
        """Log density of the error."""

    @abstractmethod
    def moment(self, k: Any) -> np.ndarray:
        """``E exp(k e)`` of the error e; k > 0."""

    def location(self, parameters: Mapping[str, Any]) -> Any:
        """Location of log T."""
        return parameters["mu"].log

    def standardised(self, log_y: Any, parameters: Mapping[str, Any]) -> Any:
        """The error of a response."""
        return (log_y - self.location(parameters)) / self.spread(parameters)

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        log_y = namespace.log(y)
        z = self.standardised(log_y, parameters)
        return self.log_error_density(z, namespace) - namespace.log(self.spread(parameters)) - log_y

    def log_tails(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> tuple[Any, Any]:
        z = self.standardised(namespace.log(y), parameters)
        return self.error.log_inverse(z, namespace), self.error.log_complement(z, namespace)

    def log_between(self, lower: Any, upper: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        z = self.standardised(namespace.log(lower), parameters)
        return self.error.log_interval(z, namespace.log1p((upper - lower) / lower) / self.spread(parameters), namespace)

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        spread = np.asarray(self.spread(parameters), float)
        return np.exp(self.location(parameters)) * self.moment(spread)

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        spread = np.asarray(self.spread(parameters), float)
        first, second = self.moment(spread), self.moment(2 * spread)
        finite = np.isfinite(second)
        return np.exp(2 * self.location(parameters)) * np.where(
            finite, second - np.where(finite, first, 0.0) ** 2, np.inf
        )

    def link_variance(self, link: Link, parameters: Mapping[str, Any], approximation: str) -> np.ndarray:
        # exactly that of log T
        assert self.error.latent_variance is not None
        spread = np.asarray(self.spread(parameters), float)
        return np.broadcast_to(spread**2 * self.error.latent_variance, np.shape(parameters["mu"].eta))

    def quantile(self, probability: Any, parameters: Mapping[str, Any]) -> np.ndarray:
        return np.exp(
            self.location(parameters) + self.spread(parameters) * self.error.of(np.asarray(probability, float), np)
        )

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        shape = np.broadcast_shapes(np.shape(parameters["mu"].eta), np.shape(self.spread(parameters)))
        return self.quantile(rng.uniform(np.finfo(float).tiny, 1.0, shape), parameters)
