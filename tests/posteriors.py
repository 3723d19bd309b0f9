"""Small models sampled once a session: safe to share, as results never change."""

from functools import cache

import bayesml as bml
from bayesml.results.bayesian import BayesianResult

SLEEP = "Reaction ~ Days + (Days | Subject)"


@cache
def sleepstudy() -> BayesianResult:
    """Slopes of reaction time by subject."""
    data = bml.datasets.load("sleepstudy")
    return bml.sample(SLEEP, data, draws=500, tune=500, random_seed=1, progressbar=False)


@cache
def conflicting() -> BayesianResult:
    """Sleepstudy under a prior of the slope that the data contradict."""
    data = bml.datasets.load("sleepstudy")
    priors = {"Days": bml.Normal(-20, 2)}
    return bml.sample(SLEEP, data, priors, draws=500, tune=500, random_seed=1, progressbar=False)
