"""Fits of one model to many responses: bootstrap, power and calibration need hundreds a second."""

import warnings
from dataclasses import dataclass, replace

import numpy as np

from bayesml.errors import ConvergenceWarning
from bayesml.estimators.ascent import NEAR_FACE, Ascent, Point, newton_step
from bayesml.estimators.gaussian import sizes
from bayesml.estimators.gaussian_solution import GaussianSolution
from bayesml.estimators.profiled import ProfiledLikelihood
from bayesml.linalg.border import LOOPS_UP_TO
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.linalg.moments import moments
from bayesml.linalg.refits import Responses, ascend_all

GAIN = 1e-11  # of log likelihood at which an ascent stops
ITERATIONS = 60


@dataclass(frozen=True, eq=False)
class Refits:
    """Estimates of R fits, bare numbers.

    Parameters
    ----------
    beta : ndarray (R, p)
    covariances : tuple of ndarray (R, q, q)
    sigma, loglik : ndarray (R,)
    converged : ndarray of bool (R,)
    """

    beta: np.ndarray
    covariances: tuple[np.ndarray, ...]
    sigma: np.ndarray
    loglik: np.ndarray
    converged: np.ndarray


def refit_many(solution: GaussianSolution, Y: np.ndarray) -> Refits:
    """Fit the model of a solution to every column of Y (n, R), by the same criterion."""
    system, design, objective = solution.system, solution.design, solution.objective
    responses = Responses.of(system, design, Y)
    count, lay = Y.shape[1], system.layout
    structures = [term.covariance for term in design.random]
    inside = [
        0.1 * np.eye(len(root)) * bool(solution.boundary) for root in solution.roots
    ]  # no gradient leads off a face
    charts = [s.chart(r @ r.T + more) for s, r, more in zip(structures, solution.roots, inside, strict=True)]
    start = Point(charts, np.empty(0))
    theta0 = start.vector
    thetas, logliks = np.full((count, len(theta0)), np.nan), np.full(count, np.nan)
    scales, gains = np.full(count, np.nan), np.full(count, np.nan)
    solutions = np.full((count, system.coefficients), np.nan)
    if lay.size <= LOOPS_UP_TO:
        known = np.zeros(count) if solution.known_sigma is None else (solution.known_sigma / responses.scale) ** 2
        ascend_all(
            theta0, inverse_curvature(solution, start), *flat_basis(start), objective.integrated, float(objective.nu),
            known, GAIN, ITERATIONS, responses.values, responses.borders, responses.squares,
            thetas, logliks, scales, solutions, gains,
            system.term_table, lay.q, lay.lam_start, lay.chain_start, lay.parent, lay.ptr, lay.idx, lay.up, lay.off,
            lay.k_start, lay.border_start, system.rows.copy(), system.S.copy(),
        )  # fmt: skip
    beta = np.tile(solution.held.values, (count, 1))
    beta[:, solution.held.free] = responses.coefficients(system, design, solutions)
    sigma = np.sqrt(scales) * responses.scale
    constant = system.half_log_weights + (system.scaling.log_det if objective.integrated else 0.0)
    loglik = logliks + constant - objective.nu * np.log(responses.scale)
    roots = roots_of(start, thetas)
    scaled = [sigma[:, None, None] * (T @ root) for T, root in zip(system.scaling.terms, roots, strict=True)]
    covariances = [root @ root.transpose(0, 2, 1) for root in scaled]
    converged = gains < GAIN
    smallest = [np.linalg.svd(np.nan_to_num(root), compute_uv=False)[:, -1] for root in roots]
    careful = ~converged
    for values, size in zip(smallest, sizes(design), strict=True):
        careful |= values**2 * size < NEAR_FACE
    for r in map(int, np.flatnonzero(careful)):
        one = settled(solution, responses.system(system, design, r), start.at(thetas[r]))
        beta[r], sigma[r], loglik[r], converged[r] = one.beta, one.sigma, one.loglik, one.optimum.converged
        for G, found in zip(covariances, one.covariances, strict=True):
            G[r] = found
    if not converged.all():
        failed = int((~converged).sum())
        warnings.warn(
            f"{failed} of {count} refits did not converge; `converged` says which.", ConvergenceWarning, stacklevel=3
        )
    return Refits(beta, tuple(covariances), sigma, loglik, converged)


def settled(solution: GaussianSolution, system: GaussianSystem, point: Point) -> GaussianSolution:
    """The solution for another response, from where its ascent in machine code ended: near the boundary, or nowhere."""
    design = solution.design
    objective = ProfiledLikelihood(system, solution.objective.integrated, solution.known_sigma)
    structures = [term.covariance for term in design.random]
    ascent = Ascent(objective, structures, sizes(design), expensive=solution.ascent.expensive)
    lost = not np.isfinite(point.vector).all()
    optimum = ascent.settle(
        [s.chart(G) for s, G in zip(structures, moments(system), strict=True)] if lost else point.charts
    )
    return replace(solution, system=system, objective=objective, ascent=ascent, optimum=optimum)


def flat_basis(point: Point) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Matrices of all charts, flat; the term of each; where each starts."""
    matrices, terms, starts, at = [], [], [], 0
    for k, (basis, _) in enumerate(point.charts):
        for matrix in basis:
            matrices.append(matrix.ravel())
            terms.append(k)
            starts.append(at)
            at += matrix.size
    return np.concatenate(matrices) if matrices else np.empty(0), np.array(terms, np.int64), np.array(starts, np.int64)


def roots_of(point: Point, thetas: np.ndarray) -> list[np.ndarray]:
    """Square roots (R, q, q) of each term at many values of the unknowns."""
    out, at = [], 0
    for basis, theta in point.charts:
        out.append(np.einsum("ri,iab->rab", thetas[:, at : at + len(theta)], basis))
        at += len(theta)
    return out


def inverse_curvature(solution: GaussianSolution, start: Point) -> np.ndarray:
    """Inverse of minus the Hessian at the start, made positive definite, for the response of the solution."""
    if not len(start.vector):
        return np.empty((0, 0))
    ascent = solution.ascent
    H = ascent.differences(ascent.evaluate(start.at(start.vector)), central=True)
    return np.column_stack([newton_step(unit, H)[0] for unit in np.eye(len(H))])
