"""Densities of priors against the scale of the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayesml.bayes.prior_table import implication, marginal_of, natural_scales, summary
from bayesml.bayes.result_graph import graph_of_model_or_result
from bayesml.design.arrays import Design
from bayesml.distributions import Distribution
from bayesml.errors import SpecificationError
from bayesml.graphs.of_data import PriorsLike
from bayesml.graphs.prior_scales import PriorScales
from bayesml.graphs.roles import Graph
from bayesml.plots.colours import BLUE, REFERENCE, line_style
from bayesml.plots.draws import at_least_one, left_out
from bayesml.plots.panels import bare_vertical, few_ticks, folded, legend, notes, panel_grid
from bayesml.plots.prior_curves import axis_height, draw_prior, shown_interval
from bayesml.results.base import Result
from bayesml.results.posterior_summary import interval_tails
from bayesml.results.sections import percent
from bayesml.results.selection import Wanted, select
from bayesml.spec.model import Model

MOST_SETS = 6


def priors(
    model: str | Model | Result,
    data: Any = None,
    priors: PriorsLike | Sequence[PriorsLike] = None,
    parameters: Wanted = None,
    ci_prob: float = 0.95,
    limit: int = 24,
    columns: int | None = None,
    **keywords: Any,
) -> Figure:
    """Return a figure of the prior density of each parameter, on the scale of the data.

    Parameters
    ----------
    model : str, Model or result
        A formula or a model, with `data`; or a result, whose priors and data are taken.
    data : DataFrame, pyarrow.Table or dict of arrays, optional
    priors : str, path, dict, or a list of these, optional
        As in `prior_table`; those of a list are drawn over each other. Default: those of the model.
    parameters : str or sequence of str, optional
        Addresses, groups (`"sd(Subject)"`) or patterns (`"sd(*"`). Default: all.
    ci_prob : float, default 0.95
        Content of the equal-tailed intervals, which are shaded where there is one prior a panel.
    limit : int, default 24
        Largest number of panels.
    columns : int, optional
        Panels in a row.
    **keywords
        Options of `Model`, where a formula is given.

    Returns
    -------
    matplotlib.figure.Figure
        One panel a parameter. Dashed lines mark the natural scale of the parameter on these data: one standard
        deviation of the response for an intercept, about where it is expected, and for sigma; sd(y) / sd(x) of a
        slope, sd(y) / sd(z) of the sd of a random slope; with a link without a unit, 1 for sd(y). What has no unit has
        none. Of correlations the margin is drawn. A flat prior is a line without a height.

    Raises
    ------
    SpecificationError
        More than six sets; no data.
    ColumnNotFound
        There is no such parameter.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> figure = bml.plots.priors("Reaction ~ Days + (Days | Subject)", sleep, priors=["weakly_informative", "bambi"])
    """
    interval_tails(ci_prob)
    graphs = labelled_graphs(model, data, priors, keywords)
    first = next(iter(graphs.values()))
    found = [address.text for address in select(Parameters(first), parameters)]
    shown = found[: at_least_one(limit)]
    known = [dict(graph.priors.items()) for graph in graphs.values()]
    scales = natural_scales(first)
    middle = middles(first)
    figure, panels = panel_grid(len(shown), columns, size=(2.7, 2.0))
    cuts = []
    for axes, address in zip(panels, shown, strict=True):
        text = str(known[0][address])
        own = [
            marginal_of(graph, address, all_priors[address])
            for graph, all_priors in zip(graphs.values(), known, strict=True)
        ]
        cuts.append(draw_panel(axes, address, own, text, scales[address], middle.get(address, 0.0), ci_prob))
    legend(figure, handles(list(graphs), ci_prob))
    cut = "Some intervals go beyond the axes."
    flat = any(prior.improper for own in known for prior in own.values())
    notes(
        figure,
        cut if any(cuts) else "",
        "Lines without a curve are flat priors." if flat else "",
        left_out(len(shown), len(found)),
    )
    return figure


def labelled_graphs(model: Any, data: Any, priors: Any, keywords: dict[str, Any]) -> dict[str, Graph]:
    """The model with each set of priors, by the name of the set."""
    several = list(priors) if isinstance(priors, list | tuple) else [priors]
    if not 1 <= len(several) <= MOST_SETS:
        raise SpecificationError(f"`priors` has {len(several)} sets: give 1 to {MOST_SETS} to draw over each other.")
    graphs = [graph_of_model_or_result(model, data, own, "plots.priors", **keywords) for own in several]
    out: dict[str, Graph] = {}
    for own, graph in zip(several, graphs, strict=True):
        label = graph.priors.prior_set
        if own is not None and not isinstance(own, str | PathLike) and graph.priors.given:
            label = f"given, else {label}"
        elif isinstance(own, PathLike):
            label = Path(fspath(own)).name
        while label in out:
            label = f"{label} ({len(out) + 1})"
        out[label] = graph
    return out


@dataclass(frozen=True)
class Parameters:
    """Parameters of a graph, for their addresses."""

    graph: Graph

    @property
    def design(self) -> Design:
        """The design of the graph."""
        return self.graph.design

    @property
    def ancillary(self) -> tuple[str, ...]:
        """Names of the parameters of the family."""
        return tuple(parameter.name for parameter in self.graph.ancillary)


def draw_panel(
    axes: Axes,
    address: str,
    own: list[Distribution],
    text: str,
    scale: tuple[float, str],
    middle: float,
    ci_prob: float,
) -> bool:
    """The priors of one parameter, the first told by a text; returns whether an interval reaches beyond the axis."""
    size, unit = scale
    natural = size if np.isfinite(size) and size > 0 else 1.0
    limits, cut = shown_interval(own, ci_prob, natural, middle)
    heights = [
        draw_prior(axes, prior, limits, ci_prob, {**line_style(i), "linewidth": 1.6}, shaded=len(own) == 1)
        for i, prior in enumerate(own)
    ]
    if unit:
        places = [middle + natural] if limits[0] >= 0 and middle == 0 else [middle - natural, middle + natural]
        for place in places:
            if limits[0] < place < limits[1]:
                axes.axvline(place, **REFERENCE)
    bare_vertical(axes)
    few_ticks(axes, 4, None)
    axes.set_xlim(limits)
    axes.set_ylim(0, 1.08 * axis_height(heights))
    lines = [address]
    if len(own) == 1:
        lines.append(text)
        lines.append(implication(own[0], summary(own[0], ci_prob), size, unit, ci_prob))
    axes.set_title("\n".join(folded(line, 40) for line in lines), fontsize="small", pad=4)
    return cut


def middles(graph: Graph) -> dict[str, float]:
    """Where parameters are expected, where that is not at 0: intercepts."""
    scales = PriorScales(graph.design, graph.family, graph.link)
    if scales.spread_of_predictor == 0:
        return {}
    return {address: scales.location() for j, address in enumerate(graph.priors.addresses) if scales.is_intercept(j)}


def handles(labels: list[str], ci_prob: float) -> list[Any]:
    """What stands in the legend: the sets, the interval of one, the natural scale."""
    reference = Line2D([], [], label="natural scale of the data", **REFERENCE)
    if len(labels) == 1:
        interval = Patch(color=BLUE, alpha=0.18, label=f"{percent(ci_prob)} interval")
        return [Line2D([], [], label=labels[0], **line_style(0)), interval, reference]
    return [*(Line2D([], [], label=label, **line_style(i)) for i, label in enumerate(labels)), reference]
