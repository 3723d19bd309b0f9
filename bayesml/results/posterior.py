"""Draws of the parameters of a model as bare arrays, and what follows from them row by row."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from bayesml.design.arrays import Design, RandomColumns

BLOCK_BYTES = 32_000_000


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws of a posterior, all on natural scales.

    Parameters
    ----------
    beta : ndarray, shape (chain, draw, p)
        Coefficients.
    sds : tuple of ndarray, each (chain, draw, q) or (chain, draw, 1)
        Standard deviations of each random term; one where its columns share it.
    corrs : tuple of ndarray, each (chain, draw, r)
        Correlations of each random term: of columns (0, 1), (0, 2), (1, 2), (0, 3), …; one where
        all pairs share it, none where the columns are independent.
    sigma : ndarray, shape (chain, draw)
        Residual standard deviation; 1 where each row's is known.
    stats : dict of str to ndarray, each (chain, draw)
        Statistics of the sampler by ArviZ's names.
    parametrisation : {"marginal", "centred", "noncentred", "partial"}
        `partial`: each effect centred as far as the data say something of it.
    seed : int
        Seed of everything that is drawn later.
    complete : bool
        False where sampling was interrupted, or a chain failed.
    effects : tuple of ndarray, each (chain, draw, J, q), or None
        Random effects, where they were sampled; None where they are drawn given the rest.
    ancillary : ndarray, shape (chain, draw, a)
        The family's parameters besides its predictors and sigma, in its order; natural scale.
    failures : tuple of str
        Chains that were left out, where they failed and why.
    scales : dict of str to ndarray, each (chain, draw)
        Scales that the priors of several coefficients share: `beta_tau` of a horseshoe.
    """

    beta: np.ndarray
    sds: tuple[np.ndarray, ...]
    corrs: tuple[np.ndarray, ...]
    sigma: np.ndarray
    stats: dict[str, np.ndarray]
    parametrisation: str
    seed: int
    complete: bool = True
    effects: tuple[np.ndarray, ...] | None = None
    ancillary: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 0)))
    failures: tuple[str, ...] = ()
    scales: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of chains and of draws a chain."""
        return self.sigma.shape[0], self.sigma.shape[1]

    def at(self, places: slice | np.ndarray) -> "Posterior":
        """Some of the draws of each chain, by their places (draw,)."""

        def own(array: np.ndarray) -> np.ndarray:
            return array[:, places] if len(array) else array

        def each(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {name: own(array) for name, array in arrays.items()}

        return replace(
            self, beta=own(self.beta), sds=tuple(map(own, self.sds)), corrs=tuple(map(own, self.corrs)),
            sigma=own(self.sigma), stats=each(self.stats), ancillary=own(self.ancillary), scales=each(self.scales),
            effects=None if self.effects is None else tuple(map(own, self.effects)),
        )  # fmt: skip

    def every(self, step: int) -> "Posterior":
        """Every so manieth draw of each chain."""
        return self if step == 1 else self.at(slice(None, None, step))


def column_pairs(q: int) -> list[tuple[int, int]]:
    """Pairs of columns in the order of their correlations: (0, 1), (0, 2), (1, 2), …."""
    return [(i, j) for j in range(1, q) for i in range(j)]


def term_covariance(term: RandomColumns, sds: np.ndarray, corrs: np.ndarray) -> np.ndarray:
    """Covariance matrices G of one random term, shape (..., q, q), of its sds and correlations."""
    q = len(term.names)
    sd = np.broadcast_to(sds, (*sds.shape[:-1], q))
    R = np.zeros((*sds.shape[:-1], q, q))
    R[..., range(q), range(q)] = 1.0
    if corrs.shape[-1]:
        for n, (i, j) in enumerate(column_pairs(q)):
            R[..., i, j] = R[..., j, i] = corrs[..., n if corrs.shape[-1] > 1 else 0]
    return R * sd[..., :, None] * sd[..., None, :]


def term_roots(term: RandomColumns, sds: np.ndarray, corrs: np.ndarray) -> np.ndarray:
    """Lower triangular square roots of the covariance matrices, shape (..., q, q); correlations may be ±1."""
    G = term_covariance(term, sds, corrs)
    q = G.shape[-1]
    L = np.zeros_like(G)
    for j in range(q):
        pivot = G[..., j, j] - np.sum(L[..., j, :j] ** 2, axis=-1)
        # A pivot below rounding is a column that the ones before it determine.
        positive = pivot > 1e-14 * G[..., j, j]
        L[..., j, j] = np.sqrt(np.where(positive, pivot, 0.0))
        below = G[..., j + 1 :, j] - np.einsum("...ik,...k->...i", L[..., j + 1 :, :j], L[..., j, :j])
        divisor = np.where(positive, L[..., j, j], np.inf)[..., None]
        L[..., j + 1 :, j] = below / divisor
    return L


def effect_bytes(design: Design, n_draws: int) -> int:
    """Size of all draws of the random effects."""
    return 8 * n_draws * sum(len(term.levels) * len(term.names) for term in design.random)


def row_blocks(n: int, n_draws: int) -> Iterator[slice]:
    """Slices of rows such that an array (draws, rows) stays small."""
    size = max(1, BLOCK_BYTES // (8 * n_draws))
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def linear_predictors(
    design: Design, beta: np.ndarray, effects: tuple[np.ndarray, ...], rows: slice
) -> list[np.ndarray]:
    """eta = offset + X beta + Z b of some rows, one array a linear predictor.

    Parameters
    ----------
    design : Design
    beta : ndarray, shape (..., p)
    effects : tuple of ndarray, each (..., J, q)
    rows : slice

    Returns
    -------
    list of ndarray, each (..., number of rows)
    """
    n, K = len(range(*rows.indices(design.n))), len(design.predictors)
    etas = [np.zeros((*beta.shape[:-1], n)) for _ in range(K)]
    if design.offset is not None:
        for eta in etas:
            eta += design.offset[rows]
    places = design.fixed_predictors or (0,) * len(design.fixed_columns)
    for j, (column, k) in enumerate(zip(design.fixed_columns, places, strict=True)):
        etas[k] += beta[..., j, None] if column is None else beta[..., j, None] * column[rows]
    for term, b in zip(design.random, effects, strict=True):
        own_places = term.predictors or (0,) * len(term.names)
        for i, (column, k) in enumerate(zip(term.columns, own_places, strict=True)):
            own = b[..., term.codes[rows], i]
            for eta in etas if k < 0 else [etas[k]]:
                eta += own if column is None else own * column[rows]
    return etas


def flat_draws(array: np.ndarray) -> np.ndarray:
    """An array (chain, draw, ...) as (chain × draw, ...)."""
    return array.reshape(prod(array.shape[:2]), *array.shape[2:])
