"""Posteriors without some of the rows, of the same compiled graph: levels stay, the rows count zero times."""

from dataclasses import replace

import numpy as np

from bayesml.design.arrays import Design
from bayesml.estimators.nuts import sample_graph
from bayesml.graphs.roles import Graph, build_graph
from bayesml.results.bayesian import BayesianResult


def without(design: Design, rows: np.ndarray, once: bool = False) -> Design:
    """The design in which some rows count zero times, or one time less.

    Parameters
    ----------
    design : Design
    rows : ndarray of int
    once : bool, default False
        Leave out one of those that a row stands for.
    """
    frequencies = np.ones(design.n) if design.frequencies is None else design.frequencies.copy()
    frequencies[rows] = frequencies[rows] - 1.0 if once else 0.0
    return replace(design, frequencies=frequencies)


def sample_without(
    graph: Graph, rows: np.ndarray, draws: int, chains: int, seed: int, once: bool = False
) -> BayesianResult:
    """The posterior of a graph without some rows, its priors with the same numbers.

    Parameters
    ----------
    graph : Graph
    rows : ndarray of int
    draws, chains, seed : int
    once : bool
        As in `without`.
    """
    own = build_graph(graph.model, without(graph.design, rows, once), graph.priors)
    return sample_graph(own, draws=draws, chains=chains, random_seed=seed, progressbar=False)
