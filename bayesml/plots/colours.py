"""Colours that people with any kind of colour vision tell apart, and lines that differ without colour."""

from typing import Any

# Okabe and Ito, "Color Universal Design" (2008).
BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#595959"

POINTS: dict[str, Any] = {"color": GREY, "marker": "o", "markersize": 3.5, "linestyle": "none"}
CONDITIONAL: dict[str, Any] = {"color": BLUE, "linestyle": "-", "linewidth": 1.8}
POPULATION: dict[str, Any] = {"color": VERMILLION, "linestyle": (0, (5, 2)), "linewidth": 1.4}
