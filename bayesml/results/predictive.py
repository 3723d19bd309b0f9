"""Log likelihood of rows, their means and new responses at each posterior draw, by blocks of rows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bayesml.graphs.outcome import OutcomeParts, outcome_arrays
from bayesml.graphs.roles import Graph
from bayesml.results.posterior import Posterior, linear_predictors, row_blocks

PREDICTIVE_STREAM = 51
"""Of the draws that are called posterior predictive, under the seed of the sampling or one that is given."""
RESPONSES = 2
"""Of new responses, beside what else is drawn under one seed."""


def ancillary_draws(graph: Graph, posterior: Posterior) -> list[np.ndarray]:
    """Draws of each of the family's parameters besides its predictors, (chain, draw, 1)."""
    names = [parameter.name for parameter in graph.ancillary]
    others = [name for name in names if name != "sigma"]
    return [
        posterior.sigma[..., None] if name == "sigma" else posterior.ancillary[..., [others.index(name)]]
        for name in names
    ]


def response_parameters(
    graph: Graph, posterior: Posterior, effects: tuple[np.ndarray, ...]
) -> Iterator[tuple[slice, Mapping[str, np.ndarray], Mapping[str, Any]]]:
    """For one block of rows after another: the rows, their arrays, and parameters at each draw, (chain, draw, rows)."""
    chains, draws = posterior.shape
    parts, values, arrays = OutcomeParts.of(graph), ancillary_draws(graph, posterior), outcome_arrays(graph)
    for rows in row_blocks(graph.design.n, chains * draws * len(graph.predictors)):
        etas = linear_predictors(graph.design, posterior.beta, effects, rows)
        own = {name: array[rows] for name, array in arrays.items()}
        yield rows, own, parts.parameters(etas, values, own, np)


def log_likelihood(graph: Graph, posterior: Posterior, effects: tuple[np.ndarray, ...]) -> np.ndarray:
    """Log density of each row given the random effects, (chain, draw, n); as often as the row counts."""
    out = np.empty((*posterior.shape, graph.design.n))
    for rows, arrays, parameters in response_parameters(graph, posterior, effects):
        out[..., rows] = graph.response.log_density(graph.family, arrays, parameters, np)
    return out if graph.design.frequencies is None else out * graph.design.frequencies


def new_responses(
    graph: Graph, posterior: Posterior, effects: tuple[np.ndarray, ...], seed: Sequence[int]
) -> np.ndarray:
    """A new response of each row at each draw, shape (chain, draw, n); nothing of it is censored."""
    out = np.empty((*posterior.shape, graph.design.n))
    for rows, _, parameters in response_parameters(graph, posterior, effects):
        out[..., rows] = graph.family.simulate(response_generator(seed, rows), parameters)
    return out


def response_generator(seed: Sequence[int], rows: slice) -> np.random.Generator:
    """Random numbers of the new responses of a block of rows: of each its own, whoever asks for it."""
    return np.random.default_rng([*seed, RESPONSES, rows.start])


def mean_responses(graph: Graph, posterior: Posterior, effects: tuple[np.ndarray, ...]) -> np.ndarray:
    """Posterior mean of each row's mean, (n,); of trials of one of them; probabilities (n, C) of categories."""
    parts = []
    for _, _, parameters in response_parameters(graph, posterior, effects):
        single = {name: value for name, value in parameters.items() if name != "trials"}
        parts.append(np.mean(graph.family.mean(single), axis=(0, 1)))
    return np.concatenate(parts)
