"""Cumulative sums of the draws of each chain."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayesml.plots.chains import chain_panels, draw_cumulative_sums
from bayesml.plots.colours import REFERENCE
from bayesml.plots.shared_text import documented
from bayesml.results.base import Result
from bayesml.results.selection import Wanted


@documented
def cumulative_sum(result: Result, parameters: Wanted = None, limit: int = 12, columns: int | None = None) -> Figure:
    """Return a figure of the cumulative sums of each chain's draws less the chain's mean.

    After t of n draws it is ``(θ_1 + … + θ_t - t mean(θ)) / (sd(θ) √n)``, by chain; it begins and ends at 0.

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
    A chain that mixes well has a rough path close to zero; a smooth path that goes far away tells of a chain that stays
    on one side of its mean for long. The paths of independent draws are Brownian bridges: 95 % of them stay between the
    dashed lines at ±1.36. Autocorrelated draws go further by the root of draws / effective sample size.

    References
    ----------
    Yu & Mykland (1998), Statistics and Computing 8, 275-286.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> figure = bml.plots.cumulative_sum(post, ["Days", "sd(Subject)"])
    """
    handles = [Line2D([], [], label="95% of paths of independent draws", **REFERENCE)]
    return chain_panels(result, "cumulative_sum", parameters, limit, columns, draw_cumulative_sums, "draw", handles)
