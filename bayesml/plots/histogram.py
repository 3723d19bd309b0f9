"""Histograms of the draws of parameters."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesml.plots.colours import SKY
from bayesml.plots.densities import TAIL
from bayesml.plots.marginals import marginal_panels
from bayesml.plots.panels import bare_vertical
from bayesml.plots.shared_text import documented
from bayesml.results.base import Result
from bayesml.results.selection import Wanted


@documented
def histogram(
    result: Result,
    parameters: Wanted = None,
    limit: int = 12,
    columns: int | None = None,
    ci_prob: float = 0.95,
    bins: int = 40,
) -> Figure:
    """Return a figure of the histogram of the draws of each parameter, all chains together.

    Parameters
    ----------
    {parameters}
    {first panels}
    bins : int, default 40

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
    The first and the last bar hold the outermost thousandth of the draws too, so that one far draw does not squeeze
    the others.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> figure = bml.plots.histogram(post, ["Days", "sd(Subject)"])
    """

    def draw(axes: Axes, values: np.ndarray) -> None:
        ends = np.quantile(values, [TAIL, 1 - TAIL])
        axes.hist(np.clip(values.ravel(), *ends), bins, color=SKY, edgecolor="white", linewidth=0.3)
        bare_vertical(axes)

    return marginal_panels(result, "histogram", parameters, limit, columns, ci_prob, draw, [])
