"""Densities of parameters, by chain and of all draws."""

from functools import partial

from matplotlib.figure import Figure

from bayesml.plots.chains import draw_densities, patch
from bayesml.plots.draws import require_draws
from bayesml.plots.marginals import marginal_panels
from bayesml.plots.panels import chain_handles
from bayesml.plots.shared_text import documented
from bayesml.results.base import Result
from bayesml.results.selection import Wanted


@documented
def density(
    result: Result,
    parameters: Wanted = None,
    limit: int = 12,
    columns: int | None = None,
    ci_prob: float = 0.95,
    by_chain: bool = True,
) -> Figure:
    """Return a figure of the posterior density of each parameter: of all draws, shaded, and of each chain as a line.

    Parameters
    ----------
    {parameters}
    {first panels}
    by_chain : bool, default True
        False leaves out the lines of the chains.

    Returns
    -------
    matplotlib.figure.Figure
        One panel a parameter, titled by its address.

    Raises
    ------
    SpecificationError
        The result is a likelihood fit, which has no draws; or `ci_prob` is not between 0 and 1.
    ColumnNotFound
        There is no such parameter.

    Notes
    -----
    Kernel densities by ArviZ, without the outermost thousandth of the draws at either end; they end at -1, 0 or 1 where
    the draws do not go beyond. Chains that have mixed have nearly the same density.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> figure = bml.plots.density(post, ["Days", "sd(Subject)"])
    """
    chains = require_draws(result, "density").posterior.shape[0]
    handles = [patch("all draws"), *(chain_handles(chains) if by_chain else ())]
    draw = partial(draw_densities, lines=by_chain)
    return marginal_panels(result, "density", parameters, limit, columns, ci_prob, draw, handles)
