"""Autocorrelations of the draws of each chain."""

from functools import partial

from matplotlib.figure import Figure

from bayesml.errors import SpecificationError
from bayesml.plots.chains import chain_panels, draw_autocorrelations, patch
from bayesml.plots.shared_text import documented
from bayesml.results.base import Result
from bayesml.results.selection import Wanted


@documented
def autocorrelation(
    result: Result, parameters: Wanted = None, limit: int = 12, columns: int | None = None, lags: int = 40
) -> Figure:
    """Return a figure of the correlation of draws of a chain with those some draws before, by lag.

    Parameters
    ----------
    {parameters}
    {worst panels}
    lags : int, default 40
        The largest lag.

    Returns
    -------
    {titled panels}

    Raises
    ------
    SpecificationError
        The result is a likelihood fit, which has no draws; or `lags` is no number from 1 to that of the draws.
    ColumnNotFound
        There is no such parameter.

    Notes
    -----
    Good chains fall into the grey area, where 95 % of the autocorrelations of independent draws lie (±1.96/√draws),
    within a few lags. Slow ones tell the sampler's difficulty; whether there are draws enough is told by the effective
    sample size in the title: above 100 a chain. Negative values at lag 1 are good: such draws estimate means better
    than independent ones.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> figure = bml.plots.autocorrelation(post, "sd(Subject)")
    """
    if lags < 1:
        raise SpecificationError(f"`lags={lags}`: give the largest lag, 1 or more.")
    draw = partial(draw_autocorrelations, lags=lags)
    handles = [patch("95% of independent draws")]
    return chain_panels(result, "autocorrelation", parameters, limit, columns, draw, "lag", handles, sharey=True)
