"""Maximum likelihood and posterior modes of models of any outcome, random effects integrated out approximately."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bayesml.covariance import Covariance
from bayesml.design.arrays import Design
from bayesml.design.collapsing import collapse
from bayesml.errors import ConvergenceWarning, NotIdentified
from bayesml.estimators.ascent import Ascent, Optimum, Point
from bayesml.estimators.gaussian import sizes
from bayesml.estimators.held import Held, hold
from bayesml.estimators.integrated import (
    Ancillaries,
    IntegratedLikelihood,
    LaplaceLikelihood,
    starting_covariances,
)
from bayesml.estimators.laplace_solution import LaplaceSolution
from bayesml.estimators.quadrature import QuadratureRule, climb_on
from bayesml.estimators.separation import refuse_separation
from bayesml.families.ancillary import unconstrained
from bayesml.graphs.derivatives import RowDerivatives
from bayesml.graphs.log_prior import log_prior, require_mode, starting_inside
from bayesml.graphs.roles import Graph
from bayesml.linalg.laplace import IndefiniteError, LaplaceSystem
from bayesml.linalg.threads import one_blas_thread
from bayesml.results.likelihood import LikelihoodResult

MEMORY = 12
RUNAWAY = 14.0  # change of the logarithm of a parameter of the family
SHRINKINGS = 6  # of covariances from which nothing can be evaluated


def estimate(
    graph: Graph,
    criterion: str,
    report: Callable[[int, float, float], None] | None = None,
    rule: QuadratureRule | None = None,
) -> LikelihoodResult:
    """Maximise the likelihood of a graph, its random effects integrated out by Laplace's method or by quadrature.

    Parameters
    ----------
    graph : Graph
    criterion : "ml" or "map"
    report : callable, optional
        Called with (iteration, log likelihood, expected gain) after each step.
    rule : QuadratureRule, optional
        Quadrature, started from the maximum of Laplace's approximation; by default that itself.
    """
    with one_blas_thread():
        solution = maximise(graph, criterion, report, rule)
    if not solution.optimum.converged:
        warnings.warn(f"{solution.status}", ConvergenceWarning, stacklevel=3)
    return LikelihoodResult(graph.model, graph.design, solution)


@np.errstate(over="ignore", invalid="ignore")  # places where nothing is finite are left again
def maximise(
    graph: Graph,
    criterion: str,
    report: Callable[[int, float, float], None] | None = None,
    rule: QuadratureRule | None = None,
) -> LaplaceSolution:
    """The maximum, unlabelled."""
    collapsed = collapse(graph.design)
    design, held = hold(graph.design if collapsed is None else collapsed.design, graph.held)
    ancillaries = Ancillaries(graph)
    design, shift = centred(design, ancillaries, graph)
    reduced = graph.replace(design=design)
    system = LaplaceSystem.of(design, lambda order: RowDerivatives(reduced, order))
    quadrature = rule if design.random else None
    if quadrature is not None:
        quadrature.check(system, design)
    prior = GraphPrior(graph, held, shift) if criterion == "map" else None
    beta, phi, without = fit_without_random(system, ancillaries, reduced, design, held)
    if criterion == "ml":
        refuse_separation(system, design, beta, phi)
    system, beta = in_units_of_information(system, beta, phi)
    objective = LaplaceLikelihood(system, ancillaries, held, prior)
    structures = [term.free for term in held.terms]
    try:
        G = starting_covariances(objective, design, [t.covariance for t in design.random], beta, phi)
    except IndefiniteError as error:
        raise NotIdentified(f"The likelihood cannot be evaluated at the fit without random effects: {error}.") from None
    extra = np.concatenate([beta, phi[ancillaries.free]])
    ascent = ascent_of(objective, structures, design, report, polish=quadrature is None)
    with starting_inside(graph):
        optimum = climb_from(ascent, objective, structures, G, extra)
    refuse_perfect(optimum, ancillaries, graph)
    final: IntegratedLikelihood = objective
    integration = "Laplace" if design.random else "exact"
    if quadrature is not None:
        final, integration = quadrature.objective(system, design, ancillaries, held, prior), quadrature.label
        ascent, optimum = climb_on(final, optimum, lambda: ascent_of(final, structures, design, report))
    return LaplaceSolution(
        design, system, final, ascent, optimum, criterion, held, integration, without, graph.family.scale_parameter,
        None if collapsed is None else collapsed.place, quadrature, shift,
    )  # fmt: skip


def refuse_perfect(optimum: Optimum, ancillaries: Ancillaries, graph: Graph) -> None:
    """Refuse a fit in which a parameter of the family was still running to an end of its range, far from its start.

    Raises
    ------
    NotIdentified
        The columns explain the response to its last digits.
    """
    if optimum.converged or not ancillaries.n_free:
        return
    start = unconstrained(graph.ancillary, starting_values(graph)[1])[ancillaries.free]
    point, n = optimum.point, ancillaries.n_free
    far = (np.abs(point.extra[-n:] - start) > RUNAWAY) & (np.abs(point.gradient[-n:]) > 1.0)
    free = [own for own, is_free in zip(ancillaries.all, ancillaries.free, strict=True) if is_free]
    found = [own.name for own, ran in zip(free, far, strict=True) if ran and own.domain == "positive"]
    if found:
        raise NotIdentified(
            f"The likelihood grows without bound as {', '.join(found)} runs to an end of its range: the model explains "
            "the response to its last digits. Is the response constant within groups, or computed from other columns?"
        )


def centred(design: Design, ancillaries: Ancillaries, graph: Graph) -> tuple[Design, np.ndarray | None]:
    """The design with columns about their means, where cut points take the means up, and these means (p,); else None.

    Cut points stand for the intercept, which keeps the digits of columns far from zero in other models.
    """
    ordered = np.array([own.domain == "ordered" for own in ancillaries.all], bool)
    if graph.family.takes_intercept or not ordered.any() or not ancillaries.free[ordered].all():
        return design, None
    means = np.array([0.0 if column is None else float(np.mean(column)) for column in design.fixed_columns])
    columns = [
        column if column is None else column - mean for column, mean in zip(design.fixed_columns, means, strict=True)
    ]
    return replace(design, fixed_columns=tuple(columns)), means


def climb_from(
    ascent: Ascent,
    objective: IntegratedLikelihood,
    structures: Sequence[Covariance],
    G: Sequence[np.ndarray],
    extra: np.ndarray,
) -> Optimum:
    """The optimum from covariances, or from smaller ones where effects of that size leave what a link allows.

    Raises
    ------
    FloatingPointError
        The prior has no density there.
    NotIdentified
        The likelihood has no value there.
    """
    start = Point([s.chart(g) for s, g in zip(structures, G, strict=True)], extra)
    for shrinkings in range(SHRINKINGS):
        try:
            return ascent.best([s.chart(0.1**shrinkings * g) for s, g in zip(structures, G, strict=True)], extra)
        except FloatingPointError:
            continue
    if not np.isfinite(objective.prior_density(start)):
        raise FloatingPointError("the prior has no density at the starting values")
    raise NotIdentified(
        "The random effects have no mode near the fit without them, as where a mean reaches the end of what its link "
        "allows. Choose a link that keeps means inside (log, logit), or leave out a random term."
    )


def ascent_of(
    objective: IntegratedLikelihood,
    structures: Sequence[Covariance],
    design: Design,
    report: Callable[[int, float, float], None] | None,
    polish: bool = True,
) -> Ascent:
    """The ascent of these objectives: on approximate Hessians, then with differences of the gradient."""
    return Ascent(objective, structures, sizes(design), expensive=True, report=report, memory=MEMORY, polish=polish)


@dataclass(frozen=True, eq=False)
class GraphPrior:
    """The log prior of a graph as a function of what is free.

    Parameters
    ----------
    graph : Graph
    held : Held
    shift : ndarray (p,) or None
        Of `centred`: the cut points that come are those of shifted columns.
    """

    graph: Graph
    held: Held
    shift: np.ndarray | None = None

    def __post_init__(self) -> None:
        require_mode(self.graph)

    def __call__(
        self, beta: np.ndarray, roots: Sequence[np.ndarray], values: np.ndarray
    ) -> tuple[float, np.ndarray, Sequence[np.ndarray], np.ndarray]:
        names = [ancillary.name for ancillary in self.graph.ancillary]
        ordered = np.array([own.domain == "ordered" for own in self.graph.ancillary], bool)
        if self.shift is not None:
            values = values + ordered * float(self.shift @ beta)
        full = self.held.values.copy()
        full[self.held.free] = beta
        by_name = dict(zip(names, values, strict=True))
        found = log_prior(self.graph, full, roots, by_name.get("sigma", 1.0), by_name)
        slopes = [found.sigma if name == "sigma" else found.ancillary.get(name, 0.0) for name in names]
        by_value, by_beta = np.array(slopes, float), found.beta[self.held.free]
        if self.shift is not None:
            by_beta = by_beta + self.shift * by_value[ordered].sum()
        return found.value, by_beta, found.roots, by_value


def fit_without_random(
    system: LaplaceSystem, ancillaries: Ancillaries, graph: Graph, design: Design, held: Held
) -> tuple[np.ndarray, np.ndarray, float]:
    """Coefficients, unconstrained ancillary parameters and log likelihood of the model without random effects.

    Newton's method; second derivatives in the ancillary parameters by differences.
    """
    intercept, values = starting_values(graph)
    phi = unconstrained(graph.ancillary, np.where(ancillaries.free, values, ancillaries.held))
    natural = np.array([intercept if name.endswith("Intercept") else 0.0 for name in design.coefficients])
    p = len(natural)
    B = system.columns.coefficients
    x = np.concatenate([np.linalg.solve(B, natural) if p else natural, phi[ancillaries.free]])

    def parts(x: np.ndarray):
        eta = system.fixed_predictors(x[:p])
        third = system.derivatives.third(eta, ancillaries.phi(x[p:]))
        slopes = system.columns.fixed_sums(system.weighted(third.d1))
        return third, np.concatenate([slopes, system.phi_gradient(third, None, None)[ancillaries.free]])

    third, g = parts(x)
    value = system.counted(third.value)
    if not np.isfinite(value):
        raise NotIdentified("The likelihood is not finite at the starting values of the model without random effects.")
    for _ in range(100):
        H = np.zeros((len(x), len(x)))
        H[:p, :p] = system.fixed_information(third.d2)
        for i in range(p, len(x)):
            step = np.zeros(len(x))
            step[i] = 1e-5
            H[i] = H[:, i] = -(parts(x + step)[1] - g) / 1e-5
        values_H, vectors = np.linalg.eigh(0.5 * (H + H.T))
        along = vectors.T @ g
        step = vectors @ (along / np.maximum(np.abs(values_H), 1e-10 * max(np.abs(values_H).max(initial=0.0), 1e-300)))
        gain = 0.5 * float(g @ step)
        if gain < 1e-10 * (1.0 + 1e-4 * abs(value)):
            break
        step *= min(1.0, 10.0 / max(np.abs(step).max(), 1e-300))
        for _halving in range(40):
            new_third, new_g = parts(x + step)
            new_value = system.counted(new_third.value)
            if new_value > value:
                break
            step *= 0.5
        else:
            break
        x, third, g, value = x + step, new_third, new_g, new_value
    return x[:p], ancillaries.phi(x[p:]), value


def starting_values(graph: Graph) -> tuple[float, list[float]]:
    """The intercept and natural values of the ancillary parameters of a graph to start from."""
    intercept, values = graph.family.start(graph.design.y, graph.link, graph.design.categories)
    return intercept, values[1:] if graph.response.fixes_scale else values


def in_units_of_information(
    system: LaplaceSystem, beta: np.ndarray, phi: np.ndarray
) -> tuple[LaplaceSystem, np.ndarray]:
    """The system with columns in units in which a row's information is one on average, and the coefficients in them."""
    d2 = system.derivatives.second(system.fixed_predictors(beta), phi)[2]
    average = -float(np.einsum("nkk->", d2)) / d2[:, :, 0].size
    unit = average**-0.5 if average > 1e-12 else 1.0
    return replace(system, columns=system.columns.in_units(unit)), beta / unit
