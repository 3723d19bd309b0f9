"""Posteriors of any size without sampling: random draws under the labels of a model of simulated data."""

from functools import cache

import numpy as np
import pandas as pd

import bayesml as bml
from bayesml.design.build import build_design
from bayesml.fit import as_model
from bayesml.graphs.roles import build_graph
from bayesml.results.bayesian import BayesianResult
from bayesml.results.posterior import Posterior

ROWS = 5
"""Rows a level."""


def frame(levels: int) -> pd.DataFrame:
    """Rows of `levels` schools: an outcome, counts of trials, an ordered outcome, a covariate."""
    rng = np.random.default_rng(levels)
    school = np.repeat(np.arange(levels), ROWS)
    hours = np.tile(np.arange(ROWS), levels)
    b = rng.normal(size=levels)[school]
    eta = (0.4 + 0.25 * rng.normal(size=levels)[school]) * hours - 1 + b
    trials = rng.integers(5, 20, len(school))
    return pd.DataFrame(
        {
            "school": np.array([f"school {i + 1:03d}" for i in range(levels)])[school],
            "hours": hours.astype(float),
            "score": 50 + 4 * eta + rng.normal(size=len(school)),
            "passed": rng.binomial(trials, 1 / (1 + np.exp(-eta))),
            "trials": trials,
            "grade": pd.Categorical.from_codes(
                np.digitize(eta + rng.logistic(size=len(school)), [-1.0, 1.0]), ["low", "middle", "high"], ordered=True
            ),
        }
    )


FORMULAS = {
    "gaussian": "score ~ hours + (hours | school)",
    "binomial": "cbind(passed, trials - passed) ~ hours + (1 | school)",
    "cumulative": "grade ~ hours + (1 | school)",
}


@cache
def posterior(levels: int, family: str = "gaussian", chains: int = 4, draws: int = 250) -> BayesianResult:
    """A result whose draws are random, in the place of those of a posterior.

    Chains hardly differ, each draw depends a little on the one before, three transitions diverge.
    """
    model = as_model(FORMULAS[family], {"family": family})
    design = build_design(model, frame(levels))
    graph = build_graph(model, design)
    rng = np.random.default_rng(1)
    shape = (chains, draws)

    def normal(*sizes: int) -> np.ndarray:
        noise = rng.normal(size=(*shape, *sizes))
        noise[:, 1:] += 0.4 * noise[:, :-1]
        return noise

    q = [len(term.names) for term in design.random]
    others = [own for own in graph.ancillary if own.name != "sigma"]
    diverging = np.zeros(shape, bool)
    diverging[0, [10, 50]] = diverging[-1, 100] = True
    scale = 50.0 if family == "gaussian" else 0.0
    effects = tuple(
        normal(len(term.levels), k) * 0.3 + rng.normal(size=(len(term.levels), k))
        for term, k in zip(design.random, q, strict=True)
    )
    draws_ = Posterior(
        beta=0.2 * normal(len(design.coefficients)) + np.r_[[scale, 0.4][-len(design.coefficients) :]],
        sds=tuple(np.exp(0.2 * normal(k)) for k in q),
        corrs=tuple(np.tanh(0.3 * normal(k * (k - 1) // 2)) for k in q),
        sigma=np.exp(0.1 * normal()) if graph.has_scale else np.ones(shape),
        stats={"diverging": diverging, "energy": normal() + 100.0},
        parametrisation="noncentred",
        seed=1,
        effects=effects,
        ancillary=np.sort(0.1 * normal(len(others)) + np.linspace(-1, 1, len(others)), axis=-1)
        if others
        else np.empty((*shape, 0)),
    )
    return BayesianResult(graph.model, design, draws_, graph.priors)


@cache
def ml(levels: int, family: str = "gaussian") -> bml.results.likelihood.LikelihoodResult:
    """The same model by maximum likelihood."""
    return bml.fit(FORMULAS[family], frame(levels), family=family, criterion="ml")
