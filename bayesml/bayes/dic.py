"""`dic`: the deviance information criterion, with its focus."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bayesml.bayes.evidence import require_posterior
from bayesml.bayes.units import units_of
from bayesml.errors import SpecificationError
from bayesml.estimators.group_densities import coarsest
from bayesml.estimators.row_densities import some_rows
from bayesml.graphs.roles import Graph
from bayesml.results.bayesian import BayesianResult
from bayesml.results.diagnostics import mcse_of_mean
from bayesml.results.marginal_likelihood import log_marginal_likelihood, work_of_a_draw
from bayesml.results.posterior import Posterior, row_blocks
from bayesml.results.predictive import log_likelihood
from bayesml.tables.table import Column, Row, Section, Table

Focus = Literal["conditional", "marginal"]
FOCUSES = ("conditional", "marginal")
LARGEST_WORK = 4e6
LogLikelihood = Callable[[Posterior], np.ndarray]


@dataclass(frozen=True, eq=False, repr=False)
class Dic:
    """Deviance information criterion of a posterior.

    Parameters
    ----------
    result : BayesianResult
    focus : {"conditional", "marginal"}
    deviance : float
        Mean over the draws of ``-2 log p(y | theta)``, all constants included.
    deviance_at_means : float
        At the posterior means of the parameters, natural scale.
    mcse : float
        Monte-Carlo error of `dic`, from that of `deviance`.
    integral : str
        How random effects were integrated out; empty where they are in focus.

    Attributes
    ----------
    p_d : float
        Effective number of parameters, ``deviance - deviance_at_means``.
    dic : float
        ``deviance + p_d``; smaller is better.
    """

    result: BayesianResult
    focus: Focus
    deviance: float
    deviance_at_means: float
    mcse: float
    integral: str = ""

    @property
    def p_d(self) -> float:
        """Effective number of parameters."""
        return self.deviance - self.deviance_at_means

    @property
    def dic(self) -> float:
        """The criterion."""
        return self.deviance + self.p_d

    def __float__(self) -> float:
        return self.dic

    @property
    def table(self) -> Table:
        """The criterion and its parts."""
        columns = (Column("estimate", decimals=2),)
        rows = (
            Row("DIC", (self.dic,)), Row("pD", (self.p_d,)), Row("mean deviance", (self.deviance,)),
            Row("deviance at the means", (self.deviance_at_means,)),
        )  # fmt: skip
        if self.focus == "conditional":
            note = "Focus: conditional. The random effects are parameters: other rows of the same groups are predicted."
        else:
            note = f"Focus: marginal. Rows of new groups are predicted; {self.integral}."
        notes: tuple[str, ...] = (
            note,
            f"Monte-Carlo error of DIC {self.mcse:.2g}. DICs of different focus are not comparable.",
        )
        if self.p_d < 0:
            notes += ("pD is negative: the posterior means are no good summary of this posterior. Use `loo`.",)
        return Table(
            "Deviance information criterion", self.result.formula, sections=(Section("", columns, rows),), notes=notes
        )

    def __repr__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table.to_html()


def dic(result: BayesianResult, focus: Focus = "conditional") -> Dic:
    """Deviance information criterion, DIC = mean deviance + pD.

    ``D(theta) = -2 log p(y | theta)``, ``pD = mean(D) - D(mean of theta)``.

    Parameters
    ----------
    result : BayesianResult
    focus : {"conditional", "marginal"}, default "conditional"
        Whether the random effects are among theta, or integrated out.

    Returns
    -------
    Dic
        `dic`, `p_d`, `deviance`, `deviance_at_means`, `mcse`; `float()` of it is the criterion.

    Raises
    ------
    SpecificationError
        No posterior; another focus.

    Notes
    -----
    The means are those of coefficients, standard deviations, correlations, parameters of the family and, in conditional
    focus, random effects, on their natural scales: another parametrisation gives another pD. `loo` has none of these
    choices and says where it fails. Marginal focus: exact in linear models, by adaptive quadrature for nested factors,
    by Laplace's method for crossed ones.

    References
    ----------
    Spiegelhalter, Best, Carlin and van der Linde (2002), JRSS B 64:583-639.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> round(bml.dic(post).p_d)
    31
    """
    require_posterior(result, "dic")
    if focus not in FOCUSES:
        raise SpecificationError(f'`focus={focus!r}`: give "conditional" or "marginal".')
    draws, log_lik, integral = (conditional if focus == "conditional" else marginal)(result)
    deviances = -2.0 * log_lik(draws)
    at_means = -2.0 * float(log_lik(at_posterior_means(draws)).item())
    return Dic(
        result, focus, float(deviances.mean()), at_means, 2.0 * float(mcse_of_mean(deviances)), integral
    )  # fmt: skip


def conditional(result: BayesianResult) -> tuple[Posterior, LogLikelihood, str]:
    """Draws with random effects, and the log likelihood (chain, draw) given them."""
    graph, posterior = result.graph, replace(result.posterior, effects=result.effects)

    return posterior, lambda own: summed_log_likelihood(graph, own), ""


def summed_log_likelihood(graph: Graph, posterior: Posterior) -> np.ndarray:
    """Log likelihood (chain, draw) given the random effects, by blocks of rows."""
    design, total = graph.design, np.zeros(posterior.shape)
    for rows in row_blocks(design.n, posterior.sigma.size):
        own = graph.replace(design=some_rows(design, np.arange(design.n)[rows]))
        total += log_likelihood(own, posterior, posterior.effects or ()).sum(axis=-1)
    return total


def marginal(result: BayesianResult) -> tuple[Posterior, LogLikelihood, str]:
    """Draws without random effects, the log likelihood (chain, draw) without them, and how they were integrated out."""
    graph, posterior = result.graph, replace(result.posterior, effects=None)
    if not graph.design.random:
        return posterior, lambda own: summed_log_likelihood(graph, own), "there are no random effects"
    if graph.exact:
        return posterior, lambda own: log_marginal_likelihood(graph, own), "random effects are integrated out exactly"
    if coarsest(graph.design) is None:
        step = max(1, int(work_of_a_draw(graph) * posterior.sigma.size / LARGEST_WORK))
        own = posterior.every(min(step, max(1, posterior.shape[1] // 100)))
        return own, lambda p: log_marginal_likelihood(graph, p), "random effects are integrated out by Laplace's method"
    units = units_of(result, "group")
    every = np.arange(len(units.index))
    return units.draws, lambda own: units.densities(own, every)[0].sum(axis=-1), f"{units.density}"


def at_posterior_means(draws: Posterior) -> Posterior:
    """Posterior means of everything, as one draw."""

    def mean(array: np.ndarray) -> np.ndarray:
        return array.mean(axis=(0, 1), keepdims=True) if array.size else array[:1, :1]

    return replace(
        draws, beta=mean(draws.beta), sds=tuple(map(mean, draws.sds)), corrs=tuple(map(mean, draws.corrs)),
        sigma=mean(draws.sigma), ancillary=mean(draws.ancillary), stats={},
        effects=None if draws.effects is None else tuple(map(mean, draws.effects)),
    )  # fmt: skip
