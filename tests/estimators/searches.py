"""Optima of dense likelihoods by SciPy, from many starts: what an ascent must find."""

from functools import partial

import numpy as np
from scipy.optimize import minimize

from tests.dense import Dense


def roots_at(theta: np.ndarray, bases: list[np.ndarray]) -> list[np.ndarray]:
    """Square roots of each term from parameters in a row."""
    parts = np.split(theta, np.cumsum([len(b) for b in bases])[:-1])
    return [np.tensordot(part, basis, 1) for part, basis in zip(parts, bases, strict=True)]


def descend(theta: np.ndarray, dense: Dense, bases: list[np.ndarray], criterion: str) -> tuple[float, np.ndarray]:
    """Minus the profiled log likelihood of relative square roots, and its gradient."""
    roots = roots_at(theta, bases)
    relative = [root @ root.T for root in roots]
    value, s2 = dense.profiled(relative, criterion)
    at = dense.at([g * s2 for g in relative], np.sqrt(s2))
    gradient = [
        2.0 * s2 * np.einsum("iab,ac,cb->i", basis, at.slope(k, criterion == "reml"), root)
        for k, (basis, root) in enumerate(zip(bases, roots, strict=True))
    ]
    return -value, -np.concatenate(gradient)


def best_of_many_starts(design, criterion: str, rng: np.random.Generator, starts: int = 8) -> float:
    """The highest log likelihood that a quasi-Newton search of the dense model finds."""
    dense = Dense(design, exact=False)
    bases = [t.covariance.basis(len(t.names)) for t in design.random]
    scales = [np.sqrt(np.mean(t.Z**2)) for t in design.random]
    unit = np.concatenate([np.full(len(b), 1.0 / s) for b, s in zip(bases, scales, strict=True)])
    objective = partial(descend, dense=dense, bases=bases, criterion=criterion)

    def scaled(x):
        value, gradient = objective(x * unit)
        return value, gradient * unit

    found = []
    for _ in range(starts):
        start = rng.normal(size=len(unit)) * 10.0 ** rng.uniform(-1.0, 0.7)
        found.append(-minimize(scaled, start, jac=True, method="L-BFGS-B", options={"ftol": 1e-12, "maxiter": 150}).fun)
    return max(found)
