"""Changes of columns that keep the digits of cross-products.

Cross-products of raw columns lose digits: with ``Days + 1e7`` the restricted likelihood moves by
units. So before anything is accumulated columns are shifted and made orthonormal (X), residual (y)
or standardised as far as their covariance structure allows (Z). All maps are linear and are undone
exactly: ``beta = B beta_hat + beta_0`` and ``b = T b_hat``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bayesml.errors import NotIdentified

BATCH = 8192
Column = np.ndarray | None


@dataclass(frozen=True, eq=False)
class TermColumns:
    """Columns of one random term and what may be done to them.

    Parameters
    ----------
    columns : sequence of ndarray (n,) or None
        None is a column of ones.
    freedom : "linear", "scale" or "common"
        Which changes of columns keep the covariance structure.
    """

    columns: Sequence[Column]
    freedom: str


@dataclass(frozen=True, eq=False)
class Scaling:
    """The maps between raw columns and those whose cross-products are accumulated.

    ``X_hat = (X - shift) R^-1``, ``y_hat = (y - offset - y_shift - X_hat gamma) / y_scale``,
    ``Z_hat = (Z - shift) C``.
    """

    x_shift: np.ndarray
    x_map: np.ndarray
    y_shift: float
    y_scale: float
    gamma: np.ndarray
    z_shift: tuple[np.ndarray, ...]
    z_map: tuple[np.ndarray, ...]
    coefficients: np.ndarray  # B with the scale of y, (p, p)
    constant: np.ndarray  # beta_0, (p,)
    log_det: float  # log |det B| without the scale of y
    terms: tuple[np.ndarray, ...]  # T of each random term, (q, q)


def batches(n: int) -> Iterator[slice]:
    """Slices that cover n rows."""
    return (slice(start, min(start + BATCH, n)) for start in range(0, n, BATCH))


def fill(out: np.ndarray, columns: Sequence[Column], part: slice, shift: np.ndarray) -> None:
    """Write shifted columns into `out` (rows, columns)."""
    for j, column in enumerate(columns):
        if column is None:
            out[:, j] = 1.0
        elif shift[j]:
            np.subtract(column[part], shift[j], out=out[:, j])
        else:
            out[:, j] = column[part]


def first_batch_shift(columns: Sequence[Column]) -> np.ndarray:
    """Means of the first rows where there is a column of ones to take them up, else zeros."""
    if not any(column is None for column in columns):
        return np.zeros(len(columns))
    means = [0.0 if column is None else float(column[:BATCH].mean()) for column in columns]
    return np.array(means)


def gram(block: np.ndarray, root: np.ndarray | None) -> np.ndarray:
    """Cross-product of the columns of `block`, whose rows are first multiplied by `root` (in place)."""
    if root is not None:
        block *= root
    return block.T @ block


def shift_map(shift: np.ndarray, columns: Sequence[Column]) -> np.ndarray:
    """S with ``shifted columns = columns @ S``."""
    S = np.eye(len(shift))
    if shift.any():
        S[next(j for j, column in enumerate(columns) if column is None)] -= shift
    return S


def standardising_map(cross: np.ndarray, freedom: str) -> np.ndarray:
    """C (q, q) that makes columns with this mean cross-product as orthonormal as `freedom` allows."""
    scale = np.sqrt(np.diag(cross))
    scale[scale == 0.0] = 1.0
    if freedom == "common":
        return np.eye(len(cross)) / np.sqrt(np.mean(scale**2))
    if freedom == "linear":
        L = lower_factor(cross / np.outer(scale, scale))
        if np.diag(L).min() > 1e-5:
            return np.linalg.inv(L * scale[:, None]).T
    return np.diag(1.0 / scale)


def lower_factor(gram: np.ndarray) -> np.ndarray:
    """Cholesky factor whose pivots may vanish (they are then 0 and the row is not usable)."""
    try:
        return np.linalg.cholesky(gram)
    except np.linalg.LinAlgError:
        return np.zeros_like(gram)


def scaling(
    y: np.ndarray,
    x: Sequence[Column],
    z: Sequence[TermColumns],
    weights: np.ndarray | None,
    offset: np.ndarray | None,
    shift: bool = True,
) -> Scaling:
    """Find the maps in one pass over the rows; `shift` allows the intercept to take up means.

    Raises
    ------
    NotIdentified
        Columns of X are linearly dependent, or y is a linear combination of them.
    """
    n, p = len(y), len(x)
    x_shift = first_batch_shift(x) if shift else np.zeros(p)
    z_shift = tuple(first_batch_shift(t.columns) if t.freedom == "linear" else np.zeros(len(t.columns)) for t in z)
    first_y = y[:BATCH] if offset is None else y[:BATCH] - offset[:BATCH]
    y_shift = float(first_y.mean()) if shift and any(column is None for column in x) else 0.0
    width = p + 1
    gram_x = np.zeros((width, width))
    gram_z = [np.zeros((len(t.columns), len(t.columns))) for t in z]
    block = np.empty((min(BATCH, n), width))
    blocks_z = [np.empty((min(BATCH, n), len(t.columns))) for t in z]
    constant_terms = [all(column is None for column in t.columns) for t in z]
    total = 0.0
    for part in batches(n):
        size = part.stop - part.start
        root = None if weights is None else np.sqrt(weights[part])[:, None]
        total += size if root is None else float((root**2).sum())
        fill(block[:size, :p], x, part, x_shift)
        np.subtract(y[part], y_shift, out=block[:size, p])
        if offset is not None:
            block[:size, p] -= offset[part]
        gram_x += gram(block[:size], root)
        for k, term in enumerate(z):
            if not constant_terms[k]:
                fill(blocks_z[k][:size], term.columns, part, z_shift[k])
                gram_z[k] += gram(blocks_z[k][:size], root)
    for k, constant_term in enumerate(constant_terms):
        if constant_term:
            gram_z[k][:] = total
    scale = np.sqrt(np.diag(gram_x)[:p])
    L = lower_factor(gram_x[:p, :p] / np.outer(scale, scale)) if p else np.zeros((0, 0))
    if p and not (np.diag(L) > 0).all():
        raise NotIdentified("The columns of the fixed part are linearly dependent to the last digit.")
    x_map = np.linalg.inv(L * scale[:, None]).T * np.sqrt(n) if p else np.zeros((0, 0))
    gamma = x_map.T @ gram_x[:p, p] / n
    residual = gram_x[p, p] - n * gamma @ gamma
    y_scale = np.sqrt(max(residual, 1e-14 * gram_x[p, p]) / n)
    if not y_scale > 0.0:
        raise NotIdentified("The response is constant once its offset is taken off: nothing is left to model.")
    S = shift_map(x_shift, x)
    B = S @ x_map
    constant = B @ gamma
    if y_shift:
        constant[next(j for j, column in enumerate(x) if column is None)] += y_shift
    z_map = tuple(standardising_map(g / n, t.freedom) for g, t in zip(gram_z, z, strict=True))
    terms = tuple(shift_map(s, t.columns) @ C for s, t, C in zip(z_shift, z, z_map, strict=True))
    log_det = float(np.log(np.abs(np.diag(x_map))).sum())
    return Scaling(x_shift, x_map, y_shift, y_scale, gamma, z_shift, z_map, B * y_scale, constant, log_det, terms)
