"""Likelihoods whose random effects are integrated out by Gauss–Hermite quadrature, for nested grouping factors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from bayesml.design.arrays import Design
from bayesml.errors import SpecificationError
from bayesml.estimators.ascent import Ascent, Local, Optimum, Point
from bayesml.estimators.held import Held
from bayesml.estimators.integrated import Ancillaries, IntegratedLikelihood, LogPriorFunction
from bayesml.linalg.laplace import Gradient, IndefiniteError, LaplaceSystem
from bayesml.linalg.quadrature import Integral, Moments, Nest, Nodes, Quadrature
from bayesml.linalg.scores import Scores

RULES = {"aghq": "AGHQ", "mvaghq": "mean-variance AGHQ", "ghq": "GHQ"}
MOST_POINTS = 100
LARGEST_GRID = 1_000_000  # nodes a group
SINGULAR = 1e-4  # of the smallest singular value of a square root, in units of a row's information
MOVED = 1e-8  # of the log likelihood, above which nodes are adapted once more
ADAPTATIONS = 50


@dataclass(frozen=True)
class QuadratureRule:
    """How random effects are integrated out: makes the objective of an ascent.

    Parameters
    ----------
    name : {"aghq", "mvaghq", "ghq"}
        Nodes at the modes, scaled by the curvatures; at the posterior means, scaled by the posterior covariances; those
        of the distribution of the effects, without adaptation.
    points : int or sequence of int, default 7
        Nodes a dimension, for all levels or one for each, the coarsest first.
    """

    name: str = "aghq"
    points: int | Sequence[int] = 7

    @property
    def label(self) -> str:
        """`AGHQ (7 points)`."""
        points = np.atleast_1d(self.points)
        return f"{RULES[self.name]} ({' × '.join(map(str, points))} point{'s' if max(points) > 1 else ''})"

    def check(self, system: LaplaceSystem, design: Design) -> None:
        """Refuse what cannot be integrated, before any work; the errors are those of `by_factor`."""
        self.by_factor(system, design)

    def by_factor(self, system: LaplaceSystem, design: Design) -> tuple[int, ...]:
        """Points of each grouping factor, the finest first.

        Raises
        ------
        SpecificationError
            Crossed factors, impossible numbers of points, a grid too large.
        """
        layout = system.layout
        groups = [design.random[factor.terms[0]].group for factor in layout.factors]
        if layout.border:
            raise SpecificationError(
                f"`integration={self.name!r}` needs grouping factors that are nested in one another, and these are "
                f'crossed: {", ".join(groups)}. Use `integration="laplace"`.'
            )
        given = np.atleast_1d(np.asarray(self.points))
        whole = given.ndim == 1 and given.dtype.kind in "iu" and given.size > 0
        if not whole or (given < 1).any() or (given > MOST_POINTS).any():
            raise SpecificationError(
                f"`points={self.points!r}`: give a whole number from 1 to {MOST_POINTS}, or one for each level of "
                "grouping."
            )
        if len(given) not in (1, len(groups)):
            raise SpecificationError(
                f"`points={self.points!r}` has {len(given)} numbers; levels of grouping, the coarsest first, are: "
                f"{', '.join(groups[::-1])}. Give one number, or one for each of them."
            )
        if self.name == "mvaghq" and (given < 2).any():
            raise SpecificationError(
                '`integration="mvaghq"` needs at least 2 points, as one has no variance; one point of '
                '`integration="aghq"` is Laplace\'s approximation.'
            )
        points = tuple(int(count) for count in np.resize(given[::-1], len(groups)))
        size = prod(count ** int(q) for count, q in zip(points, layout.q, strict=True))
        if size > LARGEST_GRID:
            shown = " × ".join(
                f"{count}{'' if q == 1 else f'^{q}'} ({group})"
                for count, q, group in zip(points[::-1], layout.q[::-1], groups[::-1], strict=True)
            )
            raise SpecificationError(
                f"The grid would have {size:,} nodes a group, {shown}; {LARGEST_GRID:,} are allowed. Use fewer "
                'points, fewer random effects, or `integration="laplace"`.'
            )
        return points

    def objective(
        self,
        system: LaplaceSystem,
        design: Design,
        ancillaries: Ancillaries,
        held: Held,
        log_prior: LogPriorFunction | None = None,
    ) -> "QuadratureLikelihood":
        """What is maximised."""
        points = self.by_factor(system, design)
        return QuadratureLikelihood(system, ancillaries, held, log_prior, self.name, points)


@dataclass(frozen=True, eq=False)
class QuadratureState:
    """What was found at a point.

    Parameters
    ----------
    integral : Integral
    roots : list of ndarray (q, q)
        By factor.
    corrections : list of ndarray (q, q)
        By term: the derivatives in the square roots less ``2 (dl/dG) Lambda``.
    """

    integral: Integral
    roots: list[np.ndarray]
    corrections: list[np.ndarray]


class CountedRows:
    """Log densities of rows that stand for several: each as often as it counts."""

    def __init__(self, density: Any, frequencies: np.ndarray):
        self.density, self.frequencies = density, frequencies

    def value(self, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
        """Log densities."""
        return np.asarray(self.frequencies * self.density.value(eta, phi))

    def first(self, eta: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Value, d1, and derivatives in phi."""
        value, d1, by_phi = self.density.first(eta, phi)
        f = self.frequencies
        return f * value, f[:, None] * d1, f * by_phi

    def second(self, eta: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Value, d1 and d2."""
        value, d1, d2 = self.density.second(eta, phi)
        f = self.frequencies
        return f * value, f[:, None] * d1, f[:, None, None] * d2

    def third(self, eta: np.ndarray, phi: np.ndarray) -> Any:
        """All derivatives."""
        found, f = self.density.third(eta, phi), self.frequencies
        return replace(
            found,
            value=f * found.value,
            d1=f[:, None] * found.d1,
            d2=f[:, None, None] * found.d2,
            d3=f[:, None, None, None] * found.d3,
            phi=f * found.phi,
            d1_phi=f[:, None] * found.d1_phi,
            d2_phi=f[:, None, None] * found.d2_phi,
        )


class QuadratureLikelihood(IntegratedLikelihood):
    """Quadrature; remembers the last modes, from which the next search starts, or the nodes that are held.

    Parameters
    ----------
    system : LaplaceSystem
        Its factors nested in one another.
    ancillaries : Ancillaries
    held : Held
    log_prior : callable, optional
    rule : {"aghq", "mvaghq", "ghq"}
    points : sequence of int
        Of each factor, the finest first.
    """

    def __init__(
        self,
        system: LaplaceSystem,
        ancillaries: Ancillaries,
        held: Held,
        log_prior: LogPriorFunction | None = None,
        rule: str = "aghq",
        points: Sequence[int] = (7,),
    ):
        super().__init__(system, ancillaries, held, log_prior)
        layout = system.layout
        self.rule = rule
        self.nest = Nest.of([system.codes[:, f] for f in range(len(layout.factors))], layout.q.tolist())
        Z = dense_columns(system)[self.nest.order]
        self.quadrature = Quadrature(self.nest, Z, self.density, points)
        self.latest: np.ndarray = np.zeros(int(self.nest.start[-1]))
        self.nodes: list[Nodes] | None = self.quadrature.not_adaptive() if rule == "ghq" else None
        self.approximate: np.ndarray | None = None

    def density(self, rows: np.ndarray) -> Any:
        """Log densities of rows of the system."""
        own = self.system.derivatives.take(rows)
        return own if self.system.frequencies is None else CountedRows(own, self.system.frequencies[rows])

    @cached_property
    def n_levels(self) -> list[int]:
        """Levels of each term."""
        layout = self.system.layout
        return [layout.factors[f].levels for f, *_ in layout.term_table]

    def factor_roots(self, roots: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Square roots by factor, from those by term."""
        layout = self.system.layout
        lam = self.system.assembled(roots)
        return [
            lam[low:high].reshape(q, q)
            for low, high, q in zip(layout.lam_start[:-1], layout.lam_start[1:], layout.q, strict=True)
        ]

    def evaluated(
        self,
        roots: Sequence[np.ndarray],
        beta: np.ndarray,
        phi: np.ndarray,
        nodes: Sequence[Nodes] | None,
        moments: Moments | None = None,
        probes: tuple[int, ...] = (),
    ) -> Integral:
        """The integrals at given nodes, or at the modes.

        Raises
        ------
        IndefiniteError
            A log integral is not finite, or no mode was found.
        """
        eta = self.system.fixed_predictors(beta)[self.nest.order]
        found = self.quadrature(eta, phi, roots, self.latest, nodes, moments, probes)
        if not np.isfinite(found.values).all() and nodes is None and self.latest.any():
            found = self.quadrature(eta, phi, roots, np.zeros_like(self.latest), nodes, moments, probes)
        if not np.isfinite(found.values).all():
            raise IndefiniteError("the log density of the random effects is not concave at its mode")
        if nodes is None:
            self.latest = found.modes[0]
        return found

    def integral(self, roots: Sequence[np.ndarray], beta: np.ndarray, phi: np.ndarray) -> tuple[float, Gradient, Any]:
        by_factor = self.factor_roots(roots)
        if self.rule == "mvaghq" and self.nodes is None:
            self.adapt(by_factor, beta, phi)
        layout = self.system.layout
        singular = [
            np.linalg.svd(root, compute_uv=False)[-1] < SINGULAR if root.size > 1 else abs(root[0, 0]) < SINGULAR
            for root in roots
        ]
        probes = tuple(sorted({int(layout.term_table[k, 0]) for k in np.flatnonzero(singular)}))
        found = self.evaluated(by_factor, beta, phi, self.nodes, probes=probes)
        a = len(phi)
        sums = found.sums[:, 0].sum(axis=1)
        by_row = self.in_system_order(found.by_row[0])
        slopes, corrections = self.covariance_slopes(
            roots, sums[a:], singular, {e: p[0].sum(0) for e, p in found.probes.items()}
        )
        gradient = Gradient(self.system.columns.fixed_sums(by_row), sums[:a], tuple(slopes), ())
        return float(found.values.sum()), gradient, QuadratureState(found, by_factor, corrections)

    def covariance_slopes(
        self, roots: Sequence[np.ndarray], by_root: np.ndarray, singular: Sequence[bool], probes: dict[int, np.ndarray]
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """dl/dG of each term, and what the derivatives in the square roots have besides ``2 (dl/dG) Lambda``.

        Where a square root has no inverse dl/dG is that of the integral itself, its expectations taken over the nodes.
        """
        slopes, corrections = [], []
        for (f, at, width, _), root, flat in zip(self.system.layout.term_table, roots, singular, strict=True):
            own = slice(at, at + width)
            if flat:
                slope = probes[int(f)][own, own]
            else:
                slope = 0.5 * np.linalg.solve(root.T, self.factor_block(by_root, f)[own, own].T).T
            slope = 0.5 * (slope + slope.T)
            slopes.append(slope)
            corrections.append(self.factor_block(by_root, f)[own, own] - 2.0 * slope @ root)
        return slopes, corrections

    def factor_block(self, by_root: np.ndarray, f: int) -> np.ndarray:
        """Derivatives (q, q) in Lambda of a factor, of all of them flat."""
        layout = self.system.layout
        return by_root[layout.lam_start[f] : layout.lam_start[f + 1]].reshape(layout.q[f], layout.q[f])

    def in_system_order(self, rows: np.ndarray) -> np.ndarray:
        """Values of rows (n, …), from the order of the nest to that of the system."""
        out = np.empty_like(rows)
        out[self.nest.order] = rows
        return out

    def __call__(self, roots: Sequence[np.ndarray], extra: np.ndarray) -> Local:
        """Value and derivatives; minus infinity where the integral fails."""
        local = super().__call__(roots, extra)
        if local.state is None:
            return local
        more = [given + own for given, own in zip(local.root_slopes, local.state.corrections, strict=True)]
        return replace(local, root_slopes=more)

    def curvature(self, local: Local, changes: Sequence[Sequence[np.ndarray]]) -> np.ndarray | None:
        """The Hessian of Laplace's approximation at its maximum, on the face where that was."""
        if self.approximate is None or len(self.approximate) != sum(map(len, changes)) + len(local.extra):
            return None
        return self.approximate.copy()

    # -- mean and variance ------------------------------------------------------------------------

    def adapt(self, roots: Sequence[np.ndarray], beta: np.ndarray, phi: np.ndarray) -> float:
        """Put the nodes at the posterior means and covariances that the nodes themselves give; the log likelihood."""
        value = -np.inf
        for _ in range(ADAPTATIONS):
            moments = Moments.empty(self.nest, self.quadrature.grids)
            last, value = value, float(self.evaluated(roots, beta, phi, self.nodes, moments).values.sum())
            if self.nodes is not None and abs(value - last) < 0.1 * MOVED:
                break
            try:
                self.nodes = moments.nodes()
            except np.linalg.LinAlgError:
                raise IndefiniteError("a posterior covariance of random effects is singular on these nodes") from None
        return value

    def moved(self, point: Point) -> bool:
        """Adapt the nodes to where an ascent ended: whether the log likelihood moved, so that it must go on."""
        if self.rule != "mvaghq":
            return False
        beta, phi = self.unpack(point.extra)
        before = self.log_likelihood(point)
        after = self.adapt(self.factor_roots(self.relative_roots(point.roots)), beta, phi)
        return abs(after - before) > MOVED

    # -- what is known of the effects -------------------------------------------------------------

    def moments(self, point: Point) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Means (levels, q) and covariances (levels, q, q) of the effects b of each term given the data and parameters.

        On the user's columns, with the nodes of the integral.
        """
        relative = self.relative_roots(point.roots)
        roots = self.factor_roots(relative)
        beta, phi = self.unpack(point.extra)
        found = Moments.empty(self.nest, self.quadrature.grids)
        self.evaluated(roots, beta, phi, self.nodes, found)
        means, covariances = averaged(self.nest, found)
        out_means, out_covariances = [], []
        for (f, at, width, _), T, root in zip(self.system.layout.term_table, self.maps, relative, strict=True):
            # effects of a factor, back in the order of its levels
            order = np.argsort(self.nest.sorting[f])
            own, L = slice(at, at + width), T @ root
            out_means.append(means[f][order][:, own] @ L.T)
            out_covariances.append(L @ covariances[f][order][:, own, own] @ L.T)
        return out_means, out_covariances

    def scores(self, point: Point) -> tuple[Scores, np.ndarray]:
        """Derivatives by level of the coarsest factor, on the user's columns; they sum to the gradient.

        Returns
        -------
        scores : Scores
            `sigma` is empty.
        ancillary : ndarray (levels, a)
            In the unconstrained ancillary parameters.
        """
        roots = self.relative_roots(point.roots)
        beta, phi = self.unpack(point.extra)
        layout, columns, nest = self.system.layout, self.system.columns, self.nest
        found = self.evaluated(self.factor_roots(roots), beta, phi, self.nodes, probes=tuple(range(len(layout.q))))
        top = len(layout.q) - 1
        order = np.argsort(nest.sorting[top])
        rows = nest.child[nest.finest[nest.place[top] : nest.place[top + 1] - 1]]
        by_beta = np.zeros((len(order), self.p))
        for k, own, places in columns.sets:
            X = columns.X[nest.order][:, own]
            by_beta[:, places] += np.add.reduceat(X * found.by_row[0][:, k, None], rows, axis=0)[order]
        a = len(phi)
        by_group = found.sums[:, 0].T[order]
        covariances = []
        for (f, at, width, _), T, root in zip(layout.term_table, self.maps, roots, strict=True):
            own, inverse = slice(at, at + width), np.linalg.inv(T)
            if np.linalg.svd(root, compute_uv=False)[-1] < SINGULAR:
                slope = found.probes[int(f)][0][order][:, own, own]
            else:
                q = int(layout.q[f])
                block = by_group[:, a + layout.lam_start[f] : a + layout.lam_start[f + 1]].reshape(-1, q, q)[
                    :, own, own
                ]
                slope = 0.5 * block @ np.linalg.inv(root)
            slope = 0.5 * (slope + np.swapaxes(slope, 1, 2))
            covariances.append(inverse.T @ slope @ inverse)
        on_user = by_beta @ np.linalg.inv(columns.coefficients)
        return Scores(on_user, tuple(covariances), np.empty(0)), by_group[:, :a]


def climb_on(
    objective: QuadratureLikelihood, laplace: Optimum, ascent_of: Callable[[], Ascent]
) -> tuple[Ascent, Optimum]:
    """The maximum of a quadrature, from that of Laplace's approximation; nodes that are held follow it."""
    objective.approximate = laplace.hessian
    ascent = ascent_of()
    optimum = ascent.run(laplace.point.charts, laplace.point.extra)
    for _ in range(ADAPTATIONS):
        if not objective.moved(optimum.point):
            break
        optimum = ascent.run(optimum.point.charts, optimum.point.extra)
    return ascent, optimum


def dense_columns(system: LaplaceSystem) -> np.ndarray:
    """Columns of Z on every predictor, (n, K, Q)."""
    columns, K = system.columns, system.K
    out = np.zeros((len(columns.Z), K, columns.Z.shape[1]))
    for c, of in enumerate(columns.z_of):
        out[:, slice(None) if of == K else of, c] = columns.Z[:, c, None] if of == K else columns.Z[:, c]
    return out


def averaged(nest: Nest, moments: Moments) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Moments of the effects of each factor, those at the nodes of coarser factors averaged."""
    depths = len(nest.depths)
    means, covariances = [], []
    weight = np.ones((1, nest.depths[-1].levels))
    for d in range(depths - 1, -1, -1):
        mean = np.einsum("tj,tja->ja", weight, moments.mean[d])
        away = moments.mean[d] - mean
        cov = np.einsum("tj,tjab->jab", weight, moments.cov[d]) + np.einsum("tj,tja,tjb->jab", weight, away, away)
        means.append(mean)
        covariances.append(cov)
        if d:
            # probability of every node, for the levels inside
            joint = (weight[:, None] * moments.weights[d]).reshape(-1, nest.depths[d].levels)
            inside = nest.up[d, nest.finest[nest.place[d - 1] : nest.place[d] - 1]]
            weight = joint[:, inside]
    return means[::-1], covariances[::-1]
