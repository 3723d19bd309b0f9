"""Which columns are linear combinations of earlier ones."""

from collections.abc import Sequence

import numpy as np

TOLERANCE = 1e-7
"""A column is redundant when less than this part of its length is left after regression on the earlier ones (R's)."""

_CERTAIN = 1e-3
_BLOCK = 8192
_EPS = float(np.finfo(float).eps)


def redundant_columns(columns: Sequence[np.ndarray | None], n: int, spans_ones: bool) -> tuple[int, ...]:
    """Places of the columns that are linear combinations of columns before them.

    Parameters
    ----------
    columns : sequence of ndarray (n,) or None
        None is a column of ones.
    n : int
    spans_ones : bool
        Whether a combination of the columns is constant by construction.

    Notes
    -----
    The length of a column is measured from its mean where the intercept is among the columns, so
    that `x + 1e9` beside an intercept is as good as `x`; rounding of such columns is allowed for.
    Correlations far from one show at a glance that nothing is redundant; else the columns are
    reduced to a triangle by orthogonal rotations and taken in turn.
    """
    centred = any(column is None for column in columns)
    arrays = [column for column in columns if column is not None]
    if not arrays:
        return tuple(range(1, len(columns)))
    means = np.array([column.mean() for column in arrays]) if centred else np.zeros(len(arrays))
    if n > len(arrays) and _clearly_independent(arrays, means):
        return ()
    if not centred and spans_ones:
        return _without_intercept(arrays, n)
    return _sequential(columns, n, means, centred)


def _clearly_independent(arrays: list[np.ndarray], means: np.ndarray) -> bool:
    """Whether correlations alone show that the columns are independent."""
    p = len(arrays)
    n = len(arrays[0])
    gram = np.zeros((p, p))
    for start in range(0, n, _BLOCK):
        block = np.stack([column[start : start + _BLOCK] for column in arrays], axis=1) - means
        gram += block.T @ block
    length = np.sqrt(np.diag(gram))
    if not np.all(length > _noise(means, n)):
        return False
    try:
        pivots = np.diag(np.linalg.cholesky(gram / np.outer(length, length)))
    except np.linalg.LinAlgError:
        return False
    return bool(np.min(pivots) > _CERTAIN)


def _noise(means: np.ndarray, n: int) -> np.ndarray:
    """Length of the rounding error of columns from their means."""
    return 10 * _EPS * np.abs(means) * np.sqrt(n)


def _triangle(arrays: Sequence[np.ndarray | None], means: np.ndarray) -> np.ndarray:
    """R (at most p, p) of the QR decomposition, by blocks of rows."""
    n = next(len(column) for column in arrays if column is not None)
    p = len(arrays)
    triangle = np.zeros((0, p))
    for start in range(0, n, max(_BLOCK, 2 * p)):
        stop = min(start + max(_BLOCK, 2 * p), n)
        block = np.stack([np.ones(stop - start) if c is None else c[start:stop] for c in arrays], axis=1) - means
        triangle = np.linalg.qr(np.concatenate([triangle, block]), mode="r")
    return triangle


def _sequential(columns: Sequence[np.ndarray | None], n: int, means: np.ndarray, centred: bool) -> tuple[int, ...]:
    """Columns in turn against those kept; with an intercept all are centred and it is left aside."""
    places = [j for j, column in enumerate(columns) if column is not None]
    triangle = _triangle([columns[j] for j in places], means)
    lengths = np.linalg.norm(triangle, axis=0)
    noise = _noise(means, n)
    kept = np.zeros((len(triangle), 0))
    redundant: list[int] = []
    room = n - centred
    # each column carries the rounding of those that it is compared with
    relative = np.divide(noise, lengths, out=np.ones_like(noise), where=lengths > noise)
    for k, j in enumerate(places):
        rest = triangle[:, k].copy()
        for _ in range(2):
            rest -= kept @ (kept.T @ rest)
        left = np.linalg.norm(rest)
        tolerance = max(TOLERANCE, float(relative[: k + 1][relative[: k + 1] < 1].max(initial=0.0)))
        if lengths[k] <= noise[k] or left <= tolerance * lengths[k] or kept.shape[1] >= room:
            redundant.append(j)
        else:
            kept = np.concatenate([kept, (rest / left)[:, None]], axis=1)
    first_constant = next((j for j, column in enumerate(columns) if column is None), None)
    extra = [j for j, column in enumerate(columns) if column is None and j != first_constant]
    return tuple(sorted(redundant + extra))


def _without_intercept(arrays: list[np.ndarray], n: int) -> tuple[int, ...]:
    """Columns that hold the constant as a combination, such as all levels of a factor.

    An intercept put before them makes exactly one of them redundant if they are independent.
    """
    means = np.array([column.mean() for column in arrays])
    with_ones = _sequential([None, *arrays], n, means, centred=True)
    if len(with_ones) <= 1:
        return ()
    return _sequential(arrays, n, np.zeros(len(arrays)), centred=False)
