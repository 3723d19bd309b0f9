"""What a family must supply."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from bayesml.links import Link


class Family(ABC):
    """Distribution of one response given its parameters, the first of which is its mean.

    Densities are written once, with operators and the functions of a namespace: `pytensor.tensor` gives a graph
    expression. Nobody outside asks which family it is: what engines and tables need is one of the properties below.

    A subclass sets

    - `name`, the name of the specification, and `synonyms`, other names that are understood;
    - `parameters`, the names of the parameters, the mean first;
    - `links`, the names of the links it may have, the default first;
    - `support`, the interval of the response, for messages and checks;
    - `has_scale`, whether it has a free dispersion parameter, called `sigma` where it is a standard deviation;
    - `n_predictors`, how many linear predictors a response has (categories - 1 for some);
    - `n_cutpoints`, how many cutpoints it has (0, or categories - 1);
    - `exact_links`, the links with which random effects are integrated out exactly, so that REML exists;
    - `weighted_by`, what prior weights divide: ``"variance"``, or None where weights have no meaning;
    - `log_density`, `log_distribution`, `log_survivor`, graph expressions;
    - `variance`, of a response, in the mean and the scale;
    - `latent_variance`, the level-1 variance of intraclass correlations, None where there is none;
    - `simulate`, random responses;
    - `observed`, the PyMC variable of the responses.
    """

    name: ClassVar[str]
    synonyms: ClassVar[tuple[str, ...]] = ()
    parameters: ClassVar[tuple[str, ...]]
    links: ClassVar[tuple[str, ...]]
    support: ClassVar[tuple[float, float]]
    has_scale: ClassVar[bool]
    n_predictors: ClassVar[int] = 1
    n_cutpoints: ClassVar[int] = 0
    exact_links: ClassVar[frozenset[str]] = frozenset()
    weighted_by: ClassVar[str | None] = None

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *sorted(self.__dict__.items())))

    def __repr__(self) -> str:
        return f'"{self.name}"'

    @property
    def default_link(self) -> str:
        """Name of the link that is used where none is given."""
        return self.links[0]

    def exact_with(self, link: Link) -> bool:
        """Whether random effects are integrated out exactly under a link."""
        return link.name in self.exact_links

    @abstractmethod
    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        """Log density of each response, with all constants."""

    @abstractmethod
    def log_distribution(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        """Log probability of a response up to y."""

    @abstractmethod
    def log_survivor(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        """Log probability of a response above y."""

    @abstractmethod
    def variance(self, mu: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        """Variance of a response."""

    @abstractmethod
    def latent_variance(self, link: Link, scale: float) -> float | None:
        """Level-1 variance on the scale of the linear predictor."""

    @abstractmethod
    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        """Independent responses, one for each element of the broadcast parameters."""

    @abstractmethod
    def observed(self, pm: ModuleType, name: str, parameters: Mapping[str, Any], **options: Any) -> Any:
        """The responses as a variable of the PyMC model at hand; options (`observed`, `dims`) go to PyMC."""
