"""Cells of a grid of priors: which priors each has."""

import numpy as np
import pytest
from scipy.stats import halfcauchy, norm, uniform

import bayesml as bml
from bayesml.bayes.prior_cells import Cell, cells_of, covers
from bayesml.graphs.of_data import graph_of
from tests import posteriors

SLOPES = "sd(Days | Subject)"


def graph(**priors):
    return graph_of(posteriors.SLEEP, bml.datasets.load("sleepstudy"), priors or None)


def test_one_choice_at_a_time_leaves_the_rest_as_it_is():
    grid = {SLOPES: [bml.HalfNormal(5), bml.HalfCauchy(9)], "Days": bml.Normal(0, 50)}
    base = Cell("base", graph())
    cells = cells_of(base.graph, grid, cross=False)
    assert [cell.label for cell in cells] == [
        f"{SLOPES} ~ HalfNormal(5)",
        f"{SLOPES} ~ HalfCauchy(9)",
        "Days ~ Normal(0, 50)",
    ]
    assert cells[1].priors == base.priors | {SLOPES: bml.HalfCauchy(9)}


def test_crossed_grids_have_every_combination():
    grid = {SLOPES: [bml.HalfNormal(5), bml.HalfNormal(9)], "priors": ["flat", "weakly_informative"]}
    cells = cells_of(graph(), grid, cross=True)
    assert [cell.label for cell in cells] == [
        f"{name}, {SLOPES} ~ HalfNormal({s})" for s in (5, 9) for name in ("flat", "weakly_informative")
    ]
    assert cells[0].priors["Days"] == bml.Flat()
    assert cells[0].priors[SLOPES] == bml.HalfNormal(5)


def test_what_the_grid_says_of_a_group_goes_before_what_the_model_says_of_one_of_it():
    base = graph_of(posteriors.SLEEP, bml.datasets.load("sleepstudy"), {SLOPES: bml.HalfNormal(50)})
    (cell,) = cells_of(base, {"sd( Subject )": bml.HalfNormal(1)}, cross=False)
    assert cell.priors[SLOPES] == cell.priors["sd(Intercept | Subject)"] == bml.HalfNormal(1)


def test_the_other_spelling_of_a_correlation_is_the_same_parameter():
    base = graph_of(posteriors.SLEEP, bml.datasets.load("sleepstudy"), {"corr(Intercept, Days | Subject)": bml.LKJ(9)})
    (cell,) = cells_of(base, {"corr(Subject)": bml.LKJ(2)}, cross=False)
    assert cell.priors["corr(Intercept, Days | Subject)"] == bml.LKJ(2)


def test_sets_keep_what_the_model_gives():
    (cell,) = cells_of(graph(Days=bml.Normal(0, 9)), {"priors": "flat"}, cross=False)
    assert cell.priors["Days"] == bml.Normal(0, 9)
    assert cell.priors["Intercept"] == bml.Flat()


def test_equal_cells_stand_once():
    assert len(cells_of(graph(), {"Days": [bml.Normal(0, 9), bml.Normal(0.0, 9.0)]}, cross=False)) == 1


def test_ratios_are_those_of_the_densities():
    result = posteriors.sleepstudy()
    base = Cell("base", result.graph)
    (cell,) = cells_of(result.graph, {SLOPES: bml.HalfCauchy(7)}, cross=False)
    x = result.draws(SLOPES)
    expected = halfcauchy.logpdf(x, 0, 7) - base.priors[SLOPES].log_density(x)
    np.testing.assert_allclose(cell.log_ratios(base, result), expected, atol=1e-10)


def test_ratios_are_of_no_density_outside_the_support():
    result = posteriors.sleepstudy()
    base = Cell("base", result.graph)
    (cell,) = cells_of(result.graph, {"Days": bml.Uniform(9, 12)}, cross=False)
    x, ratios = result.draws("Days"), cell.log_ratios(base, result)
    inside = (x > 9) & (x < 12)
    assert np.isneginf(ratios[~inside]).all()
    prior = base.priors["Days"].numbers
    expected = uniform.logpdf(x, 9, 3) - norm.logpdf(x, prior["mu"], prior["sigma"])
    np.testing.assert_allclose(ratios[inside], expected[inside], atol=1e-10)


@pytest.mark.parametrize(
    ("base", "other", "expected"),
    [
        (bml.HalfNormal(1), bml.HalfCauchy(1), True),
        (bml.Uniform(0, 9), bml.HalfCauchy(1), False),
        (bml.Flat(), bml.Uniform(0, 9), True),
        (bml.Normal(0, 1), bml.Fixed(0), False),
        (bml.Fixed(0), bml.Fixed(0), True),
        (bml.Fixed(0), bml.Fixed(1), False),
    ],
)
def test_draws_serve_only_where_they_reach_all_values(base, other, expected):
    assert covers(base, other) is expected
