"""Panels of chains: what is drawn of the draws."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from scipy.stats import hypergeom, norm, rankdata

import bayesml as bml
from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.plots.chains import BINS, BRIDGE_LIMIT, average_ranks, rank_limits
from bayesml.plots.colours import line_style
from bayesml.plots.draws import by_rhat
from tests.plots.synthetic import ml, posterior

OF_DRAWS = [
    "autocorrelation", "cumulative_sum", "density", "diagnostics", "energy", "ess", "histogram", "pairs", "rank",
    "trace",
]  # fmt: skip


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def line_of_chain(axes, i):
    """The line of a chain: its colour, and as many places as there are draws, or nearly."""
    colour = line_style(i)["color"]
    return next(line for line in axes.lines if to_hex(line.get_color()) == colour.lower() and len(line.get_xdata()) > 5)


@pytest.mark.parametrize("name", OF_DRAWS)
def test_fits_are_refused_with_what_to_do(name):
    with pytest.raises(SpecificationError, match=rf"plots.{name}\(\) draws a posterior.*bml.sample.*plots.forest"):
        getattr(bml.plots, name)(ml(3))


@pytest.mark.parametrize("name", [name for name in OF_DRAWS if name != "energy"])
def test_parameters_that_are_not_there_are_named(name):
    with pytest.raises(ColumnNotFound, match="hous"):
        getattr(bml.plots, name)(posterior(3), "hous")


@pytest.mark.parametrize("name", [name for name in OF_DRAWS if name != "energy"])
def test_a_limit_that_is_no_number_of_panels_is_refused(name):
    with pytest.raises(SpecificationError, match="limit=0"):
        getattr(bml.plots, name)(posterior(3), ["hours", "sigma"], limit=0)


@pytest.mark.parametrize("name", ["trace", "rank", "autocorrelation", "cumulative_sum", "density", "histogram"])
def test_panels_are_titled_by_address_in_the_order_asked_for(name):
    figure = getattr(bml.plots, name)(posterior(3), ["sigma", "hours"])
    assert [axes.get_title().split("\n")[0] for axes in figure.axes] == ["sigma", "hours"]


@pytest.mark.parametrize("name", ["trace", "rank", "autocorrelation", "cumulative_sum"])
def test_of_too_many_those_that_mix_worst_stay_and_it_is_told(name):
    post = posterior(65)
    figure = getattr(bml.plots, name)(post, "b(school)", limit=5)
    draws = np.concatenate([b.reshape(*b.shape[:2], -1) for b in post.effects], axis=-1)
    rhat = np.sort(bml.results.diagnostics.rhat(draws))[::-1]
    shown = [float(axes.get_title().split("R-hat ")[1].split(",")[0]) for axes in figure.axes]
    np.testing.assert_allclose(shown, rhat[:5], atol=5.1e-4)
    assert figure.get_supxlabel().startswith("Shown are 5 of 130 parameters, those with the largest R-hat;")


def test_a_bad_one_among_hundreds_is_found():
    draws = dict(enumerate(np.random.default_rng(1).standard_cauchy((300, 4, 200))))
    draws[77][2] += 5
    draws[155][3] *= 6
    assert by_rhat({str(name): own for name, own in draws.items()}, 2) in (["77", "155"], ["155", "77"])


@pytest.mark.parametrize("name", ["density", "histogram"])
def test_of_too_many_the_first_stay_and_it_is_told(name):
    figure = getattr(bml.plots, name)(posterior(65), "b(school)", limit=3)
    titles = ["".join(axes.get_title().split()) for axes in figure.axes]
    assert titles == [f"b(Intercept|school[school00{i}])" for i in (1, 2, 3)]
    assert figure.get_supxlabel().startswith("Shown are 3 of 130 parameters; ")


def test_traces_are_the_draws_of_each_chain():
    post = posterior(3)
    axes = bml.plots.trace(post, "hours").axes[0]
    for i in range(4):
        np.testing.assert_array_equal(line_of_chain(axes, i).get_ydata(), post.draws("hours")[i])
    assert axes.lines[-1].get_xdata().tolist() == [10, 50, 100]


def test_ranks_are_counted_by_chain():
    post = posterior(3)
    axes = bml.plots.rank(post, "hours").axes[0]
    ranks = rankdata(post.draws("hours").ravel()).reshape(4, -1)
    for i, steps in enumerate(axes.patches[1:]):
        counts, _ = np.histogram(ranks[i], np.linspace(0.5, 1000.5, BINS + 1))
        np.testing.assert_array_equal(steps.get_data().values, counts)


def test_equal_draws_share_their_rank():
    values = np.array([[1.0, 2.0, 2.0], [0.0, 2.0, 3.0]])
    np.testing.assert_array_equal(average_ranks(values), rankdata(values).reshape(2, 3))


def test_limits_of_ranks_hold_all_bars_of_a_panel_as_often_as_said():
    middle, half_width = rank_limits(4, 500)
    variance = hypergeom(2000, 100, 500).var()
    assert middle == 25
    assert half_width == pytest.approx(norm.ppf(0.5 + 0.95 ** (1 / 80) / 2) * np.sqrt(variance))
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(400):
        chains = rng.permutation(np.repeat(np.arange(4), 500)).reshape(BINS, 100)
        counts = np.stack([(chains == chain).sum(axis=1) for chain in range(4)])
        inside += np.all(np.abs(counts - middle) <= half_width)
    assert abs(inside / 400 - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 400)


def test_a_single_chain_is_compared_with_itself():
    figure = bml.plots.rank(posterior(3, chains=1), "hours")
    assert len(figure.axes[0].patches) == 3
    assert "R-hat" not in figure.axes[0].get_title()


def test_autocorrelations_are_those_of_the_draws():
    post = posterior(3)
    axes = bml.plots.autocorrelation(post, "hours", lags=12).axes[0]
    chain = post.draws("hours")[2]
    centred = chain - chain.mean()
    own = [1.0, *(np.sum(centred[:-k] * centred[k:]) / np.sum(centred**2) for k in range(1, 13))]
    np.testing.assert_allclose(line_of_chain(axes, 2).get_ydata(), own, atol=1e-12)
    with pytest.raises(SpecificationError, match="lags=0"):
        bml.plots.autocorrelation(post, "hours", lags=0)


def test_cumulative_sums_begin_and_end_at_zero():
    post = posterior(3)
    axes = bml.plots.cumulative_sum(post, "hours").axes[0]
    chain = post.draws("hours")[1]
    path = line_of_chain(axes, 1).get_ydata()
    assert path[0] == 0
    assert abs(path[-1]) < 1e-12
    assert path[100] == pytest.approx((chain[:100] - chain.mean()).sum() / (chain.std() * np.sqrt(250)))


def test_paths_of_independent_draws_stay_within_the_lines_as_often_as_said():
    draws = np.random.default_rng(1).normal(size=(4000, 1000))
    paths = np.cumsum(draws - draws.mean(axis=1, keepdims=True), axis=1) / (
        draws.std(axis=1, keepdims=True) * 1000**0.5
    )
    # a path in steps goes a little less far than the bridge
    assert np.mean(np.abs(paths).max(axis=1) < BRIDGE_LIMIT) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("name", ["trace", "rank", "autocorrelation", "cumulative_sum", "density", "histogram"])
def test_a_parameter_that_does_not_vary_is_drawn(name):
    post = posterior(3)
    sigma = np.ones_like(post.posterior.sigma)
    held = replace(post, posterior=replace(post.posterior, sigma=sigma))
    figure = getattr(bml.plots, name)(held, ["sigma", "hours"])
    assert figure.axes[0].get_title().startswith("sigma")


def test_notebooks_show_a_figure_once(monkeypatch):
    figure = bml.plots.trace(posterior(3), "hours")
    with pytest.raises(NotImplementedError):
        figure._ipython_display_()
    assert plt.fignum_exists(figure.number)
    monkeypatch.setattr(plt, "get_backend", lambda: "inline")
    # shown by IPython as any figure, and no more open when the backend shows what is
    with pytest.raises(NotImplementedError):
        figure._ipython_display_()
    assert not plt.fignum_exists(figure.number)
