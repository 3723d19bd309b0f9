"""Curvature of a joint log density around a point, and the coordinates in which it is one in all directions.

The negative Hessian is taken as an arrow: small blocks, one for each level of the large random terms, and a border of
all other parameters, with which everything may be correlated. Two levels of one term are in no common row, so that the
blocks cost a few differences of the gradient however many levels there are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayesml.estimators.nutpie_model import Affine

Gradient = Callable[[np.ndarray], np.ndarray]

FLOOR = 1e-6
"""Smallest eigenvalue, relative to the largest of a scaled matrix, of what should be positive definite."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where the parts of an arrow are in the flat vector of parameters.

    Parameters
    ----------
    blocks : tuple of ndarray of int64 (J, q)
        One a large random term.
    border : ndarray of int64 (m,)
    """

    blocks: tuple[np.ndarray, ...]
    border: np.ndarray

    @cached_property
    def inside(self) -> np.ndarray:
        """Places of all blocks, (N,)."""
        return np.concatenate([np.empty(0, np.int64), *(block.ravel() for block in self.blocks)])


@dataclass(frozen=True, eq=False)
class Arrow:
    """A matrix of the form above, positive definite.

    Parameters
    ----------
    places : Places
    blocks : tuple of ndarray (J, q, q)
    sides : ndarray (N, m)
        Rows of the blocks against the border.
    corner : ndarray (m, m)
    """

    places: Places
    blocks: tuple[np.ndarray, ...]
    sides: np.ndarray
    corner: np.ndarray

    @classmethod
    def at(cls, gradient: Gradient, x: np.ndarray, width: np.ndarray, places: Places) -> "Arrow":
        """Negative Hessian at x (n,) by forward differences of the gradient, of width (n,)."""
        here = gradient(x)

        def change(where: np.ndarray) -> np.ndarray:
            moved = x.copy()
            moved[where] += width[where]
            return here - gradient(moved)

        inside, border = places.inside, places.border
        columns = np.array([change(np.array([j])) / width[j] for j in border]).reshape(len(border), len(x))
        corner = columns[:, border]
        blocks = []
        for block in places.blocks:
            own = np.stack([change(block[:, i])[block] / width[block[:, [i]]] for i in range(block.shape[1])], axis=-1)
            blocks.append((own + np.swapaxes(own, 1, 2)) / 2.0)
        return cls(places, tuple(blocks), columns[:, inside].T.copy(), (corner + corner.T) / 2.0)

    @cached_property
    def _solved(self) -> tuple[list[np.ndarray], np.ndarray]:
        """Roots R of the inverses of the blocks, and R' times the sides."""
        own, at = [], 0
        solved = np.empty_like(self.sides)
        for matrices in self.blocks:
            J, q, _ = matrices.shape
            root = inverse_roots(matrices)
            part = slice(at, at + J * q)
            solved[part] = (np.swapaxes(root, 1, 2) @ self.sides[part].reshape(J, q, -1)).reshape(J * q, -1)
            own.append(root)
            at += J * q
        return own, solved

    @cached_property
    def _schur(self) -> np.ndarray:
        """The corner once the blocks are eliminated."""
        solved = self._solved[1]
        return self.corner - solved.T @ solved

    @cached_property
    def factors(self) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
        """The map A with AA' the inverse: its blocks (J, q, q), sides (N, m) and corner (m, m).

        Where a part is not positive definite, the nearest that is stands for it.
        """
        own, solved = self._solved
        corner = inverse_roots(self._schur)
        sides, at = -solved @ corner, 0
        for root in own:
            J, q, _ = root.shape
            part = slice(at, at + J * q)
            sides[part] = (root @ sides[part].reshape(J, q, -1)).reshape(J * q, -1)
            at += J * q
        return tuple(own), sides, corner

    def without(self, places: np.ndarray, information: float = 1.0) -> "Arrow":
        """The matrix in which parameters of the border have nothing to do with others, and this information."""
        chosen = np.isin(self.places.border, places)
        sides, corner = self.sides.copy(), self.corner.copy()
        sides[:, chosen] = 0.0
        corner[chosen] = corner[:, chosen] = 0.0
        corner[chosen, chosen] = information
        return Arrow(self.places, self.blocks, sides, corner)

    def apart(self) -> "Arrow":
        """The matrix in which the parameters in blocks have nothing to do with any other."""
        blocks = tuple(matrices * np.eye(matrices.shape[-1]) for matrices in self.blocks)
        return Arrow(self.places, blocks, np.zeros_like(self.sides), self.corner)

    def settles(self, places: np.ndarray) -> bool:
        """Whether parameters of the border, with all else unknown, have standard deviations of at most one."""
        chosen = np.isin(self.places.border, places)
        diagonal = np.diag(self._schur)
        if not (diagonal > 0).all():
            return False
        scaled = self._schur / np.sqrt(np.outer(diagonal, diagonal))
        _, _, corner = self.factors
        return bool(np.linalg.eigvalsh(scaled)[0] > FLOOR and (np.sum(corner[chosen] ** 2, axis=1) <= 1.0).all())

    def affine(self, centre: np.ndarray) -> Affine:
        """Coordinates around a point in which the matrix is the identity."""
        blocks, sides, corner = self.factors
        border = self.places.border
        rows: list[np.ndarray] = []
        columns: list[np.ndarray] = []
        values: list[np.ndarray] = []
        for block, root in zip(self.places.blocks, blocks, strict=True):
            q = block.shape[1]
            rows.append(np.repeat(block, q, axis=1).ravel())
            columns.append(np.tile(block, (1, q)).ravel())
            values.append(root.ravel())
        for places, part in ((self.places.inside, sides), (border, corner)):
            rows.append(np.repeat(places, len(border)))
            columns.append(np.tile(border, len(places)))
            values.append(part.ravel())
        return Affine.of_entries(centre, np.concatenate(rows), np.concatenate(columns), np.concatenate(values))

    def solve(self, g: np.ndarray) -> np.ndarray:
        """The inverse times a vector (n,)."""
        affine = self.affine(np.zeros(len(g)))
        return affine.scale @ (affine.scale.T @ g)

    @cached_property
    def deviations(self) -> np.ndarray:
        """Conditional standard deviations of all parameters, each given all others, in the order of the vector (n,)."""
        parts = [np.einsum("jii->ji", block).ravel() for block in self.blocks]
        out = np.empty(len(self.places.inside) + len(self.places.border))
        out[self.places.inside] = np.concatenate([np.empty(0), *parts])
        out[self.places.border] = np.diag(self.corner)
        return 1.0 / np.sqrt(np.maximum(np.abs(out), 1e-300))

    def block_covariances(self, effects: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Covariance matrices (J, q, q) of groups of parameters at places (J, q), which are blocks or in the border."""
        blocks, sides, corner = self.factors
        m = len(self.places.border)
        row_of = np.full(len(self.places.inside) + m, -1)
        row_of[self.places.inside] = np.arange(len(self.places.inside))
        corner_of = np.full(len(row_of), -1)
        corner_of[self.places.border] = np.arange(m)
        out = []
        for places in effects:
            found = next(
                (root for block, root in zip(self.places.blocks, blocks, strict=True) if block is places), None
            )
            wide = sides[row_of[places]] if found is not None else corner[corner_of[places]]
            V = wide @ np.swapaxes(wide, 1, 2)
            out.append(V if found is None else V + found @ np.swapaxes(found, 1, 2))
        return out


def inverse_roots(matrices: np.ndarray) -> np.ndarray:
    """Matrices R (..., q, q) with R R' the inverse of each; eigenvalues that are too small are lifted."""
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.einsum("...ii->...i", matrices)), 1e-300))
    scaled = scale[..., :, None] * np.nan_to_num(matrices) * scale[..., None, :]
    if matrices.shape[-1] == 1:
        return scale[..., None]
    values, vectors = np.linalg.eigh(scaled)
    values = np.maximum(np.abs(values), FLOOR * np.maximum(values.max(axis=-1, keepdims=True), 1e-300))
    return scale[..., :, None] * vectors / np.sqrt(values)[..., None, :]
