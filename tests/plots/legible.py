"""What makes a figure legible: its texts lie inside it, tick labels do not cover each other, labels are there."""

from collections.abc import Iterable
from itertools import pairwise

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.text import Text

SLACK = 1.0
"""Pixels by which a text may touch an edge."""


def texts(figure: Figure) -> list[Text]:
    """Visible texts of a figure that are not empty."""
    return [
        text
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and (text.axes is None or text.axes.get_visible())
    ]


def assert_legible(figure: Figure, labels: Iterable[str] = ()) -> None:
    """All text inside the figure, no tick label over another, and these labels somewhere in it.

    A label counts as there when its words stand in one text, whatever its line breaks.
    """
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    edge = figure.bbox
    drawn = []
    for text in texts(figure):
        if off_axis(text):
            continue
        box = text.get_window_extent(renderer)
        drawn.append("".join(text.get_text().split()))
        inside = (
            box.x0 >= edge.x0 - SLACK and box.x1 <= edge.x1 + SLACK
            and box.y0 >= edge.y0 - SLACK and box.y1 <= edge.y1 + SLACK
        )  # fmt: skip
        assert inside, f"{text.get_text()!r} lies outside the figure"
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            shown = [
                label for label in axis.get_ticklabels() if label.get_text().strip() and label.get_visible()
                and not off_axis(label)
            ]  # fmt: skip
            boxes = [label.get_window_extent(renderer) for label in shown]
            along = sorted(zip(boxes, shown, strict=True), key=lambda pair: (pair[0].x0, pair[0].y0))
            if axis is axes.yaxis:
                along.sort(key=lambda pair: pair[0].y0)
            for (first, text), (second, other) in pairwise(along):
                apart = (
                    first.x1 <= second.x0 + SLACK or second.x1 <= first.x0 + SLACK
                    or first.y1 <= second.y0 + SLACK or second.y1 <= first.y0 + SLACK
                )  # fmt: skip
                assert apart, f"tick labels {text.get_text()!r} and {other.get_text()!r} overlap"
    for label in labels:
        wanted = "".join(label.split())
        assert any(wanted in text for text in drawn), f"the label {label!r} is not in the figure"
    plt.close(figure)


def off_axis(text: Text) -> bool:
    """Whether a tick label belongs to a tick outside the limits, which is not drawn."""
    axes = text.axes
    if axes is None:
        return False
    for axis, place, limits in (
        (axes.xaxis, 0, sorted(axes.get_xlim())), (axes.yaxis, 1, sorted(axes.get_ylim())),
    ):  # fmt: skip
        if text in axis.get_ticklabels(which="both"):
            value = text.get_position()[place]
            width = limits[1] - limits[0]
            return not axis.get_visible() or not axes.axison or not (
                limits[0] - 1e-9 * width <= value <= limits[1] + 1e-9 * width
            )  # fmt: skip
    return not axes.axison and text not in axes.texts and text is not axes.title
