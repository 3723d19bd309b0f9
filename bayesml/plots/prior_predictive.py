"""Data sets from the prior beside the observed one."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesml.bayes.prior_predictive import PriorPredictive, is_binary, share
from bayesml.errors import SpecificationError
from bayesml.plots.panels import few_ticks, legend, notes, panel_grid, plain
from bayesml.plots.replications import (
    OBSERVED,
    REPLICATED,
    bar_handles,
    bars_of_counts,
    density_within,
    draw_bars,
    draw_distributions,
    draw_statistic,
    line_handles,
    statistic_handles,
)
from bayesml.post.options import one_of
from bayesml.results.posterior_summary import interval_tails

KINDS = ("auto", "density", "ecdf", "bars", "statistic")
SHOWN = 0.9
"""Share of all new responses that is shown at least, unless they are farther from the data than `FARTHEST`."""
SHOWN_STATISTICS = 0.95
FARTHEST = 10.0
"""Observed ranges beyond the data at which axes end."""


def prior_predictive(prior: PriorPredictive, kind: str = "auto", draws: int = 50) -> Figure:
    """Return a figure of data sets from the prior, and of the observed one.

    Parameters
    ----------
    prior : PriorPredictive
        Of `bml.prior_predictive`.
    kind : {"auto", "density", "ecdf", "bars", "statistic"}
        ``"density"``: kernel densities of some data sets. ``"ecdf"``: their distribution functions. ``"bars"``: how
        many rows each count or category has, with the interval over all data sets. ``"statistic"``: one panel for each
        statistic of the table. ``"auto"``: bars for counts and categories, ecdf for proportions of trials, density for
        other numbers.
    draws : int, default 50
        Data sets that are drawn as lines.

    Returns
    -------
    matplotlib.figure.Figure
        Axes show the middle 90 % of the new responses and all that were observed, but end ten observed ranges from the
        data; the figure says how much they show.

    Raises
    ------
    SpecificationError
        Something else than a `PriorPredictive`; a kind that the responses do not have.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> prior = bml.prior_predictive("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1)
    >>> figure = bml.plots.prior_predictive(prior)
    """
    if not isinstance(prior, PriorPredictive):
        raise SpecificationError(
            "plots.prior_predictive() draws what `bml.prior_predictive(model, data)` returns, not "
            f"{type(prior).__name__}."
        )
    one_of("kind", kind, KINDS)
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 1:
        raise SpecificationError(f"`draws={draws!r}`: give a number of data sets, at least 1.")
    chosen = usual_kind(prior) if kind == "auto" else kind
    refuse_kind(prior, chosen)
    if chosen == "statistic":
        return statistic_panels(prior)
    observed, simulated, name = values_of(prior)
    complete = simulated[np.isfinite(simulated).all(axis=1)]
    finite = simulated[np.isfinite(simulated)]
    if not len(finite):
        raise SpecificationError("The prior gives no responses that are numbers: there is nothing to draw.")
    figure, (axes,) = panel_grid(1, size=(6.0, 3.6))
    plain(axes)
    axes.set_xlabel(name)
    if chosen == "bars":
        told = bars(axes, prior, observed, complete if len(complete) else simulated)
        legend(figure, bar_handles(len(complete), prior.ci_prob))
    else:
        limits = view(observed, finite)
        lines(axes, chosen, observed, simulated[:draws], limits)
        legend(figure, line_handles(min(draws, len(simulated))))
        told = shown_in(limits, finite)
    lost = np.mean(~np.isfinite(simulated).all(axis=1))
    notes(
        figure,
        f"Priors: {prior.graph.model.priors}.",
        told,
        f"{share(lost)} of the data sets have responses that do not exist." if lost else "",
    )
    return figure


def usual_kind(prior: PriorPredictive) -> str:
    """How the responses are best drawn."""
    design, family = prior.graph.design, prior.graph.family
    if design.response.get("trials") is not None:
        return "ecdf"
    return "bars" if family.whole else "density"


def refuse_kind(prior: PriorPredictive, kind: str) -> None:
    """Refuse what the responses do not have."""
    design = prior.graph.design
    if kind == "bars" and not prior.graph.family.whole:
        raise SpecificationError(
            f'`kind="bars"` is of counts and categories; `{design.response_name}` has "density" and "ecdf".'
        )
    if design.categories and kind in ("density", "ecdf"):
        raise SpecificationError(f'`{design.response_name}` is a category: it has `kind="bars"` and "statistic".')


def values_of(prior: PriorPredictive) -> tuple[np.ndarray, np.ndarray, str]:
    """Observed (n,) and new responses (draw, n), of trials as proportions, and what they are."""
    design = prior.graph.design
    trials = design.response.get("trials")
    if trials is None:
        return prior.observed, prior.responses, design.response_name
    return prior.observed / trials, prior.responses / trials, f"{design.response_name} / trials"


def view(observed: np.ndarray, finite: np.ndarray) -> tuple[float, float]:
    """Ends of an axis: all that was observed, most of what is new, but not farther than some observed ranges."""
    width = float(np.ptp(observed)) or abs(float(observed[0])) or 1.0
    low, high = np.quantile(finite, interval_tails(SHOWN))
    first, last = float(observed.min()), float(observed.max())
    return max(min(low, first), first - FARTHEST * width), min(max(high, last), last + FARTHEST * width)


def shown_in(limits: tuple[float, float], finite: np.ndarray) -> str:
    """How many of the new responses an axis shows, and where the others are; nothing if it shows all."""
    inside = np.mean((finite >= limits[0]) & (finite <= limits[1]))
    if inside == 1:
        return ""
    return f"Shown are {share(inside)} of the new responses; they go from {finite.min():.3g} to {finite.max():.3g}."


def lines(axes: Axes, kind: str, observed: np.ndarray, simulated: np.ndarray, limits: tuple[float, float]) -> None:
    """Densities or distribution functions of some data sets, without responses that do not exist."""
    if kind == "ecdf":
        heights = np.arange(1, len(observed) + 1) / len(observed)
        # what does not exist lies beyond the axis, so that its share is missing from the curve
        beyond = np.where(np.isfinite(simulated), simulated, np.inf)
        draw_distributions(axes, (np.sort(observed), heights), beyond, limits)
        axes.set_ylabel("share up to")
        return
    pad = 0.04 * (limits[1] - limits[0])
    ends = limits[0] - pad, limits[1] + pad
    curves = [density_within(values[np.isfinite(values)], ends) for values in simulated]
    for x, heights in curves:
        axes.plot(x, heights, **REPLICATED)
    x, heights = density_within(observed, ends)
    axes.plot(x, heights, **OBSERVED)
    tops = [heights.max() for _, heights in curves if len(heights)]
    # a prior data set that hardly varies has a peak that would press all others down
    top = max([float(np.quantile(tops, 0.9)) if tops else 0.0, float(heights.max()) if len(heights) else 0.0])
    axes.set_xlim(ends)
    axes.set_ylim(0, 1.05 * top or 1.0)
    axes.set_ylabel("density")
    axes.set_yticks([])
    axes.spines[["left"]].set_visible(False)


def bars(axes: Axes, prior: PriorPredictive, observed: np.ndarray, simulated: np.ndarray) -> str:
    """Bars of counts or categories; returns what is said of counts beyond the last."""
    design = prior.graph.design
    told, roots = "", False
    if design.categories:
        values, labels = np.arange(float(len(design.categories))), list(design.categories)
    elif is_binary(prior.graph):
        values, labels = np.array([0.0, 1.0]), ["0", "1"]
    else:
        limits = view(observed, simulated[np.isfinite(simulated)])
        values, labels = bars_of_counts(observed, np.clip(simulated, *limits))
        beyond = np.mean(simulated >= values[-1])
        labels[-1] = f"≥ {values[-1]:g}"
        told = (
            f"The last bar holds {share(beyond)} of the new responses, up to {simulated.max():.3g}." if beyond else ""
        )
        roots = True
    draw_bars(axes, observed, simulated, values, labels, prior.ci_prob, roots)
    axes.set_ylabel("rows (square-root scale)" if roots else "rows")
    return told


def statistic_panels(prior: PriorPredictive) -> Figure:
    """One panel a statistic: its distribution over the data sets, and the observed one."""
    found = prior.table
    figure, panels = panel_grid(len(found), size=(2.6, 2.1))
    shares = prior.graph.design.categories or prior.graph.family.takes_trials or is_binary(prior.graph)
    unit, cut = 0.0 if shares else float(np.std(prior.observed)), False
    for axes, (name, row) in zip(panels, found.iterrows(), strict=True):
        plain(axes)
        draws = prior.statistics[name].to_numpy()
        draws = draws[np.isfinite(draws)]
        observed = float(row["observed"])
        if not len(draws):
            axes.set_title(f"{name}\nno draw gives a number", fontsize="small", pad=4)
            continue
        low, high = statistic_view(observed, draws, unit)
        cut |= bool((draws < low).any() or (draws > high).any())
        draw_statistic(axes, str(name), observed, np.clip(draws, low, high))
        few_ticks(axes, 3, None)
    legend(figure, statistic_handles(len(prior.responses)))
    notes(
        figure,
        "p: share of data sets with a larger one.",
        "Data sets beyond the axes are in the first and last bars." if cut else "",
        f"Priors: {prior.graph.model.priors}.",
    )
    return figure


def statistic_view(observed: float, draws: np.ndarray, unit: float) -> tuple[float, float]:
    """Ends of the axis of a statistic: most data sets and the observed one, but not farther from it than `FARTHEST`."""
    low, high = np.quantile(draws, interval_tails(SHOWN_STATISTICS))
    room = FARTHEST * (max(abs(observed), unit) or 1.0)
    low, high = max(float(low), observed - room), min(float(high), observed + room)
    # data sets beyond the observed one stay beyond it
    beside = 0.02 * max(high - low, 1e-3 * room)
    return min(low, observed - beside), max(high, observed + beside)
