"""Hypotheses as regions of densities, their probability written into them."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayesml.bayes.bayes_factor_prior import log_density_of_sum
from bayesml.bayes.hypotheses import Hypotheses, Hypothesis, PointHypothesis, Region
from bayesml.bayes.margins import Margin, comparisons_of, deciding_margin, margin_of
from bayesml.bayes.point_null import restrictions_of
from bayesml.errors import RefusedTest, SpecificationError
from bayesml.plots.colours import BAND, BLUE, CONDITIONAL, GREY, POPULATION, REFERENCE, VERMILLION
from bayesml.plots.densities import density_curve
from bayesml.plots.panels import bare_vertical, few_ticks, legend, notes, panel_grid, plain
from bayesml.results.sections import percent
from bayesml.syntax.statement import Arithmetic, Comparison, Logical, Number

POINTS = 1500
GRID = 160
WINDOW = (0.0005, 0.9995)
ROOM = 0.08
"""Share of the width that is left on either side of what must be seen."""
FEW = 300
"""Draws from the prior within the panel below which their density is not drawn."""


def hypothesis(found: Hypothesis | Hypotheses, limit: int = 12, columns: int | None = None) -> Figure:
    """Return a figure of one or several hypotheses, a panel each.

    Of an order or a range the posterior density (solid) and the prior density (dashed) of the quantity that it is
    about, with the region in which the statement holds shaded and its posterior probability written into it; of a range
    also the shares below and above and, as a bar, the highest-density interval. Of an equality both densities with dots
    at the value and the Bayes factor, which is the ratio of their heights. Of a joint statement about two quantities
    their draws, those for which it holds in another colour and shape; about more, the density of what decides it: the
    smallest margin by which its parts hold, in posterior standard deviations.

    Parameters
    ----------
    found : Hypothesis or Hypotheses
        From `hypothesis`.
    limit : int, default 12
        Panels at most; of more hypotheses the first are shown, which the figure says.
    columns : int, optional
        Panels in a row.

    Returns
    -------
    matplotlib.figure.Figure
        One panel a hypothesis, titled by its name.

    Raises
    ------
    SpecificationError
        Something that `hypothesis` did not return.

    Notes
    -----
    Densities are kernel estimates, prior densities of sums of one or two parameters computed; the dots of an equality
    are the densities that its Bayes factor was computed from, so that they may lie off the curve far from the draws. At
    most 1500 evenly chosen draws are shown as points.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> figure = bml.plots.hypothesis(bml.hypothesis(post, ["Days > 8", "Days = 10", "8 < Days < 12"]))
    """
    if not isinstance(found, Hypothesis | Hypotheses):
        raise SpecificationError(
            f"plots.hypothesis() draws what `bml.hypothesis` returns, not {type(found).__name__}: "
            'plots.hypothesis(bml.hypothesis(post, "Days > 8")).'
        )
    given = [found] if isinstance(found, Hypothesis) else list(found)
    parts = given[: max(1, limit)]
    figure, panels = panel_grid(len(parts), columns, size=(3.7, 2.7) if len(parts) > 1 else (5.2, 3.4))
    kinds: set[str] = set()
    for axes, part in zip(panels, parts, strict=True):
        kinds |= draw_panel(axes, part)
    content = percent(parts[0].ci_prob)
    hdi = Line2D([], [], label=f"{content} highest-density interval", **HDI)
    legend(figure, [handle for name, handle in (HANDLES | {"hdi": hdi}).items() if name in kinds])
    told = [note for part in parts for note in part.read.told]
    if len(parts) < len(given):
        told.append(f"The first {len(parts)} of {len(given)} hypotheses; `limit` shows more.")
    notes(figure, *dict.fromkeys(told))
    return figure


HDI: dict[str, Any] = {"color": GREY, "linewidth": 3, "solid_capstyle": "butt"}
HANDLES: dict[str, Any] = {
    "posterior": Line2D([], [], label="posterior", **CONDITIONAL),
    "prior": Line2D([], [], label="prior", **POPULATION),
    "region": Patch(label="holds", **BAND),
    "holds": Line2D([], [], label="draws for which it holds", color=BLUE, marker="o", linestyle="none", markersize=4),
    "fails": Line2D([], [], label="draws for which not", color=VERMILLION, marker="x", linestyle="none", markersize=4),
}


def draw_panel(axes: Axes, part: Hypothesis) -> set[str]:
    """One hypothesis; returns what must be in the legend."""
    lines = [folded(part.name, 46), *([folded(said(part), 56)] if said(part) else [])]
    axes.set_title("\n".join(lines), fontsize="small", pad=4)
    if isinstance(part, PointHypothesis):
        return draw_point(axes, part)
    if part.margin is not None:
        return draw_margin(axes, part, part.margin)
    quantities = joint_quantities(part)
    if len(quantities) == 2:
        return draw_scatter(axes, part, quantities)
    return draw_deciding(axes, part)


def folded(text: str, width: int) -> str:
    """A statement on as many lines as it needs."""
    return "\n".join(wrap(text, width, break_long_words=True)) or text


def said(part: Hypothesis) -> str:
    """What stands below the name, in small letters."""
    if isinstance(part, PointHypothesis):
        return ""
    verdict = f"{part.verdict}: " if isinstance(part, Region) else ""
    if part.prior_probability is None:
        return f"{verdict}flat prior, no Bayes factor"
    return f"{verdict}prior P = {part.prior_probability:.3g}, Bayes factor {part.bayes_factor_text}"


# -- one quantity ----------------------------------------------------------------------------------


def draw_margin(axes: Axes, part: Hypothesis, margin: Margin) -> set[str]:
    """The density of one quantity, shaded between limits."""
    draws = part.read.values(part.result, margin.quantity)
    ends = [end for end in (margin.lower, margin.upper) if np.isfinite(end)]
    low, high = window(draws, ends)
    kinds = draw_densities(axes, part, margin.quantity, draws, low, high)
    x, y = density_curve(draws)
    shade(axes, x, y, np.array([margin.lower, margin.upper]))
    for end in ends:
        axes.axvline(end, **REFERENCE)
    write_probability(axes, part, draws[part.holds], x, y)
    kinds.add("region")
    if isinstance(part, Region):
        kinds.add("hdi")
        axes.plot(part.hdi, [0, 0], clip_on=False, **HDI)
        axes.text(0.01, 0.98, f"below\n{part.below:.3g}", transform=axes.transAxes, va="top", fontsize="x-small")
        axes.text(0.99, 0.98, f"above\n{part.above:.3g}", transform=axes.transAxes, va="top", ha="right",
                  fontsize="x-small")  # fmt: skip
    axes.set_xlabel(folded(str(margin.quantity), 48), fontsize="small")
    return kinds


def draw_densities(
    axes: Axes, part: Hypothesis, quantity: Arithmetic, draws: np.ndarray, low: float, high: float
) -> set[str]:
    """Posterior and prior density of a quantity within limits."""
    axes.plot(*density_curve(draws), **CONDITIONAL)
    kinds = {"posterior"}
    curve = prior_curve(part, quantity, float(np.median(draws)), low, high)
    if curve is not None:
        axes.plot(*curve, **POPULATION)
        kinds.add("prior")
    axes.set_xlim(low, high)
    bare_vertical(axes)
    few_ticks(axes, x=5, y=None)
    # a prior that is much higher somewhere would press the posterior down
    axes.set_ylim(bottom=0, top=1.25 * axes.lines[0].get_ydata().max(initial=1e-300))  # type: ignore[union-attr]
    return kinds


def window(draws: np.ndarray, others: Sequence[float]) -> tuple[float, float]:
    """The part of the axis that holds nearly all draws and these other places."""
    low, high = np.quantile(draws, WINDOW)
    low, high = min(low, *others, high), max(high, *others, low)
    room = ROOM * (high - low) or 1.0
    return float(low - room), float(high + room)


def shade(axes: Axes, x: np.ndarray, y: np.ndarray, limits: np.ndarray) -> None:
    """Fill a curve between two limits, to the limits exactly."""
    if not len(x):
        return
    low, high = np.clip(limits, x[0], x[-1])
    inside = np.unique(np.concatenate([[low], x[(x > low) & (x < high)], [high]]))
    axes.fill_between(inside, np.interp(inside, x, y), **BAND)


def write_probability(axes: Axes, part: Hypothesis, inside: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """The probability in the middle of the region, or over the panel's middle where there is no room for it."""
    probability, agree = part.probability, {0.0: "none", 1.0: "all"}
    text = f"P = {probability:.3g}"
    if probability in agree:
        text += f" ({agree[probability]} of {part.holds.size} draws)"
    box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    if probability > 0.15 and len(x):
        at = float(np.median(inside))
        axes.text(at, 0.4 * np.interp(at, x, y), text, ha="center", va="center", fontsize="medium", bbox=box)
    else:
        axes.text(0.5, 0.97, text, transform=axes.transAxes, ha="center", va="top", fontsize="medium", bbox=box)


