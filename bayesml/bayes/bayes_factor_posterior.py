"""Posterior densities of combinations of parameters at a point.

Three ways, the first that applies: an average of exact conditional normals (coefficients that were integrated out); an
importance-weighted average of ratios of the density (coefficients, and parameters of linear models); a kernel estimate
from the draws. Of linear models the first two become ratios of integrals where the draws alone tell too little.
"""

from dataclasses import replace

import numpy as np

from bayesml.bayes.bayes_factor_integral import AtPoint, log_average
from bayesml.bayes.bayes_factor_prior import LogDensity, log_normal
from bayesml.bayes.bayes_factor_weighted import WEIGHTED, of_coefficients, of_parameter, of_sampled_coefficients
from bayesml.bayes.importance import pareto_limit
from bayesml.design.addresses import Address
from bayesml.errors import RefusedTest
from bayesml.estimators.group_densities import coarsest
from bayesml.estimators.posterior_densities import ExactDensity, PosteriorDensity, density_of
from bayesml.linalg.combination_moments import coefficient_moments
from bayesml.linalg.threads import one_blas_thread
from bayesml.results.bayesian import BayesianResult
from bayesml.results.diagnostics import ess, mcse_of_mean
from bayesml.results.effects import flat_roots
from bayesml.results.posterior import Posterior, flat_draws

REACH = 3.5
"""Standard deviations from the mean beyond which draws say too little for a kernel estimate."""
EFFECTIVE_AT_POINT = 20
QUADRATURE_DRAWS = 2000
INSTEAD = (
    "Compare the models with and without the restriction by bridge sampling, `bml.evidence`; or ask for a range, whose "
    "probability has no such limit."
)


# -- exact conditional normals -------------------------------------------------------------------


def conditional_normals(result: BayesianResult, R: np.ndarray, r: np.ndarray) -> AtPoint | None:
    """The posterior density of ``R beta`` at r, by its exact conditional normal density given the other parameters.

    None where the coefficients were not integrated out, or R leaves nothing that was.
    """
    if not result.graph.exact:
        return None
    density = density_of(result.graph, result.posterior)
    assert isinstance(density, ExactDensity)
    if np.linalg.matrix_rank(R[:, density.graph.integrated_beta]) < len(R):
        return None
    given, prior_mean, prior_precision = density.graph.coefficient_rows

    def log_normals(post: Posterior) -> np.ndarray:
        means, covariances = coefficient_moments(
            density.system, flat_roots(result.design, post), post.sigma.ravel(), flat_draws(post.beta), given,
            prior_mean, prior_precision, R,
        )  # fmt: skip
        return log_normal(r - means, covariances)

    def integrand(x: np.ndarray) -> np.ndarray:
        return density(x) + log_normals(density.coordinates.posterior(x)[0])

    with one_blas_thread():
        terms = log_normals(result.posterior).reshape(result.posterior.shape)
    points = flat_draws(density.points(result.posterior))
    return AtPoint(density, terms, points, integrand, "average of exact conditional normals")


# -- kernel estimate -----------------------------------------------------------------------------


def kernel_density(draws: np.ndarray, value: float, support: tuple[float, float], what: str) -> LogDensity:
    """Log density of draws (chain, draw) at a value by a kernel of fourth order, on the real line.

    Positive quantities are smoothed as logarithms, those between two ends as logits. The error is that of the draws,
    by their autocorrelation, and the change that a bandwidth half as wide again makes, as a measure of bias.

    Raises
    ------
    RefusedTest
        Too few draws lie near the value.
    """
    transform, log_slope = to_real_line(support)
    x, x0 = transform(draws), float(transform(np.array(value)))
    n, sd = max(float(ess(x, "mean")), 4.0), float(x.std(ddof=1))
    # 0.7 of the normal reference of the kernel (3 - u²) φ(u) / 2: logarithms of sds have a long tail on the left
    width = 0.76 * sd * n ** (-1 / 9)
    far = abs(x0 - x.mean()) / sd
    near = np.mean(np.abs(x - x0) < width) * n
    if far > REACH or near < EFFECTIVE_AT_POINT:
        raise RefusedTest(
            f"Of {draws.size} draws (effectively {n:.0f}) about {near:.0f} lie near `{what}`, {far:.1f} "
            f"posterior sds from the mean: too few for a density there. {INSTEAD}"
        )
    u = (x0 - x) / width
    estimate = fourth_order(u) / width
    wide = float(np.mean(fourth_order(u / 1.5) / (1.5 * width)))
    mean = float(np.mean(estimate))
    if mean <= 0:
        raise RefusedTest(f"The draws say too little about `{what}`: sample more of them.")
    # not divided by 1.5⁴ - 1, as a fourth power would have it: where the draws are skewed the bias is no such power
    bias = abs(wide - mean)
    error = float(np.hypot(mcse_of_mean(estimate), bias)) / mean
    return LogDensity(float(np.log(mean)) + float(log_slope(np.array(value))), error, "kernel estimate from the draws")


