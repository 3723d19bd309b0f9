"""Plots of results: one a file, each returns a Matplotlib figure."""

from bayesml.plots.fit_by_group import fit_by_group
from bayesml.plots.ranef import ranef

__all__ = ["fit_by_group", "ranef"]
