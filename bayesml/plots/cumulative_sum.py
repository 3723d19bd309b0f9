"""Cumulative sums of the draws of each chain."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayesml.plots.chains import chain_panels, draw_cumulative_sums
from bayesml.plots.colours import REFERENCE
from bayesml.results.base import Result
from bayesml.results.selection import Wanted


def cumulative_sum(result: Result, parameters: Wanted = None, limit: int = 12, columns: int | None = None) -> Figure:
    """Return a figure of the cumulative sums of each chain's draws less the chain's mean.

    After t of n draws it is ``(θ_1 + … + θ_t - t mean(θ)) / (sd(θ) √n)``, by chain; it begins and ends at 0.

    Parameters
    ----------
    result : BayesianResult
    parameters : str or sequence of str, optional
        Addresses (`Days`), groups of them (`sd(Subject)`, `b(Subject)`) and patterns (`b(Days | *)`). Default: all but
        the random effects.
    limit : int, default 12
        Panels at most; of more parameters those with the largest R-hat are shown, which the figure says.
    columns : int, optional
        Panels in a row.

    Returns
    -------
    matplotlib.figure.Figure
        One panel a parameter, titled by its address, R-hat, and bulk and tail effective sample size.

    Raises
    ------
    SpecificationError
        The result is a likelihood fit, which has no draws.
    ColumnNotFound
        There is no such parameter.

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
