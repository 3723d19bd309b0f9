"""Grids of panels that are all used, and texts that fit into them."""

import math
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from bayesml.plots.colours import line_style

NOTE_CHARACTERS, LEGEND_CHARACTERS = 16, 13
"""Characters an inch of the text below the panels, and of legends."""


class Plot(Figure):
    """A Matplotlib figure that a notebook shows once, whether it is the last value of a cell or not.

    Its texts are literal: dollars in labels of the data are dollars, not the ends of a formula.
    """

    def draw(self, renderer: Any) -> None:
        """Draw the figure; ticks that come to be while it is drawn have literal labels too."""
        for text in self.findobj(Text):
            text.set_parse_math(False)
        with plt.rc_context({"text.parse_math": False}):
            super().draw(renderer)

    def _ipython_display_(self) -> None:
        # The inline backend shows what is still open at the end of a cell, so also a figure that the cell returned.
        if "inline" in plt.get_backend():
            plt.close(self)
        # IPython then shows the figure as it shows any other.
        raise NotImplementedError


def panel_grid(
    count: int, columns: int | None = None, size: tuple[float, float] = (3.0, 2.2), **options: Any
) -> tuple[Figure, list[Axes]]:
    """A figure with as many panels as asked for, in rows, its layout constrained.

    Parameters
    ----------
    count : int
    columns : int, optional
        Panels in a row; default: so many that the figure is a little wider than high.
    size : tuple of float
        Width and height of a panel, inches.
    **options
        Passed to `matplotlib.pyplot.subplots`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    panels : list of Axes, length `count`
    """
    across = max(1, min(count, columns or math.ceil(math.sqrt(1.5 * count))))
    down = math.ceil(count / across)
    if columns is None:
        across = math.ceil(count / down)
    figure, grid = plt.subplots(
        down, across, figsize=(size[0] * across + 0.4, size[1] * down + 0.5), squeeze=False, layout="constrained",
        FigureClass=Plot, **options,
    )  # fmt: skip
    apart(figure)
    for axes in grid.flat[count:]:
        axes.remove()
    for axes in grid.flat[max(0, count - across) : count]:
        axes.tick_params(labelbottom=True)
    return figure, list(grid.flat[:count])


def apart(figure: Figure) -> None:
    """A little more room between panels, so that the numbers of one do not run into those of the next."""
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(w_pad=0.07, h_pad=0.06)


def folded(label: str, width: int = 28) -> str:
    """A label on as many lines as it needs, broken before its group or else at blanks, where it has some."""
    head, bar, group = label.partition(" | ")
    if bar and len(label) > width:
        return f"{folded(head + ' |', width)}\n{folded(group, width)}"
    return "\n".join(wrap(label, width, break_long_words=True)) or label


def shortened(label: str, width: int = 24) -> str:
    """A label without its middle where it is longer than that many characters."""
    if len(label) <= width:
        return label
    return f"{label[: width // 2]}…{label[len(label) - (width - 1) // 2 :]}"


def row_label(label: str, width: int = 28) -> str:
    """A label on two lines at most, broken as `folded` does; what is too long for them is shortened."""
    text = folded(label, width)
    if text.count("\n") <= 1:
        return text
    head, bar, group = label.partition(" | ")
    if bar:
        return f"{shortened(head, width - 2)} |\n{shortened(group, width)}"
    return "\n".join(wrap(shortened(label, width), width)) or label


def plain(axes: Axes) -> None:
    """Take away the lines above and to the right, and make the numbers small."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize="small", length=3)


def few_ticks(axes: Axes, x: int | None = 4, y: int | None = 4) -> None:
    """At most so many steps between ticks; None leaves an axis as it is."""
    for axis, count in ((axes.xaxis, x), (axes.yaxis, y)):
        if count is not None:
            axis.set_major_locator(MaxNLocator(nbins=count, steps=[1, 2, 2.5, 5, 10]))


def bare_vertical(axes: Axes) -> None:
    """No vertical axis: heights are densities, whose numbers say nothing."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_yticks([])
    axes.tick_params(labelsize="small", length=3)


def heading(axes: Axes, label: str, more: str = "", width: int = 36) -> None:
    """The address of a parameter over its panel, and in small letters under it what is known of it."""
    axes.set_title("\n".join([folded(label, width), *([more] if more else [])]), fontsize="small", pad=4)


def notes(figure: Figure, *texts: str) -> None:
    """Sentences below the panels, folded to the width of the figure; those that are empty are left out."""
    text = " ".join(text for text in texts if text)
    if text:
        figure.supxlabel(filled(text, int(NOTE_CHARACTERS * figure.get_figwidth())), fontsize="x-small")


def filled(text: str, width: int) -> str:
    """Sentences on as many lines as they need; no line ends within a group, `(Days | Subject)`."""
    return "\n".join(wrap(text.replace(" | ", "\xa0|\xa0"), width)).replace("\xa0", " ")


def legend(figure: Figure, handles: Sequence[Any], title: str | None = None, columns: int | None = None) -> None:
    """One legend for all panels, above them, in as many columns as fit."""
    widths = [len(str(handle.get_label())) + 7 for handle in handles]
    room = LEGEND_CHARACTERS * figure.get_figwidth()
    fit = len(handles) if sum(widths) <= room else max(1, int(room / max(widths)))
    figure.legend(
        handles=list(handles), title=title, loc="outside upper center", ncols=min(columns or len(handles), fit),
        frameon=False, fontsize="small", title_fontsize="small",
    )  # fmt: skip


def chain_handles(chains: int, **more: Any) -> list[Line2D]:
    """What stands in the legend for each chain."""
    return [Line2D([], [], label=f"chain {i + 1}", **{**line_style(i), **more}) for i in range(chains)]


def bottom_label(panels: Sequence[Axes], text: str) -> None:
    """The label of the horizontal axis, under the lowest panel of each column."""
    lowest = {axes.get_position().x0: axes for axes in panels}
    for axes in lowest.values():
        axes.set_xlabel(text, fontsize="small")
