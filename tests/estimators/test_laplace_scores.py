"""The score of the marginal likelihood averages zero over data simulated from the model, in every family.

Laplace's approximation has a score that is off by its own error, so groups are large.
"""

import numpy as np
import pandas as pd
import pytest

from bayesml.design.build import build_design
from bayesml.estimators.held import hold
from bayesml.estimators.integrated import Ancillaries, LaplaceLikelihood
from bayesml.families import FAMILIES
from bayesml.families.ancillary import unconstrained
from bayesml.graphs.derivatives import RowDerivatives
from bayesml.graphs.roles import build_graph
from bayesml.linalg.laplace import LaplaceSystem
from bayesml.responses import PLAIN
from bayesml.syntax.model import Model
from tests.estimators.outcome_models import Combination, simulate, values_of

GROUPS, ROWS, DRAWS = 20, 30, 200
SD = 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_score_averages_zero(name, rng):
    family = FAMILIES[name]
    combination = Combination(family, family.default_link, PLAIN)
    predictors = family.predictors(combination.categories)
    values = values_of(family, combination.categories, rng)
    n = GROUPS * ROWS
    table = pd.DataFrame({"x": rng.normal(size=n), "g": np.repeat([f"g{i}" for i in range(GROUPS)], ROWS)})
    codes = np.repeat(np.arange(GROUPS), ROWS)
    simulate(table, combination, [np.zeros(n) for _ in predictors], values, rng)
    model = Model("y ~ x + (1 | g)", family=family)
    graph = build_graph(model, build_design(model, table))
    natural = np.array([0.5 if own.endswith("Intercept") else 0.3 for own in graph.design.coefficients])
    scores = []
    for _ in range(DRAWS):
        effects = SD * rng.normal(size=(len(predictors), GROUPS))
        own = [(0.5 if family.takes_intercept else 0.0) + 0.3 * table["x"] + b[codes] for b in effects]
        drawn = table.copy()
        simulate(drawn, combination, own, values, rng)
        design = build_design(model, drawn)
        scores.append(score(graph.replace(design=design), natural, values))
    average = np.mean(scores, axis=0) / (np.std(scores, axis=0) / np.sqrt(DRAWS))
    assert np.abs(average).max() < 4.0, average


def score(graph, natural, values) -> np.ndarray:
    """Of variances, coefficients and ancillary parameters, by Laplace."""
    design, held = hold(graph.design, {})
    system = LaplaceSystem.of(design, lambda order: RowDerivatives(graph, order))
    objective = LaplaceLikelihood(system, Ancillaries(graph), held)
    extra = np.concatenate(
        [np.linalg.solve(system.columns.coefficients, natural), unconstrained(graph.ancillary, values)]
    )
    local = objective([SD * np.linalg.inv(T) for T in objective.maps], extra)
    # on the scale of the user's columns, which the draws share
    slopes = [
        np.trace(np.linalg.inv(T).T @ slope @ np.linalg.inv(T))
        for slope, T in zip(local.slopes, objective.maps, strict=True)
    ]
    beta = np.linalg.solve(system.columns.coefficients.T, local.extra[: objective.p])
    return np.concatenate([slopes, beta, local.extra[objective.p :]])
