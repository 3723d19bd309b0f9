"""Pareto k of each unit that was left out: which predictions importance sampling cannot give."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayesml.bayes.loo import Loo
from bayesml.bayes.loo import loo as loo_of
from bayesml.bayes.units import ROW
from bayesml.errors import SpecificationError
from bayesml.plots.colours import BLUE, GREY, REFERENCE, VERMILLION
from bayesml.plots.panels import few_ticks, legend, notes, panel_grid, plain, shortened
from bayesml.results.base import Result, require_result
from bayesml.results.bayesian import BayesianResult

MOST_LABELS = 8
FEW_UNITS = 40
"""Units whose labels all stand on the axis."""


def loo(found: Loo | Result) -> Figure:
    """Return a figure of the Pareto k of each unit, and of its log predictive density.

    Parameters
    ----------
    found : Loo or BayesianResult
        Of `bml.loo` or `bml.leave_one_group_out`; of a posterior rows are left out, none of them sampled without.

    Returns
    -------
    matplotlib.figure.Figure
        Above, Pareto k in the order of the data, with the limits of bad and very bad; below, `elpd` of each unit. Units
        with bad k are labelled, the worst eight of them; those that were sampled without are hollow.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> figure = bml.plots.loo(bml.leave_one_group_out(post, exact=False))
    """
    own = found if isinstance(found, Loo) else computed(found)
    k, elpd = own.pareto_k.to_numpy(), own.pointwise["elpd"].to_numpy()
    again = own.pointwise["refitted"].to_numpy()
    bad = ~(k <= own.good_k)
    places = np.arange(len(k))
    figure, (above, below) = panel_grid(2, columns=1, size=(7.4, 2.1), sharex=True)
    size = 5.0 if len(k) <= 400 else 2.5
    for axes, values in ((above, k), (below, elpd)):
        for chosen, marker, colour in ((~bad, "o", BLUE), (bad, "D", VERMILLION)):
            for inside, which in ((colour, chosen & ~again), ("white", chosen & again)):
                axes.plot(
                    places[which], values[which], linestyle="none", marker=marker, markersize=size, color=colour,
                    markerfacecolor=inside, markeredgewidth=1.0,
                )  # fmt: skip
        plain(axes)
        few_ticks(axes, x=None)
    above.axhline(own.good_k, **REFERENCE)
    very_bad = bool(np.nanmax(k) > 0.9)
    if very_bad:
        above.axhline(1.0, **{**REFERENCE, "linestyle": ":"})
    labels = [
        str(label) if not isinstance(label, tuple) else ":".join(map(str, label)) for label in own.pointwise.index
    ]
    worst = np.flatnonzero(bad)[np.argsort(-k[bad], kind="stable")][:MOST_LABELS]
    named(above, places, k, worst, labels)
    above.set_ylabel("Pareto k", fontsize="small")
    below.set_ylabel("elpd", fontsize="small")
    horizontal(below, own, labels)
    legend(figure, handles(own, bad, again))
    left = int(bad.sum()) - len(worst)
    notes(
        figure, f"elpd {own.elpd:.1f} ± {own.se:.1f} (SE).",
        f"Dashed: k = {own.good_k:.2g}, above which importance sampling is not reliable."
        + (" Dotted: k = 1, very bad." if very_bad else ""),
        f"{left} more bad k are not labelled." if left > 0 else "",
    )  # fmt: skip
    return figure


def computed(result: Result) -> Loo:
    """Rows of a posterior, one by one."""
    require_result(result, "plots.loo")
    if not isinstance(result, BayesianResult):
        raise SpecificationError(
            f"plots.loo() draws what bml.loo() finds of a posterior; a fit by {result.kind} has none. Sample the model "
            "with `bml.sample`."
        )
    return loo_of(result, exact=False)


def named(axes: Axes, places: np.ndarray, values: np.ndarray, chosen: np.ndarray, labels: list[str]) -> None:
    """Labels beside points, on the side where there is room."""
    axes.margins(y=0.12)
    for i in chosen:
        left = places[i] > 0.85 * places[-1]
        axes.annotate(
            labels[i], (places[i], values[i]), xytext=(-5 if left else 5, 2), textcoords="offset points",
            ha="right" if left else "left", fontsize="x-small", color=GREY,
        )  # fmt: skip


def horizontal(axes: Axes, found: Loo, labels: list[str]) -> None:
    """Labels of groups, if they are few; else the number of the unit."""
    if found.unit != ROW and len(labels) <= FEW_UNITS:
        labels = [shortened(label) for label in labels]
        turned = max(map(len, labels)) * len(labels) > 80
        axes.set_xticks(range(len(labels)), labels, fontsize="x-small", rotation=90 if turned else 0)
        axes.set_xlabel(found.unit, fontsize="small")
        return
    what = "row" if found.unit == ROW else f"level of {found.unit}"
    axes.set_xlabel(f"{what}, in the order of the data" if found.unit == ROW else what, fontsize="small")


def handles(found: Loo, bad: np.ndarray, again: np.ndarray) -> list[Line2D]:
    """What stands in the legend."""
    out = [point("good k", "o", BLUE, BLUE)] if (~bad).any() else []
    if (bad & ~again).any():
        out.append(point("bad k", "D", VERMILLION, VERMILLION))
    if again.any():
        bad_only = not (again & ~bad).any()
        out.append(point("sampled without", "D" if bad_only else "o", VERMILLION if bad_only else BLUE, "white"))
    return out


def point(label: str, marker: str, colour: str, inside: str) -> Line2D:
    """A handle."""
    return Line2D([], [], linestyle="none", label=label, marker=marker, color=colour, markerfacecolor=inside)
