"""Importance-weighted estimates of marginal posterior densities at a point.

With phi the combination asked about and psi the rest once what phi explains of it is taken away,
``p(phi0 | y) = E w(phi) q(phi0, psi) / q(phi, psi)``, q the joint density and w any density: here the normal one of the
draws of phi. As psi is uncorrelated with phi, the terms are nearly equal where the posterior is nearly normal, far from
the draws too.

References
----------
Chen (1994), Importance-weighted marginal Bayesian posterior density estimation, Journal of the American Statistical
Association 89, 818-824.
"""

from dataclasses import replace

import numpy as np

from bayesml.bayes.bayes_factor_integral import AtPoint
from bayesml.bayes.bayes_factor_prior import log_normal
from bayesml.design.addresses import Address
from bayesml.estimators.posterior_densities import PosteriorDensity
from bayesml.estimators.unconstrained import Interval
from bayesml.graphs.roles import Graph
from bayesml.linalg.threads import one_blas_thread
from bayesml.results.bayesian import BayesianResult
from bayesml.results.diagnostics import ess
from bayesml.results.log_prior_draws import log_prior_draws
from bayesml.results.posterior import Posterior, flat_draws, term_roots
from bayesml.results.predictive import log_likelihood

ROWS_AT_ONCE = 4_000_000
WEIGHTED = "importance-weighted average"


# -- of parameters, everything else integrated out -------------------------------------------------


def of_coordinates(density: PosteriorDensity, W: np.ndarray, values: np.ndarray, constant: float = 0.0) -> AtPoint:
    """The posterior density of ``W x`` at values, times a constant given as its logarithm.

    Parameters
    ----------
    density : PosteriorDensity
        Of unconstrained coordinates x.
    W : ndarray (m, d)
    values : ndarray (m,)
    """
    shape = density.draws.shape
    x = flat_draws(density.points(density.draws))
    phi = x @ W.T
    centre, covariance = phi.mean(axis=0), np.atleast_2d(np.cov(phi, rowvar=False))
    along = slopes(x, phi, np.linalg.inv(covariance))
    along[: len(density.coordinates.coefficients)] *= by_themselves(density.graph)[
        density.coordinates.coefficients, None
    ]
    moved = x + (values - phi) @ along.T
    with one_blas_thread(), np.errstate(all="ignore"):
        change = density(moved) - density(x)
    change = np.where(np.isnan(change), -np.inf, change)
    terms = (change + log_normal(phi - centre, covariance) + constant).reshape(shape)
    # x = origin + z basis' has W x = values; the density of W x is the integral over z over sqrt det(W W')
    *_, rest = np.linalg.svd(W)
    basis, origin = rest[len(W) :].T, np.linalg.pinv(W) @ values
    constant -= 0.5 * float(np.linalg.slogdet(W @ W.T)[1])
    return AtPoint(density, terms, moved @ basis, lambda z: density(origin + z @ basis.T) + constant, WEIGHTED)


def by_themselves(graph: Graph) -> np.ndarray:
    """Which coefficients have a prior of their own, bool (p,): others share a scale, and stay as they were drawn."""
    return np.array([prior.conditional_row is None for prior in graph.priors.coefficients], bool)


def coordinate_of(density: PosteriorDensity, address: Address) -> int | None:
    """Place of a parameter among the coordinates; None where it has none of its own."""
    own, priors = density.coordinates, density.graph.priors
    places: list[tuple[str, int, int]] = [("coefficient", -1, int(j)) for j in own.coefficients]
    for k, term in enumerate(priors.terms):
        places += [("sd", k, int(i)) for i in own.sds[k]]
        if own.correlated[k]:
            places += [("corr" if len(term.partials) == 1 else "partial", k, 0) for _ in term.partials]
    places += [("sigma", -1, 0)] * own.sigma_free
    names = list(priors.ancillary)
    places += [("ancillary", -1, i) for i in own.others]
    place = {"corr": 0, "sigma": 0, "ancillary": names.index(address.text) if address.text in names else -1}
    key = address.kind, address.term, place.get(address.kind, address.column)
    return places.index(key) if key in places else None


def of_parameter(density: PosteriorDensity, address: Address, value: float) -> AtPoint | None:
    """The posterior density of one parameter at a value; None where it has no coordinate of its own."""
    place = coordinate_of(density, address)
    if place is None:
        return None
    interval = interval_of(density, address)
    W = np.zeros((1, density.coordinates.size))
    W[0, place] = 1.0
    at = interval.unconstrained(np.array([value]))
    return of_coordinates(density, W, at, -float(interval.log_jacobian(at)[0]))


def interval_of(density: PosteriorDensity, address: Address) -> Interval:
    """The map of a parameter's coordinate."""
    priors = density.graph.priors
    match address.kind:
        case "coefficient":
            return Interval(*priors.coefficients[address.column].support)
        case "sd":
            return Interval(*priors.terms[address.term].sds[address.column].support)
        case "corr":
            return Interval(*priors.terms[address.term].partials[0].support)
    return Interval(*priors.of_ancillary(address.text).support)


