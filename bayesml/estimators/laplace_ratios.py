"""Importance ratios of the joint density of rows and effects against Laplace's Gaussian, by independent group."""

from dataclasses import dataclass

import numpy as np

from bayesml.covariance.unstructured import semidefinite_cholesky
from bayesml.estimators.held import hold
from bayesml.estimators.integrated import Ancillaries
from bayesml.estimators.quadrature import QuadratureLikelihood
from bayesml.families.ancillary import unconstrained
from bayesml.graphs.derivatives import RowDerivatives
from bayesml.graphs.roles import Graph
from bayesml.linalg import quadrature
from bayesml.linalg.laplace import LaplaceSystem
from bayesml.linalg.quadrature import Recursion
from bayesml.linalg.quadrature_kernels import add_effects, group_values, log_pivots, normal_draws
from bayesml.linalg.threads import one_blas_thread


@dataclass(frozen=True, eq=False)
class LaplaceRatios:
    """What Laplace's approximation gives for each level of the coarsest factor, and ratios that correct it.

    Parameters
    ----------
    laplace : ndarray (levels,)
        Log integrals.
    log_ratios : ndarray (draws, levels)
        Of draws from the Gaussian; the second half of the draws mirrors the first at the mode.
    """

    laplace: np.ndarray
    log_ratios: np.ndarray


def laplace_system(graph: Graph) -> LaplaceSystem:
    """The system of a graph, without the coefficients that are held."""
    design, _ = hold(graph.design, graph.held)
    return LaplaceSystem.of(design, lambda rows: RowDerivatives(graph.replace(design=design), rows))


def laplace_ratios(
    graph: Graph,
    system: LaplaceSystem,
    beta: np.ndarray,
    covariances: tuple[np.ndarray, ...],
    ancillary: np.ndarray,
    draws: int,
    rng: np.random.Generator,
) -> LaplaceRatios:
    """Ratios at given parameters, on the scale of the user's columns.

    Parameters
    ----------
    graph : Graph
    system : LaplaceSystem
        Of `laplace_system`; its factors nested in one another.
    beta : ndarray (p,)
    covariances : tuple of ndarray (q, q)
    ancillary : ndarray (a,)
        Natural values.
    draws : int
        Rounded up to an even number.
    rng : numpy.random.Generator
    """
    _, held = hold(graph.design, graph.held)
    objective = QuadratureLikelihood(system, Ancillaries(graph), held, points=[1] * len(system.layout.factors))
    nest = objective.nest
    roots = objective.factor_roots(
        [np.linalg.solve(T, semidefinite_cholesky(G)) for T, G in zip(objective.maps, covariances, strict=True)]
    )
    phi = np.asarray(unconstrained(graph.ancillary, list(ancillary)))
    scaled = np.linalg.solve(system.columns.coefficients, beta[held.free])
    with one_blas_thread():
        eta = system.fixed_predictors(scaled)[nest.order]
        zt = objective.quadrature.columns(roots)
        recursion = Recursion(objective.quadrature, phi, roots, zt, None, None, ())
        d = len(nest.depths) - 1
        found = recursion.modes(d, eta[None], np.zeros((1, nest.depths[d].effects)))
        levels = nest.depths[d].levels

        def log_joint(u: np.ndarray) -> np.ndarray:
            """Log density of rows and effects (tiles, levels) at u (tiles, effects)."""
            tiles, out = len(u), np.empty((len(u), levels))
            at = np.repeat(eta[None], tiles, axis=0)
            add_effects(d, nest.q, nest.at, nest.start, nest.place, nest.child, nest.finest, nest.up, zt, u, at)
            values = objective.quadrature.density(tiles).value(at.reshape(-1, system.K), phi)
            group_values(d, nest.q, nest.start, nest.place, nest.finest, nest.child, values.reshape(tiles, -1), u, out)
            return out

        mode, fac = found.u[0], found.fac[0]
        pivots = np.empty(levels)
        addresses = (d, nest.q, nest.at, nest.start, nest.place)
        log_pivots(*addresses, nest.depths[d].fstart, nest.finest, nest.up, fac, pivots)
        at_mode = log_joint(mode[None])[0]
        half = -(-draws // 2)
        log_ratios = np.empty((2 * half, levels))
        size = max(1, quadrature.ROWS_AT_ONCE // max(len(eta), 1))
        for low in range(0, half, size):
            z = rng.normal(size=(min(size, half - low), len(mode)))
            part = slice(low, low + len(z))
            gaussian = np.empty((len(z), levels))
            group_values(
                d, nest.q, nest.start, nest.place, nest.finest, nest.child, np.zeros((len(z), len(eta))), z, gaussian
            )
            normal_draws(*addresses, nest.finest, nest.up, nest.depths[d].fstart, fac, z)
            for sign, shift in ((1.0, 0), (-1.0, half)):
                own = slice(part.start + shift, part.stop + shift)
                log_ratios[own] = log_joint(mode + sign * z) - at_mode - gaussian
        order = np.argsort(nest.sorting[d])
    return LaplaceRatios((at_mode - pivots)[order], log_ratios[:, order])
