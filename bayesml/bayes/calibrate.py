"""`calibrate`: whether posteriors of data simulated from the priors have the true values where they should."""

import warnings
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from bayesml.bayes.uniformity import band_p, chi_square, holm
from bayesml.design.addresses import Address
from bayesml.errors import ConvergenceWarning, SpecificationError
from bayesml.estimators.compile_ahead import CompileAhead
from bayesml.estimators.nutpie_model import Draws
from bayesml.estimators.nuts import (
    ACCEPTANCE,
    CompiledGraph,
    Target,
    check_options,
    chosen_parametrisation,
)
from bayesml.estimators.nuts_chains import processors, sample_density
from bayesml.estimators.nuts_progress import SamplingProgress
from bayesml.graphs.of_data import PriorsLike, graph_of
from bayesml.graphs.roles import Graph
from bayesml.results.bayesian import BayesianResult
from bayesml.results.diagnostics import ess
from bayesml.results.posterior import Posterior
from bayesml.results.predictive import log_likelihood, new_responses
from bayesml.results.prior_draws import draw_prior
from bayesml.results.selection import Wanted, select
from bayesml.spec.model import Model
from bayesml.tables.table import Column, Row, Section, Table

TRUTH_STREAM, RESPONSE_STREAM, SAMPLING_STREAM = 70, 71, 72
LEVEL = 0.01
UNIFORM = "uniform"
LOG_LIKELIHOOD = "log likelihood"
LONGEST = 8
"""Times that chains are lengthened by at most, where their draws depend too much on each other."""

FEWEST = 10


