"""Averages of smooth functions over normal variables, by the trapezoidal rule."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy.special import ndtri
from scipy.stats.qmc import Sobol

REACH = 8.5
"""Standard deviations on each side: the normal density is below 1e-16 of its height there."""
TOLERANCE = 2e-9
MOST_NODES = 400_000
SOBOL_POWER = 14
BLOCK = 2_000_000
"""Values of the function at a time."""


Function = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Values (m, N) or (m, N, C) of arguments (m, N, K) in rows whose places are given, (m,)."""


@dataclass(frozen=True, eq=False)
class NormalRule:
    """Nodes and weights for averages over independent standard normal variables.

    Parameters
    ----------
    nodes : ndarray (N, r)
    weights : ndarray (N,)
        They add to one.
    """

    nodes: np.ndarray
    weights: np.ndarray


def trapezoid(spread: float, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Equally spaced nodes for a function of ``spread * u``, u standard normal, and their weights.

    For analytic functions the error falls like ``exp(-2 pi d / h)``, d the distance of the nearest pole in u, which
    is inverse to `spread`: so the nodes come closer as it grows. They reach further too, where exponential functions
    have their mass.
    """
    h = min(step, 0.6 * step / max(spread, 1e-12))
    count = ceil((REACH + spread) / h)
    u = h * np.arange(-count, count + 1)
    weights = np.exp(-0.5 * u**2)
    return u, weights / weights.sum()


def product_rule(spreads: np.ndarray, step: float) -> NormalRule | None:
    """The rule for several variables, their spreads in descending order; None where it has too many nodes."""
    axes = [trapezoid(float(spread), step) for spread in spreads]
    if np.prod([float(len(u)) for u, _ in axes]) > MOST_NODES:
        return None
    nodes = np.stack([grid.ravel() for grid in np.meshgrid(*(u for u, _ in axes), indexing="ij")], axis=-1)
    weights = np.ones(1)
    for _, own in axes:
        weights = np.outer(weights, own).ravel()
    # Of several predictors functions are probabilities: what is dropped is no more than 1e-10 of all. With one they may
    # grow as exponential functions do.
    kept = weights > (1e-13 * weights.max() if len(axes) > 1 else 0.0)
    return NormalRule(nodes[kept], weights[kept] / weights[kept].sum())


def sobol_rule(dimension: int) -> NormalRule:
    """Quasi-random nodes, always the same, for many variables."""
    points = Sobol(dimension, seed=1).random_base2(SOBOL_POWER)
    nodes = ndtri(np.clip(points, 1e-16, 1 - 1e-16))
    return NormalRule(nodes, np.full(len(nodes), 1.0 / len(nodes)))


def covariance_roots(S: np.ndarray) -> np.ndarray:
    """Square roots (m, K, r) of covariances (m, K, K), largest directions first, r the largest rank."""
    values, vectors = np.linalg.eigh(S)
    values, vectors = values[:, ::-1], vectors[:, :, ::-1]
    rank = int((values > 1e-14 * values.max(initial=0.0)).sum(axis=1).max(initial=0)) if values.size else 0
    return vectors[:, :, :rank] * np.sqrt(np.maximum(values[:, None, :rank], 0.0))


def average(function: Function, eta: np.ndarray, roots: np.ndarray, rule: NormalRule) -> np.ndarray:
    """Average of a function over ``eta + root u`` in each row.

    Parameters
    ----------
    function : callable
        ``function(eta (m, N, K), rows)`` with values (m, N) or (m, N, C); `rows` are the places of the m rows.
    eta : ndarray (m, K)
    roots : ndarray (m, K, r)
    rule : NormalRule

    Returns
    -------
    ndarray (m,) or (m, C)
    """
    m, K = eta.shape
    size = max(1, BLOCK // (len(rule.weights) * K))
    out = []
    for start in range(0, m, size):
        rows = np.arange(start, min(start + size, m))
        moved = eta[rows, None, :] + np.einsum("mkr,nr->mnk", roots[rows], rule.nodes)
        out.append(np.einsum("n,mn...->m...", rule.weights, function(moved, rows)))
    return np.concatenate(out)


def rule_for(function: Function, eta: np.ndarray, roots: np.ndarray, step: float = 0.9) -> NormalRule:
    """The coarsest rule whose averages agree with those of one twice as fine, to 2e-9 of them.

    Some rows with the widest distributions are tried. With so many variables that no product rule is possible,
    quasi-random nodes, whose averages are known to about 1e-4.
    """
    rank = roots.shape[2]
    if rank == 0 or not len(eta):
        return NormalRule(np.zeros((1, rank)), np.ones(1))
    spreads = np.sqrt((roots**2).sum(axis=1))
    order = np.argsort(spreads[:, 0], kind="stable")
    tried = np.unique(np.concatenate([order[-3:], np.linspace(0, len(eta) - 1, 5).astype(int)]))
    widest = spreads.max(axis=0)
    rule = product_rule(widest, step)
    if rank > 3 or rule is None:
        return rule or sobol_rule(rank)

    def of_tried(moved: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return function(moved, tried[rows])

    old = None
    while rule is not None:
        best = rule
        new = average(of_tried, eta[tried], roots[tried], rule)
        if old is not None and np.all(np.abs(new - old) <= TOLERANCE * np.maximum(np.abs(new), 1e-6)):
            return rule
        old, step = new, step / (2.0 if rank == 1 else 1.4)
        rule = product_rule(widest, step)
    return best
