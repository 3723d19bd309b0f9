"""Log integrals over random effects of nested grouping factors by Gauss–Hermite quadrature, with their derivatives.

The effects of a level of the coarsest factor are integrated over a grid of nodes; at each of them those of the levels
inside it, and so on down to the rows. With z_k and w_k the nodes and weights of Gauss–Hermite's rule in q dimensions,

    ∫ exp f(u) du / (2 pi)^(q/2) = |V| pi^(-q/2) sum_k w_k exp(z_k'z_k + f(c + sqrt(2) V z_k)),

f(u) being ``-u'u/2`` and the log integrals (or log densities) of what is inside. Rules differ in c and V:

- *mode and curvature*: c is the joint mode of the effects of this depth and all finer ones, ``V = L^-T`` with
  LL' = S their joint curvature, finer effects eliminated. One node everywhere gives Laplace's approximation.
  Derivatives are those of the number computed: the mode and the curvature move with the parameters;
- *held nodes*: c and V are given, as posterior means and Cholesky factors of posterior covariances (mean-variance), or
  as 0 and I (not adaptive).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import product
from typing import Any, Protocol

import numpy as np

from bayesml.linalg.quadrature_kernels import (
    add_effects,
    add_level_sums,
    at_nodes,
    collect,
    curvature_adjoints,
    decrements,
    factor,
    finer_starts,
    finish,
    group_values,
    mode_adjoints,
    node_adjoints,
    responses,
    scales,
    solve,
)

ROWS_AT_ONCE = 2**16  # rows times nodes whose log densities are computed in one call
DECREMENT = 1e-12  # of twice the log density, that the last step of a search for a mode promises
STEPS = 60  # of such a search


class RowDensity(Protocol):
    """Log densities of rows with derivatives; see `bayesml.graphs.derivatives.RowDerivatives`."""

    def value(self, eta: np.ndarray, phi: np.ndarray) -> np.ndarray: ...
    def first(self, eta: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...
    def second(self, eta: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...
    def third(self, eta: np.ndarray, phi: np.ndarray) -> Any: ...


Nodes = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Centres (tiles, levels, q), scales V (tiles, levels, q, q) and log|V| (tiles, levels) of a depth."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Gauss–Hermite's nodes in q dimensions.

    Parameters
    ----------
    z : ndarray (points**q, q)
    log_weights : ndarray (points**q,)
        ``log w_k + z_k'z_k``.
    """

    z: np.ndarray
    log_weights: np.ndarray


@lru_cache(maxsize=64)
def grid_of(points: int, q: int) -> Grid:
    """Every combination of the nodes of one dimension."""
    z, w = np.polynomial.hermite.hermgauss(points)
    log_w = np.log(w) + z**2
    index = np.array(list(product(range(points), repeat=q)), np.int64).reshape(points**q, q)
    return Grid(np.ascontiguousarray(z[index]), log_w[index].sum(axis=1))


@dataclass(frozen=True, eq=False)
class Depth:
    """Addresses of the system of one depth, the effects of coarser factors being given.

    Parameters
    ----------
    levels, effects : int
        Levels of its own factor; effects of it and all finer ones.
    fstart : ndarray of int64
        Where the factor of each depth begins in `fac`; its size last.
    owner : ndarray of int64 (effects,)
        Level of this depth that holds each effect.
    """

    levels: int
    effects: int
    fstart: np.ndarray
    owner: np.ndarray