@dataclass(frozen=True, eq=False, repr=False)
class Calibration:
    """Ranks of true values among draws of their posteriors, over simulated data sets.

    Parameters
    ----------
    formula : str
    ranks : DataFrame
        Index `replication`, one column a quantity: how many of the `draws` draws are below the true value, 0 to
        `draws`. Replications that failed are left out.
    draws : int
        Nearly independent draws of each posterior.
    ess : DataFrame
        Effective sample sizes of the `draws` draws, replications × quantities.
    divergences : Series
        Divergences of each replication kept.
    failures : DataFrame
        Index `replication`, column `reason`.
    asked : int
        Replications asked for.
    seed : int

    Attributes
    ----------
    table : DataFrame
        One row a quantity: see `calibrate`.
    calibrated : bool
        Whether no quantity is outside its band.
    """

    formula: str
    ranks: pd.DataFrame
    draws: int
    ess: pd.DataFrame
    divergences: pd.Series
    failures: pd.DataFrame
    asked: int
    seed: int

    @property
    def complete(self) -> bool:
        """Whether every replication was tried; not where the work was interrupted."""
        return len(self.ranks) + len(self.failures) == self.asked

    @cached_property
    def table(self) -> pd.DataFrame:
        """`mean_rank spread chi2 p_chi2 p_band ess verdict` by quantity."""
        ranks, values = self.ranks.to_numpy(), self.draws + 1
        place = (ranks + 0.5) / values
        p_band = band_p(ranks, values)
        statistic, p_chi2 = chi_square(ranks, values)
        outside = holm(p_band) < LEVEL
        return pd.DataFrame(
            {
                "mean_rank": place.mean(axis=0),
                "spread": place.std(axis=0) * np.sqrt(12.0),
                "chi2": statistic,
                "p_chi2": p_chi2,
                "p_band": p_band,
                "ess": self.ess.median().to_numpy(),
                "verdict": [verdict(own) if wrong else UNIFORM for own, wrong in zip(place.T, outside, strict=True)],
            },
            index=pd.Index(self.ranks.columns, name="quantity"),
        )

    @property
    def calibrated(self) -> bool:
        """Whether the ranks of no quantity leave their band."""
        return bool((self.table["verdict"] == UNIFORM).all())

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found and what was not, in sentences."""
        n = len(self.ranks)
        wrong = int((self.table["verdict"] != UNIFORM).sum())
        found = [
            f"Ranks of the true value among {self.draws} draws. The band holds simultaneously; verdicts allow for "
            f"{len(self.table)} quantities at level {LEVEL:g}.",
            f"{wrong} of {len(self.table)} quantities are not calibrated."
            if wrong
            else f"Nothing speaks against calibration in {n} data sets{', which show gross errors only' * (n < 100)}.",
        ]
        if dependent := int((self.ess.min(axis=1) < self.draws / 2).sum()):
            found.append(f"In {dependent} of {n} data sets the draws depend on each other, however long the chain.")
        if diverging := int((self.divergences > 0).sum()):
            found.append(f"Sampling diverged in {diverging} of {n} data sets, {self.divergences.sum()} times in all.")
        if len(self.failures):
            reasons = "; ".join(
                f"{count}: {reason}" for reason, count in self.failures["reason"].value_counts().items()
            )
            found.append(f"Left out because they failed: {reasons}.")
        if not self.complete:
            found.append(f"Interrupted: {n + len(self.failures)} of {self.asked} data sets were done.")
        return tuple(found)

    def to_table(self) -> Table:
        """The table as it is printed."""
        columns = (
            Column("mean rank", "ratio"), Column("spread", "ratio"), Column("p (chi2)", "p"), Column("p (band)", "p"),
            Column("ESS", decimals=0), Column("verdict", "text"),
        )  # fmt: skip
        names = ["mean_rank", "spread", "p_chi2", "p_band", "ess", "verdict"]
        rows = tuple(Row(str(name), tuple(row[names])) for name, row in self.table.iterrows())
        return Table(
            title=f"Simulation-based calibration of {self.formula}",
            subtitle=f"{len(self.ranks)} data sets simulated from the priors",
            sections=(Section("", columns, rows),),
            notes=self.notes,
        )

    def __str__(self) -> str:
        return str(self.to_table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.to_table().to_html()


def calibrate(
    model: str | Model,
    data: Any,
    priors: PriorsLike = None,
    n: int = 100,
    draws: int = 99,
    parameters: Wanted = None,
    tune: int = 500,
    thin: int = 5,
    cores: int | None = None,
    random_seed: int | None = None,
    target_accept: float | None = None,
    parametrisation: Literal["auto", "marginal", "partial", "centred", "noncentred"] = "auto",
    progressbar: bool = True,
    **keywords: Any,
) -> Calibration:
    """Simulation-based calibration: ranks of true values among draws of the posteriors of simulated data.

    ::

        theta ~ p(theta),    b ~ p(b | theta),    y ~ p(y | b, theta),    rank of f(theta, b, y) in draws of p(. | y)

    Over repetitions these ranks are uniform if, and for enough quantities only if, sampler, density and simulation
    belong to one model. The priors are resolved to numbers once, on `data`; every simulated data set keeps them, the
    columns and the groups, and gets new responses. The compiled density is that of the first; later ones compile
    nothing.

    Parameters
    ----------
    model : str or Model
        A formula, or a model.
    data : DataFrame, polars or pyarrow table, or dict of arrays
        Its responses matter only for the numbers of priors that are scaled to the data.
    priors : str or dict, optional
        Name of a prior set, or priors by address; those of the model where it is not given.
    n : int, default 100
        Simulated data sets, 10 or more. 100 show gross errors, 500 finer ones.
    draws : int, default 99
        Draws that each true value is ranked among: ranks run from 0 to `draws`.
    parameters : str or sequence of str, optional
        Addresses, groups and patterns (`b(Subject)` for random effects); default: all parameters but the random
        effects. The log likelihood of the data at the parameters and random effects is always ranked too: it shows
        errors that leave every parameter's rank uniform, as a posterior that ignores the data.
    tune : int, default 500
        Draws to adapt with.
    thin : int, default 5
        Every how many-th draw is kept. Where the effective sample size of any quantity among those kept is below half
        their number, the data set is sampled again with a chain twice as long, up to eight times.
    cores : int, optional
        Data sets sampled at once; default: one a processor.
    random_seed : int, optional
    target_accept, parametrisation
        As in `sample`.
    progressbar : bool, default True
    **keywords
        Options of `Model`, where a formula is given.

    Returns
    -------
    Calibration
        `.ranks`, DataFrame replications × quantities; `.table`, one row a quantity:

        ========= =========================================================================================
        mean_rank mean of the ranks on (0, 1); 0.5 under calibration, sd 0.29 / sqrt(n)
        spread    standard deviation of the ranks over that of a uniform variable; 1 under calibration
        chi2      Pearson's statistic over bins of ranks, `p_chi2` its p value
        p_band    probability that the distribution function of uniform ranks leaves its band as far
        ess       median over the data sets of the effective sample size of the draws kept
        verdict   "uniform", or what the ranks say of the posterior, where `p_band` is below .01 after
                  Holm's adjustment for the number of quantities
        ========= =========================================================================================

        `.failures`, `.divergences`, `.calibrated`, `.complete`; `bml.plots.calibration` draws it.

    Raises
    ------
    SpecificationError
        A prior is improper: nothing can be drawn from it. Responses of which new ones cannot be drawn on the same
        rows: censored, or rows that stand for several.

    Warns
    -----
    ConvergenceWarning
        Data sets failed, or the work was interrupted (Ctrl-C keeps what is done).

    Notes
    -----
    What is tested is this model's sampler, not the model: priors that are absurd for the data are calibrated all the
    same, and absurdly wide ones simulate data that no sampler does well on. Data sets whose responses overflow or lie
    on the edge of what the family allows count as failures; if they are many, the priors are too wide to be checked so.

    References
    ----------
    Talts, Betancourt, Simpson, Vehtari and Gelman (2018), Validating Bayesian inference algorithms with
    simulation-based calibration, arXiv:1804.06788. Modrák et al. (2023), Simulation-based calibration checking for
    Bayesian computation: the choice of test quantities shapes sensitivity, Bayesian Analysis. Säilynoja, Bürkner and
    Vehtari (2022), Statistics and Computing 32:32, for the band.

    Examples
    --------
    >>> import bayesml as bml
    >>> calibration = bml.calibrate(
    ...     "Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff"), n=20, random_seed=1, progressbar=False
    ... )
    >>> calibration.ranks.shape
    (20, 4)
    """
    graph = graph_of(model, data, priors, **keywords)
    settings = Settings(n, draws, thin, tune, cores, target_accept, parametrisation)
    settings.check()
    require_simulation(graph)
    return calibrate_graph(graph, graph, parameters, settings, random_seed, progressbar)


@dataclass(frozen=True)
class Settings:
    """Options of the work; see `calibrate`."""

    n: int = 100
    draws: int = 99
    thin: int = 5
    tune: int = 500
    cores: int | None = None
    target_accept: float | None = None
    parametrisation: str = "auto"

    def check(self) -> None:
        """Refuse options without meaning."""
        check_options(self.draws, self.tune, 1, self.target_accept, self.parametrisation)
        for name, least in (("n", FEWEST), ("thin", 1)):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < least:
                raise SpecificationError(f"`{name}={value}`: give a whole number, {least} or more.")


def require_simulation(graph: Graph) -> None:
    """Refuse graphs that no data can be simulated from."""
    if improper := [address for address, prior in graph.priors.items() if prior.improper]:
        names = ", ".join(f"`{name}`" for name in improper)
        raise SpecificationError(
            f"Calibration draws parameters from their priors, and nothing can be drawn from the flat prior of {names}. "
            "Give proper priors, as in Normal(0, 10) or HalfNormal(10)."
        )
    design = graph.design
    if graph.response.needs_tails or set(design.response) - {"y", "trials"}:
        raise SpecificationError(
            f"Calibration draws new responses on the same rows; of `{design.response_name}` it is not known which of "
            "them would be censored. Calibrate the model with the response alone on the left side."
        )
    if design.frequencies is not None:
        raise SpecificationError(
            "Calibration draws a new response of each row; rows that stand for several (`frequencies`) would all get "
            "the same one. Give the data one row a unit."
        )


def calibrate_graph(
    simulated: Graph, fitted: Graph, parameters: Wanted, settings: Settings, random_seed: int | None, progressbar: bool
) -> Calibration:
    """Ranks under one graph of values and data drawn from another, of the same design.

    Parameters
    ----------
    simulated, fitted : Graph
        The same for calibration; with other numbers of priors the ranks are not uniform.
    parameters : str or sequence of str, optional
    settings : Settings
    random_seed : int, optional
    progressbar : bool
    """
    seed = int(np.random.SeedSequence(random_seed).generate_state(1)[0]) if random_seed is None else int(random_seed)
    truth = draw_prior(simulated, settings.n, [seed, TRUTH_STREAM], effects=True)
    chosen = quantities(simulated, truth, parameters)
    found: list[Replication] = []
    with SamplingProgress(progressbar) as progress, threadpool_limits(1):
        work = Work(simulated, fitted, truth, chosen, settings, seed, progress)
        advance = progress.counted("Data sets", settings.n)
        try:
            for replication in work.replications():
                found.append(replication)
                advance(note_of(found))
        except KeyboardInterrupt:
            if not any(replication.reason == "" for replication in found):
                raise
    done = [replication for replication in found if replication.reason == ""]
    if not done:
        raise SpecificationError(f"Every data set failed: {found[0].reason}. Priors that are less wide may help.")
    calibration = gathered(str(simulated.model.formula), found, chosen, settings, seed)
    if len(calibration.failures) or not calibration.complete:
        warnings.warn(" ".join(calibration.notes[2:]), ConvergenceWarning, stacklevel=3)
    return calibration


@dataclass(frozen=True, eq=False)
class Replication:
    """What one data set gave: ranks (k,), effective sample sizes (k,) and divergences, or why there are none."""

    place: int
    ranks: np.ndarray | None = None
    ess: np.ndarray | None = None
    divergences: int = 0
    reason: str = ""


def note_of(found: list[Replication]) -> str:
    """Failures and divergences so far."""
    failed = sum(replication.reason != "" for replication in found)
    diverged = sum(replication.divergences > 0 for replication in found)
    return f"{failed} failed, {diverged} with divergences" if failed or diverged else ""


def quantities(graph: Graph, truth: Posterior, parameters: Wanted) -> tuple[Address, ...]:
    """The parameters to rank; what is held at a value has no rank.

    Raises
    ------
    SpecificationError
        All of them are held.
    """
    result = as_result(graph, truth)
    chosen = tuple(a for a in select(result, parameters) if np.ptp(result.draws(a.text)) > 0.0)
    if not chosen:
        raise SpecificationError("Every parameter asked for is held at a value: there is nothing to rank.")
    return chosen


def as_result(graph: Graph, posterior: Posterior) -> BayesianResult:
    """Draws under their addresses."""
    return BayesianResult(graph.model, graph.design, posterior, graph.priors)


def values_of(graph: Graph, posterior: Posterior, chosen: tuple[Address, ...]) -> np.ndarray:
    """The quantities at each draw, (chain, draw, k); the last is the log likelihood of the graph's responses."""
    result = as_result(graph, posterior)
    total = log_likelihood(graph, posterior, result.effects).sum(axis=-1)
    return np.stack([*(result.draws(address.text) for address in chosen), total], axis=-1)


