"""`prior_grid`: what is estimated under each of several priors."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from bayesml.bayes.importance import Weights, pareto_limit, smoothed_weights
from bayesml.bayes.prior_cells import Cell, Grid, cells_of
from bayesml.bayes.quantities import Quantities, quantities_of
from bayesml.bayes.statement_draws import Leaf, ReadStatement, evaluate
from bayesml.errors import BayesmlWarning, ConvergenceWarning, NotIdentified, SpecificationError
from bayesml.estimators.nuts import check_options, sample_graph
from bayesml.estimators.nuts_progress import SamplingProgress
from bayesml.fit import fit
from bayesml.graphs.of_data import graph_of
from bayesml.results.bayesian import BayesianResult
from bayesml.results.diagnostics import ESS_PER_CHAIN, RHAT_LIMIT, ess, rhat
from bayesml.results.intervals import normal_quantile
from bayesml.results.likelihood import LikelihoodResult
from bayesml.results.posterior_summary import interval_tails
from bayesml.results.sections import percent
from bayesml.spec.model import Model
from bayesml.spec.priors import Priors
from bayesml.syntax.statement import Address, addresses_in
from bayesml.tables.noted import NotedFrame

COLUMNS = ["prior", "quantity", "mean", "sd", "lower", "upper", "rhat", "ess", "refit", "pareto_k", "source"]
GRID_STREAM = 20
BASE, REFIT, REWEIGHTED = "base", "refit", "reweighted"

Refit = Literal["auto", "always", "never"]


@dataclass(frozen=True, eq=False)
class GridOptions:
    """What each sampling of a grid takes.

    Parameters
    ----------
    refit : {"auto", "always", "never"}
    ci_prob : float
    seed : int
    sampling : dict
        Options of `sample_graph`.
    """

    refit: Refit
    ci_prob: float
    seed: int
    sampling: Mapping[str, Any]

    def sample(self, cell: Cell, place: int) -> BayesianResult:
        """The posterior of a cell, from a seed of its own."""
        seed = int(np.random.SeedSequence([self.seed, GRID_STREAM, place]).generate_state(1)[0])
        return sample_graph(cell.graph, random_seed=seed, progressbar=False, **self.sampling)


def prior_grid(
    model: str | Model,
    data: Any,
    grid: Grid,
    quantities: Quantities = None,
    cross: bool = False,
    refit: Refit = "auto",
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    random_seed: int | None = None,
    target_accept: float | None = None,
    ci_prob: float = 0.95,
    progressbar: bool = True,
    **options: Any,
) -> NotedFrame:
    """Posterior means and intervals of quantities under each of several priors.

    The model is sampled once under its own priors. Where another prior is near enough, its posterior is that of
    weighted draws; else the model is sampled anew, by the same compiled graph with other numbers.

    Parameters
    ----------
    model : str or Model
        A formula, or a model; its own priors hold for what the grid does not name.
    data : DataFrame, polars or pyarrow table, or dict of arrays
    grid : dict
        From an address, or a group such as ``"sd(Subject)"``, to a list of distributions, as in
        ``{"sd(Days | Subject)": [HalfNormal(5), HalfCauchy(25)]}``; from ``"priors"`` to a list of prior sets
        (``["weakly_informative", "flat"]``) or of files.
    quantities : str or sequence of str, optional
        Addresses, groups, patterns and arithmetic over them: ``"sd(Days | Subject) / sigma"``. Default: all parameters
        but the random effects.
    cross : bool, default False
        Every choice under one key with every choice under the others; else one at a time, the rest as in the model.
    refit : {"auto", "always", "never"}
        Sample anew where weights do not serve, for all priors, or for none.
    draws, tune, chains, cores, random_seed, target_accept
        As in `sample`, of each sampling.
    ci_prob : float, default 0.95
        Content of the equal-tailed intervals.
    progressbar : bool, default True
    **options
        Those of `Model` with a formula: `family`, `priors`, …

    Returns
    -------
    DataFrame
        One row a prior and quantity, the reference first, then the model's own priors, then the grid in order:

        =============== =========================================================================================
        prior           the choice, `sd(Days | Subject) ~ HalfNormal(5)`; `REML fit` or `ML fit` the reference
        quantity        as asked for
        mean, sd        of the posterior; estimate and standard error of the reference
        lower, upper    equal-tailed credible interval; confidence interval of the reference
        rhat            R-hat of the draws; of weighted draws, that of the draws before they were weighted
        ess             effective number of draws; of weighted draws that of their mean, times the efficiency of the
                        draws before they were weighted
        refit           whether these priors were sampled
        pareto_k        of the weights, also of those that did not serve; NaN where there were none
        source          ``"reml"``, ``"ml"``, ``"base"``, ``"refit"``, ``"reweighted"``
        =============== =========================================================================================

        Notes below it say what was sampled anew and why.

    Raises
    ------
    NotIdentified
        The posterior under some of the priors is improper: named, before anything is sampled.
    ColumnNotFound, FormulaError, SpecificationError, DataError
        Before anything is sampled.

    Warns
    -----
    ConvergenceWarning
        Sampling under some of the priors did not go well, or was interrupted: the rows that are done are returned.

    Notes
    -----
    Weights are ratios of prior densities, Pareto-smoothed. They serve where their Pareto k is below
    ``min(1 - 1 / log10(draws), 0.7)``, where they leave 100 effective draws for each chain of every quantity, and where
    the model's own priors allow every value that the others do. Posteriors under very different priors are better
    sampled: ``refit="always"`` takes a third of a second for a small model once it is compiled. Numbers of priors are
    inputs of the compiled graph; a distribution of another kind is another graph, compiled once.

    References
    ----------
    Vehtari, Simpson, Gelman, Yao and Gabry (2024), Pareto smoothed importance sampling, JMLR 25.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> grid = {"sd(Days | Subject)": [bml.HalfNormal(5), bml.HalfNormal(20)]}
    >>> table = bml.prior_grid(
    ...     "Reaction ~ Days + (Days | Subject)", sleep, grid, "Days", random_seed=1, progressbar=False
    ... )
    >>> table["mean"].round().tolist()
    [10.0, 10.0, 10.0, 10.0]
    """
    if refit not in ("auto", "always", "never"):
        raise SpecificationError(f'`refit={refit!r}`: it is "auto", "always" or "never".')
    check_options(draws, tune, chains, target_accept, "auto")
    interval_tails(ci_prob)
    graph = graph_of(model, data, **options)
    base = Cell(str(graph.model.priors), graph)
    cells = [cell for cell in cells_of(graph, grid, cross) if not (cell.label == base.label and cell.same_as(base))]
    for cell in (base, *cells):
        cell.require_proper()
    seed = int(np.random.SeedSequence(random_seed).generate_state(1)[0]) if random_seed is None else int(random_seed)
    sampling = {"draws": draws, "tune": tune, "chains": chains, "cores": cores, "target_accept": target_accept}
    with warnings.catch_warnings():
        # what there is to know of the data was told when they were read
        warnings.simplefilter("ignore", BayesmlWarning)
        reference, notes = reference_fit(graph.model, data)
    run = GridRun(base, cells, GridOptions(refit, ci_prob, seed, sampling), quantities, reference, notes)
    frame = run.frame(progressbar)
    if run.problems:
        warnings.warn(" ".join(run.problems), ConvergenceWarning, stacklevel=2)
    return frame


class GridRun:
    """The work over a grid, row by row.

    Parameters
    ----------
    base : Cell
    cells : list of Cell
    options : GridOptions
    quantities : str or sequence of str, optional
    reference : LikelihoodResult or None
    notes : list of str
    """

    def __init__(
        self,
        base: Cell,
        cells: list[Cell],
        options: GridOptions,
        quantities: Quantities,
        reference: LikelihoodResult | None,
        notes: list[str],
    ):
        self.base, self.cells, self.options, self.reference, self.notes = base, cells, options, reference, notes
        asked = BayesianResult(base.graph.model, base.graph.design, None, base.graph.priors)  # type: ignore[arg-type]
        self.statements = quantities_of(asked, quantities)
        self.problems: list[str] = []
        self.refitted: list[str] = []
        self.doubtful: list[str] = []

    def frame(self, progressbar: bool) -> NotedFrame:
        """All rows; those that are done, where it was interrupted."""
        rows: list[tuple[Any, ...]] = []
        if self.reference is not None:
            rows += reference_rows(self.reference, self.statements, self.options.ci_prob)
        with SamplingProgress(progressbar) as progress:
            advance = progress.counted("Priors", 1 + len(self.cells))
            try:
                for own in self.posteriors(advance):
                    rows += own
            except KeyboardInterrupt:
                if len(rows) <= len(self.statements):
                    raise
                self.problems.append(f"Interrupted: {len(rows) // len(self.statements)} blocks of rows were done.")
        frame = NotedFrame(pd.DataFrame(rows, columns=COLUMNS), self.closing_notes())
        frame.attrs["ci_prob"] = self.options.ci_prob
        return frame

    def posteriors(self, advance: Callable[[str], None]) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of the model's own priors, then those of each cell."""
        result = self.sampled(self.base, 0)
        draws = {text: drawn(result, self.base, read) for text, read in self.statements.items()}
        yield self.rows_of_draws(self.base, draws, BASE, np.nan)
        advance(self.base.label)
        efficiency = {text: min(float(ess(x)) / x.size, 1.0) for text, x in draws.items() if np.ptp(x) > 0}
        for place, cell in enumerate(self.cells, 1):
            yield self.rows(cell, place, result, draws, efficiency)
            advance(cell.label)

    def rows(
        self,
        cell: Cell,
        place: int,
        result: BayesianResult,
        draws: Mapping[str, np.ndarray],
        efficiency: Mapping[str, float],
    ) -> list[tuple[Any, ...]]:
        """The rows of one cell."""
        if cell.same_as(self.base) and self.options.refit != "always":
            return self.rows_of_draws(cell, draws, BASE, np.nan)
        ratios = None if self.options.refit == "always" else cell.log_ratios(self.base, result)
        weights = None if ratios is None else smoothed_weights(ratios)
        k = np.nan if weights is None else weights.pareto_k
        sizes = {text: weights.size_for(x) * efficiency.get(text, 1.0) for text, x in draws.items()} if weights else {}
        if weights is not None and (self.options.refit == "never" or self.serves(weights, sizes)):
            if not self.serves(weights, sizes):
                self.doubtful.append(cell.label)
            return self.rows_of_weights(cell, weights, draws, sizes)
        if self.options.refit == "never":
            self.doubtful.append(f"{cell.label} (left out)")
            return []
        sampled = self.sampled(cell, place)
        self.refitted.append(f"{cell.label} ({self.reason(weights, sizes)})")
        own = {text: drawn(sampled, cell, read) for text, read in self.statements.items()}
        return self.rows_of_draws(cell, own, REFIT, k)

    def sampled(self, cell: Cell, place: int) -> BayesianResult:
        """The posterior of a cell; what went wrong is kept."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = self.options.sample(cell, place)
        for warning in caught:
            if issubclass(warning.category, ConvergenceWarning):
                self.problems.append(f"{cell.label}: {warning.message}")
            else:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        if not result.posterior.complete and not result.posterior.failures:
            raise KeyboardInterrupt
        return result

    def serves(self, weights: Weights, sizes: Mapping[str, float]) -> bool:
        """Whether weighted draws are as good as draws."""
        return weights.reliable and min(sizes.values()) >= ESS_PER_CHAIN * len(weights.values)

    def reason(self, weights: Weights | None, sizes: Mapping[str, float]) -> str:
        """Why a cell was sampled."""
        if self.options.refit == "always":
            return "asked for"
        if weights is None:
            return "allows values that the model's own priors exclude"
        if not weights.reliable:
            return f"Pareto k {weights.pareto_k:.2f}"
        return f"{min(sizes.values()):.0f} effective draws"

    def rows_of_draws(
        self, cell: Cell, draws: Mapping[str, np.ndarray], source: str, k: float
    ) -> list[tuple[Any, ...]]:
        """Rows of draws of a cell's own posterior."""
        tails = interval_tails(self.options.ci_prob)
        return [
            (
                cell.label, text, float(x.mean()), float(x.std(ddof=1)), *np.quantile(x, tails), float(rhat(x)),
                float(ess(x)), source != REWEIGHTED, k, source,
            )
            for text, x in draws.items()
        ]  # fmt: skip

    def rows_of_weights(
        self, cell: Cell, weights: Weights, draws: Mapping[str, np.ndarray], sizes: Mapping[str, float]
    ) -> list[tuple[Any, ...]]:
        """Rows of weighted draws of the model's own posterior."""
        tails = interval_tails(self.options.ci_prob)
        return [
            (
                cell.label, text, *weights.moments(x), *weights.quantiles(x, tails), float(rhat(x)),
                sizes[text], False, weights.pareto_k, REWEIGHTED,
            )
            for text, x in draws.items()
        ]  # fmt: skip

    def closing_notes(self) -> list[str]:
        """What a reader must know of the rows."""
        notes = [*self.notes, f"Intervals are equal-tailed, {percent(self.options.ci_prob)}."]
        if self.refitted:
            notes.append(f"Sampled anew: {'; '.join(self.refitted)}.")
        weighted = len(self.cells) - len(self.refitted) - sum(own.endswith("(left out)") for own in self.doubtful)
        if weighted and self.options.refit != "always":
            notes.append(f"Weighted draws of the posterior under the model's own priors serve for {weighted} priors.")
        if self.doubtful:
            limit = pareto_limit(self.options.sampling["draws"] * self.options.sampling["chains"])
            notes.append(
                f'Not to be relied on, as refit="never" (Pareto k above {limit:.2f}, or too few effective draws): '
                f"{'; '.join(self.doubtful)}."
            )
        return notes + [f"Trouble in sampling (R-hat above {RHAT_LIMIT}, divergences): {own}" for own in self.problems]