def fourth_order(u: np.ndarray) -> np.ndarray:
    """A kernel without second moment."""
    return (3 - u**2) / 2 * np.exp(-0.5 * u**2) / np.sqrt(2 * np.pi)


def to_real_line(support: tuple[float, float]):  # type: ignore[no-untyped-def]
    """A map of an interval onto the real line, and the logarithm of its slope."""
    low, high = support
    if np.isfinite(low) and np.isfinite(high):
        return (
            lambda x: np.log((x - low) / (high - x)),
            lambda x: np.log((high - low) / ((x - low) * (high - x))),
        )
    if np.isfinite(low):
        return lambda x: np.log(x - low), lambda x: -np.log(x - low)
    return (lambda x: np.asarray(x, float)), (lambda x: np.zeros(()))


# -- the first way that applies ------------------------------------------------------------------


def integrated_density(result: BayesianResult) -> PosteriorDensity | None:
    """The density of the parameters without random effects; None where these cannot be integrated out, or are none.

    By quadrature each point takes as long as many rows: then of so many draws as `evidence` takes.
    """
    graph, posterior = result.graph, result.posterior
    if graph.exact:
        return density_of(graph, posterior)
    if not graph.design.random or coarsest(graph.design) is None:
        return None
    step = -(-posterior.sigma.size // QUADRATURE_DRAWS)
    return density_of(graph, replace(posterior, effects=None).every(step))


def refuse_heavy_tails(found: LogDensity, draws: int, what: str) -> None:
    """Refuse an average that so few of the draws decide that its error is not known."""
    if found.pareto_k >= pareto_limit(draws):
        raise RefusedTest(
            f"Few of {draws} draws decide the posterior density of `{what}` (Pareto k {found.pareto_k:.2f}, above "
            f"{pareto_limit(draws):.2f}): its error is not known. {INSTEAD}"
        )


def log_posterior_density(
    result: BayesianResult,
    addresses: list[Address],
    R: np.ndarray,
    r: np.ndarray,
    support: tuple[float, float],
    what: str,
    seed: list[int],
) -> LogDensity:
    """Log posterior density of ``R theta`` at r, with its Monte-Carlo error.

    Parameters
    ----------
    result : BayesianResult
    addresses : list of Address, length p
    R : ndarray (m, p)
    r : ndarray (m,)
    support : tuple of float
        Ends of the values of the only combination that is no coefficient.
    what : str
        The equation, for messages.
    seed : list of int
        Of what is proposed where the draws alone are too rough.

    Raises
    ------
    RefusedTest
        The draws say too little about the value.
    """
    if all(addresses[j].kind == "coefficient" for j in np.flatnonzero(R.any(axis=0))):
        count = len(result.design.coefficients)
        own = np.zeros((len(R), count))
        for j in np.flatnonzero(R.any(axis=0)):
            own[:, addresses[j].column] = R[:, j]
        found = conditional_normals(result, own, r)
        if found is None and (density := integrated_density(result)) is not None:
            found = of_sampled_coefficients(density, own, r)
        known = log_average(of_coefficients(result, own, r), WEIGHTED) if found is None else found.log_density(seed)
        refuse_heavy_tails(known, result.posterior.sigma.size, what)
        return known
    used = np.flatnonzero(R[0])
    if len(used) == 1 and result.graph.exact:
        weight = float(R[0, used[0]])
        found = of_parameter(density_of(result.graph, result.posterior), addresses[used[0]], float(r[0]) / weight)
        if found is not None:
            scaled = found.log_density(seed)
            refuse_heavy_tails(scaled, result.posterior.sigma.size, what)
            return replace(scaled, value=scaled.value - float(np.log(abs(weight))))
    draws = sum(R[0, j] * result.draws(addresses[j].text) for j in np.flatnonzero(R[0]))
    return kernel_density(np.asarray(draws), float(r[0]), support, what)