@dataclass(frozen=True, eq=False)
class Work:
    """The data sets, one after another: responses are drawn, sampled in threads, and values ranked here."""

    simulated: Graph
    fitted: Graph
    truth: Posterior
    chosen: tuple[Address, ...]
    settings: Settings
    seed: int
    progress: SamplingProgress

    @cached_property
    def compiled(self) -> CompiledGraph:
        """The graph that is fitted, compiled for all."""
        kind = chosen_parametrisation(self.fitted, self.settings.parametrisation)
        return CompiledGraph.of(self.fitted, kind, self.progress, CompileAhead(wanted=False))

    def replications(self) -> Iterator[Replication]:
        """Ranks of one data set after another, in their order."""
        cores = self.settings.cores or processors()
        waiting: deque[Replication | tuple[int, Target, Future[Draws]]] = deque()
        pool = ThreadPoolExecutor(cores)
        try:
            for place in range(self.settings.n):
                waiting.append(self.begin(place, pool))
                if len(waiting) > cores:
                    yield self.finish(waiting.popleft(), pool)
            while waiting:
                yield self.finish(waiting.popleft(), pool)
        finally:
            pool.shutdown(cancel_futures=True)

    def begin(self, place: int, pool: ThreadPoolExecutor) -> "Replication | tuple[int, Target, Future[Draws]]":
        """Draw the responses of a data set and start its chain."""
        one = self.truth.at(slice(place, place + 1))
        assert one.effects is not None
        y = new_responses(self.simulated, one, one.effects, [self.seed, RESPONSE_STREAM, place])[0, 0]
        if not np.isfinite(y).all() or not self.simulated.family.allows(y).all():
            return Replication(place, reason="responses overflow or lie on the edge of what is allowed")
        target = self.compiled.of_responses(y).target(SamplingProgress(False))
        return place, target, pool.submit(self.sample, target, place, 1)

    def sample(self, target: Target, place: int, longer: int) -> Draws:
        """One chain, thinned to the draws wanted."""
        settings, step = self.settings, self.settings.thin * longer
        accept = ACCEPTANCE[target.kind == "marginal"] if settings.target_accept is None else settings.target_accept
        seed = int(np.random.SeedSequence([self.seed, SAMPLING_STREAM, place, longer]).generate_state(1)[0])
        found = sample_density(
            target.density, SamplingProgress(False), draws=step * settings.draws, tune=settings.tune, chains=1,
            cores=1, seed=seed, target_accept=accept, describe=target.describe,
        )  # fmt: skip
        stats = {name: values[:, step - 1 :: step] for name, values in found.stats.items()}
        stats["diverging"] = found.stats["diverging"].reshape(1, settings.draws, step).any(axis=-1)
        return replace(found, x=found.x[:, step - 1 :: step], stats=stats)

    def finish(self, begun: "Replication | tuple[int, Target, Future[Draws]]", pool: ThreadPoolExecutor) -> Replication:
        """Ranks of the true values among the draws of a data set."""
        if isinstance(begun, Replication):
            return begun
        place, target, future = begun
        longer = 1
        try:
            draws = future.result()
            while True:
                values = values_of(self.graph_of(target), target.posterior(draws, self.seed + place), self.chosen)
                if not np.isfinite(values).all():
                    return Replication(place, reason="draws are not finite")
                sizes = ess(values)
                if longer >= LONGEST or np.nanmin(sizes) >= self.settings.draws / 2:
                    break
                longer *= 2
                # never in this thread: nutpie would take an interruption for one of this chain alone
                draws = pool.submit(self.sample, target, place, longer).result()
        except (RuntimeError, np.linalg.LinAlgError) as error:
            return Replication(place, reason=str(error).strip().splitlines()[0])
        one = self.truth.at(slice(place, place + 1))
        truth = values_of(self.graph_of(target, self.simulated), one, self.chosen)[0, 0]
        ranks = np.sum(values[0] < truth, axis=0)
        return Replication(place, ranks, sizes, int(draws.stats["diverging"].sum()))

    def graph_of(self, target: Target, like: Graph | None = None) -> Graph:
        """A graph with the responses of a target."""
        return (like or self.fitted).replace(design=target.graph.design, numbers=(like or self.fitted).priors)