def drawn(result: BayesianResult, cell: Cell, read: ReadStatement) -> np.ndarray:
    """Draws (chain, draw) of a quantity; parameters that are held have their value."""
    held = {address: prior.fixed for address, prior in cell.priors.items() if prior.fixed is not None}
    own = read.leaves(result)

    def of(leaf: Leaf) -> np.ndarray:
        return np.asarray(held[leaf.address]) if isinstance(leaf, Address) and leaf.address in held else own(leaf)

    return np.array(np.broadcast_to(evaluate(read.statement, of), result.posterior.shape))


# -- the reference -------------------------------------------------------------------------------


def reference_fit(model: Model, data: Any) -> tuple[LikelihoodResult | None, list[str]]:
    """The REML or ML fit of a model, and what there is to say of it."""
    fixes = tuple((address, prior) for address, prior in model.priors.given if prior.fixed is not None)
    try:
        found = fit(replace(model, priors=Priors(given=fixes)), data)
    except (NotIdentified, SpecificationError) as error:
        return None, [f"There is no likelihood fit to compare with: {error}"]
    return found, [] if found.converged else [f"The reference: {found.status}"]


def reference_rows(
    fitted: LikelihoodResult, statements: Mapping[str, ReadStatement], ci_prob: float
) -> list[tuple[Any, ...]]:
    """Estimates of quantities; of arithmetic, with standard errors by the delta method."""
    name = fitted.criterion.upper()
    known = fitted.interval_frame(ci_prob)
    rows = []
    for text, read in statements.items():
        plain = text in known.index
        values = known.loc[text].tolist() if plain else by_delta(fitted, read, ci_prob)
        rows.append((f"{name} fit", text, *values, np.nan, np.nan, False, np.nan, name.lower()))
    return rows


def by_delta(fitted: LikelihoodResult, read: ReadStatement, ci_prob: float) -> tuple[float, float, float, float]:
    """Estimate, standard error and symmetric limits of arithmetic; NaN beside random effects and of predictions."""
    if read.predictions:
        return (np.nan,) * 4
    names = addresses_in(read.statement)
    values = {name: fitted[name] for name in names}

    def at(changed: Mapping[str, float]) -> float:
        return float(evaluate(read.statement, lambda leaf: np.asarray(changed[str(leaf)])))

    estimate = at(values)
    vcov = fitted.vcov_all
    if not set(names) <= set(vcov.index):
        return estimate, np.nan, np.nan, np.nan
    slopes = []
    for name in names:
        step = 1e-5 * (1.0 + abs(values[name]))
        up, down = (at(values | {name: values[name] + sign * step}) for sign in (1.0, -1.0))
        slopes.append((up - down) / (2.0 * step))
    se = float(np.sqrt(np.array(slopes) @ vcov.loc[list(names), list(names)].to_numpy() @ np.array(slopes)))
    half = normal_quantile(ci_prob) * se
    return estimate, se, estimate - half, estimate + half
