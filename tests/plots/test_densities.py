"""Kernel densities: where they end, and what they integrate to; marginal panels."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesml as bml
from bayesml.errors import SpecificationError
from bayesml.plots.densities import density_curve
from tests.plots.synthetic import posterior


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_densities_integrate_to_one_and_follow_the_normal():
    grid, heights = density_curve(np.random.default_rng(1).normal(size=(4, 5000)))
    assert np.trapezoid(heights, grid) == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(heights, np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi), atol=0.02)


def test_densities_do_not_sink_where_draws_pile_up_at_zero():
    grid, heights = density_curve(np.abs(np.random.default_rng(1).normal(size=20000)))
    assert grid[0] == pytest.approx(0, abs=0.01)
    assert heights[0] == pytest.approx(2 / np.sqrt(2 * np.pi), rel=0.05)


def test_correlations_end_at_one():
    grid, heights = density_curve(np.tanh(2 + np.random.default_rng(1).normal(size=2000)))
    assert grid[-1] == pytest.approx(1, abs=0.01)
    assert heights[-1] > 0
    assert grid[0] > -1


def test_one_far_draw_does_not_widen_the_curve():
    draws = np.append(np.random.default_rng(1).normal(size=4000), 1e6)
    grid, heights = density_curve(draws)
    assert grid[-1] < 5
    assert heights.max() == pytest.approx(0.4, abs=0.03)


def test_constants_have_no_density():
    assert [len(part) for part in density_curve(np.ones(100))] == [0, 0]


@pytest.mark.parametrize("name", ["density", "histogram"])
def test_bars_are_the_interval_and_points_the_median(name):
    post = posterior(3)
    figure = getattr(bml.plots, name)(post, "hours", ci_prob=0.8)
    draws = post.draws("hours")
    bar, point = figure.axes[0].lines[-2:]
    np.testing.assert_allclose(bar.get_xdata(), np.quantile(draws, [0.1, 0.9]))
    np.testing.assert_allclose(point.get_xdata(), [np.median(draws)])
    assert "median and 80% interval" in [text.get_text() for text in figure.legends[0].get_texts()]
    with pytest.raises(SpecificationError, match="ci_prob=1"):
        getattr(bml.plots, name)(post, "hours", ci_prob=1)


def test_histograms_hold_every_draw():
    axes = bml.plots.histogram(posterior(3), "hours", bins=25).axes[0]
    assert len(axes.patches) == 25
    assert sum(bar.get_height() for bar in axes.patches) == 1000


def test_densities_with_and_without_chains():
    assert len(bml.plots.density(posterior(3), "hours").axes[0].lines) == 4 + 2
    assert len(bml.plots.density(posterior(3), "hours", by_chain=False).axes[0].lines) == 2
