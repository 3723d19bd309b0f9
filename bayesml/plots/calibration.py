"""Ranks of true values among posterior draws, against a band that uniform ranks stay in."""

from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesml.bayes.calibrate import UNIFORM, Calibration
from bayesml.bayes.uniformity import band, bins
from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.plots.colours import BAND, BLUE, REFERENCE, VERMILLION
from bayesml.plots.panels import bottom_label, heading, notes, panel_grid, plain
from bayesml.results.prior_draws import scipy_stats
from bayesml.results.sections import percent

MOST_PANELS = 24
LABELS = {
    "difference": "rank of the true value, 0 to 1",
    "histogram": "rank of the true value among the draws",
}


def calibration(
    calibration: Calibration,
    quantities: str | list[str] | None = None,
    kind: Literal["difference", "histogram"] = "difference",
    ci_prob: float = 0.95,
) -> Figure:
    """Return a figure of the ranks of a calibration: one panel a quantity, with what uniform ranks would do.

    Parameters
    ----------
    calibration : Calibration
        Of `bml.calibrate`.
    quantities : str or list of str, optional
        Columns of `calibration.ranks`; default: all, or of more than 24 those least uniform.
    kind : {"difference", "histogram"}
        ``"difference"``: distribution function of the ranks minus that of uniform ones, with a band that uniform ranks
        stay in with probability `ci_prob` as a whole. ``"histogram"``: numbers of ranks in bins, each with its own
        band: some of many bins leave it.
    ci_prob : float, default 0.95

    Returns
    -------
    matplotlib.figure.Figure
        Quantities whose verdict is not "uniform" are drawn in another colour, with dashes, the verdict under the
        name.

    Raises
    ------
    ColumnNotFound, SpecificationError
        A quantity or kind that is not there.

    Notes
    -----
    A curve above the band on the left has too many low ranks: true values lie below the posteriors, which are too
    high. One above on the left and below on the right has ranks at both ends: posteriors are too narrow.

    References
    ----------
    Säilynoja, Bürkner and Vehtari (2022), Statistics and Computing 32:32.

    Examples
    --------
    >>> import bayesml as bml
    >>> found = bml.calibrate(
    ...     "Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff"), n=20, random_seed=1, progressbar=False
    ... )
    >>> figure = bml.plots.calibration(found)
    """
    if not isinstance(calibration, Calibration):
        raise SpecificationError(
            f"plots.calibration() draws what `bml.calibrate` returns; {type(calibration).__name__} is none."
        )
    if kind not in LABELS:
        raise SpecificationError(f"`kind={kind!r}` is not one of {', '.join(map(repr, LABELS))}.")
    names, left_out = chosen(calibration, quantities)
    figure, panels = panel_grid(len(names), sharey=True, size=(2.8, 2.1))
    draw = draw_difference if kind == "difference" else draw_histogram
    for axes, name in zip(panels, names, strict=True):
        found = str(calibration.table.at[name, "verdict"])
        right = found == UNIFORM
        draw(
            axes,
            calibration,
            name,
            ci_prob,
            {"color": BLUE if right else VERMILLION, "linestyle": "-" if right else (0, (5, 1.5))},
        )
        heading(axes, name, "" if right else found)
        plain(axes)
    bottom_label(panels, LABELS[kind])
    figure.supylabel("distribution function minus uniform" if kind == "difference" else "data sets", fontsize="small")
    content = percent(ci_prob)
    meaning = (
        f"Uniform ranks stay in the band as a whole with {content} probability."
        if kind == "difference"
        else f"Each bin of uniform ranks stays in the band with {content} probability."
    )
    notes(figure, f"{len(calibration.ranks)} simulated data sets, {calibration.draws} draws each.", meaning, left_out)
    return figure


def chosen(calibration: Calibration, quantities: str | list[str] | None) -> tuple[list[str], str]:
    """Names of the quantities to draw, and what to say of those that are not."""
    known = list(calibration.ranks.columns)
    if quantities is None:
        if len(known) <= MOST_PANELS:
            return known, ""
        worst = calibration.table["p_band"].sort_values(kind="stable").index[:MOST_PANELS]
        return [name for name in known if name in worst], f"The {MOST_PANELS} least uniform of {len(known)} quantities."
    names = [quantities] if isinstance(quantities, str) else list(quantities)
    for name in names:
        if name not in known:
            raise ColumnNotFound(f"`{name}` was not ranked; ranked were {', '.join(map(str, known[:8]))}.")
    return names, ""


def draw_difference(axes: Axes, calibration: Calibration, name: str, ci_prob: float, style: dict[str, Any]) -> None:
    """Distribution function of ranks minus the uniform one, as steps."""
    values, n = calibration.draws + 1, len(calibration.ranks)
    share = np.arange(1, values) / values
    counts = np.bincount(calibration.ranks[name].to_numpy(), minlength=values)
    lower, upper = band(n, values, ci_prob)
    axes.fill_between(share, lower - share, upper - share, step="post", **BAND)
    axes.axhline(0.0, **REFERENCE)
    axes.step(share, counts.cumsum()[:-1] / n - share, where="post", linewidth=1.3, **style)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])


def draw_histogram(axes: Axes, calibration: Calibration, name: str, ci_prob: float, style: dict[str, Any]) -> None:
    """Numbers of ranks in bins."""
    values, n = calibration.draws + 1, len(calibration.ranks)
    edges = bins(n, values)
    share = np.diff(edges) / values
    counts = np.histogram(calibration.ranks[name], edges - 0.5)[0]
    limits = [scipy_stats().binom.ppf(tail, n, share) for tail in ((1 - ci_prob) / 2, (1 + ci_prob) / 2)]
    axes.stairs(counts, edges - 0.5, fill=True, color=style["color"], alpha=0.35)
    axes.stairs(counts, edges - 0.5, linewidth=1.1, **style)
    axes.stairs(limits[1], edges - 0.5, baseline=limits[0], fill=True, color="0.5", alpha=0.3)
    axes.stairs(n * share, edges - 0.5, color=REFERENCE["color"], linestyle=REFERENCE["linestyle"], linewidth=0.8)
    axes.set_xlim(-0.5, values - 0.5)
