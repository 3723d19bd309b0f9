"""Log likelihood of rows and new responses at each posterior draw, by blocks of rows."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bayesml.design.arrays import Design
from bayesml.results.posterior import Posterior, linear_predictor, row_blocks


def response_parameters(
    family: Any, link: Any, design: Design, posterior: Posterior, effects: tuple[np.ndarray, ...]
) -> Iterator[tuple[slice, Mapping[str, np.ndarray]]]:
    """Parameters of the responses at each draw, (chain, draw, rows), for one block of rows after another."""
    chains, draws = posterior.shape
    for rows in row_blocks(design.n, chains * draws):
        eta = linear_predictor(design, posterior.beta, effects, rows)
        weights = design.precision_weights
        scale = None if weights is None else weights[rows] ** -0.5
        yield rows, family.at(link, [eta], [posterior.sigma[..., None]], np, scale=scale)


def log_likelihood(
    family: Any, link: Any, design: Design, posterior: Posterior, effects: tuple[np.ndarray, ...]
) -> np.ndarray:
    """Log density of each row given the random effects, shape (chain, draw, n)."""
    out = np.empty((*posterior.shape, design.n))
    for rows, parameters in response_parameters(family, link, design, posterior, effects):
        out[..., rows] = family.log_density(design.y[rows], parameters, np)
    return out


def new_responses(
    family: Any, link: Any, design: Design, posterior: Posterior, effects: tuple[np.ndarray, ...], seed: int | list[int]
) -> np.ndarray:
    """A new response of each row at each draw, shape (chain, draw, n)."""
    rng = np.random.default_rng(seed)
    out = np.empty((*posterior.shape, design.n))
    for rows, parameters in response_parameters(family, link, design, posterior, effects):
        out[..., rows] = family.simulate(rng, parameters)
    return out
