"""Draws in the order in which they were made, by chain."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayesml.plots.chains import DIVERGING, chain_panels, draw_trace
from bayesml.plots.draws import require_draws
from bayesml.plots.shared_text import documented
from bayesml.results.base import Result
from bayesml.results.selection import Wanted


@documented
def trace(result: Result, parameters: Wanted = None, limit: int = 12, columns: int | None = None) -> Figure:
    """Return a figure of the draws of each parameter in their order, one line a chain.

    Parameters
    ----------
    {parameters}
    {worst panels}

    Returns
    -------
    {titled panels}

    Raises
    ------
    {refusals}

    Notes
    -----
    Chains that mix lie on one another and wander through their whole range many times. A chain that stays apart, drifts
    or sticks has not found the posterior: R-hat is then above 1.01. Marks below are divergent transitions. Where there
    are thousands of draws `rank` shows differences between chains better.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> figure = bml.plots.trace(post, ["Days", "sd(Subject)"])
    """
    post = require_draws(result, "trace")
    diverging = (
        [Line2D([], [], label="divergent transition", **DIVERGING)] if post.posterior.stats["diverging"].any() else []
    )
    return chain_panels(post, "trace", parameters, limit, columns, draw_trace, "draw", diverging)
