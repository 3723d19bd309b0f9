"""What the data said: densities of priors and posteriors."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayesml.bayes.prior_table import marginal_of, summary
from bayesml.distributions import Distribution
from bayesml.errors import SpecificationError
from bayesml.plots.colours import BLUE, VERMILLION
from bayesml.plots.densities import density_curve
from bayesml.plots.draws import require_draws, shown_draws
from bayesml.plots.panels import bare_vertical, few_ticks, heading, legend, notes, panel_grid
from bayesml.plots.prior_curves import central_interval, curve_height, prior_curve
from bayesml.post.options import one_of
from bayesml.results.base import Result
from bayesml.results.posterior_summary import interval_tails
from bayesml.results.sections import percent
from bayesml.results.selection import Wanted

PRIOR: dict[str, Any] = {"color": VERMILLION, "linestyle": (0, (5, 2)), "linewidth": 1.5}
POSTERIOR: dict[str, Any] = {"color": BLUE, "linestyle": "-", "linewidth": 1.8}
BESIDE = 0.6
"""Share of the width of the posterior that is shown at either side of it, for the prior to be seen."""


def prior_posterior(
    result: Result,
    parameters: Wanted = None,
    ci_prob: float = 0.95,
    view: str = "posterior",
    limit: int = 24,
    columns: int | None = None,
) -> Figure:
    """Return a figure of the prior and the posterior density of each parameter.

    Parameters
    ----------
    result : BayesianResult
    parameters : str or sequence of str, optional
        Addresses, groups (`"sd(Subject)"`) or patterns. Default: all but the random effects, which have no prior of
        their own.
    ci_prob : float, default 0.95
        Content of the shaded equal-tailed interval of the posterior.
    view : {"posterior", "both"}
        Whether the axis shows the posterior with what is beside it, or the interval of the prior too.
    limit : int, default 24
        Largest number of panels.
    columns : int, optional
        Panels in a row.

    Returns
    -------
    matplotlib.figure.Figure
        One panel a parameter: the prior dashed, the posterior shaded, their standard deviations over it. Of a
        correlation the margin of the prior is drawn; a flat prior is a line without a height.

    Raises
    ------
    SpecificationError
        A likelihood fit, random effects, or an unknown view.
    ColumnNotFound
        There is no such parameter.

    Notes
    -----
    Where the two densities look alike, the data say little of the parameter and the prior is the answer; where the
    posterior lies in a tail of the prior, the two disagree. `bml.sensitivity` measures both. Parameters that are held
    are a line at their value.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> figure = bml.plots.prior_posterior(post)
    """
    tails = interval_tails(ci_prob)
    one_of("view", view, ["posterior", "both"])
    post = require_draws(result, "prior_posterior")
    shown, told = shown_draws(post, parameters, limit)
    known = dict(post.graph.priors.items())
    if effects := [address for address in shown if address not in known]:
        raise SpecificationError(
            f"`{effects[0]}` has no prior of its own: random effects are normal with the sds that are parameters. "
            "Draw these, or the effects with plots.ranef()."
        )
    figure, panels = panel_grid(len(shown), columns, size=(2.6, 1.9))
    flat = False
    for axes, (address, values) in zip(panels, shown.items(), strict=True):
        prior = marginal_of(post.graph, address, known[address])
        if prior.fixed is not None:
            draw_held(axes, address, prior.fixed)
            continue
        draw_panel(axes, prior, values, tails, view == "both" and not prior.improper)
        flat |= prior.improper
        before = "flat" if prior.improper else f"{summary(prior, ci_prob)[1]:.3g}"
        heading(axes, address, f"sd: prior {before}, posterior {np.std(values):.3g}")
    interval = Patch(color=BLUE, alpha=0.2, label=f"{percent(ci_prob)} interval")
    legend(figure, [Line2D([], [], label="prior", **PRIOR), Line2D([], [], label="posterior", **POSTERIOR), interval])
    notes(figure, told, "Lines without a curve are flat priors." if flat else "")
    return figure


def draw_held(axes: Axes, address: str, value: float) -> None:
    """The value of a parameter that its prior holds."""
    axes.axvline(value, **PRIOR)
    bare_vertical(axes)
    few_ticks(axes, 4, None)
    heading(axes, address, f"held at {value:.4g}")


def draw_panel(axes: Axes, prior: Distribution, values: np.ndarray, tails: list[float], whole: bool) -> None:
    """Both densities of one parameter."""
    x, heights = density_curve(values)
    low, high = (float(x[0]), float(x[-1])) if len(x) else (float(values.min()), float(values.max()))
    beside = BESIDE * (high - low) or 1.0
    ends = [low - beside, high + beside]
    if whole:
        lower, upper = central_interval(prior, tails[1] - tails[0])
        ends = [min(ends[0], lower), max(ends[1], upper)]
    start, end = max(ends[0], prior.support[0]), min(ends[1], prior.support[1])
    top = float(heights.max()) if len(x) else 0.0
    if prior.improper:
        axes.plot([start, end], [0.12, 0.12], transform=axes.get_xaxis_transform(), **PRIOR)
    else:
        places, densities = prior_curve(prior, start, end)
        axes.plot(places, densities, **PRIOR)
        top = max(top, curve_height(prior, places, densities))
    axes.plot(x, heights, **POSTERIOR)
    lower, upper = np.quantile(values, tails)
    axes.fill_between(x, heights, where=(x >= lower) & (x <= upper), color=BLUE, alpha=0.2, linewidth=0)
    bare_vertical(axes)
    few_ticks(axes, 4, None)
    axes.set_xlim(start, end)
    axes.set_ylim(0, 1.08 * top or 1.0)
