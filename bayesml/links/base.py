"""What a link must supply."""

from abc import ABC, abstractmethod
from types import ModuleType
from typing import Any, ClassVar


class Link(ABC):
    """A link ``eta = g(mu)`` between the mean of a response and its linear predictor.

    It is written once, with operators and the functions of a namespace that has NumPy's names: with
    `pytensor.tensor` it is a graph expression, from which derivatives come, with `numpy` it gives numbers.

    A subclass sets

    - `name`, the name of the specification;
    - `of(mu, namespace)`, the link, and `inverse(eta, namespace)`, the mean;
    - `mean_support`, the open interval of means that it maps onto the real line;
    - `latent_variance`, the variance of the latent error whose threshold model it is, or None.
    """

    name: ClassVar[str]
    mean_support: ClassVar[tuple[float, float]]
    latent_variance: ClassVar[float | None] = None

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