def of_sampled_coefficients(density: PosteriorDensity, R: np.ndarray, r: np.ndarray) -> AtPoint | None:
    """As `of_coordinates`, of ``R beta`` at r; None where a coefficient in it is integrated out or has two ends."""
    own = density.coordinates
    used = np.flatnonzero(R.any(axis=0))
    ends = [density.graph.priors.coefficients[j].support for j in used]
    if not set(used) <= set(own.coefficients.tolist()) or any(np.isfinite(end).any() for end in ends):
        return None
    W = np.zeros((len(R), own.size))
    W[:, [own.coefficients.tolist().index(j) for j in used]] = R[:, used]
    return of_coordinates(density, W, r)


# -- of coefficients, random effects among the rest ------------------------------------------------


def of_coefficients(result: BayesianResult, R: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Terms (chain, draw) whose mean is the posterior density of ``R beta`` at r, as logarithms.

    Coefficients, cut points and random effects move together; other parameters stay as drawn.
    """
    post = result.posterior
    post = replace(post, effects=result.effects)
    phi = flat_draws(post.beta) @ R.T
    centre, covariance = phi.mean(axis=0), np.atleast_2d(np.cov(phi, rowvar=False))
    moved = shifted(post, phi, r, np.linalg.inv(covariance), by_themselves(result.graph), cut_points(result))
    with one_blas_thread(), np.errstate(all="ignore"):
        change = log_joint(result, moved) - log_joint(result, post)
    change = np.where(np.isnan(change), -np.inf, change)
    return change + log_normal(phi - centre, covariance).reshape(post.shape)


def cut_points(result: BayesianResult) -> list[int]:
    """Places of the cut points among the draws of the family's parameters besides sigma."""
    others = [own for own in result.ancillaries if own.name != "sigma"]
    return [i for i, own in enumerate(others) if own.domain == "ordered"]


def shifted(
    post: Posterior, phi: np.ndarray, r: np.ndarray, precision: np.ndarray, free: np.ndarray, cuts: list[int]
) -> Posterior:
    """The draws moved to phi = r along the regressions of coefficients, cut points and random effects on phi."""
    gap = (r - phi).reshape(*post.shape, len(r))
    beta = post.beta + gap @ (free[:, None] * slopes(flat_draws(post.beta), phi, precision)).T
    ancillary = post.ancillary
    if cuts:
        ancillary = ancillary.copy()
        ancillary[..., cuts] += gap @ slopes(flat_draws(ancillary[..., cuts]), phi, precision).T
    effects = []
    assert post.effects is not None
    size = max(float(np.min(ess(phi.reshape(gap.shape), "mean"))), 4.0)
    for b in post.effects:
        J, q = b.shape[2:]
        raw = slopes(flat_draws(b).reshape(len(phi), J * q), phi, precision).reshape(J, q, -1)
        noise = flat_draws(b).var(axis=0)[..., None] * np.diag(precision) / size
        effects.append(b + np.einsum("jqm,cdm->cdjq", pooled(raw, noise), gap))
    return replace(post, beta=beta, effects=tuple(effects), ancillary=ancillary)


def slopes(values: np.ndarray, phi: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Regressions (k, m) of draws of k quantities on phi."""
    return (values - values.mean(axis=0)).T @ (phi - phi.mean(axis=0)) / (len(phi) - 1) @ precision


def pooled(raw: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Slopes (J, q, m) of the levels of a term, drawn to their mean as far as they differ by their noise alone."""
    centre = raw.mean(axis=0)
    between = np.maximum(raw.var(axis=0) - noise.mean(axis=0), 0.0)
    keep = between / np.where(between + noise > 0, between + noise, 1.0)
    return centre + keep * (raw - centre)


def log_joint(result: BayesianResult, post: Posterior) -> np.ndarray:
    """Log density of responses, coefficients, cut points and random effects given the other parameters."""
    assert post.effects is not None
    priors = log_prior_draws(result.graph, post)
    named = [*result.design.coefficients, *(own.name for own in result.ancillaries if own.domain == "ordered")]
    out = np.sum([priors[name] for name in named if name in priors], axis=0)
    if cuts := cut_points(result):
        out = np.where((np.diff(post.ancillary[..., cuts], axis=-1) > 0).all(axis=-1), out, -np.inf)
    for term, sds, corrs, b in zip(result.design.random, post.sds, post.corrs, post.effects, strict=True):
        if not b.any():
            continue
        root = term_roots(term, sds, corrs)
        u = np.linalg.solve(root, np.swapaxes(b, -1, -2))
        out = out - 0.5 * np.sum(u**2, axis=(-1, -2))
    draws = max(1, ROWS_AT_ONCE // (result.design.n * post.shape[0]))
    rows = []
    for start in range(0, post.shape[1], draws):
        part = slice(start, start + draws)
        few = post.at(part)
        rows.append(log_likelihood(result.graph, few, few.effects or ()).sum(axis=-1))
    return out + np.concatenate(rows, axis=1)
