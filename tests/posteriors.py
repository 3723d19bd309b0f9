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


DYESTUFF_PRIORS = {"Intercept": bml.Normal(1500, 100), "sd(Batch)": bml.HalfNormal(50), "sigma": bml.HalfNormal(60)}


@cache
def dyestuff() -> BayesianResult:
    """Yields by batch, under priors whose posterior is easily integrated."""
    return bml.sample(
        "Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff"), DYESTUFF_PRIORS, random_seed=1, progressbar=False
    )


@cache
def epil() -> BayesianResult:
    """Seizures by subject: a Poisson model whose integral is not exact."""
    return bml.sample(
        "y ~ lbase + (1 | subject)", bml.datasets.load("epil"), family="poisson", random_seed=1, progressbar=False
    )


@cache
def wine() -> BayesianResult:
    """Ratings of wines, by judge: cut points."""
    return bml.sample(
        "rating ~ temp + contact + (1 | judge)", bml.datasets.load("wine"), family="cumulative", target_accept=0.98,
        random_seed=4, progressbar=False,
    )  # fmt: skip


@cache
def without_fixed_effects() -> BayesianResult:
    """Yields around their mean by batch, without a coefficient."""
    data = bml.datasets.load("dyestuff")
    centred = data.assign(Yield=data["Yield"] - data["Yield"].mean())
    return bml.sample("Yield ~ 0 + (1 | Batch)", centred, draws=300, tune=300, random_seed=1, progressbar=False)
