"""Draws of all parameters from their priors, in the shape of a posterior."""

from collections.abc import Sequence

import numpy as np

from bayesml.distributions import Distribution
from bayesml.distributions.base import scipy_stats
from bayesml.graphs.dimensions import ordered_parameters
from bayesml.graphs.natural import CovarianceParameters
from bayesml.graphs.roles import Graph
from bayesml.results.posterior import Posterior

ATTEMPTS = 1000


def draw_prior(graph: Graph, draws: int, seed: int | list[int], effects: bool) -> Posterior:
    """Draws from the prior, one chain; NaN of parameters whose prior is improper, and of what follows from them.

    Parameters
    ----------
    graph : Graph
    draws : int
    seed : int or list of int
    effects : bool
        Whether to draw the random effects too.
    """
    rng = np.random.default_rng(seed)
    priors, shape = graph.priors, (1, draws)
    parameters = CovarianceParameters(graph)
    sds = [vector(term.sds, shape, rng) for term in priors.terms]
    partials = vector([prior for term in priors.terms for prior in term.partials], shape, rng)
    at = 0
    for k, term in enumerate(priors.terms):
        count = len(term.partials)
        if term.covariance is not None:
            G = term.covariance.draws(len(term.sds), shape, rng)
            sds[k] = np.sqrt(np.diagonal(G, axis1=-2, axis2=-1))
            partials[..., at : at + count] = partials_of(G)
        at += count
    lower, width = parameters.bounds
    unit = (partials - lower) / width
    terms = range(len(graph.random))
    lam = parameters.lam(np.concatenate([*sds, np.empty((*shape, 0))], axis=-1), unit)
    return Posterior(
        beta=vector(priors.coefficients, shape, rng),
        sds=tuple(sds),
        corrs=tuple(parameters.correlations(unit, k) for k in terms),
        sigma=np.ones(shape) if priors.sigma is None else vector([priors.sigma], shape, rng)[..., 0],
        stats={},
        parametrisation="prior",
        seed=0,
        ancillary=ancillary(graph, shape, rng),
        effects=tuple(draw_term(graph, parameters, lam, k, rng) for k in terms) if effects else None,
    )


def partials_of(G: np.ndarray) -> np.ndarray:
    """Partial correlations of covariance matrices (..., q, q), in the order of `tril_indices(q, -1)`."""
    q = G.shape[-1]
    sds = np.sqrt(np.diagonal(G, axis1=-2, axis2=-1))
    C = np.linalg.cholesky(G) / sds[..., :, None]
    left = 1.0 - np.cumsum(C**2, axis=-1) + C**2
    return (C / np.sqrt(np.maximum(left, 1e-300)))[..., *np.tril_indices(q, -1)]


def vector(priors: Sequence[Distribution], shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Draws of several priors, (chain, draw, number of priors); independent but for scales that some share."""
    out = np.full((*shape, len(priors)), np.nan)
    done: set[str] = set()
    for i, prior in enumerate(priors):
        if prior.kind in done:
            continue
        same = [j for j, other in enumerate(priors) if other.kind == prior.kind]
        together = prior.shared_draws(tuple(priors[j] for j in same), shape, rng)
        if together is not None:
            out[..., same] = together
            done.add(prior.kind)
        elif prior.fixed is not None:
            out[..., i] = prior.fixed
        elif not prior.improper:
            out[..., i] = prior.scipy(scipy_stats()).rvs(size=shape, random_state=rng)
    return out


def ancillary(graph: Graph, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Draws of the family's parameters besides sigma, (chain, draw, a); those in order are drawn until they are."""
    names = list(graph.priors.ancillary)
    out = vector(list(graph.priors.ancillary.values()), shape, rng)
    for own in ordered_parameters(graph).values():
        places = [names.index(name) for name in own]
        priors = [graph.priors.ancillary[name] for name in own]
        if len(set(priors)) == 1:
            # in any order they are equally probable
            out[..., places] = np.sort(out[..., places], axis=-1)
            continue
        for _ in range(ATTEMPTS):
            wrong = (np.diff(out[..., places], axis=-1) <= 0).any(axis=-1)
            if not wrong.any():
                break
            rows = out[wrong]
            rows[:, places] = vector(priors, (1, int(wrong.sum())), rng)[0]
            out[wrong] = rows
    return out


def draw_term(
    graph: Graph, parameters: CovarianceParameters, lam: np.ndarray, k: int, rng: np.random.Generator
) -> np.ndarray:
    """Random effects b = Lambda u of one term, (chain, draw, J, q)."""
    role, start = graph.random[k], parameters.layout[k, 5]
    root = lam[..., start : start + role.q**2].reshape(*lam.shape[:-1], role.q, role.q)
    u = rng.standard_normal((*lam.shape[:-1], len(role.columns.levels), role.q))
    return u @ np.swapaxes(root, -1, -2)
