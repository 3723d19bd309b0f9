"""Autocorrelations of the draws of each chain."""

from functools import partial

from matplotlib.figure import Figure

from bayesml.errors import SpecificationError
from bayesml.plots.chains import chain_panels, draw_autocorrelations, patch
from bayesml.results.base import Result
from bayesml.results.selection import Wanted


def autocorrelation(
    result: Result, parameters: Wanted = None, limit: int = 12, columns: int | None = None, lags: int = 40
) -> Figure:
    """Return a figure of the correlation of draws of a chain with those some draws before, by lag.

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
    lags : int, default 40
        The largest lag.

    Returns
    -------
    matplotlib.figure.Figure
        One panel a parameter, titled by its address, R-hat, and bulk and tail effective sample size.

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
