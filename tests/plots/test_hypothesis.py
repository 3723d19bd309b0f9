"""Plots of hypotheses: what is shaded, written and drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayesml as bml
from bayesml.errors import SpecificationError
from tests import posteriors
from tests.plots.legible import assert_legible, texts


@pytest.fixture
def post():
    return posteriors.sleepstudy()


def drawn(post, text, **options):
    found = bml.hypothesis(post, text, **options)
    figure = bml.plots.hypothesis(found)
    return found, figure, figure.axes[0]


def written(figure):
    return " ".join(text.get_text() for text in texts(figure))


def test_the_region_is_shaded_and_its_probability_written(post):
    found, figure, axes = drawn(post, "Days > 8")
    shaded = axes.collections[0].get_paths()[0].vertices
    assert_allclose(shaded[:, 0].min(), 8)
    x, y = axes.lines[0].get_data()
    inside = np.unique(shaded[shaded[:, 1] > 0, 0])
    share = np.trapezoid(np.interp(inside, x, y), inside) / np.trapezoid(y, x)
    assert_allclose(share, found.probability, atol=0.02)
    assert f"P = {found.probability:.3g}" in written(figure)
    assert_legible(figure, ["Days > 8", "posterior", "prior", "holds", f"Bayes factor {found.bayes_factor_text}"])


def test_the_prior_density_is_that_of_the_prior(post):
    found, figure, axes = drawn(post, "Days > 8")
    x, y = axes.lines[1].get_data()
    prior = post.priors.coefficients[1]
    assert_allclose(y, np.exp(prior.log_density(x)))
    plt.close(figure)
    found, figure, axes = drawn(post, "exp(Days / 10) > 1")
    x, y = axes.lines[1].get_data()
    expected = np.exp(prior.log_density(10 * np.log(x))) * 10 / x
    assert_allclose(y, expected, rtol=0.25)
    plt.close(figure)


def test_a_range_has_its_shares_and_interval(post):
    found, figure, axes = drawn(post, "Days", rope=(8, 12), ci_prob=0.9)
    bar = next(line for line in axes.lines if line.get_linewidth() == 3)
    assert_allclose(bar.get_xdata(), found.hdi)
    shown = written(figure)
    assert f"below\n{found.below:.3g}" in shown
    assert f"above\n{found.above:.3g}" in shown
    assert "90% highest-density interval" in shown
    assert_legible(figure, ["8 < Days < 12", "undecided"])


def test_an_equality_has_dots_whose_ratio_is_the_bayes_factor(post):
    found, figure, axes = drawn(post, "Days = 10")
    dots = [line for line in axes.lines if line.get_markersize() == 7]
    heights = [line.get_ydata()[0] for line in dots]
    assert [line.get_xdata()[0] for line in dots] == [10, 10]
    assert_allclose(heights[0] / heights[1], found.bf01)
    assert f"= {found.bf01:.3g} for the equality" in written(figure)
    assert_legible(figure, ["Days = 10"])
    _, figure, _ = drawn(post, "Days = 0")
    assert "against the equality" in written(figure)
    assert_legible(figure)


def test_a_high_prior_does_not_press_the_posterior_down():
    found = bml.hypothesis(posteriors.wine(), "probability(5, temp=warm) > 0.1")
    figure = bml.plots.hypothesis(found)
    axes = figure.axes[0]
    posterior, prior = (line.get_ydata().max() for line in axes.lines[:2])
    assert prior > 5 * posterior
    assert_allclose(axes.get_ylim()[1], 1.25 * posterior)
    assert_legible(figure)


def test_joint_statements_about_two_quantities_show_their_draws(post):
    found, figure, axes = drawn(post, "Days > 10 and Intercept < 250")
    holds, fails = axes.lines[:2]
    assert (holds.get_xdata() > 10).all()
    assert (holds.get_ydata() < 250).all()
    assert holds.get_marker() != fails.get_marker()
    assert_allclose(len(holds.get_xdata()) / 1500, found.probability, atol=0.03)
    assert_legible(figure, ["Days", "Intercept", "draws for which it holds"])
    _, figure, axes = drawn(post, "b(Days|Subject[308]) > b(Days|Subject[309]) > b(Days|Subject[310])")
    assert "b(Days | Subject[308]) - b(Days | Subject[309])" in axes.get_xlabel().replace("\n", " ")
    assert_legible(figure)


def test_other_joint_statements_show_what_decides(post):
    found, figure, axes = drawn(post, "Days > 8 and sigma < 26 and sd(Days | Subject) > 5")
    assert "smallest margin" in axes.get_xlabel()
    assert f"P = {found.probability:.3g}" in written(figure)
    assert_legible(figure)
    _, figure, axes = drawn(post, "Days > 8 or sigma < 26 or sd(Days | Subject) > 5")
    assert "deciding margin" in axes.get_xlabel()
    plt.close(figure)


def test_several_are_panels(post):
    names = [
        "steep",
        "exactly ten",
        "equations",
        "rare",
        "levels",
        "a slope that is larger than the one of another man",
    ]
    found = bml.hypothesis(
        post,
        ["Days > 8", "Days = 10", "Days = 10 and Intercept = 250", "Days < 4", "mean(Days=9, Subject=308) > 400",
         "Days + b(Days | Subject[308]) > Days + b(Days | Subject[310])"],
        names=names,
    )  # fmt: skip
    figure = bml.plots.hypothesis(found)
    assert len(figure.axes) == 6
    assert "at random effects of Subject = 308" in written(figure)
    assert_legible(figure, names)


@pytest.mark.parametrize("limit", [12, 36])
def test_of_many_the_first_are_shown(post, limit):
    levels = post.design.random[0].level_labels
    texts_ = [f"b({name} | Subject[{level}]) > 0" for name in ("Days", "Intercept") for level in levels] * 2
    found = bml.hypothesis(post, texts_[:65])
    figure = bml.plots.hypothesis(found, limit=limit)
    assert len(figure.axes) == limit
    assert f"The first {limit} of 65" in written(figure)
    assert_legible(figure, texts_[:limit])


def test_flat_priors_have_no_curve():
    post = bml.sample(
        posteriors.SLEEP, bml.datasets.load("sleepstudy"), priors={"Days": bml.Flat()}, draws=500, tune=300, chains=2,
        random_seed=3, progressbar=False,
    )  # fmt: skip
    _, figure, axes = drawn(post, "Days > 8")
    assert "flat prior, no Bayes factor" in axes.get_title()
    assert "prior" not in [text.get_text() for text in figure.legends[0].get_texts()]
    plt.close(figure)


def test_something_else_is_refused(post):
    with pytest.raises(SpecificationError, match=r"what `bml\.hypothesis` returns"):
        bml.plots.hypothesis(post)
