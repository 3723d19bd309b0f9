"""The part of a posterior with standard deviations smaller than in any draw: chains may have missed it.

Where the data leave room for a standard deviation of nearly 0, besides one far from it, its logarithm has a second,
flat region that chains seldom find. What bridge sampling makes of draws that were never there has no part of it, and
its error does not know.
"""

from dataclasses import dataclass

import numpy as np

from bayesml.bayes.bayes_factor_integral import moments, proposed
from bayesml.bayes.bayes_factor_weighted import coordinate_of, interval_of
from bayesml.design.addresses import covariance_addresses
from bayesml.estimators.posterior_densities import PosteriorDensity
from bayesml.results.diagnostics import ess
from bayesml.results.posterior import flat_draws

POINTS = 4000
DEPTH = 6.0
"""How far below the smallest draw a logarithm is looked at: what is left below is 1/400 of what is found."""
WIDER = 2.0
"""Times the spread of the draws from which the other coordinates are proposed."""
LEAST = 0.01
EXPECTED = 5.0
"""Effective draws whose share of the posterior may lie below all of them by chance."""


@dataclass(frozen=True)
class Unvisited:
    """A part of a posterior without draws.

    Parameters
    ----------
    address : str
        Of the standard deviation that is smaller there than in any draw.
    share, error : float
        Of the posterior, relative to the part that the draws come from.
    """

    address: str
    share: float
    error: float

    def __str__(self) -> str:
        return (
            f"{100 * self.share / (1 + self.share):.2g} % of the posterior has a smaller `{self.address}` than any draw"
        )


def unvisited(density: PosteriorDensity, log_evidence: float, rng: np.random.Generator) -> list[Unvisited]:
    """The parts below the draws of each standard deviation, where they are more than chance allows.

    Parameters
    ----------
    density : PosteriorDensity
    log_evidence : float
        Log of its integral over where the draws are.
    rng : numpy.random.Generator
    """
    x = density.points(density.draws)
    found = []
    for address in covariance_addresses(density.graph.design):
        place = coordinate_of(density, address) if address.kind == "sd" else None
        if place is None or interval_of(density, address).lower != 0.0:
            continue
        share, error = share_below(density, x, place, log_evidence, rng)
        if share > max(LEAST, EXPECTED / float(ess(x[..., place], "tail")), 3.0 * error):
            found.append(Unvisited(address.text, share, error))
    return found


def share_below(
    density: PosteriorDensity, x: np.ndarray, place: int, log_evidence: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Integral of a density below the smallest draw of one coordinate, over its whole, and its Monte-Carlo error.

    Parameters
    ----------
    density : PosteriorDensity
    x : ndarray (chain, draw, d)
        Draws.
    place : int
        Of the coordinate.
    log_evidence : float
    rng : numpy.random.Generator
    """
    flat = flat_draws(x)
    below = flat[:, place].min() - DEPTH * rng.random(POINTS)
    mean, root = moments(np.delete(flat, place, axis=1), np.zeros(len(flat)))
    with np.errstate(all="ignore"):
        _, log_ratios = proposed(
            lambda others: density(np.insert(others, place, below, axis=1)), mean, WIDER * root, POINTS, rng
        )
    shares = DEPTH * np.exp(log_ratios - log_evidence)
    return float(shares.mean()), float(shares.std() / np.sqrt(POINTS))
