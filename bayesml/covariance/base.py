"""What a covariance structure must supply."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import numpy as np


class Covariance(ABC):
    """Covariance G = Lambda Lambda' of the q columns of a random term.

    A structure supplies the set of its square roots as a linear family,
    ``Lambda(theta) = sum_i theta_i B_i``. In this chart the log likelihood is smooth up to and
    across the boundary of G (an sd at 0, a correlation at +-1), where logarithms and Cholesky
    factors of G itself are not. Members differ in `basis` and in what a user sees.

    A subclass sets

    - `name`, the name of the specification;
    - `column_freedom`, which changes of the columns of Z keep the structure: ``"linear"`` (any
      invertible map), ``"scale"`` (one factor a column) or ``"common"`` (one factor for all);
    - `basis(q)`, the matrices B_i;
    - `theta(G)`, the inverse of the chart;
    - `correlations`, what kind of correlations it has: ``"none"``, ``"one"`` or ``"all"``;
    - `common_sd`, whether all columns share one standard deviation.
    """

    name: ClassVar[str]
    column_freedom: ClassVar[Literal["linear", "scale", "common"]]
    correlations: ClassVar[Literal["none", "one", "all"]]
    common_sd: ClassVar[bool]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f'"{self.name}"'

    @abstractmethod
    def basis(self, q: int) -> np.ndarray:
        """Matrices B_i of the square root, shape (n_theta, q, q)."""

    @abstractmethod
    def theta(self, G: np.ndarray) -> np.ndarray:
        """Parameters theta, shape (n_theta,), with ``Lambda(theta) Lambda(theta)' = G``; G is (q, q), may be singular."""

    def n_parameters(self, q: int) -> int:
        """Number of free variances, covariances and correlations of q columns."""
        return len(self.basis(q))
