"""Multilevel models: written once, fitted by REML or ML, sampled by NUTS, from the same PyMC graph.

The usual import is ``import bayesml as bml``. Names are loaded when they are first used, so that
the import itself costs nothing.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bayesml.version import __version__

if TYPE_CHECKING:
    from bayesml import datasets, distributions, errors, families, links, plots
    from bayesml.bayes.bayes_factor import bayes_factor
    from bayesml.bayes.calibrate import calibrate
    from bayesml.bayes.compare import compare
    from bayesml.bayes.compare_engines import compare_engines
    from bayesml.bayes.dic import dic
    from bayesml.bayes.elicit import elicit
    from bayesml.bayes.evidence import evidence
    from bayesml.bayes.hypothesis import hypothesis
    from bayesml.bayes.leave_one_group_out import leave_one_group_out
    from bayesml.bayes.loo import loo
    from bayesml.bayes.posterior_predictive import posterior_predictive
    from bayesml.bayes.prior_grid import prior_grid
    from bayesml.bayes.prior_predictive import prior_predictive
    from bayesml.bayes.prior_table import prior_table
    from bayesml.bayes.quantities import quantities
    from bayesml.bayes.sensitivity import sensitivity
    from bayesml.distributions import (
        LKJ,
        Beta,
        Cauchy,
        Exponential,
        Fixed,
        Flat,
        Gamma,
        HalfCauchy,
        HalfFlat,
        HalfNormal,
        HalfStudentT,
        Horseshoe,
        InverseGamma,
        InverseWishart,
        Laplace,
        LogNormal,
        Normal,
        OnPrecision,
        OnVariance,
        ScaledBeta,
        StudentT,
        Truncated,
        Uniform,
    )
    from bayesml.fit import fit
    from bayesml.graphs.plain_model import graph
    from bayesml.post.equations import equations
    from bayesml.post.icc import icc
    from bayesml.post.laplace_error import laplace_error
    from bayesml.post.lrtest import lrtest
    from bayesml.post.predict import predict
    from bayesml.post.quantile_residuals import quantile_residuals
    from bayesml.post.r2 import r2
    from bayesml.post.ranef import ranef
    from bayesml.post.wald_test import wald_test
    from bayesml.refit import refit
    from bayesml.report.report import report
    from bayesml.results.side_by_side import side_by_side
    from bayesml.results.storage import load
    from bayesml.sample import sample
    from bayesml.spec.priors import Priors
    from bayesml.syntax.model import Model

_HOME = {
    "bayes_factor": "bayesml.bayes.bayes_factor",
    "calibrate": "bayesml.bayes.calibrate",
    "compare": "bayesml.bayes.compare",
    "compare_engines": "bayesml.bayes.compare_engines",
    "dic": "bayesml.bayes.dic",
    "equations": "bayesml.post.equations",
    "evidence": "bayesml.bayes.evidence",
    "elicit": "bayesml.bayes.elicit",
    "fit": "bayesml.fit",
    "graph": "bayesml.graphs.plain_model",
    "hypothesis": "bayesml.bayes.hypothesis",
    "icc": "bayesml.post.icc",
    "laplace_error": "bayesml.post.laplace_error",
    "leave_one_group_out": "bayesml.bayes.leave_one_group_out",
    "load": "bayesml.results.storage",
    "loo": "bayesml.bayes.loo",
    "lrtest": "bayesml.post.lrtest",
    "Model": "bayesml.syntax.model",
    "posterior_predictive": "bayesml.bayes.posterior_predictive",
    "predict": "bayesml.post.predict",
    "prior_grid": "bayesml.bayes.prior_grid",
    "prior_predictive": "bayesml.bayes.prior_predictive",
    "prior_table": "bayesml.bayes.prior_table",
    "Priors": "bayesml.spec.priors",
    "quantile_residuals": "bayesml.post.quantile_residuals",
    "r2": "bayesml.post.r2",
    "quantities": "bayesml.bayes.quantities",
    "ranef": "bayesml.post.ranef",
    "refit": "bayesml.refit",
    "report": "bayesml.report.report",
    "sample": "bayesml.sample",
    "sensitivity": "bayesml.bayes.sensitivity",
    "side_by_side": "bayesml.results.side_by_side",
    "wald_test": "bayesml.post.wald_test",
} | dict.fromkeys(
    [
        "Beta",
        "Cauchy",
        "Exponential",
        "Fixed",
        "Flat",
        "Gamma",
        "HalfCauchy",
        "HalfFlat",
        "HalfNormal",
        "HalfStudentT",
        "Horseshoe",
        "InverseGamma",
        "InverseWishart",
        "LKJ",
        "LogNormal",
        "Laplace",
        "Normal",
        "OnPrecision",
        "OnVariance",
        "ScaledBeta",
        "StudentT",
        "Truncated",
        "Uniform",
    ],
    "bayesml.distributions",
)
"""The module that each public name is loaded from."""

_SUBPACKAGES = ("datasets", "distributions", "errors", "families", "links", "plots")

__all__ = [  # noqa: RUF022 - in the order of an analysis
    "Model", "Priors", "fit", "sample", "refit", "load",
    "prior_table", "prior_predictive", "elicit", "prior_grid", "sensitivity", "calibrate", "compare_engines",
    "quantities", "predict", "posterior_predictive", "quantile_residuals", "ranef", "icc", "r2",
    "hypothesis", "wald_test", "lrtest", "laplace_error",
    "loo", "leave_one_group_out", "dic", "evidence", "bayes_factor", "compare",
    "side_by_side", "equations", "report", "graph",
    "Beta", "Cauchy", "Exponential", "Fixed", "Flat", "Gamma", "HalfCauchy", "HalfFlat", "HalfNormal", "HalfStudentT",
    "Horseshoe", "InverseGamma", "InverseWishart", "LKJ", "Laplace", "LogNormal", "Normal", "OnPrecision", "OnVariance",
    "ScaledBeta", "StudentT", "Truncated", "Uniform",
    "datasets", "distributions", "errors", "families", "links", "plots",
    "__version__",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    elif name in _SUBPACKAGES:
        value = import_module(f"bayesml.{name}")
    else:
        raise AttributeError(f"module 'bayesml' has no attribute {name!r}")
    setattr(sys.modules[__name__], name, value)
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, "__doc__", "__file__", "__name__", "__path__"})


class _Package(ModuleType):
    """The package as an object: keeps `bml.fit` the verb when Python binds the module `bayesml.fit` to that name."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
