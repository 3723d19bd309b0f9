"""Diagnostics: which parameters are shown, and what of each."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesml as bml
from bayesml.plots.diagnostics import HALVES
from tests import posteriors
from tests.plots.synthetic import posterior


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def titles(figure):
    return [axes.get_title(loc="left").split("    ") for axes in figure.axes[::4]]


def test_one_row_a_parameter_the_worst_first():
    post = posteriors.sleepstudy()
    rows = titles(bml.plots.diagnostics(post))
    order = post.parameters["rhat"].sort_values(ascending=False).index
    assert [address for address, _ in rows] == list(order)
    worst = post.parameters.loc[order[0]]
    assert rows[0][1] == f"R-hat {worst['rhat']:.3f}, ESS {worst['ess_bulk']:.0f}, tail {worst['ess_tail']:.0f}"


def test_sampled_effects_that_have_not_mixed_are_shown_unasked():
    post = posterior(3)
    effects = post.posterior.effects[0].copy()
    effects[0, :, 1, 0] += 10
    bad = replace(post, posterior=replace(post.posterior, effects=(effects,)))
    assert titles(bml.plots.diagnostics(bad, limit=2))[0][0] == "b(Intercept | school[school 002])"
    assert "Shown are 2 of" in bml.plots.diagnostics(bad, limit=2).get_supxlabel()


def test_a_drift_shows_in_the_halves():
    post = posterior(3)
    sigma = post.posterior.sigma + np.linspace(0, 3, 250)
    drifting = replace(post, posterior=replace(post.posterior, sigma=sigma))
    axes = bml.plots.diagnostics(drifting, "sigma").axes[3]
    first, second = axes.lines
    assert first.get_color() == HALVES["first"]["color"]
    middle = [np.average(line.get_xdata(), weights=line.get_ydata()) for line in (first, second)]
    assert middle[1] - middle[0] == pytest.approx(1.5, abs=0.1)
