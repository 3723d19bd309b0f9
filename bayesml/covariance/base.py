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
        """Parameters theta (n_theta,) with ``Lambda(theta) Lambda(theta)' = G``; G (q, q) may be singular."""

    def chart(self, G: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Linear family of square roots through G in which its rank does not fall: basis and theta, without zeros."""
        theta = self.theta(G)
        free = theta != 0.0
        return self.basis(len(G))[free], theta[free]

    def faces(self, G: np.ndarray) -> list[np.ndarray]:
        """Covariances of the structure next to G on the boundary, each of a smaller rank."""
        basis, theta = self.basis(len(G)), self.theta(G)
        out = []
        for i in np.flatnonzero(theta):
            root = np.tensordot(np.where(np.arange(len(theta)) == i, 0.0, theta), basis, 1)
            out.append(root @ root.T)
        return out

    def exits(self, G: np.ndarray, gradient: np.ndarray) -> list[tuple[float, np.ndarray]]:
        """Ways off the boundary: slope of the log likelihood and direction dG, positive semidefinite.

        `gradient` is dl/dG (q, q), symmetric. G is optimal only if no slope is positive. (The gradient
        in theta vanishes at theta = 0 by symmetry and cannot tell.)
        """
        roots = self.basis(len(G))[self.theta(G) == 0.0]
        return [(float(np.sum(gradient * (B @ B.T))), B @ B.T) for B in roots]

    def n_parameters(self, q: int) -> int:
        """Number of free variances, covariances and correlations of q columns."""
        return len(self.basis(q))
