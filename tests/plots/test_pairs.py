"""Pairs: points, divergent transitions and correlations."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesml as bml
from bayesml.errors import SpecificationError
from tests.plots.synthetic import posterior
from tests.posteriors import sleepstudy


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_points_are_draws_and_crosses_those_that_diverged():
    post = posterior(3)
    figure = bml.plots.pairs(post, ["hours", "sigma"])
    points, crosses = figure.axes[1].lines
    hours, sigma = post.draws("hours").ravel(), post.draws("sigma").ravel()
    np.testing.assert_array_equal(points.get_xdata(), hours)
    np.testing.assert_array_equal(points.get_ydata(), sigma)
    bad = post.posterior.stats["diverging"].ravel()
    np.testing.assert_array_equal(crosses.get_xdata(), hours[bad])
    assert crosses.get_marker() == "x"
    assert crosses.get_color() != points.get_color()
    written = figure.axes[1].get_title().replace("\N{MINUS SIGN}", "-")
    assert float(written.removeprefix("r = ")) == pytest.approx(np.corrcoef(hours, sigma)[0, 1], abs=0.0051)


def test_many_draws_are_thinned_evenly():
    figure = bml.plots.pairs(sleepstudy(), ["Days", "sigma"])
    points = figure.axes[1].lines[0]
    assert len(points.get_xdata()) == 1000
    assert figure.legends == []


def test_one_parameter_has_no_partner():
    with pytest.raises(SpecificationError, match="two or more, not hours alone"):
        bml.plots.pairs(posterior(3), "hours")
