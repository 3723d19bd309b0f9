"""Prior densities of linear combinations of parameters at a point: in closed form, or by quadrature."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import nan
from typing import Any

import numpy as np

from bayesml.distributions import Distribution, Normal
from bayesml.distributions.base import scipy_stats
from bayesml.errors import RefusedTest

NODES = 24
PROBABILITIES = np.array(
    [0.0, 1e-12, 1e-9, 1e-6, 1e-4, 1e-3, 0.01, 0.03, *np.arange(0.1, 0.95, 0.1), 0.97, 0.99,
     1 - 1e-3, 1 - 1e-4, 1 - 1e-6, 1 - 1e-9, 1 - 1e-12, 1.0]
)  # fmt: skip
"""Between these quantiles of each of the two summands the product of their densities is smooth enough for one rule."""
DRAWS = 1_000_000


@dataclass(frozen=True)
class LogDensity:
    """A log density and its Monte-Carlo standard error, 0 where it is computed.

    Parameters
    ----------
    value, error : float
    method : str
        In words.
    pareto_k : float
        Of the largest terms of what was averaged over draws: of the limit on no average of them has a known error.
    """

    value: float
    error: float = 0.0
    method: str = "closed form"
    pareto_k: float = nan


@dataclass(frozen=True)
class Scaled:
    """A parameter times a number.

    Parameters
    ----------
    prior : Distribution
        Proper.
    weight : float
        Not 0.
    """

    prior: Distribution
    weight: float

    @cached_property
    def form(self) -> Any:
        """The prior as SciPy has it."""
        return self.prior.scipy(scipy_stats())

    @property
    def ends(self) -> tuple[float, float]:
        """Lower and upper end of its values."""
        ends = sorted(end * self.weight for end in self.prior.support)
        return ends[0], ends[1]

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """Log density at x; minus infinity outside the support."""
        value = np.asarray(x, float) / self.weight
        low, high = self.prior.support
        inside = (value > low) & (value < high)
        within = (low + high) / 2 if np.isfinite(low + high) else low + 1 if np.isfinite(low) else min(high - 1, 0.0)
        safe = np.where(inside, value, within)
        return np.where(inside, self.prior.log_density(safe) - np.log(abs(self.weight)), -np.inf)

    def quantiles(self) -> np.ndarray:
        """Quantiles at `PROBABILITIES`, from below."""
        return np.sort(self.weight * self.form.ppf(PROBABILITIES))

    def draws(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Independent draws."""
        return self.weight * np.asarray(self.form.rvs(size=count, random_state=rng))


def log_density_of_sum(
    priors: Sequence[Distribution], weights: np.ndarray, value: float, seed: Sequence[int]
) -> LogDensity:
    """Log prior density of ``weights @ theta`` at a value, of independent parameters.

    Sums of normals are normal; a sum of two others, or of one and normals, is a quadrature of one dimension; of more,
    an average over draws of all but one.

    Parameters
    ----------
    priors : sequence of Distribution
        Proper, or held at values.
    weights : ndarray
    value : float
    seed : sequence of int
    """
    parts, mean, variance = [], 0.0, 0.0
    for prior, weight in zip(priors, weights, strict=True):
        if prior.fixed is not None:
            value -= weight * prior.fixed
        elif prior.normal_row is not None:
            centre, precision = prior.normal_row
            mean, variance = mean + weight * centre, variance + weight**2 / precision
        elif weight:
            parts.append(Scaled(prior, float(weight)))
    if variance > 0:
        parts.append(Scaled(Normal(mean, float(np.sqrt(variance))), 1.0))
    match parts:
        case [one]:
            return LogDensity(float(one.log_density(np.array(value))))
        case [first, second]:
            return LogDensity(log_convolved(first, second, value), method="quadrature")
    return by_draws(parts, value, np.random.default_rng(list(seed)))


