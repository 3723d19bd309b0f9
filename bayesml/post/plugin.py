"""A fit as draws: parameters at their estimates, random effects drawn given the data and these estimates."""

from dataclasses import replace
from typing import Any

import numpy as np

from bayesml.post.row_draws import at_places
from bayesml.results.base import Result
from bayesml.results.bayesian import BayesianResult
from bayesml.results.likelihood import LikelihoodResult
from bayesml.results.posterior import Posterior, column_pairs

EFFECTS, CHOICE = 5, 6
"""Streams of the random effects, and of which draws are taken."""


def as_draws(result: Result, draws: int, seed: tuple[int, ...], modes: bool = False) -> BayesianResult:
    """Draws to simulate from: of a posterior some of its own, of a fit as many at its estimates.

    Random effects of a fit are drawn from their distribution given the data at the estimates: exactly in linear models,
    else from the normal approximation at their modes, level by level.

    Parameters
    ----------
    result : LikelihoodResult or BayesianResult
    draws : int
        In all; of a posterior not more than it has, spread over all of them.
    seed : tuple of int
    modes : bool
        Of a fit: whether the random effects are their conditional modes.
    """
    if not isinstance(result, LikelihoodResult):
        assert isinstance(result, BayesianResult)
        return single_chain(result, draws, seed)
    design, solution = result.design, result.solution
    shape = (1, draws)
    sds, corrs = [], []
    for term, G in zip(design.random, solution.covariances, strict=True):
        sd = np.sqrt(np.diag(G))
        with np.errstate(invalid="ignore", divide="ignore"):
            corr = np.nan_to_num(np.array([G[i, j] / (sd[i] * sd[j]) for i, j in column_pairs(len(sd))]))
        common = term.covariance.common_sd and len(sd) > 1
        sds.append(repeated(sd[:1] if common else sd, shape))
        none = term.covariance.correlations == "none"
        one = term.covariance.correlations == "one"
        corrs.append(repeated(corr[:0] if none else corr[:1] if one else corr, shape))
    effects = None
    if modes:
        effects = tuple(repeated(own, shape) for own in solution.modes())
    elif not result.model.family.exact_with(result.model.link):
        effects = normal_effects(solution, draws, seed)
    values = dict(zip(result.ancillary, result.ancillary_values, strict=True))
    others = np.array([value for name, value in values.items() if name != "sigma"])
    posterior = Posterior(
        beta=repeated(solution.beta, shape),
        sds=tuple(sds),
        corrs=tuple(corrs),
        sigma=repeated(np.array(values.get("sigma", 1.0)), shape),
        stats={},
        parametrisation="estimates",
        seed=int(np.random.SeedSequence(seed).generate_state(1)[0]),
        effects=effects,
        ancillary=repeated(others, shape),
    )
    return BayesianResult(result.model, design, posterior)


def repeated(value: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A value at each draw."""
    return np.broadcast_to(value, (*shape, *value.shape)).copy()


def normal_effects(solution: Any, draws: int, seed: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Normal draws about the conditional modes, (1, draws, J, q) a term."""
    rng = np.random.default_rng([*seed, EFFECTS])
    out = []
    for modes, covariance in zip(solution.modes(), solution.conditional_covariance(), strict=True):
        values, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
        u = rng.standard_normal((draws, *modes.shape))
        out.append((modes + np.einsum("jab,sjb->sja", root, u))[None])
    return tuple(out)


def single_chain(result: BayesianResult, draws: int, seed: tuple[int, ...]) -> BayesianResult:
    """Some draws of a posterior as one chain, evenly spaced from a start that the seed decides."""
    post = result.posterior
    count = post.sigma.size
    start = np.random.default_rng([*seed, CHOICE]).random()
    places = np.floor((np.arange(min(draws, count)) + start) * count / min(draws, count)).astype(int)

    def joined(array: np.ndarray) -> np.ndarray:
        return array.reshape(1, count, *array.shape[2:]) if array.shape[:2] == post.shape else array[:1]

    one = replace(
        post,
        beta=post.beta.reshape(1, count, -1),
        sds=tuple(own.reshape(1, count, -1) for own in post.sds),
        corrs=tuple(own.reshape(1, count, own.shape[-1]) for own in post.corrs),
        sigma=post.sigma.reshape(1, -1),
        stats={},
        effects=tuple(map(joined, result.effects)) if result.effects_fit else None,
        ancillary=joined(post.ancillary),
    )
    return at_places(replace(result, posterior=one), places)
