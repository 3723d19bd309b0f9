"""Exact maximum likelihood, restricted likelihood and posterior mode of linear multilevel models."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bayesml.design.arrays import Design
from bayesml.errors import ConvergenceWarning, NotIdentified
from bayesml.estimators.ascent import Ascent
from bayesml.estimators.gaussian_solution import GaussianSolution, JointSolution
from bayesml.estimators.held import Held, hold
from bayesml.estimators.joint import JointDensity, LogPriorFunction
from bayesml.estimators.profiled import ProfiledLikelihood
from bayesml.graphs.log_prior import log_prior, require_mode, starting_inside
from bayesml.graphs.roles import Graph
from bayesml.linalg.border import LOOPS_UP_TO
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.linalg.moments import moments
from bayesml.linalg.threads import one_blas_thread
from bayesml.results.likelihood import LikelihoodResult

SMALLEST_SIGMA2 = (
    1e-11  # relative to the response's variance around least squares; below, sums of squares keep no digits
)
EXPENSIVE = 2_000_000  # multiplications of one evaluation above which differences of gradients are avoided


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
        Covariances of the terms relative to sigma² to start from, on standardised columns; by default
        from the sums of squares between levels.
    report : callable, optional
        Called with (iteration, log likelihood, expected gain) after each step.

    Returns
    -------
    LikelihoodResult
    """
    sigma = graph.fixed_sigma if graph.has_scale else 1.0
    design, held = hold(graph.design, graph.held)
    if criterion == "map":
        with starting_inside(graph):
            prior = GraphPrior(graph, held)
            solution: GaussianSolution = maximise_jointly(design, criterion, sigma, held, prior, report)
    elif held.in_covariances:
        solution = maximise_jointly(design, criterion, sigma, held, None, report)
    else:
        solution = maximise_exact(design, criterion, sigma, held, start, report)
    if not solution.optimum.converged:
        warnings.warn(f"{solution.status}", ConvergenceWarning, stacklevel=3)
    return LikelihoodResult(graph.model, graph.design, solution)


def maximise_exact(
    design: Design,
    criterion: str,
    sigma: float | None = None,
    held: Held | None = None,
    start: Sequence[np.ndarray] | None = None,
    report: Callable[[int, float, float], None] | None = None,
) -> GaussianSolution:
    """Maximise the (restricted) likelihood of a design over the covariances, all else profiled out.

    Parameters
    ----------
    design : Design
    criterion : "ml" or "reml"
    sigma : float, optional
        The residual standard deviation, where it is known.
    held : Held, optional
        Coefficients that the design is already without.
    start : sequence of ndarray (q, q), optional
        Covariances of the terms relative to sigma² to start from, on the accumulated columns; by default
        from the sums of squares between levels.
    """
    held = hold(design, {})[1] if held is None else held
    with one_blas_thread():
        system = GaussianSystem.of(design)
    objective = ProfiledLikelihood(system, criterion == "reml", sigma)
    ascent = Ascent(
        objective,
        [t.covariance for t in design.random],
        sizes(design),
        expensive=work(system) > EXPENSIVE,
        report=report,
    )
    G = moments(system) if start is None else start
    with one_blas_thread(small=system.layout.size <= LOOPS_UP_TO):
        optimum = ascent.best([t.covariance.chart(g) for t, g in zip(design.random, G, strict=True)], np.empty(0))
    local = optimum.point.local
    assert local is not None
    refuse_perfect_fit(local.state.r2 / objective.nu if sigma is None else 1.0)
    return GaussianSolution(design, system, objective, ascent, optimum, criterion, sigma, held)


def maximise_jointly(
    design: Design,
    criterion: str,
    sigma: float | None,
    held: Held,
    prior: LogPriorFunction | None,
    report: Callable[[int, float, float], None] | None = None,
) -> JointSolution:
    """Maximise over covariances, sigma and coefficients at once, with a log prior or with sds or correlations held."""
    system = GaussianSystem.of(design, None if criterion == "reml" else np.ones(len(design.coefficients), bool))
    objective = JointDensity(system, criterion == "reml", sigma, held.terms, prior)
    structures = [term.free for term in held.terms]
    ascent = Ascent(objective, structures, sizes(design), report=report)
    start = [structure.chart(G) for structure, G in zip(structures, moments(system), strict=True)]
    with one_blas_thread():
        optimum = ascent.best(start, objective.start())
    return JointSolution(design, system, objective, ascent, optimum, criterion, sigma, held)


def refuse_perfect_fit(relative_sigma2: float) -> None:
    """Refuse a residual variance that is lost in the rounding of the response's.

    Raises
    ------
    NotIdentified
        sigma² is below `SMALLEST_SIGMA2` of the variance of the response around its least squares fit.
    """
    if not relative_sigma2 > SMALLEST_SIGMA2:
        raise NotIdentified(
            "The random effects explain the response to its last digits: its residual variance cannot be told from "
            "rounding. Is the response constant within groups, or computed from other columns?"
        )


@dataclass(frozen=True, eq=False)
class GraphPrior:
    """The log prior of a graph as a function of the coefficients that are free, the square roots and sigma.

    Parameters
    ----------
    graph : Graph
    held : Held
    """

    graph: Graph
    held: Held

    def __post_init__(self) -> None:
        require_mode(self.graph)

    def __call__(
        self, beta: np.ndarray, roots: Sequence[np.ndarray], sigma: float
    ) -> tuple[float, np.ndarray, Sequence[np.ndarray], float]:
        full = self.held.values.copy()
        full[self.held.free] = beta
        found = log_prior(self.graph, full, roots, sigma)
        return found.value, found.beta[self.held.free], found.roots, found.sigma


def sizes(design: Design) -> list[float]:
    """Rows a level of each random term."""
    return [design.nobs / len(term.levels) for term in design.random]


def work(system: GaussianSystem) -> float:
    """Multiplications of one evaluation, about."""
    lay = system.layout
    touched = np.diff(lay.ptr).astype(float)
    return float(lay.size**3 + (touched**2).sum())