@dataclass(frozen=True, eq=False)
class Nest:
    """Rows sorted by nested factors, with the addresses that kernels read (see `quadrature_kernels`).

    Parameters
    ----------
    order : ndarray of int64 (n,)
        The rows given, in the order used here.
    sorting : list of ndarray of int64 (levels,)
        The levels of each factor given, in the order used here.
    """

    order: np.ndarray
    sorting: list[np.ndarray]
    q: np.ndarray
    at: np.ndarray
    start: np.ndarray
    place: np.ndarray
    child: np.ndarray
    finest: np.ndarray
    up: np.ndarray
    depths: list[Depth]

    @classmethod
    def of(cls, codes: Sequence[np.ndarray], widths: Sequence[int]) -> "Nest":
        """From the codes of each factor (n,), the finest first, and the number of its columns."""
        order = np.lexsort(codes)
        if np.array_equal(order, np.arange(len(order))):
            order = np.arange(len(order))
        D, n = len(codes), len(order)
        starts, sorting = [], []
        for code in codes:
            own = code[order]
            first = np.flatnonzero(np.append(True, own[1:] != own[:-1]))
            starts.append(first)
            sorting.append(own[first])
        child_parts, finest_parts, up = [], [], np.empty((D, len(starts[0])), np.int64)
        for d in range(D):
            below = (
                np.append(starts[d], n)
                if d == 0
                else np.searchsorted(np.append(starts[d - 1], n), np.append(starts[d], n))
            )
            child_parts.append(below)
            finest_parts.append(np.searchsorted(np.append(starts[0], n), np.append(starts[d], n)))
            up[d] = np.searchsorted(starts[d], starts[0], side="right") - 1
        q = np.array(widths, np.int64)
        levels = np.array([len(first) for first in starts], np.int64)
        at = np.append(0, np.cumsum(q)).astype(np.int64)
        start = np.append(0, np.cumsum(levels * q)).astype(np.int64)
        depths = []
        for d in range(D):
            sizes = levels[: d + 1] * q[: d + 1] * (at[d + 1] - at[: d + 1])
            owner = [np.repeat(up[d, finest_parts[e][:-1]], q[e]) for e in range(d + 1)]
            depths.append(
                Depth(
                    int(levels[d]),
                    int(start[d + 1]),
                    np.append(0, np.cumsum(sizes)).astype(np.int64),
                    np.concatenate(owner),
                )
            )
        return cls(
            order.astype(np.int64), sorting, q, at, start, np.append(0, np.cumsum(levels + 1)).astype(np.int64),
            np.concatenate(child_parts).astype(np.int64), np.concatenate(finest_parts).astype(np.int64), up, depths,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Integral:
    """Log integrals of the levels of one depth, with derivatives.

    Parameters
    ----------
    values : ndarray (tiles, levels)
    by_row : ndarray (tiles, n, K)
        Derivatives in the predictors of the rows, which coefficients and the effects of coarser factors enter.
    sums : ndarray (a + sum of q², tiles, levels)
        Derivatives in the ancillary parameters and the entries of Lambda of this depth and the finer ones.
    probes : dict of int to ndarray (tiles, levels, q, q)
        For factors whose slopes in G are wanted: the second derivatives in a shift of their own effects, or at their
        depth and above the slopes.
    modes : ndarray (tiles, effects)
        Joint modes; empty where nodes are held.
    """

    values: np.ndarray
    by_row: np.ndarray
    sums: np.ndarray
    probes: dict[int, np.ndarray]
    modes: np.ndarray


@dataclass(eq=False)
class Moments:
    """Moments of the effects at each tile of each depth, filled while integrating.

    Parameters
    ----------
    mean : list of ndarray (tiles, levels, q)
    cov : list of ndarray (tiles, levels, q, q)
    weights : list of ndarray (tiles, nodes, levels)
        Probability of each node.
    """

    mean: list[np.ndarray]
    cov: list[np.ndarray]
    weights: list[np.ndarray]

    @classmethod
    def empty(cls, nest: Nest, grids: Sequence[Grid]) -> "Moments":
        """Room for all tiles."""
        tiles = [int(np.prod([len(g.z) for g in grids[d + 1 :]])) for d in range(len(grids))]
        shapes = [(t, depth.levels) for t, depth in zip(tiles, nest.depths, strict=True)]
        return cls(
            [np.empty((*shape, q)) for shape, q in zip(shapes, nest.q, strict=True)],
            [np.empty((*shape, q, q)) for shape, q in zip(shapes, nest.q, strict=True)],
            [np.empty((t, len(grid.z), levels)) for (t, levels), grid in zip(shapes, grids, strict=True)],
        )

    def nodes(self) -> list[Nodes]:
        """Nodes at the means, scaled by the Cholesky factors of the covariances."""
        out = []
        for mean, cov in zip(self.mean, self.cov, strict=True):
            V = np.linalg.cholesky(cov)
            out.append((mean, V, np.log(np.diagonal(V, axis1=-2, axis2=-1)).sum(axis=-1)))
        return out


@dataclass(eq=False)
class Quadrature:
    """Integrals over the effects of nested factors, of any parameters.

    Parameters
    ----------
    nest : Nest
    Z : ndarray (n, K, Q)
        Columns of all factors, the finest first, on each predictor; rows in the order of `nest`.
    rows : callable
        Log densities of given rows (their numbers in the order that the codes were given in).
    points : sequence of int
        Points a dimension of each factor, the finest first.
    """

    nest: Nest
    Z: np.ndarray
    rows: Callable[[np.ndarray], RowDensity]
    points: Sequence[int]
    tiled: dict[int, RowDensity] = field(default_factory=dict)

    @cached_property
    def grids(self) -> list[Grid]:
        """Nodes of each depth."""
        return [grid_of(points, int(q)) for points, q in zip(self.points, self.nest.q, strict=True)]

    def density(self, tiles: int) -> RowDensity:
        """Log densities of the rows, so many times after one another."""
        if tiles not in self.tiled:
            self.tiled[tiles] = self.rows(np.tile(self.nest.order, tiles))
        return self.tiled[tiles]

    def columns(self, roots: Sequence[np.ndarray]) -> np.ndarray:
        """Z Lambda."""
        out = np.empty_like(self.Z)
        for root, first, last in zip(roots, self.nest.at[:-1], self.nest.at[1:], strict=True):
            np.matmul(self.Z[:, :, first:last], root, out=out[:, :, first:last])
        return out

    def not_adaptive(self) -> list[Nodes]:
        """Nodes of the prior."""
        out = []
        tiles = 1
        for grid, depth, q in zip(self.grids[::-1], self.nest.depths[::-1], self.nest.q[::-1], strict=True):
            shape = (tiles, depth.levels)
            V = np.zeros((*shape, q, q)) + np.eye(q)
            out.append((np.zeros((*shape, q)), V, np.zeros(shape)))
            tiles *= len(grid.z)
        return out[::-1]

    def __call__(
        self,
        eta: np.ndarray,
        phi: np.ndarray,
        roots: Sequence[np.ndarray],
        start: np.ndarray,
        nodes: Sequence[Nodes] | None = None,
        moments: Moments | None = None,
        probes: tuple[int, ...] = (),
    ) -> Integral:
        """The log integrals of the levels of the coarsest factor.

        Parameters
        ----------
        eta : ndarray (n, K)
            Predictors without random effects, rows in the order of `nest`.
        phi : ndarray (a,)
        roots : sequence of ndarray (q, q)
            Lambda of each factor, the finest first.
        start : ndarray (effects,)
            Where the search for the modes starts.
        nodes : sequence, optional
            Held nodes; at modes by default.
        moments : Moments, optional
            Filled, where it is given.
        probes : tuple of int
            Factors whose slopes in G are wanted.
        """
        recursion = Recursion(self, phi, roots, self.columns(roots), nodes, moments, probes)
        return recursion.integrate(len(self.nest.depths) - 1, eta[None], start[None], np.zeros(1, np.int64))


@dataclass(eq=False)
class Adapted:
    """Joint modes of a depth and what their derivatives need."""

    u: np.ndarray
    third: Any
    fac: np.ndarray
    E: np.ndarray


@dataclass(eq=False)
class Recursion:
    """One evaluation; the arguments are those of `Quadrature.__call__`."""

    quadrature: Quadrature
    phi: np.ndarray
    roots: Sequence[np.ndarray]
    zt: np.ndarray
    held: Sequence[Nodes] | None
    moments: Moments | None
    probes: tuple[int, ...]

    def integrate(self, d: int, eta: np.ndarray, start: np.ndarray, ids: np.ndarray) -> Integral:
        """Log integrals over the effects of depths 0 … d, of tiles of the predictors (tiles, n, K)."""
        nest, Z = self.quadrature.nest, self.quadrature.Z
        depth, grid, q = nest.depths[d], self.quadrature.grids[d], int(nest.q[d])
        tiles, n, K = eta.shape
        a, J = len(self.phi), depth.levels
        adapted = self.modes(d, eta, start) if self.held is None else None
        if adapted is not None:
            V, logdet = np.empty((tiles, J, q, q)), np.empty((tiles, J))
            scales(d, nest.q, nest.place, depth.fstart, adapted.fac, V, logdet)
            centre = np.ascontiguousarray(adapted.u[:, nest.start[d] :]).reshape(tiles, J, q)
        else:
            assert self.held is not None
            centre, V, logdet = (part[ids] for part in self.held[d])
        first = a + np.append(0, np.cumsum(nest.q**2))
        sums, by_row = np.zeros((first[d + 1], tiles, J)), np.zeros((tiles, n, K))
        top, total = np.full((tiles, J), -np.inf), np.zeros((tiles, J))
        s, zs = np.zeros((2, tiles, J, q))
        sz, zz = np.zeros((2, tiles, J, q, q))
        logs: list[np.ndarray] = []
        slopes = {e: RunningMean() for e in self.probes}
        size = max(1, min(len(grid.z), ROWS_AT_ONCE // max(tiles * n, 1)))
        for low in range(0, len(grid.z), size):
            z, log_weights = grid.z[low : low + size], grid.log_weights[low : low + size]
            B = len(z)
            u, at = np.empty((tiles, B, J, q)), np.empty((tiles, B, n, K))
            at_nodes(d, nest.at, nest.place, nest.finest, nest.child, self.zt, eta, centre, V, z, u, at)
            inside = self.inside(d, at, u, adapted, ids, low)
            values, score, more = inside[:3]
            collect(
                d, nest.at, nest.place, nest.finest, nest.child, Z, values, score, more, u, z, log_weights,
                top, total, s, zs, sz, zz, by_row, sums,
            )  # fmt: skip
            if self.moments is not None or self.probes:
                logs.append(self.sums(d, values) - 0.5 * (u**2).sum(axis=-1) + log_weights[:, None])
            for e in self.probes:
                slopes[e].add(logs[-1], self.probed(d, e, score, inside[3][e]))
        F = np.empty((tiles, J))
        finish(
            d, nest.place, nest.finest, nest.child, centre, V, logdet, first[d], first[d], top, total, s, zs, sz, zz,
            by_row, sums, F,
        )  # fmt: skip
        if self.moments is not None:
            self.moments.mean[d][ids] = centre + np.sqrt(2.0) * np.einsum("tjab,tjb->tja", V, zs)
            spread = zz - zs[..., :, None] * zs[..., None, :]
            self.moments.cov[d][ids] = 2.0 * V @ spread @ np.swapaxes(V, -1, -2)
            log_p = np.concatenate(logs, axis=1)
            self.moments.weights[d][ids] = np.exp(log_p - top[:, None]) / total[:, None]
        probes = {e: self.slope(d, e, slopes[e].mean, by_row) for e in self.probes}
        if adapted is not None:
            self.follow(d, adapted, centre, V, (s, zs, sz, zz), first, by_row, sums)
        return Integral(F, by_row, sums, probes, start if adapted is None else adapted.u)

    def inside(
        self, d: int, at: np.ndarray, u: np.ndarray, adapted: Adapted | None, ids: np.ndarray, low: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[int, np.ndarray]]:
        """Values, derivatives in the predictors and others, and probes, of what a level holds, at each node."""
        nest = self.quadrature.nest
        tiles, B, n, K = at.shape
        a = len(self.phi)
        if d == 0:
            density = self.quadrature.density(tiles * B)
            flat = at.reshape(-1, K)
            values, score, by_phi = density.first(flat, self.phi)
            probes = {}
            if self.probes:
                d2 = density.second(flat, self.phi)[2].reshape(tiles, B, n, K, K)
                for e in self.probes:
                    Ze = self.quadrature.Z[:, :, nest.at[e] : nest.at[e + 1]]
                    probes[e] = np.einsum("nka,tbnkl,nlc->tbnac", Ze, d2, Ze)
            return values.reshape(tiles, B, n), score.reshape(at.shape), by_phi.reshape(a, tiles, B, n), probes
        starts = np.zeros((tiles, B, int(nest.start[d])))
        if adapted is not None:
            finer_starts(d, nest.q, nest.start, nest.place, nest.finest, nest.up, adapted.u, adapted.E, u, starts)
        P = len(self.quadrature.grids[d].z)
        tile_ids = (ids[:, None] * P + np.arange(low, low + B)).ravel()
        inner = self.integrate(d - 1, at.reshape(-1, n, K), starts.reshape(tiles * B, -1), tile_ids)
        return (
            inner.values.reshape(tiles, B, -1),
            inner.by_row.reshape(at.shape),
            inner.sums.reshape(len(inner.sums), tiles, B, -1),
            {e: found.reshape(tiles, B, *found.shape[1:]) for e, found in inner.probes.items()},
        )

    def modes(self, d: int, eta: np.ndarray, start: np.ndarray) -> Adapted:
        """Joint modes of the effects of depths 0 … d by Newton's method, each level of depth d on its own.

        Where no maximum is found the factor starts with NaN, and so the integral is NaN.
        """
        nest = self.quadrature.nest
        depth, q = nest.depths[d], nest.q
        tiles, n, K = eta.shape
        density = self.quadrature.density(tiles)
        u = start.copy()
        f = np.full((tiles, depth.levels), -np.inf)
        fac = np.empty((tiles, depth.fstart[-1]))
        trial, at = u, np.empty_like(eta)
        step, done = np.zeros_like(u), np.zeros_like(f, bool)
        new, gain = np.empty_like(f), np.empty_like(f)
        for iteration in range(STEPS):
            np.copyto(at, eta)
            add_effects(d, q, nest.at, nest.start, nest.place, nest.child, nest.finest, nest.up, self.zt, trial, at)
            values, d1, d2 = density.second(at.reshape(-1, K), self.phi)
            group_values(d, q, nest.start, nest.place, nest.finest, nest.child, values.reshape(tiles, n), trial, new)
            worse = ~(new >= f - 1e-10 * (1.0 + np.abs(f))) if iteration else ~np.isfinite(new)
            gradient = -trial
            add_level_sums(
                d, q, nest.at, nest.start, nest.place, nest.child, nest.up, self.zt, d1.reshape(tiles, n, K), gradient
            )
            factor(
                d, q, nest.at, nest.place, nest.child, nest.finest, nest.up, depth.fstart, self.zt,
                d2.reshape(tiles, n, K, K), False, fac,
            )  # fmt: skip
            x = gradient.copy()
            solve(d, q, nest.at, nest.start, nest.place, nest.finest, nest.up, depth.fstart, fac, x)
            decrements(d, q, nest.start, nest.place, nest.child, gradient, x, gain)
            if worse.any():
                # these levels go back, and try a shorter step; from a start without a density, zero
                back = worse[:, depth.owner]
                u = np.where(back, u if iteration else 0.0, trial)
                step = np.where(back, 0.25 * step if iteration else 0.0, x)
                f = np.where(worse, f, new)
                done = (gain < DECREMENT) & ~worse
            else:
                u, step, f, new = trial, x, new, f
                done = gain < DECREMENT
            trial = u + step
            if done.all():
                break
        np.copyto(at, eta)
        add_effects(d, q, nest.at, nest.start, nest.place, nest.child, nest.finest, nest.up, self.zt, trial, at)
        third = density.third(at.reshape(-1, K), self.phi)
        factor(
            d, q, nest.at, nest.place, nest.child, nest.finest, nest.up, depth.fstart, self.zt,
            third.d2.reshape(tiles, n, K, K), True, fac,
        )  # fmt: skip
        if not done.all():
            lost = fac[:, depth.fstart[d] :].reshape(tiles, depth.levels, -1)
            lost[~done] = np.nan
        E = np.empty((tiles, depth.effects, int(q[d])))
        responses(d, q, nest.at, nest.start, nest.place, nest.finest, nest.up, depth.fstart, fac, E)
        return Adapted(trial, third, fac, E)

    def follow(
        self,
        d: int,
        adapted: Adapted,
        centre: np.ndarray,
        V: np.ndarray,
        moved: tuple[np.ndarray, ...],
        first: np.ndarray,
        by_row: np.ndarray,
        sums: np.ndarray,
    ) -> None:
        """Add the derivatives through modes and curvatures, with which the nodes move."""
        nest, Z, third = self.quadrature.nest, self.quadrature.Z, adapted.third
        depth, q = nest.depths[d], nest.q
        tiles, n, K = by_row.shape
        a = len(self.phi)
        adjoint, B = np.zeros((tiles, depth.effects)), np.empty_like(V)
        node_adjoints(d, nest.start, nest.place, self.roots[d], centre, V, *moved, adjoint, B)
        r = np.empty_like(by_row)
        d1, d2 = third.d1.reshape(tiles, n, K), third.d2.reshape(tiles, n, K, K)
        curvature_adjoints(
            d, q, nest.at, nest.start, nest.place, nest.child, nest.up, self.zt, Z, d2,
            third.d3.reshape(tiles, n, K, K, K), third.d2_phi.reshape(a, tiles, n, K, K), adapted.E, B, first, r, sums,
        )  # fmt: skip
        add_level_sums(d, q, nest.at, nest.start, nest.place, nest.child, nest.up, self.zt, r, adjoint)
        solve(d, q, nest.at, nest.start, nest.place, nest.finest, nest.up, depth.fstart, adapted.fac, adjoint)
        mode_adjoints(
            d, q, nest.at, nest.start, nest.place, nest.child, nest.up, self.zt, Z, d1, d2,
            third.d1_phi.reshape(a, tiles, n, K), adapted.u, adjoint, first, r, by_row, sums,
        )  # fmt: skip

    def sums(self, d: int, values: np.ndarray) -> np.ndarray:
        """Sums over the children of each level of depth d, along axis 2."""
        nest = self.quadrature.nest
        return np.add.reduceat(values, nest.child[nest.place[d] : nest.place[d + 1] - 1], axis=2)

    def row_sums(self, d: int, e: int, score: np.ndarray) -> np.ndarray:
        """Sums (…, levels, q) of Z_e'score over the rows of each level of depth d; score (…, n, K)."""
        nest = self.quadrature.nest
        by_row = np.einsum("...nk,nka->...na", score, self.quadrature.Z[:, :, nest.at[e] : nest.at[e + 1]])
        rows = nest.child[nest.finest[nest.place[d] : nest.place[d + 1] - 1]]
        return np.add.reduceat(by_row, rows, axis=-2)

    def probed(self, d: int, e: int, score: np.ndarray, inner: np.ndarray) -> np.ndarray:
        """What is averaged over the nodes (tiles, nodes, levels, q, q) for the slopes of factor e."""
        found = self.sums(d, inner)
        if d <= e:
            s = self.row_sums(d, e, score)
            found = found + s[..., :, None] * s[..., None, :]
        return found

    def slope(self, d: int, e: int, mean: np.ndarray, by_row: np.ndarray) -> np.ndarray:
        """From these averages: second derivatives in a shift below depth e, slopes in G from there on."""
        if d > e:
            return mean
        if d == e:
            return 0.5 * mean
        s = self.row_sums(d, e, by_row)
        return mean - s[..., :, None] * s[..., None, :]


class RunningMean:
    """Weighted mean over nodes that come in blocks, of log weights (tiles, nodes, levels)."""

    def __init__(self) -> None:
        self.top: np.ndarray | None = None
        self.total = self.sum = np.empty(0)

    def add(self, logs: np.ndarray, values: np.ndarray) -> None:
        """One block, values (tiles, nodes, levels, …)."""
        top = logs.max(axis=1)
        p = np.exp(logs - top[:, None])
        total, summed = p.sum(axis=1), np.einsum("tbj,tbjac->tjac", p, values)
        if self.top is None:
            self.top, self.total, self.sum = top, total, summed
            return
        new = np.maximum(self.top, top)
        old, more = np.exp(self.top - new), np.exp(top - new)
        self.top, self.total = new, old * self.total + more * total
        self.sum = old[..., None, None] * self.sum + more[..., None, None] * summed

    @property
    def mean(self) -> np.ndarray:
        """The mean (tiles, levels, …)."""
        return self.sum / self.total[..., None, None]
