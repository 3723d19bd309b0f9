"""Caterpillar plots: what is drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import norm

import bayesml as bml
from bayesml.errors import ColumnNotFound, SpecificationError
from tests import fitted_models as models
from tests.plots.synthetic import posterior


@pytest.fixture(scope="module")
def fit():
    return bml.fit("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def labels(figure):
    return [text.get_text() for text in figure.axes[0].get_yticklabels()]


def test_levels_stand_in_the_order_of_the_first_effect(fit):
    figure = bml.plots.ranef(fit)
    assert labels(figure) == list(fit.ranef["Subject"]["Intercept"].sort_values().index)
    assert [axes.get_title() for axes in figure.axes] == ["Intercept", "Days"]


def test_points_and_intervals_are_effects_and_their_sds(fit):
    axes = bml.plots.ranef(fit, ci_prob=0.9).axes[1]
    order = fit.ranef["Subject"]["Intercept"].sort_values().index
    container = axes.containers[0]
    np.testing.assert_allclose(container.lines[0].get_xdata(), fit.ranef["Subject"].loc[order, "Days"])
    drawn = np.array([segment[:, 0] for segment in container.lines[2][0].get_segments()])
    half = norm.ppf(0.95) * fit.ranef_se["Subject"].loc[order, "Days"].to_numpy()
    np.testing.assert_allclose((drawn[:, 1] - drawn[:, 0]) / 2, half)


def test_unsorted_levels_keep_their_order_from_the_top(fit):
    assert labels(bml.plots.ranef(fit, sort=False))[::-1] == list(fit.ranef["Subject"].index)


def test_interaction_groups_show_their_levels():
    fit = bml.fit("yield ~ nitro + (1 | Block/Variety)", bml.datasets.load("oats"))
    assert "I:Victory" in labels(bml.plots.ranef(fit, group="Block:Variety"))


def test_unknown_group_is_named(fit):
    with pytest.raises(ColumnNotFound, match="School"):
        bml.plots.ranef(fit, group="School")


def test_posteriors_have_quantiles_of_their_draws():
    post = posterior(3)
    axes = bml.plots.ranef(post, ci_prob=0.8, sort=False).axes[1]
    draws = post.effects[0][..., 1].reshape(-1, 3)[:, ::-1]
    container = axes.containers[0]
    np.testing.assert_allclose(container.lines[0].get_xdata(), np.median(draws, axis=0))
    drawn = np.array([segment[:, 0] for segment in container.lines[2][0].get_segments()])
    np.testing.assert_allclose(drawn, np.quantile(draws, [0.1, 0.9], axis=0).T)


def test_all_grouping_factors_stand_side_by_side():
    fit = models.fit("penicillin", models.PENICILLIN)
    figure = bml.plots.ranef(fit)
    assert [axes.get_title() for axes in figure.axes] == ["Intercept | plate", "Intercept | sample"]
    assert [len(axes.get_yticklabels()) for axes in figure.axes] == [24, 6]
    assert [axes.get_ylabel() for axes in bml.plots.ranef(fit, group="sample").axes] == ["sample"]


def test_of_many_levels_some_are_labelled_which_is_told():
    figure = bml.plots.ranef(posterior(316))
    assert len(labels(figure)) == 79
    assert "Of school one level in 4 is labelled." in " ".join(figure.get_supxlabel().split())
    order = posterior(316).ranef["school"]["Intercept"].sort_values().index
    assert labels(figure) == list(order[::4])


def test_models_without_random_effects_are_refused():
    fit = bml.fit("Yield ~ 1", bml.datasets.load("dyestuff"))
    with pytest.raises(SpecificationError, match="has none"):
        bml.plots.ranef(fit)
