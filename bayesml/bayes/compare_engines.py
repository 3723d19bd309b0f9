"""`compare_engines`: likelihood mode, posterior mode, median and mean of one graph side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bayesml.errors import NotIdentified, SpecificationError
from bayesml.estimators import gaussian, laplace
from bayesml.estimators.nuts import refuse_flat_separation, sample_graph, unbounded_coefficients
from bayesml.estimators.quadrature import QuadratureRule
from bayesml.graphs.of_data import PriorsLike, graph_of
from bayesml.graphs.propriety import require_proper
from bayesml.graphs.roles import Graph
from bayesml.linalg.threads import one_blas_thread
from bayesml.results.bayesian import BayesianResult
from bayesml.results.likelihood import LikelihoodResult
from bayesml.results.posterior import flat_draws
from bayesml.results.posterior_summary import interval_tails
from bayesml.results.selection import select
from bayesml.spec.model import Model
from bayesml.tables.table import Column, Row, Section, Table

APART = 0.25
"""Posterior standard deviations from which engines are said to part."""

ENGINES = {
    "ml": "ML", "reml": "REML", "map": "posterior mode", "quadrature": "posterior mode, quadrature",
    "median": "posterior median", "mean": "posterior mean",
}  # fmt: skip
"""Engines by the name of their column, and what they are called."""

BOUNDARY = "boundary"
NO_MAXIMUM = "prior (separation: no ML)"
STEPS = {
    "degrees of freedom": "ML takes the coefficients as known, REML does not",
    "prior": "from the likelihood's mode to the posterior's, which the prior moves",
    "Laplace": "from the mode by Laplace's approximation to that by quadrature",
    "skewness": "from the mode to median or mean: the posterior is not symmetric",
    "skewness or Laplace": "no quadrature of this model would tell the two apart",
    BOUNDARY: "a mode lies at the end of the parameter's range, where no draw is",
}
"""Steps between engines, and what they mean."""


@dataclass(frozen=True, eq=False, repr=False)
class EngineComparison:
    """Estimates of one specification by every engine; see `compare_engines`.

    Attributes
    ----------
    table : DataFrame
        By address: `ml reml map quadrature median mean sd lower upper part reason`.
    steps : DataFrame
        By address, one column a step, in posterior standard deviations.
    flagged : DataFrame
        The rows of `table` whose engines part.
    fits : dict of str to LikelihoodResult
        The modes, by column of the table.
    posterior : BayesianResult
    unbounded : tuple of str
        Coefficients whose likelihood has no maximum (separation).
    quadrature_refused : str
        Why there is no mode by quadrature; empty where there is one, or none is needed.
    ci_prob : float
    """

    fits: dict[str, LikelihoodResult]
    posterior: BayesianResult
    unbounded: tuple[str, ...] = ()
    quadrature_refused: str = ""
    ci_prob: float = 0.95

    @cached_property
    def _estimates(self) -> pd.DataFrame:
        """Engines × parameters, and the posterior's spread."""
        post = self.posterior
        free = [a.text for a in select(post) if np.ptp(post.draws(a.text)) > 0.0]
        draws = np.stack([flat_draws(post.draws(address)) for address in free], axis=-1)
        lower, upper = np.quantile(draws, interval_tails(self.ci_prob), axis=0)
        modes = {
            name: [fit[address] for address in free] if (fit := self.fits.get(name)) else np.full(len(free), np.nan)
            for name in ("ml", "reml", "map", "quadrature")
        }
        spread = {"sd": draws.std(axis=0, ddof=1), "lower": lower, "upper": upper}
        centre = {"median": np.median(draws, axis=0), "mean": draws.mean(axis=0)}
        return pd.DataFrame(modes | centre | spread, index=pd.Index(free, name="address"))

    @cached_property
    def steps(self) -> pd.DataFrame:
        """Distances between neighbouring engines in posterior sds; NaN where there is no such step."""
        found = self._estimates
        last = found["quadrature"].fillna(found["map"])
        furthest = (found["mean"] - last).abs() > (found["median"] - last).abs()
        away = pd.DataFrame(
            {
                "degrees of freedom": found["ml"] - found["reml"],
                "prior": found["map"] - found["ml"],
                "Laplace": found["quadrature"] - found["map"],
                self.last_step: found["mean"].where(furthest, found["median"]) - last,
            }
        )
        steps = away.abs().div(found["sd"], axis=0)
        steps.loc[steps.index.isin(self.unbounded), "prior"] = np.inf
        steps[BOUNDARY] = np.nan
        for address in self.at_boundary:
            if address in steps.index:
                # what leads away from the end of a range is due to the end, not to prior or skewness
                led = [name for name in ("prior", self.last_step) if name in steps]
                steps.loc[address, BOUNDARY] = steps.loc[address, led].max()
                steps.loc[address, led] = np.nan
        return steps

    @property
    def last_step(self) -> str:
        """What the step from the last mode to the posterior is called."""
        return "skewness or Laplace" if self.quadrature_refused else "skewness"

    @cached_property
    def at_boundary(self) -> tuple[str, ...]:
        """Parameters at the end of their range, or not defined there, by some mode."""
        found = [address for fit in self.fits.values() for address in fit.boundary]
        undefined = [
            address for fit in self.fits.values() for address in self._estimates.index if np.isnan(fit[address])
        ]
        return tuple(dict.fromkeys([*found, *undefined]))

    @cached_property
    def table(self) -> pd.DataFrame:
        """Estimates by engine, how far they part, and why."""
        found = self._estimates.copy()
        engines = found[list(ENGINES)]
        found["part"] = (engines.max(axis=1) - engines.min(axis=1)) / found["sd"]
        found.loc[found.index.isin(self.unbounded), "part"] = np.inf
        found["reason"] = [self.reason(address, part) for address, part in found["part"].items()]
        return found

    def reason(self, address: Any, part: float) -> str:
        """The steps at which engines part by more than a quarter sd, the longest first; empty where none do."""
        if part <= APART:
            return ""
        steps = self.steps.loc[address].dropna().sort_values(ascending=False, kind="stable")
        long = steps[steps > APART] if (steps > APART).any() else steps[:1]
        return ", ".join(
            f"{name} ({size:{'.2f' if size < 100 else '.2g'}})" if np.isfinite(size) else NO_MAXIMUM
            for name, size in long.items()
        )

    @property
    def flagged(self) -> pd.DataFrame:
        """The parameters whose engines part by more than a quarter posterior sd."""
        return self.table[self.table["part"] > APART]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the numbers mean, in sentences."""
        count, total = len(self.flagged), len(self.table)
        said = [
            f"Engines part by more than {APART:g} posterior sd in {count} of {total} parameters."
            if count
            else f"Engines agree within {APART:g} posterior sd in all {total} parameters."
        ]
        named = {step for reason in self.table["reason"] for step in STEPS if step in reason}
        if "skewness or Laplace" in named:
            named -= {"skewness", "Laplace"}
        said += [f"{step[0].upper()}{step[1:]}: {meaning}." for step, meaning in STEPS.items() if step in named]
        said += [
            f"The {ENGINES[name]} fit did not converge: {fit.status.advice}"
            for name, fit in self.fits.items()
            if not fit.converged
        ]
        if not self.posterior.status.converged:
            said.append(f"Sampling: {self.posterior.status.advice}.")
        return tuple(said)

    def to_table(self) -> Table:
        """The table as it is printed."""
        shown = [name for name in ENGINES if self.table[name].notna().any()]
        titles = {"ml": "ML", "reml": "REML", "map": "MAP", "quadrature": "quadrature"}
        columns = [Column(titles.get(name, name), name=name) for name in shown]
        columns += [Column("sd", spread=True), Column("part", "statistic"), Column("reason", "text")]
        rows = tuple(Row(str(a), tuple(row[[*shown, "sd", "part", "reason"]])) for a, row in self.table.iterrows())
        return Table(
            title=self.posterior.formula,
            subtitle="One model, every engine; parts in posterior sds",
            sections=(Section("", tuple(columns), rows, per_row=True),),
            notes=self.notes,
        )

    def __str__(self) -> str:
        return self.to_table().to_text(width=100)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.to_table().to_html()


def compare_engines(
    model: str | Model,
    data: Any,
    priors: PriorsLike = None,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    random_seed: int | None = None,
    points: int | Sequence[int] = 7,
    ci_prob: float = 0.95,
    progressbar: bool = True,
    **keywords: Any,
) -> EngineComparison:
    """Likelihood mode, posterior mode, median and mean of one specification, all from one graph, side by side.

    ::

        ML, REML  --prior-->  posterior mode  --Laplace-->  the same by quadrature  --skewness-->  median, mean

    Parameters
    ----------
    model : str or Model
        A formula, or a model.
    data : DataFrame, polars or pyarrow table, or dict of arrays
    priors : str or dict, optional
        Of the posterior; those of the model where it is not given.
    draws, tune, chains, cores, random_seed
        As in `sample`.
    points : int or sequence of int, default 7
        Nodes of the adaptive quadrature that shows Laplace's error, where grouping factors are nested.
    ci_prob : float, default 0.95
        Content of the posterior's equal-tailed intervals.
    progressbar : bool, default True
    **keywords
        Options of `Model`, where a formula is given.

    Returns
    -------
    EngineComparison
        `.table`, DataFrame by address:

        ================= =================================================================================
        ml, reml          modes of the likelihood; REML of linear models only
        map               mode of the posterior of the natural parameters, random effects integrated out
        quadrature        the same by adaptive quadrature, where `map` is by Laplace's approximation; NaN of
                          linear models and of crossed effects
        median, mean, sd  of the draws, with the interval `lower`, `upper`
        part              largest distance between two engines, in posterior sds
        reason            the steps that are longer than a quarter posterior sd, with their lengths
        ================= =================================================================================

        `.flagged`, `.steps`, `.fits`, `.posterior`; `bml.plots.compare_engines` draws it. Parameters held at a value
        are left out.

    Raises
    ------
    NotIdentified
        The posterior is improper.

    Notes
    -----
    What to read from the reasons: *prior*: the data say less than the prior does; look at
    `bml.sensitivity`. *degrees of freedom*: few groups or rows for the coefficients; take REML or the posterior.
    *Laplace*: use quadrature, or the posterior. *skewness*: give median and interval rather than estimate and standard
    error. *boundary*: the mode is 0 (or ±1), which the posterior, a distribution inside the range, cannot be; report
    its interval. Distances within 0.05 may be Monte-Carlo error of the draws.

    Examples
    --------
    >>> import bayesml as bml
    >>> found = bml.compare_engines(
    ...     "Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff2"), random_seed=1, progressbar=False
    ... )
    >>> found.flagged.index.tolist()
    ['sd(Intercept | Batch)', 'sigma']
    """
    graph = graph_of(model, data, priors, **keywords)
    require_proper(graph)
    refuse_flat_separation(graph)
    graph = graph.replace(numbers=graph.priors)
    unbounded = tuple(unbounded_coefficients(graph))
    with one_blas_thread():
        fits, refused = modes(graph, QuadratureRule("aghq", points), unbounded)
    posterior = sample_graph(
        graph, draws=draws, tune=tune, chains=chains, cores=cores, random_seed=random_seed, progressbar=progressbar
    )
    return EngineComparison(fits, posterior, unbounded, refused, ci_prob)


def modes(graph: Graph, rule: QuadratureRule, unbounded: tuple[str, ...]) -> tuple[dict[str, LikelihoodResult], str]:
    """Fits by the columns of the table, and why there is none by quadrature."""
    if graph.exact:
        return {criterion: gaussian.estimate(graph, criterion) for criterion in ("ml", "reml", "map")}, ""
    fits = {} if unbounded else {"ml": laplace.estimate(graph, "ml")}
    fits["map"] = laplace.estimate(graph, "map")
    if not graph.random:
        return fits, ""
    try:
        fits["quadrature"] = laplace.estimate(graph, "map", rule=rule)
    except (SpecificationError, NotIdentified) as error:
        return fits, str(error)
    return fits, ""
