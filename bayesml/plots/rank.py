"""Ranks of the draws of each chain among the draws of all chains."""

from matplotlib.figure import Figure

from bayesml.plots.chains import chain_panels, draw_ranks, patch
from bayesml.plots.shared_text import documented
from bayesml.results.base import Result
from bayesml.results.selection import Wanted


@documented
def rank(result: Result, parameters: Wanted = None, limit: int = 12, columns: int | None = None) -> Figure:
    """Return a figure of the ranks of each chain's draws among all draws: one histogram in 20 bars a chain.

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
    Draws of chains that all follow one distribution have uniform ranks. A chain whose line slopes has draws that are
    too small or too large on average; one whose line is a valley or a hill spreads more or less than the others.

    The grey area holds all bars of a panel with 95 % probability where draws are independent (normal limits of
    hypergeometric counts, Šidák's correction for the number of bars); autocorrelated draws leave it sooner. Of a single
    chain the two halves are compared.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Bayesian Analysis 16, 667-718, section 4.3.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> figure = bml.plots.rank(post)
    """
    handles = [patch("95% of panels of independent draws")]
    return chain_panels(result, "rank", parameters, limit, columns, draw_ranks, "rank among all draws", handles)
