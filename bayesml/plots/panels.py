"""Grids of panels that are all used, and texts that fit into them."""

import math
from textwrap import wrap
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure


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
    figure, grid = plt.subplots(
        down, across, figsize=(size[0] * across + 0.4, size[1] * down + 0.5), squeeze=False, layout="constrained",
        **options,
    )  # fmt: skip
    for axes in grid.flat[count:]:
        axes.remove()
    return figure, list(grid.flat[:count])


def folded(label: str, width: int = 28) -> str:
    """A label on as many lines as it needs, broken at blanks where it has some."""
    return "\n".join(wrap(label, width, break_long_words=True)) or label


def plain(axes: Axes) -> None:
    """Take away the lines above and to the right, and make the numbers small."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize="small", length=3)
