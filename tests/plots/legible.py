"""What makes a figure legible: its texts lie inside it and do not cover each other, and labels are there."""

from collections.abc import Iterable, Iterator
from itertools import combinations

import matplotlib.pyplot as plt
from matplotlib.axis import Axis
from matplotlib.collections import Collection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from bayesml.plots import colours

SLACK = 1.0
"""Pixels by which a text may touch an edge or another text."""
PALETTE = {value.lower() for value in vars(colours).values() if isinstance(value, str) and value.startswith("#")}
LUMINANCE = 0.12
"""How much lines of one style and other colours must differ in relative luminance, at least."""


def assert_legible(figure: Figure, labels: Iterable[str] = (), *, close: bool = True) -> None:
    """All text inside the figure, none over another, and these labels somewhere in it.

    A label counts as there when its words stand in one text, whatever its line breaks. Texts that were put at places
    of the data, as numbers beside points, may lie over each other; tick labels, titles and other labels may not.
    """
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    edge = figure.bbox
    found = texts(figure)
    boxes = [text.get_window_extent(renderer) for text in found]
    for text, box in zip(found, boxes, strict=True):
        inside = (
            box.x0 >= edge.x0 - SLACK and box.x1 <= edge.x1 + SLACK
            and box.y0 >= edge.y0 - SLACK and box.y1 <= edge.y1 + SLACK
        )  # fmt: skip
        assert inside, f"{text.get_text()!r} lies outside the figure"
    free = {id(text) for axes in figure.axes for text in axes.texts}
    fixed = [pair for pair in zip(found, boxes, strict=True) if id(pair[0]) not in free]
    for text, other in overlaps(fixed):
        raise AssertionError(f"{text.get_text()!r} and {other.get_text()!r} overlap")
    drawn = ["".join(text.get_text().split()) for text in found]
    for label in labels:
        wanted = "".join(label.split())
        assert any(wanted in text for text in drawn), f"the label {label!r} is not in the figure"
    if close:
        plt.close(figure)


def overlaps(placed: list[tuple[Text, Bbox]]) -> Iterator[tuple[Text, Text]]:
    """Pairs of texts that lie over each other by more than they may."""
    along = sorted(placed, key=lambda pair: pair[1].x0)
    for i, (text, box) in enumerate(along):
        for other, own in along[i + 1 :]:
            if own.x0 > box.x1 - SLACK:
                break
            if own.y0 < box.y1 - SLACK and box.y0 < own.y1 - SLACK:
                yield text, other


def texts(figure: Figure) -> list[Text]:
    """Texts of a figure that are drawn and not empty."""
    hidden = {id(text) for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for text in undrawn(axis)}
    for axes in figure.axes:
        if not axes.get_visible():
            hidden |= {id(text) for text in axes.findobj(Text)}
    return [
        text for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and id(text) not in hidden
    ]  # fmt: skip


def undrawn(axis: Axis) -> Iterator[Text]:
    """Texts of an axis that are not drawn: of ticks outside the limits; all, if the axis is not shown."""
    shown = axis.get_visible() and axis.axes.axison
    if not shown:
        yield axis.label
        yield axis.offsetText
    low, high = sorted(axis.get_view_interval())
    slack = 1e-9 * (high - low)
    for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
        if not shown or not low - slack <= tick.get_loc() <= high + slack:
            yield tick.label1
            yield tick.label2


def assert_safe_colours(figure: Figure, *, dense: bool = False) -> None:
    """Colours are greys or of the palette; lines in one panel that differ in colour differ in more than hue too.

    Lines so dense that dashes would not be seen need not: the palette is told apart with any kind of colour vision.
    """
    for axes in figure.axes:
        for artist in (*axes.lines, *axes.patches, *axes.collections):
            for colour in colours_of(artist) if artist.get_visible() else ():
                known = colour in PALETTE or len(set(to_rgb(colour))) == 1
                assert known, f"{colour} of {type(artist).__name__} in {axes.get_title()!r} is not of the palette"
        if dense:
            continue
        visible = [line for line in axes.lines if line.get_visible() and len(line.get_xdata())]
        drawn = {(to_hex(line.get_color()), style_of(line)) for line in visible}
        for (colour, style), (other, own) in combinations(sorted(drawn), 2):
            apart = style != own or colour == other or abs(luminance(colour) - luminance(other)) > LUMINANCE
            assert apart, f"lines of {colour} and {other} in {axes.get_title()!r} differ in hue alone"


def colours_of(artist: Line2D | Patch | Collection) -> set[str]:
    """Colours that an artist is drawn in, without transparency; of a colour map none."""
    if isinstance(artist, Line2D):
        return {to_hex(artist.get_color())}
    if isinstance(artist, Patch):
        return {to_hex(artist.get_facecolor())} if artist.get_fill() else {to_hex(artist.get_edgecolor())}
    if artist.get_array() is not None:
        return set()
    return {to_hex(colour) for colour in (*artist.get_facecolor(), *artist.get_edgecolor())}


def style_of(line: Line2D) -> str:
    """Marker, dashes and width of a line, or that it has none."""
    if line.get_linestyle() == "None":
        return f"marker {line.get_marker()}"
    return f"{line.get_marker()} {line._unscaled_dash_pattern} {round(line.get_linewidth())}"


def luminance(colour: str) -> float:
    """Relative luminance of a colour, from 0 for black to 1 for white."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
