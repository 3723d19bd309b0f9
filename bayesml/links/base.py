"""What a link must supply."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, ClassVar

import numpy as np


class Link(ABC):
    """A link ``eta = g(mu)`` between the mean of a response and its linear predictor.

    It is written once, with operators and the functions of a namespace that has NumPy's names: with
    `pytensor.tensor` it is a graph expression, from which derivatives come, with `numpy` it gives numbers.

    A subclass sets

    - `name`, the name of the specification;
    - `of(mu, namespace)`, the link, and `inverse(eta, namespace)`, the mean;
    - `mean_support`, the open interval of means that it maps onto the real line;
    - `log_inverse`, and for means in (0, 1) `log_complement` and `log_interval`, wherever the obvious expression
      would lose digits, or its derivatives would, for predictors of up to 700 in size;
    - `symmetric`, whether ``F(-eta) = 1 - F(eta)`` of a mean in (0, 1);
    - `latent_variance`, the variance of the latent error whose threshold model it is, or None;
    - `ratio`, what exp(coefficient) is called: `Odds ratio`.

    Every expression must have derivatives to third order that are finite and accurate, with both branches of a `where`
    evaluated on arguments at which they are.
    """

    name: ClassVar[str]
    mean_support: ClassVar[tuple[float, float]]
    symmetric: ClassVar[bool] = False
    latent_variance: ClassVar[float | None] = None
    ratio: ClassVar[str] = "exp(b)"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f'"{self.name}"'

    @abstractmethod
    def of(self, mu: Any, namespace: ModuleType) -> Any:
        """Linear predictor of a mean, elementwise."""

    @abstractmethod
    def inverse(self, eta: Any, namespace: ModuleType) -> Any:
        """Mean of a linear predictor, elementwise."""

    def log_inverse(self, eta: Any, namespace: ModuleType) -> Any:
        """Log of the mean, elementwise; for links whose means are positive."""
        return namespace.log(self.inverse(eta, namespace))

    def log_complement(self, eta: Any, namespace: ModuleType) -> Any:
        """``log(1 - mu)``, elementwise; for links whose means lie in (0, 1)."""
        return namespace.log1p(-self.inverse(eta, namespace))

    def log_interval(self, lower: Any, width: Any, namespace: ModuleType) -> Any:
        """``log(F(lower + width) - F(lower))`` of the distribution function F = inverse, exact for any width > 0."""
        raise NotImplementedError(f"The {self.name} link is no distribution function.")

    def log_binary(self, y: Any, eta: Any, namespace: ModuleType) -> Any:
        """Log probability of y, 0 or 1, whose mean is mu."""
        if self.symmetric:
            return self.log_inverse((2.0 * y - 1.0) * eta, namespace)
        return y * self.log_inverse(eta, namespace) + (1.0 - y) * self.log_complement(eta, namespace)

    @property
    def is_distribution(self) -> bool:
        """Whether the inverse is the distribution function of a latent variable."""
        return self.mean_support == (0.0, 1.0)

    @property
    def approximations(self) -> tuple[str, ...]:
        """Names of the approximations of `response_variance`, the default first."""
        return ("delta",)

    def response_variance(self, mean: np.ndarray, variance: np.ndarray, approximation: str) -> np.ndarray:
        """Variance of a response on the scale of the predictor: by the delta method, ``variance g'(mean)²``."""
        step = 1e-6 * np.maximum(np.abs(mean), 1e-3)
        slope = (self.of(mean + step, np) - self.of(mean - step, np)) / (2.0 * step)
        return variance * slope**2

    def mean(self, eta: Any, namespace: ModuleType) -> "Mean":
        """The mean of a predictor, in the forms that log densities need."""
        return Mean(self, eta, namespace)


@dataclass(frozen=True, eq=False)
class Mean:
    """A mean, with its logarithms to all digits.

    Parameters
    ----------
    link : Link
    eta : array or tensor
        The linear predictor.
    namespace : module
        NumPy or `pytensor.tensor`.
    """

    link: Link
    eta: Any
    namespace: ModuleType

    @cached_property
    def value(self) -> Any:
        """mu."""
        return self.link.inverse(self.eta, self.namespace)

    @cached_property
    def log(self) -> Any:
        """log mu."""
        return self.link.log_inverse(self.eta, self.namespace)

    @cached_property
    def log_complement(self) -> Any:
        """log(1 - mu)."""
        return self.link.log_complement(self.eta, self.namespace)

    def log_binary(self, y: Any) -> Any:
        """Log probability of y, 0 or 1, with this mean."""
        return self.link.log_binary(y, self.eta, self.namespace)
