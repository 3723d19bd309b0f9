"""Bridge sampling: the normalising constant of a density from draws of it and of a normal proposal."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayesml.results.diagnostics import ess

ITERATIONS = 1000
TOLERANCE = 1e-10
RIDGE = 1e-10

LogDensity = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Bridge:
    """A logarithm of a normalising constant.

    Parameters
    ----------
    value : float
    error : float
        Monte-Carlo standard error of `value`, which is the relative error of the constant.
    evaluations : int
        Of the density.
    """

    value: float
    error: float
    evaluations: int


def bridge_sampling(log_density: LogDensity, x: np.ndarray, rng: np.random.Generator) -> Bridge:
    """Log normalising constant of a density on R^d.

    The draws are halved: the proposal is the normal distribution of one half, the other half and as many draws of the
    proposal are bridged; then the halves change their parts, and the two constants are averaged.

    Parameters
    ----------
    log_density : callable
        From points (S, d) to log densities (S,) that are not normalised; -inf or NaN outside the domain.
    x : ndarray (chain, draw, d)
        Draws.
    rng : numpy.random.Generator

    References
    ----------
    Meng and Wong (1996), Statistica Sinica 6:831-860, equation 4.1. Fruhwirth-Schnatter (2004), Econometrics Journal
    7:143-167, for the error. Overstall and Forster (2010), CSDA 54:3269-3288, for the halves. Gronau et al. (2017),
    Journal of Mathematical Psychology 81:80-97.
    """
    if x.shape[-1] == 0:
        return Bridge(float(log_density(np.empty((1, 0)))[0]), 0.0, 1)
    half = x.shape[1] // 2
    first, second = x[:, :half], x[:, half : 2 * half]
    at_draws = log_density(x[:, : 2 * half].reshape(-1, x.shape[-1])).reshape(x.shape[0], 2 * half)
    found = [
        one_half(log_density, fitted, bridged, values, rng)
        for fitted, bridged, values in ((first, second, at_draws[:, half:]), (second, first, at_draws[:, :half]))
    ]
    (a, error_a), (b, error_b) = found
    # the mean of the two constants, not of their logarithms; the halves are all but independent
    error = 0.5 * float(np.hypot(error_a, error_b))
    return Bridge(float(np.logaddexp(a, b) - np.log(2.0)), error, 2 * at_draws.size)


def one_half(
    log_density: LogDensity, fitted: np.ndarray, bridged: np.ndarray, at_bridged: np.ndarray, rng: np.random.Generator
) -> tuple[float, float]:
    """The constant and its relative error from a proposal fitted to some draws and a bridge to others."""
    d = fitted.shape[-1]
    flat = fitted.reshape(-1, d)
    mean = flat.mean(axis=0)
    covariance = np.atleast_2d(np.cov(flat, rowvar=False))
    scale = np.sqrt(np.diag(covariance))
    root = scale[:, None] * np.linalg.cholesky(covariance / np.outer(scale, scale) + RIDGE * np.eye(d))
    constant = -0.5 * d * np.log(2 * np.pi) - np.log(np.diag(root)).sum()
    inverse = np.linalg.inv(root)

    def log_proposal(points: np.ndarray) -> np.ndarray:
        return np.asarray(constant - 0.5 * np.sum(((points - mean) @ inverse.T) ** 2, axis=-1))

    N = bridged.shape[0] * bridged.shape[1]
    z = rng.standard_normal((N, d))
    proposed = mean + z @ root.T
    with np.errstate(all="ignore"):
        at_proposed = np.nan_to_num(log_density(proposed), nan=-np.inf, posinf=-np.inf)
    ratios_proposed = at_proposed - log_proposal(proposed)
    ratios_bridged = at_bridged - log_proposal(bridged)
    return meng_wong(ratios_bridged, ratios_proposed)


def meng_wong(bridged: np.ndarray, proposed: np.ndarray) -> tuple[float, float]:
    """The constant and its relative error from log ratios of density and proposal.

    Parameters
    ----------
    bridged : ndarray (chain, draw)
        At draws of the density.
    proposed : ndarray (N,)
        At draws of the proposal.
    """
    shift = float(np.median(bridged))
    l1, l2 = bridged - shift, proposed - shift
    effective = effective_size(l1)
    s1 = effective / (effective + l2.size)
    s2 = 1.0 - s1
    log_r, log_s1, log_s2 = 0.0, np.log(s1), np.log(s2)
    for _ in range(ITERATIONS):
        # f1 = q / (s1 p / r + s2 q), f2 = (p / r) / (s1 p / r + s2 q)
        f2 = np.exp(-np.logaddexp(log_s1, log_s2 + log_r - l2))
        f1 = np.exp(-np.logaddexp(log_s1 + l1 - log_r, log_s2))
        step = float(np.log(f2.mean()) - np.log(f1.mean()))
        log_r += step
        if abs(step) < TOLERANCE:
            break
    variance = f2.var(ddof=1) / f2.mean() ** 2 / f2.size
    variance += f1.var(ddof=1) / f1.mean() ** 2 / effective_size(f1)
    return log_r + shift, float(np.sqrt(variance))


def effective_size(values: np.ndarray) -> float:
    """Effective number of draws (chain, draw) of a mean; at most their number."""
    if np.ptp(values) == 0.0:
        return float(values.size)
    found = float(ess(values[..., None], "mean")[0])
    return min(found, float(values.size)) if np.isfinite(found) else float(values.size)
