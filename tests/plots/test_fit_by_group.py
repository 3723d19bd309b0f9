"""Small multiples of groups: what is drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesml as bml
from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.plots.colours import CONDITIONAL, POPULATION
from tests import fitted_models as models
from tests.plots.synthetic import ROWS, posterior


@pytest.fixture(scope="module")
def fit():
    return bml.fit("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def visible(figure):
    return [axes for axes in figure.axes if axes.get_visible()]


def line(axes, label):
    return next(drawn for drawn in axes.get_lines() if drawn.get_label() == label)


def test_one_panel_a_level_titled_by_the_users_labels(fit):
    panels = visible(bml.plots.fit_by_group(fit))
    assert [axes.get_title() for axes in panels] == list(fit.ranef["Subject"].index)


def test_points_are_the_data_and_lines_the_fit(fit):
    table = bml.datasets.load("sleepstudy")
    panel = visible(bml.plots.fit_by_group(fit, x="Days"))[3]
    rows = table["Subject"] == "330"
    np.testing.assert_array_equal(line(panel, "data").get_xdata(), table.loc[rows, "Days"])
    np.testing.assert_array_equal(line(panel, "data").get_ydata(), table.loc[rows, "Reaction"])
    own = fit.coef["Subject"].loc["330"]
    days = np.arange(10)
    np.testing.assert_allclose(line(panel, "conditional").get_ydata(), own["Intercept"] + own["Days"] * days)
    np.testing.assert_allclose(line(panel, "population").get_ydata(), fit["Intercept"] + fit["Days"] * days)


def test_lines_differ_without_colour():
    assert CONDITIONAL["linestyle"] != POPULATION["linestyle"]


def test_axes_are_labelled_and_shared(fit):
    figure = bml.plots.fit_by_group(fit)
    assert figure.get_supxlabel() == "Days"
    assert figure.get_supylabel() == "Reaction"
    assert len({axes.get_ylim() for axes in visible(figure)}) == 1


def test_chosen_levels_in_their_order(fit):
    panels = visible(bml.plots.fit_by_group(fit, levels=["352", "308"]))
    assert [axes.get_title() for axes in panels] == ["352", "308"]


def test_levels_left_out_are_told():
    fit = bml.fit("weight ~ Time + (Time | Chick)", bml.datasets.load("chickweight"))
    figure = bml.plots.fit_by_group(fit)
    assert figure.legends[0].get_title().get_text() == "24 of 50 levels of Chick"


def test_a_posterior_is_drawn_too():
    table = bml.datasets.load("sleepstudy")
    post = bml.sample(
        "Reaction ~ Days + (Days | Subject)", table, draws=300, tune=500, chains=2, random_seed=1, progressbar=False
    )
    assert len(visible(bml.plots.fit_by_group(post))) == 18


def test_unknown_column_level_and_group_are_named(fit):
    with pytest.raises(ColumnNotFound, match="Dais"):
        bml.plots.fit_by_group(fit, x="Dais")
    with pytest.raises(ColumnNotFound, match="999"):
        bml.plots.fit_by_group(fit, levels=["999"])
    with pytest.raises(ColumnNotFound, match="School"):
        bml.plots.fit_by_group(fit, group="School")


def test_nothing_to_draw_against_is_refused():
    fit = bml.fit("Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff"))
    with pytest.raises(SpecificationError, match="no numeric column"):
        bml.plots.fit_by_group(fit)


def test_binary_responses_are_scattered_and_lines_are_probabilities():
    fit = models.other("verbagg", "r2n ~ Anger + (1 | item)", "bernoulli")
    figure = bml.plots.fit_by_group(fit, levels=["S1WantCurse"])
    points, population, conditional = (line.get_ydata() for line in figure.axes[0].lines)
    assert set(np.rint(points)) == {0.0, 1.0}
    assert len(set(points)) > 300
    assert np.abs(points - np.rint(points)).max() <= 0.04
    rows = fit.design.random[0].codes == 0
    x = fit.design.X[rows, 1]
    assert np.allclose(conditional, fit.fitted.to_numpy()[rows][[np.argmax(x == v) for v in np.unique(x)]])
    assert population.min() > 0 and population.max() < 1


def test_categories_are_drawn_one_at_a_time():
    fit = models.other("wine", "rating ~ temp + contact + (1 | judge)", "cumulative")
    figure = bml.plots.fit_by_group(fit, x="temp[warm]", outcome="3")
    assert figure.get_supylabel() == "probability of rating = 3"
    lines = figure.axes[0].lines
    rows = fit.design.random[0].codes == 0
    assert np.array_equal(np.sort(np.rint(lines[0].get_ydata())), np.sort(fit.observed[rows] == "3"))
    with pytest.raises(ColumnNotFound, match="has no category '9'"):
        bml.plots.fit_by_group(fit, x="temp[warm]", outcome="9")


def band(axes):
    """Lower and upper limits of the band, in the order of x."""
    vertices = axes.collections[0].get_paths()[0].vertices
    places = np.unique(vertices[:, 0])
    limits = [vertices[vertices[:, 0] == place, 1] for place in places]
    return np.array([(own.min(), own.max()) for own in limits]).T


@pytest.mark.parametrize("family", ["gaussian", "binomial", "cumulative"])
def test_the_band_is_that_of_predictions(family):
    post = posterior(3, family)
    axes = bml.plots.fit_by_group(post, ci_prob=0.8).axes[1]
    kind = {"kind": "probability", "outcome": "high"} if family == "cumulative" else {}
    predicted = bml.predict(post, ci_prob=0.8, **kind).iloc[ROWS : 2 * ROWS]
    np.testing.assert_allclose(band(axes), predicted[["lower", "upper"]].to_numpy().T)
    np.testing.assert_allclose(line(axes, "conditional").get_ydata(), predicted["estimate"])


def test_the_band_of_a_fit_is_its_confidence_interval(fit):
    figure = bml.plots.fit_by_group(fit, levels=["330"])
    predicted = bml.predict(fit)[(bml.datasets.load("sleepstudy")["Subject"] == "330").to_numpy()]
    np.testing.assert_allclose(band(figure.axes[0]), predicted[["lower", "upper"]].to_numpy().T)
    assert "95% confidence band" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert not bml.plots.fit_by_group(fit, levels=["330"], ci_prob=None).axes[0].collections
    with pytest.raises(SpecificationError, match="ci_prob=2"):
        bml.plots.fit_by_group(fit, ci_prob=2)


def test_a_level_with_one_place_has_strokes():
    fit = models.other("cbpp", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "binomial")
    figure = bml.plots.fit_by_group(fit, x="period[2]", levels=["8", "1"])
    assert line(figure.axes[0], "conditional").get_marker() == "_"
    assert line(figure.axes[1], "conditional").get_marker() == "None"
    assert figure.get_supylabel() == "proportion, cbind(incidence, size - incidence)"