def log_convolved(first: Scaled, second: Scaled, value: float) -> float:
    """Log density of the sum of two at a value, by Gauss–Legendre rules between the quantiles of both."""
    (a, b), (c, d) = first.ends, second.ends
    low, high = max(a, value - d), min(b, value - c)
    if not low < high:
        return -np.inf
    cuts = np.concatenate([first.quantiles(), value - second.quantiles(), [low, high]])
    cuts = np.unique(cuts[np.isfinite(cuts) & (cuts >= low) & (cuts <= high)])
    nodes, rule = np.polynomial.legendre.leggauss(NODES)
    half = np.diff(cuts)[:, None] / 2
    x = cuts[:-1, None] + half * (1 + nodes)
    log_terms = np.log(half * rule) + first.log_density(x) + second.log_density(value - x)
    top = log_terms.max()
    return float(top + np.log(np.sum(np.exp(log_terms - top)))) if np.isfinite(top) else -np.inf


def by_draws(parts: Sequence[Scaled], value: float, rng: np.random.Generator) -> LogDensity:
    """The density of the widest summand averaged over draws of the others."""
    widths = [np.ptp(part.weight * part.form.ppf([0.25, 0.75])) for part in parts]
    widest = int(np.argmax(widths))
    others = [part.draws(DRAWS, rng) for i, part in enumerate(parts) if i != widest]
    log_terms = parts[widest].log_density(value - np.sum(others, axis=0))
    method, top = f"average over {DRAWS} draws", log_terms.max()
    if not np.isfinite(top):
        return LogDensity(-np.inf, np.inf, method)
    terms = np.exp(log_terms - top)
    mean = terms.mean()
    return LogDensity(float(top + np.log(mean)), float(terms.std() / np.sqrt(len(terms)) / mean), method)


def log_density_jointly(
    priors: Sequence[Distribution], R: np.ndarray, r: np.ndarray, seed: Sequence[int]
) -> LogDensity:
    """Log prior density of ``R theta`` at r.

    Parameters
    ----------
    priors : sequence of Distribution, length p
    R : ndarray (m, p)
        Of full row rank.
    r : ndarray (m,)

    Raises
    ------
    RefusedTest
        Several equations share a parameter whose prior is not normal.
    """
    used = [int(j) for j in np.flatnonzero(R.any(axis=0))]
    if len(R) == 1:
        return log_density_of_sum([priors[j] for j in used], R[0, used], float(r[0]), seed)
    moments = [normal_moments(priors[j]) for j in used]
    if None not in moments:
        centre, variance = np.array(moments, float).T
        return LogDensity(float(log_normal(r - R[:, used] @ centre, (R[:, used] * variance) @ R[:, used].T)))
    if (np.count_nonzero(R, axis=0) > 1).any():
        shared = int(np.argmax(np.count_nonzero(R, axis=0) > 1))
        raise RefusedTest(
            f"Several equations share a parameter with the prior {priors[shared]}, so that their joint prior "
            "density has no closed form. Give normal priors, or compare the models with `bml.evidence`."
        )
    single = [log_density_jointly(priors, R[[i]], r[[i]], [*seed, i]) for i in range(len(R))]
    error = float(np.sqrt(sum(part.error**2 for part in single)))
    return LogDensity(sum(part.value for part in single), error, " × ".join(dict.fromkeys(p.method for p in single)))


def normal_moments(prior: Distribution) -> tuple[float, float] | None:
    """Mean and variance of a normal prior or of a held value; None of others."""
    if prior.fixed is not None:
        return prior.fixed, 0.0
    row = prior.normal_row
    return None if row is None else (row[0], 1 / row[1])


def log_normal(gap: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Log density (...) of a normal vector at a distance (..., m) from its mean."""
    root = np.linalg.cholesky(covariance)
    z = np.linalg.solve(root, gap[..., None])[..., 0]
    log_det = np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(axis=-1)
    return -0.5 * np.sum(z**2, axis=-1) - log_det - 0.5 * gap.shape[-1] * np.log(2 * np.pi)
