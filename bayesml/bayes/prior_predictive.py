"""`prior_predictive`: what a prior says of the data before they are seen."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from bayesml.bayes.result_graph import graph_of_model_or_result
from bayesml.errors import SpecificationError, TooLarge
from bayesml.graphs.of_data import PriorsLike
from bayesml.graphs.outcome import OutcomeParts, outcome_arrays
from bayesml.graphs.roles import Graph
from bayesml.results.base import Result
from bayesml.results.inference_data import data_datasets, posterior_dataset, row_dataset
from bayesml.results.posterior import Posterior, linear_predictors, row_blocks
from bayesml.results.posterior_summary import interval_tails
from bayesml.results.predictive import ancillary_draws
from bayesml.results.prior_draws import draw_prior
from bayesml.results.sections import percent
from bayesml.spec.model import Model
from bayesml.tables.table import Column, Row, Section, Table

PRIOR_PREDICTIVE_STREAM = 15
LARGEST = 2e9
"""Bytes of responses and random effects above which fewer draws have to be asked for."""
WIDE = 10.0
"""Times the observed from which on what a prior allows is called wide."""
LARGE = 1e7
"""Numbers above which a table has exponents."""


@dataclass(frozen=True, eq=False, repr=False)
class PriorPredictive:
    """New responses from the prior, beside the observed ones.

    Parameters
    ----------
    graph : Graph
        The model on its data, with the numbers of its priors.
    tree : xarray.DataTree
        Groups `prior` (parameters and random effects), `prior_predictive` (a new response of each row at each draw; NaN
        where the draw gives none) and `observed_data`, as ArviZ reads them.
    random_seed : int
    ci_prob : float
    """

    graph: Graph
    tree: xr.DataTree
    random_seed: int
    ci_prob: float = 0.95

    @cached_property
    def responses(self) -> np.ndarray:
        """New responses, (draw, n): of trials the number of successes, of categories their codes."""
        return self.tree["prior_predictive"].to_dataset()[self.graph.design.response_name].to_numpy()[0]

    @property
    def observed(self) -> np.ndarray:
        """Observed responses, (n,)."""
        return self.graph.design.y

    @cached_property
    def statistics(self) -> pd.DataFrame:
        """Statistics of the responses at each draw: one column a statistic, one row a draw."""
        return pd.DataFrame({name: of(self.responses) for name, of in statistics_of(self.graph).items()})

    @cached_property
    def table(self) -> pd.DataFrame:
        """What the prior implies, against the observed.

        Index: statistics of the responses of a data set. Columns: `observed`; `median lower upper` of the statistic
        over draws of the prior; `below`, the share of draws in which it is below the observed, ties counting half;
        `implies`, in words.
        """
        tails = interval_tails(self.ci_prob)
        rows = {}
        for name, of in statistics_of(self.graph).items():
            draws = self.statistics[name].to_numpy()
            found = draws[np.isfinite(draws)]
            observed = float(of(self.observed[None])[0])
            if not len(found):
                rows[name] = observed, np.nan, np.nan, np.nan, np.nan, "no draw of the prior gives a number"
                continue
            lower, median, upper = np.quantile(found, [tails[0], 0.5, tails[1]])
            below = float(np.mean(found < observed) + 0.5 * np.mean(found == observed))
            words = in_words(observed, (lower, upper), below, self.ci_prob, self._unit(name))
            rows[name] = observed, median, lower, upper, below, words
        index = pd.Index(list(rows), name="statistic")
        return pd.DataFrame(list(rows.values()), index, ["observed", "median", "lower", "upper", "below", "implies"])

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Sentences on all draws together."""
        values, out = self.responses, []
        finite = np.isfinite(values)
        if self._numbers and finite.any():
            low, high = self.observed.min(), self.observed.max()
            outside = np.mean((values[finite] < low) | (values[finite] > high))
            out.append(f"{share(outside)} of the new responses lie outside of the observed range, {low:g} to {high:g}.")
        if self.graph.response.needs_tails:
            out.append("Observed responses that are censored stand for themselves; new ones are not censored.")
        if not finite.all():
            bad = np.mean(~finite.all(axis=1))
            out.append(
                f"In {share(bad)} of the draws some responses do not exist, as means leave their domain or are beyond "
                "what numbers can hold; statistics leave these responses out."
            )
        return tuple(out)

    def _unit(self, name: str) -> float | None:
        """What the interval of a statistic is told in: sd(y) for places on the real line; None: the observed."""
        if not self._numbers or name.startswith("share"):
            return 0.0
        places = ("mean", "smallest", "largest") if self.graph.family.support[0] < 0 else ()
        return float(np.std(self.observed)) if name in places else None

    @property
    def _numbers(self) -> bool:
        """Whether responses are numbers other than categories, 0 and 1, or counts of trials."""
        design = self.graph.design
        return not (design.categories or is_binary(self.graph) or design.response.get("trials") is not None)

    def to_table(self) -> Table:
        """The table for people."""
        numbers = self.table[["observed", "median", "lower", "upper"]]
        large = bool((numbers.abs() > LARGE).any(axis=None))
        kind: Literal["number", "text"] = "text" if large else "number"
        columns = (
            Column("observed", kind),
            Column("prior median", kind, name="median"),
            Column(f"{percent(self.ci_prob)} interval", kind, name="lower"),
            Column("", kind, name="upper", joined=True),
            Column("below", "ratio"),
            Column("", "text", name="implies"),
        )
        rows = []
        for name, row in self.table.iterrows():
            cells = [f"{row[key]:.3g}" if large else row[key] for key in numbers]
            rows.append(Row(str(name), (*cells, row["below"], row["implies"])))
        return Table(
            title=f"Prior predictive distribution of {self.graph.design.response_name}",
            subtitle=f"{self.graph.model.formula}; priors {self.graph.model.priors}; {len(self.responses)} draws",
            sections=(Section("", columns, tuple(rows), per_row=True),),
            notes=self.notes,
        )

    def __str__(self) -> str:
        return str(self.to_table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.to_table().to_html()


def prior_predictive(
    model: str | Model | Result,
    data: Any = None,
    priors: PriorsLike = None,
    draws: int = 500,
    random_seed: int | None = None,
    ci_prob: float = 0.95,
    **keywords: Any,
) -> PriorPredictive:
    """New data sets from the prior: parameters from their priors, random effects and responses given these.

    Parameters
    ----------
    model : str, Model or result
        A formula or a model, with `data`; or a result, whose data and priors are taken.
    data : DataFrame, pyarrow.Table or dict of arrays, optional
        Its columns, and the responses that priors are scaled to and that the new ones are compared with.
    priors : str, path or dict, optional
        As in `prior_table`.
    draws : int, default 500
        Data sets.
    random_seed : int, optional
    ci_prob : float, default 0.95
        Content of the equal-tailed intervals of the table.
    **keywords
        Options of `Model`, where a formula is given.

    Returns
    -------
    PriorPredictive
        `.tree`, an ArviZ DataTree of `prior`, `prior_predictive` and `observed_data`; `.table`, statistics of the new
        data sets beside those of the observed one; it prints itself. `bml.plots.prior_predictive` draws it.

    Raises
    ------
    SpecificationError
        A prior is flat: nothing can be drawn from it. The message names the parameters.
    TooLarge
        The draws would take over 2 GB.

    Notes
    -----
    A prior need not resemble the data, but should not rule them out (`below` near 0 or 1), nor hold that data of
    another order of magnitude are as likely. Responses that were censored are drawn as they would be without
    censoring. Means that a link lets leave their domain, such as negative ones of counts with the identity link, give
    no response.

    References
    ----------
    Gabry, Simpson, Vehtari, Betancourt and Gelman (2019), Visualization in Bayesian workflow, Journal of the Royal
    Statistical Society A 182, section 3.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> prior = bml.prior_predictive("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1)
    >>> prior.table.loc["sd", ["observed", "lower", "upper"]].round().tolist()
    [56.0, 60.0, 473.0]
    """
    graph = graph_of_model_or_result(model, data, priors, "prior_predictive", **keywords)
    return of_graph(graph, draws, random_seed, ci_prob)


def of_graph(graph: Graph, draws: int, random_seed: int | None = None, ci_prob: float = 0.95) -> PriorPredictive:
    """`prior_predictive` of a graph."""
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 1:
        raise SpecificationError(f"`draws={draws!r}`: give a number of data sets, at least 1.")
    interval_tails(ci_prob)
    if improper := [address for address, prior in graph.priors.items() if prior.improper]:
        raise SpecificationError(
            f"Nothing can be drawn from a flat prior, as {', '.join(f'`{address}`' for address in improper)} "
            f"{'have' if len(improper) > 1 else 'has'} in `{graph.priors.prior_set}`: give proper priors by address, "
            'or another set, such as priors="weakly_informative".'
        )
    size = 8 * draws * (graph.design.n + sum(len(role.columns.levels) * role.q for role in graph.random))
    if size > LARGEST:
        raise TooLarge(
            f"{draws} draws of {graph.design.n} rows and their random effects take {size / 1e9:.1f} GB: "
            f"take `draws={max(1, int(draws * LARGEST / size))}`."
        )
    seed = int(np.random.SeedSequence(random_seed).generate_state(1)[0]) if random_seed is None else int(random_seed)
    with np.errstate(all="ignore"):
        prior = draw_prior(graph, draws, [seed, PRIOR_PREDICTIVE_STREAM], effects=True)
        responses = prior_responses(graph, prior, [seed, PRIOR_PREDICTIVE_STREAM, 1])
    groups = {
        "prior": posterior_dataset(graph, prior, prior.effects),
        "prior_predictive": row_dataset(graph, responses),
        "observed_data": data_datasets(graph)["observed_data"],
    }
    return PriorPredictive(graph, xr.DataTree.from_dict(groups), seed, ci_prob)


def prior_responses(graph: Graph, prior: Posterior, seed: list[int]) -> np.ndarray:
    """A new response of each row at each draw, (1, draw, n); NaN where there is none."""
    assert prior.effects is not None
    rng = np.random.default_rng(seed)
    parts, values, arrays = OutcomeParts.of(graph), ancillary_draws(graph, prior), outcome_arrays(graph)
    lost = np.zeros((*prior.shape, 1), bool)
    for i, value in enumerate(values):
        positive = graph.ancillary[i].domain == "positive"
        bad = ~np.isfinite(value) | (positive & (value <= 0))
        values[i], lost = np.where(bad, 1.0, value), lost | bad
    inside = inside_of_domain(graph)
    out = np.empty((*prior.shape, graph.design.n))
    for rows in row_blocks(graph.design.n, prior.shape[1] * len(graph.predictors)):
        etas = linear_predictors(graph.design, prior.beta, prior.effects, rows)
        good = np.logical_and.reduce([inside(eta) for eta in etas]) & ~lost
        # a stand-in keeps the generators going; what it gives is thrown away
        stand_in = graph.family.start(usual(graph), graph.link, graph.design.categories)[0]
        etas = [np.where(good, eta, stand_in) for eta in etas]
        own = {name: array[rows] for name, array in arrays.items()}
        drawn = graph.family.simulate(rng, parts.parameters(etas, values, own, np))
        good &= np.isfinite(drawn) & (graph.family.takes_trials | graph.family.allows(drawn))
        out[..., rows] = np.where(good, drawn, np.nan)
    return out


def inside_of_domain(graph: Graph) -> Callable[[np.ndarray], np.ndarray]:
    """Whether a linear predictor has a mean that the family allows and that is a number."""
    if graph.family.outcome != "number":
        return np.isfinite
    low, high = (0.0, 1.0) if graph.family.takes_trials else graph.family.support
    whole_line = (low, high) == (-inf, inf)

    def inside(eta: np.ndarray) -> np.ndarray:
        mean = graph.link.inverse(eta, np)
        return np.isfinite(eta) & np.isfinite(mean) & (whole_line | ((mean >= low) & (mean <= high)))

    return inside


def usual(graph: Graph) -> np.ndarray:
    """The responses, of trials as proportions, that a predictor inside its domain is found from."""
    trials = graph.design.response.get("trials")
    return graph.design.y if trials is None else graph.design.y / trials


# -- statistics --------------------------------------------------------------------------------------

Statistic = Callable[[np.ndarray], np.ndarray]


def statistics_of(graph: Graph) -> dict[str, Statistic]:
    """Statistics of data sets (draws, n), by name, that suit the responses; NaN are left out."""
    design = graph.design
    counts = design.frequencies
    weights = np.ones(design.n) if counts is None else np.asarray(counts, float)
    if design.categories:
        return {f"share of {label}": share_of(code, weights) for code, label in enumerate(design.categories)}
    if is_binary(graph):
        return {"share of 1": share_of(1, weights)} | of_groups(graph, weights, 1.0)
    trials = design.response.get("trials")
    if trials is not None:
        proportions: dict[str, Statistic] = {
            "mean proportion": lambda y: weighted(y / trials, weights),
            "sd of proportions": lambda y: spread(y / trials, weights),
            "share of rows of no success": share_of(0, weights),
            "share of rows of successes only": share_of(trials, weights),
        }
        return proportions | of_groups(graph, weights, trials)
    found: dict[str, Statistic] = {
        "mean": lambda y: weighted(y, weights),
        "sd": lambda y: spread(y, weights),
        "smallest": lambda y: np.fmin.reduce(y, axis=-1),
        "largest": lambda y: np.fmax.reduce(y, axis=-1),
    }
    if graph.family.whole:
        found["share of zeros"] = share_of(0, weights)
    return found | of_groups(graph, weights, 1.0)


def share_of(value: Any, weights: np.ndarray) -> Statistic:
    """The share of the responses that are equal to a value, or each to its own."""
    return lambda y: weighted(np.equal(y, value).astype(float), weights, ~np.isnan(y))


def of_groups(graph: Graph, weights: np.ndarray, divisor: Any) -> dict[str, Statistic]:
    """The standard deviation of the means of the levels, of the first grouping factor that has rows to average."""
    for role in graph.random:
        codes, count = role.columns.codes, len(role.columns.levels)
        if not 1 < count < graph.design.n:
            continue
        totals = np.bincount(codes, weights, count)

        def between(y: np.ndarray, codes: np.ndarray = codes, totals: np.ndarray = totals) -> np.ndarray:
            sums = np.zeros((len(totals), len(y)))
            np.add.at(sums, codes, (y / divisor * weights).T)
            means = (sums / np.where(totals > 0, totals, np.nan)[:, None]).T
            return spread(means, (totals > 0).astype(float))

        return {f"sd of means by {role.columns.group}": between}
    return {}


def is_binary(graph: Graph) -> bool:
    """Whether responses are 0 or 1."""
    return graph.family.outcome == "number" and graph.family.whole and graph.family.support == (0.0, 1.0)


def weighted(y: np.ndarray, weights: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """Weighted means of the rows of an array, without NaN."""
    known = ~np.isnan(y) if known is None else known
    total = known @ weights
    with np.errstate(all="ignore"):
        return np.where(known, y, 0.0) @ weights / np.where(total > 0, total, np.nan)


def spread(y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted standard deviations of the rows of an array, divisor n, without NaN."""
    with np.errstate(all="ignore"):
        # squares of numbers beyond 1e154 are none
        largest = np.fmax(np.fmax.reduce(np.abs(y), axis=-1), 1e-300)[:, None]
        scaled = y / largest
        squares = weighted((scaled - weighted(scaled, weights)[:, None]) ** 2, weights)
        return largest[:, 0] * np.sqrt(squares)


# -- words -------------------------------------------------------------------------------------------


def in_words(observed: float, interval: tuple[float, float], below: float, ci_prob: float, unit: float | None) -> str:
    """What the prior says of a statistic, and whether it allows the observed one.

    Parameters
    ----------
    observed : float
    interval : tuple of float
        Of the statistic under the prior.
    below : float
        Share of the draws below the observed.
    ci_prob : float
    unit : float or None
        The interval is told in these units; as multiples of the observed for None, not at all for 0.
    """
    lower, upper = interval
    side, rest = ("above", below) if below > 0.5 else ("below", 1 - below)
    if rest == 1:
        return f"the observed is {side} all draws: the prior all but rules it out"
    if 1 - rest < (1 - ci_prob) / 2:
        return f"the observed is {side} {share(rest)} of the draws: rare under the prior"
    if unit is None and observed > 0:
        words = f"{lower / observed:.2g} to {upper / observed:.2g} times the observed"
        return f"inside; wide: {words}" if upper / observed > WIDE else f"inside; {words}"
    return f"inside; the interval spans {(upper - lower) / unit:.2g} observed sds" if unit else "inside"


def share(value: float) -> str:
    """A share as a percentage that is 0 or 100 only where it is."""
    if 0 < value < 0.001:
        return "under 0.1%"
    if 0.999 < value < 1:
        return "over 99.9%"
    return f"{100 * value:.3g}%"
