"""`sensitivity`: how much a posterior moves when its priors, or its likelihood, count for more or less."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any, Literal

import numpy as np
import pandas as pd

from bayesml.bayes.importance import Weights, power_sensitivity, smoothed_weights
from bayesml.bayes.quantities import Quantities, quantity_draws
from bayesml.distributions import Distribution
from bayesml.errors import SpecificationError
from bayesml.results.base import Result, require_result
from bayesml.results.bayesian import BayesianResult
from bayesml.results.log_prior_draws import log_prior_draws
from bayesml.results.marginal_likelihood import log_marginal_likelihood, work_of_a_draw
from bayesml.results.posterior_summary import interval_tails
from bayesml.results.predictive import log_likelihood

THRESHOLD = 0.05
PATH = tuple(np.geomspace(0.5, 2.0, 9))
PATH_COLUMNS = ["scaled", "quantity", "alpha", "mean", "sd", "lower", "median", "upper", "pareto_k", "sample_size"]
ALL, LIKELIHOOD = "all", "likelihood"
BLOCKS = ("coefficients", "random", "family")
CONFLICT, STRONG, NOTHING = "prior-data conflict", "strong prior / weak likelihood", "-"
WORK, FEWEST_DRAWS = 4e6, 1000
"""Rows times draws, about, that the marginal likelihood is computed for; draws that are used in any case."""

By = Literal["all", "block", "parameter"]
Likelihood = Literal["marginal", "conditional"]


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivity:
    """Power-scaling sensitivity of a posterior.

    Parameters
    ----------
    result : BayesianResult
    draws : dict of str to ndarray (chain, draw)
        Of each quantity.
    components : dict of str to ndarray (chain, draw)
        Logarithm of what is scaled: the prior of each block, and ``"likelihood"``.
    single : dict of str to ndarray (chain, draw)
        Log prior of each parameter.
    step : int
        Of the draws, every how manieth the likelihood was computed for.
    likelihood : {"marginal", "conditional"}
    alphas : tuple of float
    threshold : float

    Attributes
    ----------
    table : DataFrame
        Index `quantity` (with `by` also `scaled`, the priors that are scaled), columns:

        ========== ===========================================================================================
        prior      sensitivity to the priors: change of the posterior, as a cumulative Jensen–Shannon distance,
                   for each doubling of the power
        likelihood sensitivity to the likelihood
        pareto_k   largest Pareto k of the importance weights; NaN where nothing varies
        diagnosis  `prior-data conflict`, `strong prior / weak likelihood` or `-`
        due_to     parameter whose own prior moves the quantity most, where there is a diagnosis
        advice     what to do about it, in words
        ========== ===========================================================================================
    flagged : DataFrame
        The rows with a diagnosis.
    """

    result: BayesianResult
    draws: Mapping[str, np.ndarray]
    components: Mapping[str, np.ndarray]
    single: Mapping[str, np.ndarray]
    step: int
    likelihood: Likelihood
    alphas: tuple[float, float]
    threshold: float

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a quantity, or a quantity and block of priors."""
        weights = {name: self.weights(name) for name in self.components}
        by_likelihood = {name: self.of(name, LIKELIHOOD, weights[LIKELIHOOD]) for name in self.draws}
        rows, index = [], []
        for block in (name for name in self.components if name != LIKELIHOOD):
            k = np.array([w.pareto_k for w in (*weights[block], *weights[LIKELIHOOD])])
            worst = float(np.nanmax(k)) if np.isfinite(k).any() else np.nan
            for name in self.draws:
                prior, likelihood = self.of(name, block, weights[block]), by_likelihood[name]
                found = diagnosis(prior, likelihood, self.threshold)
                due = self.due_to(name, block) if found != NOTHING else ""
                advice = self.advice(found, due, all(w.reliable for w in weights[block]))
                rows.append((prior, likelihood, worst, found, due, advice))
                index.append((block, name))
        columns = ["prior", "likelihood", "pareto_k", "diagnosis", "due_to", "advice"]
        table = pd.DataFrame(
            rows, columns=columns, index=pd.MultiIndex.from_tuples(index, names=["scaled", "quantity"])
        )
        return table.droplevel("scaled") if self.blocks == (ALL,) else table

    @property
    def flagged(self) -> pd.DataFrame:
        """The rows of `table` with a diagnosis."""
        return self.table[self.table["diagnosis"] != NOTHING]

    @property
    def blocks(self) -> tuple[str, ...]:
        """Names of the blocks of priors that are scaled."""
        return tuple(name for name in self.components if name != LIKELIHOOD)

    def path(
        self, alphas: Sequence[float] = PATH, ci_prob: float = 0.95, quantities: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Posterior means, standard deviations and quantiles by power.

        Parameters
        ----------
        alphas : sequence of float
            Powers, > 0; 1 is the posterior itself.
        ci_prob : float, default 0.95
            Content of the equal-tailed intervals.
        quantities : sequence of str, optional
            Some of those that were asked for; default: all.

        Returns
        -------
        DataFrame
            Columns `scaled quantity alpha mean sd lower median upper pareto_k sample_size`; `scaled` is a block of
            priors or `likelihood`, `sample_size` the number of equally weighted draws with the same variance.
        """
        lower, upper = interval_tails(ci_prob)
        rows = []
        for component in self.components:
            for alpha in alphas:
                weights = smoothed_weights((alpha - 1.0) * self.components[component])
                for name in self.draws if quantities is None else quantities:
                    values = self.own(self.draws[name], component)
                    mean, sd = weights.moments(values)
                    limits = weights.quantiles(values, (lower, 0.5, upper))
                    size = weights.sample_size
                    rows.append((component, name, float(alpha), mean, sd, *limits, weights.pareto_k, size))
        return pd.DataFrame(rows, columns=PATH_COLUMNS)

    # -- parts of the table ----------------------------------------------------------------------

    def own(self, values: np.ndarray, component: str) -> np.ndarray:
        """The draws that a component was computed for."""
        return values[:, :: self.step] if component == LIKELIHOOD else values

    def weights(self, component: str) -> tuple[Weights, Weights]:
        """Weights of the draws at the two powers."""
        return pair_of_weights(self.components[component], self.alphas)

    def of(self, name: str, component: str, weights: tuple[Weights, Weights]) -> float:
        """Sensitivity of one quantity to one component."""
        return power_sensitivity(self.own(self.draws[name], component), *weights, self.alphas)

    def due_to(self, name: str, block: str) -> str:
        """The parameter in a block whose own prior moves a quantity most."""
        blocks = blocks_of(self.result)
        own = [key for key in self.single if block in (ALL, key, blocks[key])]
        found = {key: power_sensitivity(self.draws[name], *self.single_weights[key], self.alphas) for key in own}
        return max(found, key=lambda key: found[key])

    @cached_property
    def single_weights(self) -> dict[str, tuple[Weights, Weights]]:
        """Weights where the prior of one parameter is scaled."""
        return {key: pair_of_weights(values, self.alphas) for key, values in self.single.items()}

    def advice(self, found: str, due: str, reliable: bool) -> str:
        """What to do, in words; empty where there is nothing to do."""
        if found == NOTHING:
            return ""
        prior = prior_text(self.result, due)
        first = {
            CONFLICT: f"the prior {prior} of {due} and the data pull in different directions: see whether it says what "
            "was meant",
            STRONG: f"the prior {prior} of {due} decides more than the data do: it needs a reason that can be told",
        }[found]
        unsure = "" if reliable else "; weights are unreliable (Pareto k): sample anew with other priors"
        return f"{first}, and look at prior_grid over {due}{unsure}"

    # -- printing --------------------------------------------------------------------------------

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the table."""
        found = [
            "Power-scaling sensitivity: cumulative Jensen–Shannon distance for each doubling of the power; from "
            f"{self.threshold:g} on the posterior depends on what is scaled.",
        ]
        if self.result.design.random:
            how = "" if self.result.graph.exact else " by Laplace's method"
            scaled = {
                "marginal": f"marginal, the random effects integrated out{how}",
                "conditional": "conditional, of rows given the random effects",
            }[self.likelihood]
            found.append(
                f"Likelihood: {scaled}. Priors: those of parameters; the distribution of random effects is not one."
            )
        if self.step > 1:
            ordinal = {2: "2nd", 3: "3rd"}.get(self.step, f"{self.step}th")
            found.append(f"The likelihood was computed for every {ordinal} draw.")
        if lost := int((~np.isfinite(self.components[LIKELIHOOD])).sum()):
            found.append(f"At {lost} draws Laplace's approximation does not exist: they are left out.")
        if not self.single:
            found.append("No parameter has a prior that could be scaled.")
        found += [f"{place}: {text}." for place, text in advices(self.flagged).items()]
        return tuple(found)

    def __str__(self) -> str:
        shown = self.table.drop(columns="advice").round({"prior": 3, "likelihood": 3, "pareto_k": 2})
        return "\n".join([shown.to_string(), *self.notes])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        shown = self.table.drop(columns="advice").round({"prior": 3, "likelihood": 3, "pareto_k": 2})
        return f"{shown.to_html()}<p><small>{'<br>'.join(map(escape, self.notes))}</small></p>"


def sensitivity(
    result: BayesianResult,
    parameters: Quantities = None,
    quantities: Quantities = None,
    by: By = "all",
    likelihood: Likelihood = "marginal",
    alphas: tuple[float, float] = (0.99, 1.01),
    threshold: float = THRESHOLD,
) -> Sensitivity:
    r"""Power-scaling sensitivity of a posterior to its priors and to its likelihood.

    The draws are reweighted to the posteriors

    .. math:: p(\theta)^\alpha\, p(y \mid \theta) \qquad\text{and}\qquad p(\theta)\, p(y \mid \theta)^\alpha

    with powers near one; the sensitivity of a quantity is the gradient in :math:`\log_2 \alpha` of the cumulative
    Jensen–Shannon distance between its distributions before and after. Nothing is sampled anew.

    Parameters
    ----------
    result : BayesianResult
        From `sample`.
    parameters, quantities : str or sequence of str, optional
        What is looked at: addresses, groups, patterns (``"b(Days | Subject[33?])"``), and arithmetic over them
        (``"sd(Days | Subject) / sigma"``); two names of one list. Default: all parameters but the random effects.
    by : {"all", "block", "parameter"}
        Which priors are scaled together: all of them; those of the coefficients, of the standard deviations and
        correlations (`random`), and of the parameters of the family, sigma among them (`family`); or each by itself,
        where the correlations of a term are one.
    likelihood : {"marginal", "conditional"}
        ``"marginal"``: that of the parameters, :math:`\int p(y \mid b, \theta)\, p(b \mid \theta)\, db`, exact in
        linear models and by Laplace's method in others: its power stands for more or fewer groups.
        ``"conditional"``: that of the rows given the random effects, as in priorsense: its power stands for more or
        fewer rows in the same groups.
    alphas : (float, float), default (0.99, 1.01)
        Powers below and above one between which the gradient is taken.
    threshold : float, default 0.05
        Sensitivity from which a quantity counts as sensitive.

    Returns
    -------
    Sensitivity
        Its `table` has the columns `prior likelihood pareto_k diagnosis due_to advice`.

    Raises
    ------
    ColumnNotFound, FormulaError
        No such parameter, or a text that is no arithmetic.
    SpecificationError
        The result is no posterior; powers on one side of one; a threshold that is not positive.

    Notes
    -----
    *What is prior.* The densities of coefficients, standard deviations, correlations and parameters of the family, each
    on the scale of its address. The distribution of the random effects given their standard deviations belongs to the
    model, not to the prior: scaling it too would change the model. Flat priors do not change under powers.

    *Which likelihood.* In multilevel models a coefficient that varies over groups is known as well as there are groups,
    whatever the number of rows. The conditional likelihood does not see that: of `Days` in sleepstudy its sensitivity
    is below the threshold under the default priors, and a prior that the data contradict looks like one on which they
    are silent. Hence the marginal one is the default. Where the rows times draws are above four millions, it is
    computed for fewer draws, at least 1000, which is said in the notes.

    *Reading it.* A sensitivity of 0.05 is that of a normal posterior whose mean moves by a quarter of its standard
    deviation when what is scaled counts double. Both above: the posterior is between a prior and a likelihood that
    contradict each other. Prior above, likelihood below: the data say little of this quantity, the prior decides. A
    Pareto k above 0.7 says that the weights are no good: sample anew. The sensitivities have Monte-Carlo error: those
    to the likelihood about a tenth of their size with 4000 draws, a third with 1000.

    References
    ----------
    Kallioinen, Paananen, Bürkner and Vehtari (2024), Detecting and diagnosing prior and likelihood sensitivity with
    power-scaling, Statistics and Computing 34:57.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> priors = {"Days": bml.Normal(-20, 2)}
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, priors, random_seed=1, progressbar=False)
    >>> bml.sensitivity(post).table.loc["Days", "diagnosis"]
    'prior-data conflict'
    """
    require_result(result, "sensitivity")
    check(result, alphas, threshold, by, likelihood)
    draws = quantity_draws(result, asked(parameters, quantities))
    single = log_prior_draws(result.graph, result.posterior)
    components = dict(scaled_priors(result, single, by))
    components[LIKELIHOOD], step = scaled_likelihood(result, likelihood)
    lower, upper = map(float, alphas)
    return Sensitivity(result, draws, components, single, step, likelihood, (lower, upper), threshold)


def asked(parameters: Quantities, quantities: Quantities) -> Quantities:
    """Both lists as one; None where neither was given."""
    texts = [own for given in (parameters, quantities) for own in ([given] if isinstance(given, str) else given or [])]
    return None if parameters is None and quantities is None else texts


def check(result: Result, alphas: Any, threshold: float, by: str, likelihood: str) -> None:
    """Refuse what has no sensitivity, and options without meaning."""
    if not isinstance(result, BayesianResult):
        raise SpecificationError(
            f"sensitivity() looks at draws of a posterior; a fit by {result.kind} has none. Sample the model with "
            "`bml.sample`, or compare fits under several priors with `bml.prior_grid`."
        )
    if by not in ("all", "block", "parameter"):
        raise SpecificationError(f'`by={by!r}`: priors are scaled by "all", "block" or "parameter".')
    if likelihood not in ("marginal", "conditional"):
        raise SpecificationError(f'`likelihood={likelihood!r}`: it is "marginal" or "conditional".')
    if len(alphas) != 2 or not 0 < alphas[0] < 1 < alphas[1]:
        raise SpecificationError(f"`alphas={alphas!r}`: give a power below one and one above, as in (0.99, 1.01).")
    if not threshold > 0:
        raise SpecificationError(f"`threshold={threshold!r}`: give a number above 0, such as 0.05.")


def scaled_priors(result: BayesianResult, single: Mapping[str, np.ndarray], by: By) -> dict[str, np.ndarray]:
    """Log prior of what is scaled together."""
    nothing = np.zeros(result.posterior.shape)
    if by == "all" or not single:
        return {ALL: sum(single.values(), nothing)}
    if by == "parameter":
        return dict(single)
    blocks = blocks_of(result)
    totals = {block: [single[key] for key in single if blocks[key] == block] for block in BLOCKS}
    return {ALL: sum(single.values(), nothing)} | {block: sum(own, nothing) for block, own in totals.items() if own}


def blocks_of(result: BayesianResult) -> dict[str, str]:
    """The block of each entry of `log_prior_draws`."""
    priors = result.graph.priors
    found = dict.fromkeys(priors.addresses, "coefficients") | dict.fromkeys(priors.ancillary, "family")
    for role, term in zip(result.graph.random, priors.terms, strict=True):
        whole = f"corr({role.suffix})", f"cov({role.suffix})"
        found |= dict.fromkeys((*term.sd_addresses, *term.corr_addresses, *whole), "random")
    return found | {"sigma": "family"}


def scaled_likelihood(result: BayesianResult, likelihood: Likelihood) -> tuple[np.ndarray, int]:
    """Log likelihood at the draws, and every how manieth of them it was computed for."""
    graph, posterior = result.graph, result.posterior
    if likelihood == "conditional":
        return log_likelihood(graph, posterior, result.effects).sum(axis=-1), 1
    chains, draws = posterior.shape
    most = max(WORK / work_of_a_draw(graph), FEWEST_DRAWS) / chains
    step = max(1, int(np.ceil(draws / most)))
    return log_marginal_likelihood(graph, posterior.every(step)), step


def pair_of_weights(log_density: np.ndarray, alphas: tuple[float, float]) -> tuple[Weights, Weights]:
    """Weights of the draws where a density is taken to the two powers."""
    lower, upper = (smoothed_weights((alpha - 1.0) * log_density) for alpha in alphas)
    return lower, upper


def diagnosis(prior: float, likelihood: float, threshold: float) -> str:
    """What two sensitivities say together (Kallioinen et al. 2024, table 1)."""
    if prior < threshold:
        return NOTHING
    return CONFLICT if likelihood >= threshold else STRONG


def prior_text(result: BayesianResult, key: str) -> str:
    """The prior of an entry of `log_prior_draws`, as printed."""
    priors: dict[str, Distribution | None] = dict(result.graph.priors.items())
    for role, term in zip(result.graph.random, result.graph.priors.terms, strict=True):
        priors |= {f"corr({role.suffix})": term.correlation, f"cov({role.suffix})": term.covariance}
    return str(priors[key])


def advices(flagged: pd.DataFrame) -> dict[str, str]:
    """Each advice once, after the quantities that it holds for."""
    found: dict[str, list[str]] = {}
    for place, advice in flagged["advice"].items():
        found.setdefault(advice, []).append(str(place[-1] if isinstance(place, tuple) else place))
    return {", ".join(dict.fromkeys(places)): advice for advice, places in found.items()}
