"""Estimates and intervals under each of several priors."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayesml.errors import SpecificationError
from bayesml.plots.colours import GREY, PALE, REFERENCE, marker_style
from bayesml.plots.panels import few_ticks, folded, heading, legend, notes, panel_grid, plain

SOURCES = {
    "base": "the model's own priors, sampled",
    "refit": "sampled",
    "reweighted": "weighted draws",
}
MOST_PANELS, MOST_PRIORS = 12, 60
ACROSS = 3


def prior_grid(frame: pd.DataFrame) -> Figure:
    """Return a figure of a grid of priors: one panel a quantity, one row a prior.

    Parameters
    ----------
    frame : DataFrame
        Of `bml.prior_grid`, or rows of it.

    Returns
    -------
    matplotlib.figure.Figure
        Points are posterior means, lines equal-tailed intervals; marks tell what was sampled from what is weighted
        draws. Where priors of one address alone vary, it is named above and not in each row. The dashed line and the
        stripe are estimate and confidence interval of the likelihood fit. More than 12 quantities, or 60 priors, are
        cut off, which is said.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> grid = {"sd(Days | Subject)": [bml.HalfNormal(5), bml.HalfNormal(20)]}
    >>> found = bml.prior_grid(
    ...     "Reaction ~ Days + (Days | Subject)", sleep, grid, "Days", random_seed=1, progressbar=False
    ... )
    >>> figure = bml.plots.prior_grid(found)
    """
    if not {"prior", "quantity", "mean", "lower", "upper", "source"} <= set(getattr(frame, "columns", ())):
        raise SpecificationError("plots.prior_grid() draws the table of bml.prior_grid(); this is none.")
    reference, rows = split(frame)
    quantities = list(dict.fromkeys(frame["quantity"]))
    priors = list(dict.fromkeys(rows["prior"]))
    told = [
        f"The first {most} of {len(all_of)} {what}."
        for all_of, most, what in ((quantities, MOST_PANELS, "quantities"), (priors, MOST_PRIORS, "priors"))
        if len(all_of) > most
    ]
    quantities, priors = quantities[:MOST_PANELS], priors[:MOST_PRIORS]
    address, names = short_names(priors)
    labels = {prior: folded(names[prior], 40) for prior in reversed(priors)}
    lines = 1 + max(label.count("\n") for label in labels.values())
    height = max(1.4, (0.12 + 0.15 * lines) * len(priors) + 0.7)
    across = min(ACROSS, len(quantities))
    figure, panels = panel_grid(len(quantities), columns=across, size=(2.4 + 3.4 / across, height), sharey=True)
    places = {prior: place for place, prior in enumerate(labels)}
    for axes, quantity in zip(panels, quantities, strict=True):
        draw_reference(axes, reference[reference["quantity"] == quantity])
        draw_rows(axes, rows[(rows["quantity"] == quantity) & rows["prior"].isin(priors)], places)
        few_ticks(axes, y=None)
        plain(axes)
        heading(axes, quantity)
    first = panels[0]
    first.set_yticks(list(places.values()), list(labels.values()), fontsize="small")
    first.set_ylim(-0.6, len(priors) - 0.4)
    legend(figure, handles(rows, reference), title=f"Priors of {address}" if address else None)
    content = frame.attrs.get("ci_prob")
    size = "" if content is None else f"{100 * content:.6g}% "
    notes(figure, f"Posterior means and equal-tailed {size}intervals.", *told)
    return figure


def split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the likelihood fit, and of posteriors."""
    posterior = frame["source"].isin(SOURCES)
    return frame[~posterior], frame[posterior]


def short_names(priors: list[str]) -> tuple[str, dict[str, str]]:
    """The address whose priors alone vary, empty where there are others; and what each row is called."""
    parts = {prior: prior.split(" ~ ") for prior in priors}
    addresses = {own[0] for own in parts.values() if len(own) > 1}
    if len(addresses) != 1 or max(map(len, parts.values())) > 2 or "," in (address := addresses.pop()):
        return "", {prior: prior for prior in priors}
    return address, {prior: own[-1] for prior, own in parts.items()}


def draw_reference(axes: Axes, own: pd.DataFrame) -> None:
    """The estimate of the likelihood fit as a line, its interval as a stripe."""
    for row in own.itertuples():
        if np.isfinite([row.lower, row.upper]).all():
            axes.axvspan(row.lower, row.upper, color=PALE, linewidth=0, zorder=0)
        if np.isfinite(row.mean):
            axes.axvline(row.mean, **REFERENCE)


def draw_rows(axes: Axes, own: pd.DataFrame, places: dict[str, int]) -> None:
    """Intervals and means under each prior."""
    y = own["prior"].map(places)
    axes.hlines(y, own["lower"], own["upper"], color=GREY, linewidth=1.4, zorder=1)
    for source in SOURCES:
        chosen = own["source"] == source
        axes.plot(own.loc[chosen, "mean"], y[chosen], linestyle="none", markersize=5.5, **style(source))


def style(source: str) -> dict[str, Any]:
    """Marks of a source: filled where it was sampled, hollow where it was not."""
    found = marker_style(list(SOURCES).index(source))
    return found if source != "reweighted" else {**found, "markerfacecolor": "white"}


def handles(rows: pd.DataFrame, reference: pd.DataFrame) -> list[Any]:
    """What stands in the legend."""
    found: list[Any] = [
        Line2D([], [], linestyle="none", markersize=5.5, label=words, **style(source))
        for source, words in SOURCES.items()
        if (rows["source"] == source).any()
    ]
    if len(reference):
        name = str(reference["prior"].iloc[0])
        found += [Line2D([], [], label=name, **REFERENCE), Patch(color=PALE, label="its confidence interval")]
    return found