def gathered(
    formula: str, found: list[Replication], chosen: tuple[Address, ...], settings: Settings, seed: int
) -> Calibration:
    """The replications as tables."""
    columns = [*(address.text for address in chosen), LOG_LIKELIHOOD]
    done = [replication for replication in found if replication.reason == ""]
    failed = [replication for replication in found if replication.reason]
    index = pd.Index([replication.place for replication in done], name="replication")
    return Calibration(
        formula=formula,
        ranks=pd.DataFrame([replication.ranks for replication in done], index=index, columns=columns),
        draws=settings.draws,
        ess=pd.DataFrame([replication.ess for replication in done], index=index, columns=columns),
        divergences=pd.Series([r.divergences for r in done], index=index, name="divergences"),
        failures=pd.DataFrame(
            {"reason": [replication.reason for replication in failed]},
            index=pd.Index([replication.place for replication in failed], name="replication"),
        ),
        asked=settings.n,
        seed=seed,
    )


def verdict(place: np.ndarray) -> str:
    """What ranks on (0, 1) that are not uniform say of the posterior."""
    n = len(place)
    shift = (place.mean() - 0.5) * np.sqrt(12.0 * n)
    spread = (place.var() - 1.0 / 12.0) * np.sqrt(180.0 * n)
    if max(abs(shift), abs(spread)) < 2.0:
        return "not uniform, neither shifted nor too wide or narrow"
    if abs(shift) >= abs(spread):
        return "posteriors lie too high" if shift < 0 else "posteriors lie too low"
    return "posteriors are too narrow" if spread > 0 else "posteriors are too wide"
