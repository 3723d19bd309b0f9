"""What can be left out of a model: rows, or the levels of a grouping factor, with their densities given the rest."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from bayesml.estimators.group_densities import (
    QuadratureDensities,
    enough_points,
    exact_group_densities,
    require_independent,
)
from bayesml.estimators.row_densities import row_densities
from bayesml.graphs.roles import Graph
from bayesml.results.bayesian import BayesianResult
from bayesml.results.posterior import Posterior

ROW, GROUP = "row", "group"
MOST_VALUES = 8_000_000
MOST_ROW_NODES = 400_000_000
FEWEST_DRAWS = 1000
BLOCK = 4_000_000
DRAWS_TO_SETTLE = 4


@dataclass(frozen=True, eq=False)
class Units(ABC):
    """Parts of the data, each with a density given the parameters and all other parts.

    Parameters
    ----------
    graph : Graph
    draws : Posterior
        Those that densities are averaged over; with random effects where the densities need them.
    """

    graph: Graph
    draws: Posterior

    @property
    @abstractmethod
    def name(self) -> str:
        """`row`, or the grouping factor."""

    @property
    @abstractmethod
    def index(self) -> pd.Index:
        """Labels of the units."""

    @property
    @abstractmethod
    def density(self) -> str:
        """Which density, in words."""

    @property
    def counts(self) -> np.ndarray | None:
        """How many equal units each stands for; None where it is one."""
        return None

    @property
    def block(self) -> int:
        """How many units are looked at together."""
        return len(self.index)

    @abstractmethod
    def rows(self, unit: int) -> np.ndarray:
        """Rows of a unit."""

    @abstractmethod
    def densities(self, posterior: Posterior, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log densities (chain, draw, units) given parameters and all other units, and given the unit itself too."""


class Rows(Units):
    """Rows; one of those that a row stands for."""

    @property
    def name(self) -> str:
        return ROW

    @property
    def index(self) -> pd.Index:
        return self.graph.design.index

    @property
    def density(self) -> str:
        if not self.graph.design.random:
            return "density of a row given the parameters"
        if self.graph.exact:
            return "density of a row given all others and the parameters, random effects integrated out"
        return "density of a row given random effects and parameters"

    @property
    def counts(self) -> np.ndarray | None:
        return self.graph.design.frequencies

    @property
    def block(self) -> int:
        return max(1, BLOCK // self.draws.sigma.size)

    def rows(self, unit: int) -> np.ndarray:
        return np.array([unit])

    def densities(self, posterior: Posterior, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return row_densities(self.graph, posterior, units)


@dataclass(frozen=True, eq=False)
class Groups(Units):
    """Levels of a grouping factor that are independent given the parameters.

    Parameters
    ----------
    term : int
        A random term of the factor.
    """

    term: int = 0

    @property
    def name(self) -> str:
        return self.graph.design.random[self.term].group

    @property
    def index(self) -> pd.Index:
        return self.graph.design.random[self.term].levels.rename(self.name if self.index_is_plain else None)

    @property
    def index_is_plain(self) -> bool:
        """Whether levels have one label each."""
        return not isinstance(self.graph.design.random[self.term].levels, pd.MultiIndex)

    @property
    def density(self) -> str:
        how = "exactly" if self.graph.exact else f"by adaptive quadrature, {self.quadrature.points} nodes a dimension"
        return f"density of all rows of a level given the parameters, random effects integrated out {how}"

    def rows(self, unit: int) -> np.ndarray:
        return np.flatnonzero(self.graph.design.random[self.term].codes == unit)

    @cached_property
    def quadrature(self) -> QuadratureDensities:
        """The integral, with enough nodes."""
        few = replace(self.draws, effects=None).every(max(1, self.draws.shape[1] // DRAWS_TO_SETTLE))
        return enough_points(self.graph, few)[0]

    def densities(self, posterior: Posterior, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.graph.exact:
            values = exact_group_densities(self.graph.design, posterior, self.term)
        else:
            values = self.quadrature.at(posterior)
        found = values.reshape(*posterior.shape, -1)[..., units]
        return found, found


def units_of(result: BayesianResult, unit: str) -> Units:
    """The units that a user names: `row`, `group` or a grouping factor.

    Raises
    ------
    RefusedTest
        Groups that are not independent given the parameters.
    """
    graph, posterior = result.graph, result.posterior
    if unit == ROW:
        own = posterior if graph.exact else replace(posterior, effects=result.effects)
        return Rows(graph, fewer(own, MOST_VALUES // max(graph.design.n, 1)))
    term = require_independent(graph.design, None if unit == GROUP else unit)
    own = replace(posterior, effects=None)
    if graph.exact:
        return Groups(graph, own, term)
    nodes = Groups(graph, own, term).quadrature.nodes
    return Groups(graph, fewer(own, MOST_ROW_NODES // max(graph.design.n * nodes, 1)), term)


def fewer(posterior: Posterior, draws: int) -> Posterior:
    """Every so manieth draw of each chain, so that about so many are left, and at least a thousand."""
    return posterior.every(-(-posterior.sigma.size // max(draws, FEWEST_DRAWS)))
