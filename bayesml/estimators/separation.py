"""Separation: coefficients whose estimates are infinite."""

from importlib import import_module

import numpy as np

from bayesml.design.arrays import Design
from bayesml.errors import NotIdentified
from bayesml.linalg.laplace import LaplaceSystem

EXTREME = 12.0  # of a predictor, from which separation is looked for
WEAK = 1e-4  # of the smallest information of a direction relative to the largest, below which it is
AWAY = 30.0  # how far predictors are moved to see whether a density rises for ever
MOST_ROWS = 50_000  # different ones, above which only directions without information are looked at


def refuse_separation(system: LaplaceSystem, design: Design, beta: np.ndarray, phi: np.ndarray) -> None:
    """Refuse a fit without random effects whose coefficients run to infinity.

    Raises
    ------
    NotIdentified
        Along some direction of the coefficients no row's log density falls, however far one goes.
    """
    named = separated(system, design, beta, phi)
    if named == ["Intercept"] and np.ptp(design.y) == 0.0:
        raise NotIdentified(
            f"Separation: the coefficient of `Intercept` can grow without bound, as the response is {design.y[0]:g} in "
            "every row used; there are no finite estimates."
        )
    if named:
        raise NotIdentified(
            f"Separation: the coefficient{'s' if len(named) > 1 else ''} of {', '.join(f'`{name}`' for name in named)} "
            "can grow without bound, as these columns tell the outcome of some rows for certain; there are no finite "
            "estimates. Leave the column out, join levels, or give a proper prior "
            '(`criterion="map"` with `priors=`, or `bml.sample`).'
        )


def separated(system: LaplaceSystem, design: Design, beta: np.ndarray, phi: np.ndarray) -> list[str]:
    """Coefficients, by address, along which the likelihood rises for ever; none for most data."""
    if not len(beta):
        return []
    eta = system.fixed_predictors(beta)
    values, vectors = np.linalg.eigh(system.fixed_information(system.derivatives.second(eta, phi)[2]))
    if np.abs(eta).max() < EXTREME and values[0] > WEAK * values[-1]:
        return []
    if system.K == 1:
        places = recession(system, design, eta, phi)
    else:
        places = flat_coefficients(system, design, eta, phi, vectors[:, values < 1e-3])
    # the intercept may move along: it is named only where nothing else moves
    others = [j for j in places if not design.coefficients[j].endswith("Intercept")]
    return [design.coefficients[j] for j in others or places]


def recession(system: LaplaceSystem, design: Design, eta: np.ndarray, phi: np.ndarray) -> list[int]:
    """Coefficients of a direction along which no row's log density ever falls and some rise; none without any.

    Rows whose density rises with the predictor for ever may only move up, those that fall only down, all others not: a
    linear program (Albert and Anderson, 1984; Konis, 2007). The intercept alone is tried first, then each
    coefficient beside it, so that as few as possible are named.
    """
    now = system.derivatives.value(eta, phi)
    up = system.derivatives.value(eta + AWAY, phi) >= now - 1e-8
    down = system.derivatives.value(eta - AWAY, phi) >= now - 1e-8
    sizes = column_sizes(design)
    columns = system.columns.X @ np.linalg.inv(system.columns.coefficients) / sizes
    rows = np.unique(np.column_stack([up.astype(float) - down, ~(up | down), columns.round(12)]), axis=0)
    if len(rows) > MOST_ROWS:
        return []
    names = design.coefficients
    intercept = [j for j, name in enumerate(names) if name == "Intercept"]
    subsets = [intercept, *([*intercept, j] for j in range(len(names)) if j not in intercept), list(range(len(names)))]
    found: set[int] = set()
    for subset in subsets:
        if subset and not (found and len(subset) > 2):
            found |= {subset[k] for k in moving(rows[:, 0], rows[:, 1] == 1.0, rows[:, 2:][:, subset])}
        if found and subset is intercept:
            break
    return sorted(found)


def moving(sign: np.ndarray, fixed: np.ndarray, X: np.ndarray) -> list[int]:
    """Columns with a part in a direction in which rows move by their sign only and some do; none without any."""
    one_sided = sign != 0.0
    moved = sign[one_sided, None] * X[one_sided]
    if not len(moved):
        return []
    # imported where there may be separation only: it takes a third of a second
    found = import_module("scipy.optimize").linprog(
        -moved.mean(axis=0),
        A_ub=-moved,
        b_ub=np.zeros(len(moved)),
        A_eq=X[fixed] if fixed.any() else None,
        b_eq=np.zeros(int(fixed.sum())) if fixed.any() else None,
        bounds=(-1.0, 1.0),
    )
    if found.status != 0 or not -found.fun > 1e-7:
        return []
    return [int(k) for k in np.flatnonzero(np.abs(found.x) > 1e-6)]


def flat_coefficients(
    system: LaplaceSystem, design: Design, eta: np.ndarray, phi: np.ndarray, directions: np.ndarray
) -> list[int]:
    """Coefficients of a direction without information along which no row's log density falls; none without any."""
    now = system.derivatives.value(eta, phi)
    for direction in directions.T:
        for way in (direction, -direction):
            move = system.columns.predictors_of(way)
            far = system.derivatives.value(eta + AWAY / np.abs(move).max() * move, phi)
            if (far >= now - 1e-6).all():
                scaled = np.abs(system.columns.coefficients @ way) * column_sizes(design)
                return [int(j) for j in np.flatnonzero(scaled > 0.05 * scaled.max())]
    return []


def column_sizes(design: Design) -> np.ndarray:
    """Largest absolute value of each column of X."""
    return np.array([1.0 if column is None else np.abs(column).max() for column in design.fixed_columns])
