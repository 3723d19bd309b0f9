"""Small models of real data, fitted once a session: safe to share, as results never change."""

import warnings
from functools import cache

import bayesml as bml
from bayesml.errors import DataNote
from bayesml.results.likelihood import LikelihoodResult
from tests.dense_solution import DenseSolution

SLEEP = "Reaction ~ Days + (Days | Subject)"
SLEEP_INTERCEPT = "Reaction ~ Days + (1 | Subject)"
SLEEP_INDEPENDENT = "Reaction ~ Days + (Days || Subject)"
PENICILLIN = "diameter ~ 1 + (1 | plate) + (1 | sample)"
MACHINES = "score ~ Machine + (1 | Worker/Machine)"
MACHINES_COLUMNS = "score ~ Machine + (0 + Machine | Worker)"
OATS = "yield ~ nitro + Variety + (1 | Block/Variety)"
DYESTUFF = "Yield ~ 1 + (1 | Batch)"


@cache
def fit(dataset: str, formula: str, criterion: str = "reml", covariance: str | None = None) -> LikelihoodResult:
    """A fit by the package."""
    with warnings.catch_warnings():
        # Integer columns with few values are told, rightly, and meant as numbers here.
        warnings.simplefilter("ignore", DataNote)
        return bml.fit(formula, bml.datasets.load(dataset), criterion=criterion, covariance=covariance)


@cache
def dense(dataset: str, formula: str, criterion: str = "reml", covariance: str | None = None) -> LikelihoodResult:
    """The same model by dense linear algebra."""
    ours = fit(dataset, formula, criterion, covariance)
    return LikelihoodResult(ours.model, ours.design, DenseSolution(ours.design, criterion))


MODELS = [
    ("sleepstudy", SLEEP, "reml", None),
    ("sleepstudy", SLEEP, "ml", None),
    ("sleepstudy", SLEEP_INDEPENDENT, "ml", None),
    ("penicillin", PENICILLIN, "reml", None),
    ("machines", MACHINES, "reml", None),
    ("machines", MACHINES_COLUMNS, "reml", "exchangeable"),
    ("machines", MACHINES_COLUMNS, "ml", "identity"),
    ("oats", OATS, "ml", None),
    ("dyestuff2", DYESTUFF, "reml", None),
]
"""Slopes, crossed, nested, every covariance structure, a variance on the boundary."""


@cache
def other(dataset: str, formula: str, family: str, link: str | None = None, **options) -> LikelihoodResult:
    """A fit of a model that is not linear."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataNote)
        return bml.fit(formula, bml.datasets.load(dataset), family=family, link=link, **options)


EPIL = ("epil", "y ~ lbase + trt + V4 + (1 | subject)", "poisson")
EPIL_SLOPE = ("epil", "y ~ lbase + trt + visit + (visit | subject)", "poisson")
VERBAGG = ("verbagg", "r2n ~ Anger + Gender + btype + (1 | id) + (1 | item)", "bernoulli")
