"""Predictive checks: the data beside data simulated from a model that was fitted or sampled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.plots.colours import BLACK
from bayesml.plots.panels import few_ticks, folded, legend, notes, panel_grid, plain, shortened
from bayesml.plots.replications import (
    INTERVAL,
    MOST_BARS,
    STATISTICS,
    Statistic,
    bar_handles,
    bars_of_counts,
    draw_bars,
    draw_densities,
    draw_distributions,
    draw_statistic,
    line_handles,
    shown_range,
    statistic_handles,
    statistic_of,
)
from bayesml.post.options import one_of
from bayesml.post.plugin import as_draws
from bayesml.post.prediction_rows import prediction_rows
from bayesml.post.row_draws import RowDraws
from bayesml.post.streams import CHECK_STREAM, stream
from bayesml.post.turnbull import intervals_of, turnbull
from bayesml.results.base import Result, require_result
from bayesml.results.posterior_summary import interval_tails
from bayesml.results.sections import percent

KINDS = ("auto", "density", "ecdf", "bars", "group", "statistic")
LINES, PANELS, MANY = 50, 400, 1000
"""Simulated data sets that are drawn as lines, and those of intervals: of small panels, and of others."""
MOST_VALUES = 30_000_000
"""Simulated responses that are held at once."""
MOST_PANELS = 24
MOST_LABELS = 60


def predictive_check(
    result: Result,
    kind: str = "auto",
    group: str | Sequence[Any] | None = None,
    statistic: str | Statistic | Sequence[str | Statistic] = ("mean", "sd", "min", "max"),
    draws: int | None = None,
    ranef: str = "conditional",
    levels: Sequence[object] | None = None,
    ci_prob: float = 0.95,
    random_seed: int | None = None,
) -> Figure:
    """Return a figure of the data beside data simulated from the model, for the same rows.

    Simulated data are new responses of all rows at draws of the posterior; of a fit they are simulated at the
    estimates, with random effects drawn given the data.

    Parameters
    ----------
    result : LikelihoodResult or BayesianResult
    kind : {"auto", "density", "ecdf", "bars", "group", "statistic"}
        ``"density"``: kernel densities. ``"ecdf"``: distribution functions; of censored responses Turnbull's
        estimate, which is Kaplan and Meier's where they are right-censored. ``"bars"``: how often each count or
        category occurs, with intervals; counts on a square-root scale. ``"group"``: one panel a level of `group`.
        ``"statistic"``: histograms of statistics of the simulated data, that of the data a line; with `group` each
        level's statistic beside its interval. ``"auto"``: bars for counts and categories, density for other numbers,
        ecdf for proportions of unequal trials and for censored responses.
    group : str or sequence, optional
        A grouping factor, or labels of the rows of the fit. Default, where it is needed: the first random term's.
    statistic : str, callable, or a list of them
        Of ``kind="statistic"``: `"mean"`, `"sd"`, `"min"`, `"max"`, `"median"`, `"zeros"` (share of zeros), or
        functions of an array (n,) that return a number.
    draws : int, optional
        Number of simulated data sets. Default: 50 for lines, 1000 for intervals and statistics, 400 for those of small
        panels; fewer where they would take over 240 MB.
    ranef : {"conditional", "marginal"}
        Whether the levels keep their random effects, or have new ones: replications of the same levels, or of others.
    levels : sequence, optional
        Which levels have a panel, in this order. Default: the first 24, which the figure says.
    ci_prob : float, default 0.95
        Content of the equal-tailed intervals.
    random_seed : int, optional
        Default: follows from the seed of the sampling; of a fit always the same.

    Returns
    -------
    matplotlib.figure.Figure
        Data dark, simulated data light. Of trials proportions are drawn, or successes where all rows have as many
        trials.

    Raises
    ------
    SpecificationError
        Unknown options; a kind that the response does not have; late entry, where new responses would have to come
        after the entry.
    ColumnNotFound
        There is no such grouping factor or level.

    Notes
    -----
    The share p beside a statistic is that of simulated data sets with a larger one (equal ones count half). Near 0 or
    1 the model does not make data like these. Near 0.5 says little of statistics that the model fits by itself, as the
    mean; choose those that it could miss. Where levels keep their effects the data are used twice, and p is drawn
    towards 0.5.

    References
    ----------
    Gelman, Meng and Stern (1996), Posterior predictive assessment of model fitness, Statistica Sinica 6, 733. Kleiber
    and Zeileis (2016), Visualizing count data regressions using rootograms, The American Statistician 70, 296.

    Examples
    --------
    >>> import bayesml as bml
    >>> fit = bml.fit("y ~ lbase + trt + (1 | subject)", bml.datasets.load("epil"), family="poisson")
    >>> figure = bml.plots.predictive_check(fit)
    >>> figure = bml.plots.predictive_check(fit, "statistic", statistic=["sd", "zeros", "max"])
    """
    require_result(result, "plots.predictive_check")
    one_of("kind", kind, KINDS)
    one_of("ranef", ranef, ["conditional", "marginal"])
    interval_tails(ci_prob)
    if draws is not None and draws < 1:
        raise SpecificationError(f"`draws={draws}`: give a number of simulated data sets, at least 1.")
    if "entry" in result.design.response:
        raise SpecificationError(
            "Times of units that entered late are known because they are longer than the entry: simulated ones are "
            "not, so they cannot be compared. Look at `bml.plots.residuals`."
        )
    chosen = default_kind(result) if kind == "auto" else kind
    refuse_kind(result, chosen)
    lines = chosen in ("density", "ecdf") or (chosen == "group" and panel_kind(result) == "ecdf")
    count = LINES if lines else PANELS if chosen == "group" else MANY
    check = simulate(result, draws or count, ranef, random_seed)
    if chosen in ("group", "statistic") and (group is not None or chosen == "group"):
        codes, labels, name = grouping(result, group)
        codes = codes[check.rows]
        if chosen == "group":
            shown = chosen_levels(labels, levels, name)
            return by_level(check, codes, labels, name, shown, panel_kind(result), ci_prob)
        return level_statistics(check, codes, labels, name, statistics(statistic), ci_prob)
    if chosen == "statistic":
        return statistic_panels(check, statistics(statistic))
    figure, (axes,) = panel_grid(1, size=(6.0, 3.6))
    handles = draw_kind(axes, check, chosen, ci_prob)
    axes.set_xlabel(check.name)
    legend(figure, handles)
    notes(figure, check.told)
    return figure


@dataclass(frozen=True, eq=False)
class Check:
    """Data and simulated data.

    Parameters
    ----------
    observed : ndarray (n,)
    replicated : ndarray (draws, n)
    arrays : dict
        What is known of the responses, where they are censored; empty otherwise.
    name : str
        What the values are.
    categories : tuple of str
    whole : bool
        Whether values are counts.
    support : tuple of float
    told : str
        What the simulated data are.
    rows : ndarray (n,)
        Row of the fit of each value.
    """

    observed: np.ndarray
    replicated: np.ndarray
    arrays: dict[str, np.ndarray]
    name: str
    categories: tuple[str, ...]
    whole: bool
    support: tuple[float, float]
    told: str
    rows: np.ndarray

    @cached_property
    def bars(self) -> tuple[np.ndarray, list[str]]:
        """Lower ends and labels of bars."""
        if self.categories:
            return np.arange(float(len(self.categories))), list(self.categories)
        return bars_of_counts(self.observed, self.replicated)

    def distribution(self, rows: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """Places and heights of the distribution function of some rows of the data."""
        if self.arrays:
            return turnbull(*intervals_of({name: own[rows] for name, own in self.arrays.items()}))
        places = np.sort(self.observed[rows])
        return places, np.arange(1, len(places) + 1) / len(places)


def default_kind(result: Result) -> str:
    """How a response is best compared."""
    design, family = result.design, result.model.family
    trials = design.response.get("trials")
    if "status" in design.response or (trials is not None and np.ptp(trials) > 0):
        return "ecdf"
    return "bars" if family.whole else "density"


def panel_kind(result: Result) -> str:
    """How small panels compare: bars where there are few values, else distribution functions."""
    design = result.design
    few = default_kind(result) == "bars" and (bool(design.categories) or np.ptp(design.y) < MOST_BARS / 3)
    return "bars" if few else "ecdf"


def refuse_kind(result: Result, kind: str) -> None:
    """Refuse what a response does not have."""
    design = result.design
    if "status" in design.response and kind not in ("ecdf", "group"):
        raise SpecificationError(
            f'`{design.response_name}` is censored: compare by `kind="ecdf"` or "group", not "{kind}".'
        )
    if kind == "bars" and not result.model.family.whole:
        raise SpecificationError(
            f'`kind="bars"` is of counts and categories; `{design.response_name}` has "density" and "ecdf".'
        )
    if design.categories and kind in ("density", "ecdf", "statistic"):
        raise SpecificationError(f'`{design.response_name}` is a category: it has `kind="bars"` and "group".')


def simulate(result: Result, draws: int, ranef: str, random_seed: int | None) -> Check:
    """The data, and data simulated for the same rows."""
    design, family = result.design, result.model.family
    seed = stream(result, random_seed, CHECK_STREAM)
    # a row that stands for several is simulated as often
    each = np.repeat(np.arange(design.n), 1 if design.frequencies is None else np.rint(design.frequencies).astype(int))
    drawn = as_draws(result, max(1, min(draws, MOST_VALUES // len(each))), seed)
    rows = prediction_rows(result, None, random=True, groups=True).take(each)
    replicated = np.empty((drawn.posterior.sigma.size, len(each)))
    for block in RowDraws(drawn, rows, ranef, False, seed).blocks():
        replicated[:, block.part] = block.response()
    observed, whole, name = design.y[each], family.whole, design.response_name
    arrays = {key: own[each] for key, own in design.response.items()}
    trials = arrays.get("trials")
    if trials is not None and np.ptp(trials) > 0:
        observed, replicated, whole = observed / trials, replicated / trials, False
        name = f"{name}: share of the trials"
    kept = "with the random effects of the levels" if ranef == "conditional" else "with new random effects"
    told = f"Simulated {kept}." if design.random else ""
    return Check(
        observed, replicated, arrays if "status" in arrays else {}, name, design.categories,
        whole, (0.0, 1.0) if trials is not None and not whole else family.support, told, each,
    )  # fmt: skip


def draw_kind(
    axes: Axes,
    check: Check,
    kind: str,
    ci_prob: float,
    rows: Any = slice(None),
    limits: tuple[float, float] | None = None,
) -> list[Any]:
    """One panel of some rows, its horizontal axis within limits; returns what stands in the legend."""
    observed, replicated = check.observed[rows], check.replicated[:, rows]
    plain(axes)
    if kind == "density":
        draw_densities(axes, observed, replicated, check.support)
        axes.set_ylabel("density")
        return line_handles(len(replicated))
    if kind == "ecdf":
        limits = limits or shown_range(check.distribution(rows)[0], replicated)
        draw_distributions(axes, check.distribution(rows), replicated, limits)
        axes.set_ylabel("share up to")
        return line_handles(len(replicated))
    values, labels = check.bars
    roots = not check.categories and len(values) > 2
    draw_bars(axes, observed, replicated, values, labels, ci_prob, roots)
    axes.set_ylabel("rows (square-root scale)" if roots else "rows")
    return bar_handles(len(replicated), ci_prob)


# -- by level --------------------------------------------------------------------------------------


def grouping(result: Result, group: str | Sequence[Any] | None) -> tuple[np.ndarray, list[str], str]:
    """Codes of the rows, labels of the levels, and what they are called."""
    design = result.design
    if group is None or isinstance(group, str):
        if not design.random:
            raise SpecificationError("The model has no grouping factor: give labels of the rows as `group`.")
        known = [term.group for term in design.random]
        if group is not None and group not in known:
            raise ColumnNotFound(
                f"There is no grouping factor `{group}`; there is {', '.join(dict.fromkeys(known))}. Labels of the "
                "rows can be given too."
            )
        term = design.random[0 if group is None else known.index(group)]
        return term.codes, list(term.level_labels), term.group
    if len(group) != design.n:
        raise SpecificationError(f"`group` has {len(group)} labels; the fit used {design.n} rows.")
    codes, labels = pd.factorize(np.asarray(group, dtype=object), sort=True)
    return codes, [str(label) for label in labels], str(getattr(group, "name", None) or "group")


def chosen_levels(labels: list[str], levels: Sequence[object] | None, name: str) -> list[int]:
    """Places of the levels that have a panel."""
    if levels is None:
        return list(range(min(len(labels), MOST_PANELS)))
    if unknown := [str(level) for level in levels if str(level) not in labels]:
        raise ColumnNotFound(f"`{name}` has no level {', '.join(unknown)}; the first are {', '.join(labels[:5])}")
    return [labels.index(str(level)) for level in levels]


def by_level(
    check: Check, codes: np.ndarray, labels: list[str], name: str, shown: list[int], kind: str, ci_prob: float
) -> Figure:
    """One panel a level."""
    rows = np.isin(codes, shown)
    limits = shown_range(check.distribution(rows)[0], check.replicated[:, rows])
    figure, panels = panel_grid(len(shown), size=(1.8, 1.5), sharex=True, sharey=kind == "ecdf")
    handles: list[Any] = []
    for axes, level in zip(panels, shown, strict=True):
        handles = draw_kind(axes, check, kind, ci_prob, np.flatnonzero(codes == level), limits)
        axes.set_title(folded(shortened(labels[level], 32), 16), fontsize="small", pad=3)
        axes.set_ylabel("")
        few_ticks(axes, None, 3)
        if kind == "ecdf":
            few_ticks(axes, 3, None)
    figure.supxlabel(check.name, fontsize="medium")
    figure.supylabel("share up to" if kind == "ecdf" else "rows", fontsize="medium")
    title = name if len(shown) == len(labels) else f"{len(shown)} of {len(labels)} levels of {name}"
    legend(figure, handles, title)
    return figure


# -- statistics ------------------------------------------------------------------------------------


def statistics(given: Any) -> list[tuple[str, Callable[[np.ndarray], Any]]]:
    """Names and functions."""
    asked = [given] if isinstance(given, str) or callable(given) else list(given)
    for own in asked:
        if not callable(own):
            one_of("statistic", own, STATISTICS, ": it is a name or a function of an array")
    if not asked:
        raise SpecificationError("`statistic=[]` asks for nothing: give at least one.")
    return [statistic_of(own) for own in asked]


def statistic_panels(check: Check, wanted: list[tuple[str, Callable[[np.ndarray], Any]]]) -> Figure:
    """One panel a statistic."""
    figure, panels = panel_grid(len(wanted), size=(2.6, 2.1))
    for axes, (name, function) in zip(panels, wanted, strict=True):
        plain(axes)
        draw_statistic(axes, name, float(function(check.observed)), np.asarray(function(check.replicated)))
        few_ticks(axes, 4, None)
    legend(figure, statistic_handles(len(check.replicated)))
    notes(
        figure, f"Statistics of {check.name}. p: share of simulated data with a larger one.", check.told
    )  # fmt: skip
    return figure


def level_statistics(
    check: Check,
    codes: np.ndarray,
    labels: list[str],
    name: str,
    wanted: list[tuple[str, Callable[[np.ndarray], Any]]],
    ci_prob: float,
) -> Figure:
    """One panel a statistic: that of each level, in order, beside the interval of simulated data."""
    rows = [np.flatnonzero(codes == level) for level in range(len(labels))]
    height = min(max(0.17 * len(labels) + 1.2, 2.6), 11.0)
    figure, panels = panel_grid(len(wanted), len(wanted), (max(2.4, 6.0 / len(wanted)), height), sharey=True)
    order: np.ndarray | None = None
    for axes, (title, function) in zip(panels, wanted, strict=True):
        with np.errstate(invalid="ignore", divide="ignore"):
            own = np.array([float(function(check.observed[part])) for part in rows])
            simulated = np.stack([np.asarray(function(check.replicated[:, part])) for part in rows], axis=1)
        order = np.argsort(own, kind="stable") if order is None else order
        tails = interval_tails(ci_prob)
        lower, middle, upper = np.quantile(simulated, [tails[0], 0.5, tails[1]], axis=0)[:, order]
        places = np.arange(len(order))
        few = len(labels) <= MOST_LABELS
        small = {"markersize": 3.5 if few else 1.5, "elinewidth": 1.2 if few else 0.8}
        axes.errorbar(
            middle, places, xerr=[middle - lower, upper - middle], **{**INTERVAL, **small},
            label=f"{len(check.replicated)} simulated: median, {percent(ci_prob)} interval",
        )  # fmt: skip
        axes.plot(own[order], places, color=BLACK, marker="|", markersize=7 if few else 4,
                  markeredgewidth=1.8, linestyle="none", zorder=4, label="observed")  # fmt: skip
        outside = float(np.mean((own[order] < lower) | (own[order] > upper)))
        plain(axes)
        few_ticks(axes, 4, None)
        axes.set_title(f"{title}\n{100 * outside:.0f}% of levels outside", fontsize="small", pad=4)
        axes.margins(y=0.02)
    assert order is not None
    first = panels[0]
    if len(labels) <= MOST_LABELS:
        first.set_yticks(np.arange(len(order)), [labels[i] for i in order], fontsize="x-small")
    else:
        first.set_yticks([])
    first.set_ylabel(name if len(labels) <= MOST_LABELS else f"{len(labels)} levels of {name}, in order")
    legend(figure, first.get_legend_handles_labels()[0])
    notes(figure, f"Statistics of {check.name} in each level.", check.told)
    return figure
