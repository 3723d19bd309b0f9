"""Separation: coefficients whose estimates are infinite."""

import numpy as np

from bayesml.design.arrays import Design
from bayesml.errors import NotIdentified
from bayesml.linalg.laplace import LaplaceSystem

EXTREME = 12.0  # of a predictor, from which separation is looked for
STILL = 1e-3  # of the size of the largest move of a predictor: rows that stay where they are


def refuse_separation(system: LaplaceSystem, design: Design, beta: np.ndarray, phi: np.ndarray) -> None:
    """Refuse a fit without random effects whose coefficients run to infinity.

    Raises
    ------
    NotIdentified
        Along some direction of the coefficients no row's log density falls, however far one goes.
    """
    named = separated(system, design, beta, phi)
    if named:
        raise NotIdentified(
            f"Separation: the coefficient{'s' if len(named) > 1 else ''} of {', '.join(f'`{name}`' for name in named)} "
            "can grow without bound, as these columns tell the outcome of some rows for certain; there are no finite "
            "estimates. Leave the column out, join levels, or give a proper prior "
            '(`criterion="map"` with `priors=`, or `bml.sample`).'
        )


def separated(system: LaplaceSystem, design: Design, beta: np.ndarray, phi: np.ndarray) -> list[str]:
    """Coefficients, by address, along which the likelihood rises for ever; none for most data."""
    eta = system.fixed_predictors(beta)
    if not len(beta) or np.abs(eta).max(initial=0.0) < EXTREME:
        return []
    third = system.derivatives.third(eta, phi)
    W = -third.d2
    p = len(beta)
    info = np.empty((p, p))
    for j in range(p):
        x = system.columns.predictors_of(np.eye(p)[j])
        info[j] = system.columns.fixed_sums(np.einsum("nkl,nl->nk", W, x))
    values, vectors = np.linalg.eigh(info)
    out: set[int] = set()
    for value, direction in zip(values, vectors.T, strict=True):
        if value > 1e-3:
            continue
        for sign in (1.0, -1.0):
            move = system.columns.predictors_of(sign * direction)
            size = np.abs(move).max()
            moving = np.abs(move) > STILL * size
            if not (third.d1[moving] * move[moving] >= 0.0).all():
                continue
            far = system.derivatives.value(eta + 20.0 / size * move, phi)
            if (far >= third.value - 1e-6).all():
                natural = system.columns.coefficients @ direction
                scaled = np.abs(natural) * column_sizes(design)
                # a direction may move the intercept along: it is named only where nothing else is
                own = [j for j in np.flatnonzero(scaled > 0.05 * scaled.max())]
                others = [j for j in own if not design.coefficients[j].endswith("Intercept")]
                out |= set(map(int, others or own))
    return [design.coefficients[j] for j in sorted(out)]


def column_sizes(design: Design) -> np.ndarray:
    """Largest absolute value of each column of X."""
    return np.array([1.0 if column is None else np.abs(column).max() for column in design.fixed_columns])
