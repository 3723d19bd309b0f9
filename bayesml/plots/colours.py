"""Colours that people with any kind of colour vision tell apart, and lines that differ without colour."""

from typing import Any

# Okabe and Ito, "Color Universal Design" (2008).
BLUE, VERMILLION, ORANGE, GREEN, PURPLE, SKY = "#0072B2", "#D55E00", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"
BLACK, GREY, PALE = "#000000", "#595959", "#E0E0E0"

PALETTE = (BLUE, ORANGE, GREEN, PURPLE, VERMILLION, SKY)
"""Colours of chains and of results that stand beside each other, in this order."""
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (6, 1.5, 1.5, 1.5)), (0, (10, 2)))
MARKERS = ("o", "s", "D", "^", "v", "P", "X")

POINTS: dict[str, Any] = {"color": GREY, "marker": "o", "markersize": 3.5, "linestyle": "none"}
CONDITIONAL: dict[str, Any] = {"color": BLUE, "linestyle": "-", "linewidth": 1.8}
POPULATION: dict[str, Any] = {"color": VERMILLION, "linestyle": (0, (5, 2)), "linewidth": 1.4}
BAND: dict[str, Any] = {"color": BLUE, "alpha": 0.18, "linewidth": 0}
REFERENCE: dict[str, Any] = {"color": GREY, "linestyle": (0, (4, 3)), "linewidth": 0.8}
"""A line to compare with: zero, a threshold, what independent draws would give."""
DIVERGENCE: dict[str, Any] = {"color": VERMILLION, "marker": "x", "linestyle": "none"}


def line_style(i: int) -> dict[str, Any]:
    """Colour and dashes of the i-th of several lines; both differ, so that either is enough to tell them apart."""
    return {"color": PALETTE[i % len(PALETTE)], "linestyle": DASHES[i % len(DASHES)]}


def marker_style(i: int) -> dict[str, Any]:
    """Colour and marker of the i-th of several sets of points."""
    return {"color": PALETTE[i % len(PALETTE)], "marker": MARKERS[i % len(MARKERS)]}
