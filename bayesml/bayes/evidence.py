"""`evidence`: the log marginal likelihood of a sampled model, by bridge sampling."""

import warnings
from dataclasses import dataclass

import numpy as np

from bayesml.bayes.unvisited import Unvisited, unvisited
from bayesml.errors import BayesmlWarning, RefusedTest, SpecificationError
from bayesml.estimators.bridge import bridge_sampling
from bayesml.estimators.posterior_densities import density_of
from bayesml.linalg.threads import one_blas_thread
from bayesml.results.base import Result
from bayesml.results.bayesian import BayesianResult
from bayesml.tables.table import Column, Row, Section, Table

EVIDENCE_STREAM = 40
LARGE_ERROR = 0.1
MOST_EVALUATIONS = 4000
FEWEST_A_DIMENSION = 10
"""Draws in each half for each dimension, below which the covariance of the proposal is poorly known."""


@dataclass(frozen=True, eq=False, repr=False)
class Evidence:
    """Log marginal likelihood of a model, ``log p(y) = log ∫ p(y | theta) p(theta) dtheta``.

    Parameters
    ----------
    result : BayesianResult
    log_evidence : float
        Natural logarithm, all constants of likelihood and priors included.
    mcse : float
        Its Monte-Carlo standard error.
    dimension : int
        Number of parameters that bridge sampling integrated over.
    integral : str
        What was integrated out beforehand, and how.
    integral_error : float
        How far `log_evidence` may be off for the latter reason; 0 where it is exact.
    unvisited : tuple of Unvisited
        Parts of the posterior without draws, which `log_evidence` counts.
    """

    result: BayesianResult
    log_evidence: float
    mcse: float
    dimension: int
    integral: str
    integral_error: float = 0.0
    unvisited: tuple[Unvisited, ...] = ()

    def __float__(self) -> float:
        return self.log_evidence

    @property
    def method(self) -> str:
        """How it was computed, in words."""
        return f"bridge sampling over {self.dimension} parameters, {self.integral}"

    @property
    def table(self) -> Table:
        """The number with its error."""
        columns = (Column("estimate", decimals=3), Column("Monte-Carlo error", decimals=4))
        row = Row("log marginal likelihood", (self.log_evidence, self.mcse))
        return Table("Evidence", self.result.formula, sections=(Section("", columns, (row,)),), notes=self.notes)

    @property
    def notes(self) -> tuple[str, ...]:
        """What should be known of the number."""
        how = f"By {self.method}."
        if self.integral_error > 0:
            how += f" The integral over the random effects is off by about {self.integral_error:.1g}."
        out = [how, "It depends on the priors of all parameters, however many data there are."]
        out += [f"{part}: counted here, and missing from what the draws tell." for part in self.unvisited]
        if not self.result.status.converged:
            out.append("The chains did not go well, see `status`: the error may be larger than it says.")
        return tuple(out)

    def __repr__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table.to_html()


