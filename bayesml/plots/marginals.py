"""Panels of the marginal posterior of each parameter, with its median and interval."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayesml.plots.colours import BLACK
from bayesml.plots.draws import require_draws, shown_draws
from bayesml.plots.panels import few_ticks, folded, legend, notes, panel_grid
from bayesml.results.base import Result
from bayesml.results.posterior_summary import interval_tails
from bayesml.results.sections import percent
from bayesml.results.selection import Wanted

BAR: dict[str, Any] = {"color": BLACK, "linewidth": 2.2, "solid_capstyle": "butt"}


def marginal_panels(
    result: Result,
    what: str,
    parameters: Wanted,
    limit: int,
    columns: int | None,
    ci_prob: float,
    draw: Callable[[Axes, np.ndarray], Any],
    handles: Sequence[Any],
) -> Figure:
    """One panel a parameter filled by `draw(axes, values)`, a bar below for the interval, the median as a point."""
    tails = interval_tails(ci_prob)
    shown, told = shown_draws(require_draws(result, what), parameters, limit)
    figure, panels = panel_grid(len(shown), columns, size=(2.4, 1.7))
    for axes, (address, values) in zip(panels, shown.items(), strict=True):
        draw(axes, values)
        lower, upper = np.quantile(values, tails)
        place: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "clip_on": False, "zorder": 5}
        axes.plot([lower, upper], [0.0, 0.0], **BAR, **place)
        axes.plot([np.median(values)], [0.0], color=BLACK, marker="o", markersize=5, **place)
        axes.set_title(folded(address, 32), fontsize="small", pad=4)
        few_ticks(axes, y=None)
    bar = Line2D([], [], marker="o", markersize=5, label=f"median and {percent(ci_prob)} interval", **BAR)
    legend(figure, [*handles, bar])
    notes(figure, told)
    return figure
