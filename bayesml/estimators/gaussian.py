"""Exact maximum likelihood, restricted likelihood and posterior mode of linear multilevel models."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np

from bayesml.design.arrays import Design
from bayesml.errors import ConvergenceWarning, NotIdentified
from bayesml.estimators.ascent import Ascent, Local
from bayesml.estimators.gaussian_solution import GaussianSolution
from bayesml.graphs.roles import Graph
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.results.likelihood import LikelihoodResult

LOG_2PI = float(np.log(2.0 * np.pi))
EXPENSIVE = 2_000_000  # multiplications of one evaluation above which differences of gradients are avoided


class ProfiledLikelihood:
    """Log likelihood (restricted, if `integrated`) of relative square roots, coefficients and sigma profiled out.

    ``-2 l = log|H| + nu log(2 pi r² / nu) + nu``, nu = n, and for REML ``+ log|X'V^-1 X|``, nu = n - p; with sigma known
    ``nu log(2 pi sigma²) + r² / sigma²`` stands in place of the last two.

    Parameters
    ----------
    system : GaussianSystem
    integrated : bool
        REML.
    sigma : float or None
        Where it is held fixed.
    """

    def __init__(self, system: GaussianSystem, integrated: bool, sigma: float | None):
        self.system, self.integrated = system, integrated
        self.nu = system.n - (system.coefficients if integrated else 0)
        self.known = None if sigma is None else (sigma / system.scaling.y_scale) ** 2
        if sigma is None and self.nu <= 0:
            raise NotIdentified(f"{system.n} rows cannot determine {system.coefficients} coefficients and a residual variance.")
        scale = -self.nu * np.log(system.scaling.y_scale) + (system.scaling.log_det if integrated else 0.0)
        self.constant = system.half_log_weights + float(scale)

    def relative_sigma2(self, r2: float) -> float:
        """sigma² on the accumulated scale."""
        return r2 / self.nu if self.known is None else self.known

    def __call__(self, roots: Sequence[np.ndarray], extra: np.ndarray) -> Local:
        """Value and dl/dG of each term, G relative to sigma²."""
        e = self.system.evaluate(roots, self.integrated)
        s2 = self.relative_sigma2(e.r2)
        logdet = e.logdet_u + (e.logdet_x if self.integrated else 0.0)
        value = self.constant - 0.5 * (logdet + self.nu * (LOG_2PI + np.log(s2)) + e.r2 / s2)
        return Local(float(value), [0.5 * (E / s2 - D) for D, E in zip(e.D, e.E, strict=True)], extra, e)

    def curvature(self, local: Local, changes: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
        """Minus the average information of G, sigma profiled."""
        products, slopes = self.system.working_products(local.state, changes)
        s2 = self.relative_sigma2(local.state.r2)
        profiled = np.outer(slopes, slopes) / (self.nu * s2) if self.known is None else 0.0
        return -0.5 * (products - profiled) / s2


def estimate(
    graph: Graph,
    criterion: str,
    start: Sequence[np.ndarray] | None = None,
    report: Callable[[int, float, float], None] | None = None,
) -> LikelihoodResult:
    """Maximise the (restricted) likelihood of a graph, exactly.

    Parameters
    ----------
    graph : Graph
    criterion : "ml", "reml" or "map"
    start : sequence of ndarray (q, q), optional
        Covariances of the terms relative to sigma² to start from, on standardised columns; the identity by default.
    report : callable, optional
        Called with (iteration, log likelihood, expected gain) after each step.

    Returns
    -------
    LikelihoodResult
    """
    design = graph.design
    sigma = graph.fixed_sigma if graph.has_scale else 1.0
    solution = maximise_exact(design, criterion, sigma, start, report)
    if not solution.optimum.converged:
        warnings.warn(f"{solution.status}", ConvergenceWarning, stacklevel=3)
    return LikelihoodResult(graph.model, design, solution)


def maximise_exact(
    design: Design,
    criterion: str,
    sigma: float | None = None,
    start: Sequence[np.ndarray] | None = None,
    report: Callable[[int, float, float], None] | None = None,
    system: GaussianSystem | None = None,
) -> GaussianSolution:
    """Maximise the (restricted) likelihood of a design.

    Parameters
    ----------
    design : Design
    criterion : "ml" or "reml"
    sigma : float, optional
        The residual standard deviation, where it is known.
    start : sequence of ndarray (q, q), optional
        Covariances of the terms relative to sigma² to start from, on the accumulated columns; the identity by default.
    """
    system = GaussianSystem.of(design) if system is None else system
    objective = ProfiledLikelihood(system, criterion == "reml", sigma)
    structures = [term.covariance for term in design.random]
    sizes = [design.nobs / len(term.levels) for term in design.random]
    ascent = Ascent(objective, structures, sizes, expensive=work(system) > EXPENSIVE, report=report)
    G = [np.eye(len(term.names)) for term in design.random] if start is None else start
    optimum = ascent.run([s.chart(g) for s, g in zip(structures, G, strict=True)], np.empty(0))
    return GaussianSolution(design, system, objective, ascent, optimum, criterion, sigma)


def work(system: GaussianSystem) -> float:
    """Multiplications of one evaluation, about."""
    lay = system.layout
    touched = np.diff(lay.ptr).astype(float)
    return float(lay.size**3 + (touched**2).sum())
