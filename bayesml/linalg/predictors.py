"""Columns of X and Z of models with predictors: shifted and scaled, each with the predictor that it enters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesml.errors import NotIdentified
from bayesml.linalg.scaling import (
    BATCH,
    Column,
    TermColumns,
    batches,
    fill,
    first_batch_shift,
    gram,
    lower_factor,
    shift_map,
    standardising_map,
)


@dataclass(frozen=True, eq=False)
class PredictorColumns:
    """Accumulated columns.

    Parameters
    ----------
    X : ndarray (n, r)
        Different columns of the fixed part, orthonormal to mean squares.
    sets : tuple of (int, slice, slice)
        For each predictor that has coefficients: its number, its columns of X, its coefficients.
    Z : ndarray (n, Q)
    z_of : ndarray of int64 (Q,)
        Predictor of each column of Z; K for all.
    offset : ndarray (n,) or None
    K : int
    coefficients : ndarray (p, p)
        B, beta = B beta_hat.
    terms : tuple of ndarray (q, q)
        T of each term, b = T b_hat.
    unit : float
        What coefficients and effects are measured in, on the scale of the predictors.
    """

    X: np.ndarray
    sets: tuple[tuple[int, slice, np.ndarray], ...]
    Z: np.ndarray
    z_of: np.ndarray
    offset: np.ndarray | None
    K: int
    coefficients: np.ndarray
    terms: tuple[np.ndarray, ...]
    unit: float = 1.0

    def predictors_of(self, beta: np.ndarray) -> np.ndarray:
        """X beta (n, K)."""
        out = np.zeros((len(self.X), self.K))
        for k, columns, places in self.sets:
            out[:, k] = self.X[:, columns] @ beta[places]
        return out

    def fixed(self, beta: np.ndarray) -> np.ndarray:
        """X beta + offset (n, K)."""
        out = self.predictors_of(beta)
        if self.offset is not None:
            out += self.offset[:, None]
        return out

    def fixed_sums(self, r: np.ndarray) -> np.ndarray:
        """X'r (p,), r (n, K)."""
        out = np.zeros(len(self.coefficients))
        for k, columns, places in self.sets:
            out[places] = r[:, k] @ self.X[:, columns]
        return out

    def in_units(self, unit: float) -> "PredictorColumns":
        """Columns times `unit`, in place: coefficients and effects are then measured in it."""
        self.X[:] *= unit
        self.Z[:] *= unit
        return replace(
            self,
            coefficients=self.coefficients * unit,
            terms=tuple(unit * T for T in self.terms),
            unit=unit * self.unit,
        )


def predictor_columns(
    design: Any, z: Sequence[TermColumns], sequence: Sequence[int], order: np.ndarray, K: int
) -> PredictorColumns:
    """Accumulated columns of a design, rows in the given order, terms of Z in the given sequence.

    Raises
    ------
    NotIdentified
        Columns of the fixed part are linearly dependent to the last digit.
    """
    n, p = design.n, len(design.fixed_columns)
    of = np.array(design.fixed_predictors or np.zeros(p), np.int64)
    B = np.zeros((p, p))
    blocks: list[np.ndarray] = []
    sets: list[tuple[int, slice, np.ndarray]] = []
    known: dict[tuple[int, ...], tuple[slice, np.ndarray]] = {}
    width = 0
    for k in range(K):
        places = np.flatnonzero(of == k)
        own = [design.fixed_columns[j] for j in places]
        key = tuple(map(id, own))
        if own and key not in known:
            block, change = orthonormal(own, n, order)
            blocks.append(block)
            known[key] = (slice(width, width + len(own)), change)
            width += len(own)
        if own:
            B[np.ix_(places, places)] = known[key][1]
            sets.append((k, known[key][0], places))
    X = blocks[0] if len(blocks) == 1 else np.hstack([np.empty((n, 0)), *blocks])
    columns, terms, z_of = [], [], []
    for term, role in zip(z, design.random, strict=True):
        entered = np.array([K if k < 0 else k for k in role.predictors or (0,) * len(term.columns)], np.int64)
        block, T = standardised(term, entered, n, order)
        columns.append(block)
        terms.append(T)
        z_of.append(entered)
    Z = np.hstack([np.empty((n, 0)), *(columns[k] for k in sequence)])
    places_z = np.concatenate([np.empty(0, np.int64), *(z_of[k] for k in sequence)])
    offset = None if design.offset is None else design.offset[order]
    return PredictorColumns(X, tuple(sets), Z, places_z, offset, K, B, tuple(terms))


def orthonormal(columns: Sequence[Column], n: int, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns (n, p) shifted and made orthonormal to mean squares, rows in `order`; B with beta = B beta_hat."""
    shift = first_batch_shift(columns)
    block = np.empty((n, len(columns)))
    for part in batches(n):
        fill(block[part], columns, part, shift)
    cross = sum((gram(block[part], None) for part in batches(n)), np.zeros((len(columns), len(columns))))
    scale = np.sqrt(np.diag(cross))
    L = lower_factor(cross / np.outer(scale, scale))
    if not (np.diag(L) > 0).all():
        raise NotIdentified("The columns of the fixed part are linearly dependent to the last digit.")
    change = np.linalg.inv(L * scale[:, None]).T * np.sqrt(n)
    out = np.empty_like(block)
    for start in range(0, n, BATCH):
        part = slice(start, start + BATCH)
        np.matmul(block[order[part]], change, out=out[part])
    return out, shift_map(shift, columns) @ change


def standardised(term: TermColumns, of: np.ndarray, n: int, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns (n, q) of a random term as orthonormal as its structure allows, rows in `order`; T with b = T b_hat.

    Only columns that enter the same predictor, `of` (q,), may take up parts of one another.
    """
    if term.freedom == "linear" and len(set(of)) > 1:
        out, T = np.empty((n, len(of))), np.zeros((len(of), len(of)))
        for k in np.unique(of):
            own = np.flatnonzero(of == k)
            part = TermColumns([term.columns[int(j)] for j in own], term.freedom)
            out[:, own], T[np.ix_(own, own)] = standardised(part, of[own], n, order)
        return out, T
    columns = term.columns
    shift = first_batch_shift(columns) if term.freedom == "linear" else np.zeros(len(columns))
    block = np.empty((n, len(columns)))
    for rows in batches(n):
        fill(block[rows], columns, rows, shift)
    change = standardising_map(block.T @ block / n, term.freedom)
    return block[order] @ change, shift_map(shift, columns) @ change