def prior_curve(
    part: Hypothesis, quantity: Arithmetic, centre: float, low: float, high: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """The prior density of a quantity within limits: computed where it is linear, else of draws; None of flat ones."""
    grid = np.linspace(low, high, GRID)
    try:
        statement = Comparison(("=",), (quantity, Number(centre)))
        own = restrictions_of(part.result, part.read.of(statement))
    except RefusedTest:
        own = None
    if own is not None and len(own.priors) <= 2:
        values = [log_density_of_sum(own.priors, own.R[0], float(own.r[0]) + g - centre, [0]).value for g in grid]
        return grid, np.exp(values)
    draws = part.read.values(part.prior.of(part.read.effects), quantity).ravel()
    if np.isnan(draws).all():
        return None
    near = (draws > low - (high - low)) & (draws < high + (high - low))
    if near.sum() < FEW:
        return None
    x, y = density_curve(draws[near])
    seen = (x >= low) & (x <= high)
    return x[seen], y[seen] * near.mean()


# -- equality --------------------------------------------------------------------------------------


def draw_point(axes: Axes, part: PointHypothesis) -> set[str]:
    """Both densities with dots at the value; of several equations the draws of the first two."""
    side = ("₀₁", "for", part.bf01) if part.log_bf01 >= 0 else ("₁₀", "against", part.bf10)
    text = f"BF{side[0]} = {short(side[2])} {side[1]} the equality"
    box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    pairs = comparisons_of(part.statement)
    margins = [margin for pair in pairs if (margin := margin_of(Comparison((pair[0],), pair[1:]))) is not None]
    if len(margins) > 1:
        draws = [part.read.values(part.result, margin.quantity).ravel() for margin in margins[:2]]
        chosen = np.linspace(0, len(draws[0]) - 1, min(POINTS, len(draws[0]))).astype(int)
        axes.plot(draws[0][chosen], draws[1][chosen], color=BLUE, marker=".", markersize=2, linestyle="none")
        axes.plot(margins[0].lower, margins[1].lower, color=VERMILLION, marker="X", markersize=9, linestyle="none")
        axes.set_xlabel(folded(str(margins[0].quantity), 48), fontsize="small")
        axes.set_ylabel(folded(str(margins[1].quantity), 36), fontsize="small")
        plain(axes)
        few_ticks(axes)
        axes.margins(y=0.2)
        axes.text(0.5, 0.98, text, transform=axes.transAxes, ha="center", va="top", fontsize="medium", bbox=box)
        return set()
    margin = margins[0]
    draws_of = part.read.values(part.result, margin.quantity)
    low, high = window(draws_of, [margin.lower])
    kinds = draw_densities(axes, part, margin.quantity, draws_of, low, high)
    axes.axvline(margin.lower, **REFERENCE)
    heights = ((part.posterior_density, CONDITIONAL, "o"), (part.prior_density, POPULATION, "s"))
    for density, style, marker in heights:
        axes.plot(
            margin.lower, float(np.exp(density.value)), marker=marker, markersize=7, color=style["color"],
            clip_on=False, markeredgecolor="white", zorder=5,
        )  # fmt: skip
    axes.text(0.5, 0.98, text, transform=axes.transAxes, ha="center", va="top", fontsize="medium", bbox=box)
    axes.set_xlabel(folded(str(margin.quantity), 48), fontsize="small")
    axes.set_ylim(top=1.12 * max(axes.get_ylim()[1], *(1.1 * float(np.exp(density.value)) for density, *_ in heights)))
    return kinds


def short(value: float) -> str:
    """A number in few digits."""
    return f"{value:.3g}" if value < 1e3 else f"{value:.0f}" if value < 1e6 else f"{value:.1e}"


# -- joint statements ------------------------------------------------------------------------------


def joint_quantities(part: Hypothesis) -> dict[Arithmetic, list[float]]:
    """The quantities that the comparisons of a statement are about, with their limits."""
    found: dict[Arithmetic, list[float]] = {}
    for sign, left, right in comparisons_of(part.statement):
        margin = margin_of(Comparison((sign,), (left, right)))
        if margin is not None:
            own = found.setdefault(margin.quantity, [])
            own += [end for end in (margin.lower, margin.upper) if np.isfinite(end)]
    return found


def draw_scatter(axes: Axes, part: Hypothesis, quantities: dict[Arithmetic, list[float]]) -> set[str]:
    """Draws of two quantities, those for which a statement holds apart from the others."""
    (first, first_ends), (second, second_ends) = quantities.items()
    x, y = (part.read.values(part.result, quantity).ravel() for quantity in (first, second))
    holds = part.holds.ravel()
    chosen = np.linspace(0, len(x) - 1, min(POINTS, len(x))).astype(int)
    kinds = set()
    for own, colour, marker, name in ((holds, BLUE, "o", "holds"), (~holds, VERMILLION, "x", "fails")):
        place = chosen[own[chosen]]
        if len(place):
            axes.plot(x[place], y[place], markersize=2.5, alpha=0.6, linestyle="none", color=colour, marker=marker)
            kinds.add(name)
    for end in first_ends:
        axes.axvline(end, **REFERENCE)
    for end in second_ends:
        axes.axhline(end, **REFERENCE)
    axes.set_xlim(window(x, first_ends))
    low, high = window(y, second_ends)
    axes.set_ylim(low, high + 0.15 * (high - low))
    write_probability(axes, part, x, np.empty(0), y)
    plain(axes)
    few_ticks(axes)
    axes.set_xlabel(folded(str(first), 48), fontsize="small")
    axes.set_ylabel(folded(str(second), 36), fontsize="small")
    return kinds


def draw_deciding(axes: Axes, part: Hypothesis) -> set[str]:
    """The density of the smallest margin."""
    draws = np.asarray(deciding_margin(part.statement, part.read.leaves(part.result)))
    low, high = window(draws, [0.0])
    x, y = density_curve(draws)
    axes.plot(x, y, **CONDITIONAL)
    shade(axes, x, y, np.array([0.0, np.inf]))
    axes.axvline(0.0, **REFERENCE)
    axes.set_xlim(low, high)
    bare_vertical(axes)
    axes.set_ylim(0, 1.18 * y.max())
    few_ticks(axes, x=5, y=None)
    write_probability(axes, part, draws[part.holds], x, y)
    what = "deciding margin" if alternatives(part) else "smallest margin"
    axes.set_xlabel(f"{what} (posterior sds), above 0 where it holds", fontsize="small")
    return {"posterior", "region"}


def alternatives(part: Hypothesis) -> bool:
    """Whether a statement has `or` or `not` at its top."""
    return isinstance(part.statement, Logical) and part.statement.operator != "and"
