"""Plots of results: one a file, each returns a Matplotlib figure."""

from bayesml.plots.autocorrelation import autocorrelation
from bayesml.plots.calibration import calibration
from bayesml.plots.compare import compare
from bayesml.plots.compare_engines import compare_engines
from bayesml.plots.cumulative_sum import cumulative_sum
from bayesml.plots.density import density
from bayesml.plots.diagnostics import diagnostics
from bayesml.plots.energy import energy
from bayesml.plots.ess import ess
from bayesml.plots.fit_by_group import fit_by_group
from bayesml.plots.forest import forest
from bayesml.plots.histogram import histogram
from bayesml.plots.hypothesis import hypothesis
from bayesml.plots.loo import loo
from bayesml.plots.pairs import pairs
from bayesml.plots.predictive_check import predictive_check
from bayesml.plots.prior_grid import prior_grid
from bayesml.plots.prior_posterior import prior_posterior
from bayesml.plots.prior_predictive import prior_predictive
from bayesml.plots.priors import priors
from bayesml.plots.ranef import ranef
from bayesml.plots.rank import rank
from bayesml.plots.residuals import residuals
from bayesml.plots.sensitivity import sensitivity
from bayesml.plots.trace import trace

__all__ = [
    "autocorrelation",
    "calibration",
    "compare",
    "compare_engines",
    "cumulative_sum",
    "density",
    "diagnostics",
    "energy",
    "ess",
    "fit_by_group",
    "forest",
    "histogram",
    "hypothesis",
    "loo",
    "pairs",
    "predictive_check",
    "prior_grid",
    "prior_posterior",
    "prior_predictive",
    "priors",
    "ranef",
    "rank",
    "residuals",
    "sensitivity",
    "trace",
]
