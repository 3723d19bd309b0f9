"""Posterior density at a point as a ratio of two integrals, where the draws alone tell it too roughly.

Far from the posterior an average over its draws is decided by few of them. The integral at the value is then computed
by importance sampling with a proposal that is moved there, the one without restriction by bridge sampling.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from bayesml.bayes.bayes_factor_prior import LogDensity
from bayesml.bayes.importance import pareto_limit, smoothed_weights
from bayesml.estimators.bridge import bridge_sampling
from bayesml.estimators.posterior_densities import PosteriorDensity
from bayesml.linalg.threads import one_blas_thread
from bayesml.results.diagnostics import mcse_of_mean

GOOD_ENOUGH = 0.02
"""Error of the logarithm up to which the average over the draws is taken."""
PROPOSALS, LAST = 1000, 8000
ROUNDS = 12
DEGREES = 6
"""Of the t distributions that points are proposed from."""
WIDER = 1.15
FEWEST = 0.15
"""Share of the proposals that must count in the last round."""
MOST_EFFECTS = 2000
MOST_WORK = 20_000
"""Rows times nodes of a quadrature up to which twenty thousand points take about a minute, not many."""

Integrand = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class AtPoint:
    """The posterior density at a point, as an average over draws and as an integral.

    Parameters
    ----------
    density : PosteriorDensity
    terms : ndarray (chain, draw)
        Logarithms of what averages to the posterior density at the point.
    points : ndarray (S, k)
        The draws, moved to where the integrand is.
    integrand : callable
        From points (S, k) to logarithms (S,): its integral over that of `density` is the posterior density there.
    method : str
        How the terms were computed, in words.
    """

    density: PosteriorDensity
    terms: np.ndarray
    points: np.ndarray
    integrand: Integrand
    method: str

    def log_density(self, seed: list[int]) -> LogDensity:
        """The average where its error is small, else the ratio of integrals."""
        average = log_average(self.terms, self.method)
        effects = sum(len(term.levels) * len(term.names) for term in self.density.graph.design.random)
        priors = self.density.graph.priors.coefficients
        shared = any(prior.conditional_row is not None for prior in priors)
        precise = average.error <= GOOD_ENOUGH and not average.pareto_k >= pareto_limit(self.terms.size)
        dear = effects > MOST_EFFECTS or (self.density.expensive and self.density.work > MOST_WORK)
        if precise or dear or shared:
            return average
        rng = np.random.default_rng(seed)
        with one_blas_thread(), np.errstate(all="ignore"):
            found = importance_sampling(self.integrand, self.points, self.terms.ravel(), rng)
            if found is None:
                return average
            whole = bridge_sampling(self.density, self.density.points(self.density.draws), rng)
        error = float(np.hypot(found.error, whole.error))
        better = error < average.error or average.pareto_k >= pareto_limit(self.terms.size)
        return LogDensity(found.value - whole.value, error, found.method) if better else average


def log_average(log_terms: np.ndarray, method: str) -> LogDensity:
    """Logarithm of the mean of exp(log_terms) over draws (chain, draw), with its Monte-Carlo standard error.

    Minus infinity, of unknown error, where the terms are too small for numbers in every draw.
    """
    top = log_terms.max()
    if top == -np.inf:
        return LogDensity(-np.inf, np.inf, method)
    terms = np.exp(log_terms - top)
    mean = terms.mean()
    pareto_k = smoothed_weights(log_terms).pareto_k
    return LogDensity(float(top + np.log(mean)), float(mcse_of_mean(terms) / mean), method, pareto_k)


def importance_sampling(
    integrand: Integrand, points: np.ndarray, log_weights: np.ndarray, rng: np.random.Generator
) -> LogDensity | None:
    """Log integral over R^k, from a t proposal that is moved and scaled round by round to where the integrand is.

    None where the proposal does not come to fit.

    Parameters
    ----------
    integrand : callable
    points : ndarray (S, k)
    log_weights : ndarray (S,)
        Of the points, for the first proposal.
    rng : numpy.random.Generator
    """
    if points.shape[1] == 0:
        return LogDensity(float(integrand(points[:1])[0]), 0.0, "integral at the value")
    mean, root = moments(points, log_weights)
    for _ in range(ROUNDS):
        x, log_weights = proposed(integrand, mean, root, PROPOSALS, rng)
        if not np.isfinite(log_weights).any():
            return None
        mean, root = moments(x, log_weights)
        if effective(log_weights) > 0.6 * PROPOSALS:
            break
    _, log_weights = proposed(integrand, mean, root, LAST, rng)
    if effective(log_weights) < FEWEST * LAST:
        return None
    top = log_weights.max()
    weights = np.exp(log_weights - top)
    error = float(weights.std() / np.sqrt(LAST) / weights.mean())
    return LogDensity(float(top + np.log(weights.mean())), error, "integral at the value by importance sampling")


def proposed(
    integrand: Integrand, mean: np.ndarray, root: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Points of a t distribution, and the logarithms of the integrand over its density there."""
    k = len(mean)
    z = rng.standard_normal((count, k))
    stretch = np.sqrt(DEGREES / rng.chisquare(DEGREES, count))
    u = z * stretch[:, None]
    log_t = t_constant(k) - 0.5 * (DEGREES + k) * np.log1p((u**2).sum(axis=1) / DEGREES)
    log_t -= np.log(np.diag(root)).sum()
    x = mean + u @ root.T
    values = integrand(x) - log_t
    return x, np.where(np.isnan(values), -np.inf, values)


def t_constant(k: int) -> float:
    """Log of the constant of a standard t density in k dimensions."""
    return float(gammaln((DEGREES + k) / 2) - gammaln(DEGREES / 2) - 0.5 * k * np.log(DEGREES * np.pi))


def effective(log_weights: np.ndarray) -> float:
    """Effective number of weighted points."""
    weights = np.exp(log_weights - log_weights.max())
    return float(weights.sum() ** 2 / (weights**2).sum())


def moments(x: np.ndarray, log_weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and a root, slightly wider, of the covariance of points, weights flattened until enough of them count."""
    least = min(max(50.0, 8.0 * x.shape[1]), 0.5 * len(x))
    power = 1.0
    while effective(power * log_weights) < least and power > 1e-4:
        power *= 0.8
    weights = np.exp(power * (log_weights - log_weights.max()))
    weights /= weights.sum()
    mean = weights @ x
    centred = x - mean
    covariance = (centred * weights[:, None]).T @ centred
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale) + 1e-8 * np.eye(len(mean))
    return mean, WIDER * scale[:, None] * np.linalg.cholesky(correlation)
