"""Log density of the rows of each independent group given the parameters, its random effects integrated out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayesml.design.arrays import Design
from bayesml.errors import RefusedTest
from bayesml.estimators.held import hold
from bayesml.estimators.integrated import Ancillaries
from bayesml.estimators.laplace_ratios import laplace_system
from bayesml.estimators.quadrature import LARGEST_GRID, QuadratureLikelihood
from bayesml.families.ancillary import unconstrained
from bayesml.graphs.roles import Graph
from bayesml.linalg.laplace import IndefiniteError
from bayesml.linalg.threads import one_blas_thread
from bayesml.results.posterior import Posterior, flat_draws, term_roots

BLOCK_BYTES = 64_000_000
POINTS = (1, 3, 5, 9, 15, 25)
"""Numbers of nodes a dimension that are tried."""

SETTLED = 1e-3
"""Change of the log likelihood, from one number of nodes to the next, at which the smaller one is taken."""

NODES_A_ROW = 2000


def coarsest(design: Design) -> int | None:
    """Place of a random term whose levels contain those of all others whole; None where factors are crossed."""
    for k, top in enumerate(design.random):
        if all(contained(term.codes, top.codes) for term in design.random):
            return k
    return None


def contained(fine: np.ndarray, coarse: np.ndarray) -> bool:
    """Whether all rows of a level of `fine` are in one level of `coarse`."""
    first = np.full(int(fine.max()) + 1, -1)
    first[fine] = coarse
    return bool((first[fine] == coarse).all())


def require_independent(design: Design, group: str | None = None) -> int:
    """Place of the random term whose levels are independent given the parameters.

    Parameters
    ----------
    design : Design
    group : str, optional
        The grouping factor asked for; default: the coarsest.

    Raises
    ------
    RefusedTest
        No random effects, crossed factors, or a factor that lies within another.
    """
    if not design.random:
        raise RefusedTest("The model has no random effects: it has no groups to leave out. Leave out rows.")
    names = list(dict.fromkeys(term.group for term in design.random))
    if group is not None and group not in names:
        raise RefusedTest(f"`{group}` is no grouping factor of the model; there is {', '.join(names)}.")
    top = coarsest(design)
    if top is None:
        raise RefusedTest(
            f"The grouping factors {', '.join(names)} are crossed: the rows of a level depend on those of all others "
            "given the parameters, so that no group has a density of its own. Leave out rows, or fit the model without "
            "the level and predict it."
        )
    if group is not None and not contained(design.random[top].codes, design.random[names_first(design, group)].codes):
        raise RefusedTest(
            f"`{group}` lies within `{design.random[top].group}`: its levels are not independent given the parameters. "
            f"Leave out whole levels of `{design.random[top].group}`."
        )
    return top if group is None else names_first(design, group)


def names_first(design: Design, group: str) -> int:
    """The first random term of a grouping factor."""
    return [term.group for term in design.random].index(group)


def exact_group_densities(design: Design, posterior: Posterior, top: int) -> np.ndarray:
    """Log densities (chain × draw, J) of the groups of a linear model.

    With r = y - X beta, M = I + Lambda'Z'WZ Lambda / sigma² and c = Lambda'Z'W r of one group,
    ``-2 log p = n log(2 pi sigma²) - sum log w + log |M| + (r'W r - c'M⁻¹ c / sigma²) / sigma²``.

    Parameters
    ----------
    design : Design
    posterior : Posterior
    top : int
        Random term whose levels are the groups; those of all others lie within them.
    """
    codes, J = design.random[top].codes, len(design.random[top].levels)
    roots = [
        flat_draws(term_roots(t, s, c)) for t, s, c in zip(design.random, posterior.sds, posterior.corrs, strict=True)
    ]
    sigma2, beta = posterior.sigma.ravel() ** 2, flat_draws(posterior.beta)
    centre = beta.mean(axis=0)
    X = design.X
    y = design.y - X @ centre - (0.0 if design.offset is None else design.offset)
    delta = beta - centre
    w = np.ones(design.n) if design.row_weights is None else design.row_weights
    counts = np.ones(design.n) if design.frequencies is None else design.frequencies
    log_w = np.zeros(design.n) if design.precision_weights is None else counts * np.log(design.precision_weights)
    columns = [term.Z for term in design.random]
    out = np.empty((len(sigma2), J))
    for j, rows in enumerate(rows_by_level(codes, J)):
        blocks = [
            (k, columns[k][rows] * (term.codes[rows] == level)[:, None])
            for k, term in enumerate(design.random)
            for level in np.unique(term.codes[rows])
        ]
        Z = np.concatenate([block for _, block in blocks], axis=1)
        own = w[rows, None]
        ZZ, ZX, Zy = Z.T @ (own * Z), Z.T @ (own * X[rows]), Z.T @ (w[rows] * y[rows])
        XX, Xy, yy = X[rows].T @ (own * X[rows]), X[rows].T @ (w[rows] * y[rows]), np.sum(w[rows] * y[rows] ** 2)
        rss = yy - 2.0 * delta @ Xy + np.einsum("sa,ab,sb->s", delta, XX, delta)
        c = Zy - delta @ ZX.T
        Q = Z.shape[1]
        size = max(1, BLOCK_BYTES // (8 * max(1, Q * Q)))
        constant = counts[rows].sum() * np.log(2.0 * np.pi * sigma2) - log_w[rows].sum()
        for low in range(0, len(sigma2), size):
            part = slice(low, low + size)
            L = joint_root([(roots[k][part], block.shape[1]) for k, block in blocks])
            LT = np.swapaxes(L, 1, 2)
            M = LT @ ZZ @ L / sigma2[part, None, None] + np.eye(Q)
            root = np.linalg.cholesky(M)
            half = np.linalg.solve(root, (LT @ c[part, :, None]))[..., 0]
            logdet = 2.0 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
            fit = np.sum(half**2, axis=1) / sigma2[part]
            out[part, j] = -0.5 * (constant[part] + logdet + (rss[part] - fit) / sigma2[part])
    return out


def rows_by_level(codes: np.ndarray, levels: int) -> list[np.ndarray]:
    """The rows of each level, in their order; sorted once, however many levels there are."""
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes, minlength=levels))[:-1])


def joint_root(blocks: Sequence[tuple[np.ndarray, int]]) -> np.ndarray:
    """Block diagonal square roots (draws, Q, Q) of those of each level (draws, q, q)."""
    Q = sum(q for _, q in blocks)
    out, at = np.zeros((len(blocks[0][0]), Q, Q)), 0
    for root, q in blocks:
        out[:, at : at + q, at : at + q] = root
        at += q
    return out


@dataclass(frozen=True, eq=False)
class QuadratureDensities:
    """Log densities of the groups of models whose integrals are not exact, by adaptive Gauss–Hermite quadrature.

    Parameters
    ----------
    graph : Graph
        Its factors nested in one another.
    points : int
        Nodes a dimension.
    """

    graph: Graph
    points: int

    @cached_property
    def likelihood(self) -> QuadratureLikelihood:
        """The integral at given parameters."""
        system = laplace_system(self.graph)
        _, held = hold(self.graph.design, self.graph.held)
        return QuadratureLikelihood(
            system, Ancillaries(self.graph), held, points=[self.points] * len(system.layout.factors)
        )

    @cached_property
    def nodes(self) -> int:
        """Nodes a group."""
        return int(np.prod([float(self.points) ** int(q) for q in self.likelihood.nest.q]))

    def at(self, posterior: Posterior) -> np.ndarray:
        """Log densities (chain × draw, J) of the coarsest factor's levels; NaN where there is no mode."""
        likelihood, graph = self.likelihood, self.graph
        columns, free = likelihood.system.columns, likelihood.held.free
        scaled = np.linalg.solve(columns.coefficients, flat_draws(posterior.beta)[:, free].T).T
        roots = [
            np.linalg.solve(T, flat_draws(term_roots(t, s, c)))
            for T, t, s, c in zip(likelihood.maps, graph.design.random, posterior.sds, posterior.corrs, strict=True)
        ]
        natural = natural_values(graph, posterior)
        nest = likelihood.nest
        order = np.argsort(nest.sorting[len(nest.depths) - 1])
        out = np.full((len(scaled), len(order)), np.nan)
        with one_blas_thread():
            for s in range(len(scaled)):
                phi = np.asarray(unconstrained(graph.ancillary, natural[s]))
                try:
                    found = likelihood.evaluated(
                        likelihood.factor_roots([root[s] for root in roots]), scaled[s], phi, None
                    )
                except IndefiniteError:
                    continue
                out[s] = found.values[0][order]
        return out


def natural_values(graph: Graph, posterior: Posterior) -> np.ndarray:
    """Natural values (chain × draw, a) of `graph.ancillary`."""
    others = iter(range(posterior.ancillary.shape[-1]))
    columns = [
        posterior.sigma.ravel() if own.name == "sigma" else flat_draws(posterior.ancillary)[:, next(others)]
        for own in graph.ancillary
    ]
    return np.stack(columns, axis=-1) if columns else np.empty((posterior.sigma.size, 0))


def enough_points(graph: Graph, at: Posterior) -> tuple[QuadratureDensities, float]:
    """Quadrature with as many nodes as settle the log likelihood at some points, and how far it still moved.

    Parameters
    ----------
    graph : Graph
    at : Posterior
        A few draws.
    """
    last, chosen, moved = None, None, np.inf
    for points in POINTS:
        densities = QuadratureDensities(graph, points)
        if densities.nodes > min(LARGEST_GRID, NODES_A_ROW * 10):
            break
        values = densities.at(at).sum(axis=1)
        if last is not None:
            moved = float(np.max(np.abs(values - last)))
        chosen, last = densities, values
        if moved < SETTLED:
            break
    assert chosen is not None
    return chosen, moved