def evidence(result: BayesianResult, random_seed: int | None = None) -> Evidence:
    """Log marginal likelihood of a sampled model, with its Monte-Carlo error.

    In linear models random effects and coefficients with normal priors are integrated out exactly, elsewhere random
    effects of nested factors by adaptive Gauss–Hermite quadrature with as many nodes as settle it. Bridge sampling
    integrates over the rest, with a normal proposal of half of the draws at a time. Where factors are crossed and the
    integral is not exact, the random effects are among that rest.

    Parameters
    ----------
    result : BayesianResult
        Of `sample` or `load`; nothing is sampled again.
    random_seed : int, optional
        Of the draws of the proposal. Default: follows from the seed of the sampling.

    Returns
    -------
    Evidence
        `log_evidence`, `mcse`, `dimension`, `method`; `float()` of it is the logarithm.

    Raises
    ------
    RefusedTest
        A prior is improper: its density has no constant, and so the marginal likelihood has none. Coefficients share
        the scales of a horseshoe.
    SpecificationError
        The result is no posterior.

    Warns
    -----
    BayesmlWarning
        The error is above 0.1, or there are too few draws for so many dimensions: sample more. A standard deviation is
        smaller than in any draw in a part of the posterior.

    Notes
    -----
    An error of 0.1 is one of 10 % in a Bayes factor; a few thousandths are usual for linear models with 4 000 draws. It
    assumes that the chains have converged and have been everywhere: a second mode that none of them found is missing.
    In linear models one is looked for where standard deviations are smaller than in any draw, by importance sampling,
    and what is found there is added where it is 1 % of the posterior or more.

    References
    ----------
    Meng and Wong (1996), Simulating ratios of normalizing constants via a simple identity, Statistica Sinica 6:831-860.
    Gronau et al. (2017), A tutorial on bridge sampling, Journal of Mathematical Psychology 81:80-97.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> bml.evidence(post).mcse < 0.01
    True
    """
    require_posterior(result, "evidence")
    refuse_improper(result)
    refuse_shared_scales(result)
    graph, posterior = result.graph, result.posterior
    if posterior.effects is None and not graph.exact and graph.design.random:
        raise SpecificationError("The draws of the random effects are not in this result: sample the model again.")
    seed = [posterior.seed, EVIDENCE_STREAM] if random_seed is None else random_seed
    density = density_of(graph, posterior)
    x = density.points(posterior)
    if density.expensive:
        x = x[:, :: max(1, x.shape[0] * x.shape[1] * 2 // MOST_EVALUATIONS)]
    rng = np.random.default_rng(seed)
    with one_blas_thread():
        found = bridge_sampling(density, x, rng)
        missed = unvisited(density, found.value, rng) if graph.exact else []
    warn_of_error(found.error, x)
    warn_of_unvisited(missed)
    whole = 1.0 + sum(part.share for part in missed)
    error = float(np.hypot(found.error, sum(part.error for part in missed) / whole))
    value = found.value + float(np.log(whole))
    return Evidence(result, value, error, x.shape[-1], density.integral, density.error, tuple(missed))


def warn_of_error(error: float, x: np.ndarray) -> None:
    """Warn where the number is not to be trusted."""
    half, d = x.shape[0] * (x.shape[1] // 2), x.shape[-1]
    if not error <= LARGE_ERROR:
        advice = f"The log marginal likelihood has a Monte-Carlo error of {error:.2g}: take more `draws`."
    elif half < FEWEST_A_DIMENSION * d:
        advice = (
            f"{half} draws in each half are few for {d} dimensions: the error of the log marginal likelihood may be "
            "larger than it says. Take more `draws`."
        )
    else:
        return
    warnings.warn(advice, BayesmlWarning, stacklevel=3)


def warn_of_unvisited(missed: list[Unvisited]) -> None:
    """Warn of parts of the posterior without draws."""
    if missed:
        warnings.warn(
            f"{'; '.join(map(str, missed))}: the chains have not been there. The log marginal likelihood counts it, "
            "other summaries of the draws do not. Sample with more chains, or give the standard deviation a prior that "
            "leaves one of the two out.",
            BayesmlWarning,
            stacklevel=3,
        )


def require_posterior(result: Result, what: str) -> None:
    """Refuse what has no draws."""
    if not isinstance(result, BayesianResult):
        raise SpecificationError(
            f"`{what}` takes a posterior, from `bml.sample`; {type(result).__name__} is none. Fits are compared by "
            '`bml.lrtest`, or by `bml.compare(…, by="aic")`.'
        )


def refuse_improper(result: BayesianResult) -> None:
    """Refuse flat priors, by name."""
    improper = list(dict.fromkeys(address for address, prior in result.graph.priors.items() if prior.improper))
    if improper:
        names = ", ".join(f"`{address}`" for address in improper)
        raise RefusedTest(
            f"The prior of {names} is flat in `{result.formula}`: it does not integrate to one, so that the marginal "
            "likelihood, and every Bayes factor with it, is defined only up to a constant of one's choice. Give proper "
            "priors, as in Normal(0, 10)."
        )


def refuse_shared_scales(result: BayesianResult) -> None:
    """Refuse priors of several coefficients that depend on each other: their joint density has no closed form."""
    priors = result.graph.priors.coefficients
    kinds = [prior.kind for prior in priors if prior.normal_row is None and prior.conditional_row is not None]
    if len(set(kinds)) < len(kinds):
        names = ", ".join(
            f"`{name}`" for name, prior in zip(result.graph.fixed, priors, strict=True) if kinds.count(prior.kind) > 1
        )
        raise RefusedTest(
            f"{names} share the scales of their prior, whose joint density is an integral over these: there is no "
            "marginal likelihood of such priors yet. Compare the models by `bml.loo`."
        )
