"""Energies of the sampler: how well it explores the tails."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesml.errors import SpecificationError
from bayesml.plots.colours import BLUE, PALE, REFERENCE, VERMILLION, marker_style
from bayesml.plots.densities import density_curve
from bayesml.plots.draws import require_draws
from bayesml.plots.panels import bare_vertical, few_ticks, panel_grid, plain
from bayesml.results import diagnostics
from bayesml.results.base import Result


def energy(result: Result) -> Figure:
    """Return a figure of the energies of the sampler, of their changes from draw to draw, and of E-BFMI by chain.

    Parameters
    ----------
    result : BayesianResult

    Returns
    -------
    matplotlib.figure.Figure
        Left: densities of the energies, less their mean, and of the changes. Right: E-BFMI of each chain.

    Raises
    ------
    SpecificationError
        The result is a likelihood fit, which has no draws; or its draws have no energies.

    Notes
    -----
    The energy of a draw is minus its log density plus the kinetic energy of the sampler's momentum. Changes much
    narrower than the energies themselves tell that chains hardly get into the tails: E-BFMI, the mean squared change
    over the variance, is then below 0.3. Longer warm-up helps, or tighter priors of standard deviations.

    References
    ----------
    Betancourt (2016), arXiv:1604.00695.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> figure = bml.plots.energy(post)
    """
    post = require_draws(result, "energy")
    energies = post.posterior.stats.get("energy")
    if energies is None:
        raise SpecificationError("plots.energy(): these draws have no energies, as they were not made by NUTS.")
    figure, (left, right) = panel_grid(2, 2, size=(3.6, 2.6), width_ratios=[2, 1])
    centred = energies - energies.mean(axis=1, keepdims=True)
    changes = np.diff(energies, axis=1)
    left.fill_between(*density_curve(centred), color=PALE, linewidth=0)
    left.plot(*density_curve(centred), color=BLUE, linewidth=1.5, label="energy")
    left.plot(*density_curve(changes), color=VERMILLION, linewidth=1.5, linestyle=(0, (5, 1.5)), label="change")
    left.set_xlabel("energy less its mean, and its change from draw to draw", fontsize="small")
    left.legend(frameon=False, fontsize="small")
    left.set_ylim(0, None)
    bare_vertical(left)
    draw_bfmi(right, diagnostics.bfmi(energies))
    return figure


def draw_bfmi(axes: Axes, values: np.ndarray) -> None:
    """E-BFMI of each chain, and the threshold."""
    axes.axvline(diagnostics.BFMI_LIMIT, **REFERENCE)
    for i, value in enumerate(values):
        axes.plot([value], [i + 1], linestyle="none", markersize=6, **marker_style(i))
    axes.set_yticks(range(1, len(values) + 1), [f"chain {i + 1}" for i in range(len(values))])
    axes.set_ylim(len(values) + 0.6, 0.4)
    axes.set_xlim(0, 1.1 * max(1.0, values.max()))
    axes.set_xlabel(f"E-BFMI (too low below {diagnostics.BFMI_LIMIT})", fontsize="small")
    plain(axes)
    few_ticks(axes, y=None)
