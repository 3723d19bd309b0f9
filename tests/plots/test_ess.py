"""Effective sample sizes and energies."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesml as bml
from bayesml.errors import SpecificationError
from bayesml.results import diagnostics
from tests.plots.synthetic import posterior
from tests.posteriors import sleepstudy


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_parameters_stand_by_size_the_smallest_on_top():
    post = sleepstudy()
    axes = bml.plots.ess(post).axes[0]
    table = post.parameters[["ess_bulk", "ess_tail"]]
    order = table.min(axis=1).sort_values().index
    assert [label.get_text() for label in axes.get_yticklabels()] == list(order)
    bulk, tail = axes.lines[1:]
    np.testing.assert_allclose(bulk.get_xdata(), table.loc[order, "ess_bulk"])
    np.testing.assert_allclose(tail.get_xdata(), table.loc[order, "ess_tail"])
    assert axes.lines[0].get_xdata() == [400, 400]


def test_sizes_grow_to_those_of_all_draws():
    post = posterior(3)
    axes = bml.plots.ess(post, "hours", kind="evolution").axes[0]
    bulk = axes.lines[1]
    assert bulk.get_xdata()[-1] == 250
    draws = post.draws("hours")
    assert bulk.get_ydata()[-1] == pytest.approx(diagnostics.ess(draws))
    assert bulk.get_ydata()[0] == pytest.approx(diagnostics.ess(draws[:, : bulk.get_xdata()[0]]))


def test_an_unknown_kind_is_refused():
    with pytest.raises(SpecificationError, match='kind="local"'):
        bml.plots.ess(posterior(3), kind="local")


def test_bfmi_stands_by_chain():
    post = posterior(3)
    right = bml.plots.energy(post).axes[1]
    values = [line.get_xdata()[0] for line in right.lines[1:]]
    np.testing.assert_allclose(values, diagnostics.bfmi(post.posterior.stats["energy"]))


def test_draws_without_energies_are_refused():
    post = posterior(3)
    bare = replace(post, posterior=replace(post.posterior, stats={}))
    with pytest.raises(SpecificationError, match="no energies"):
        bml.plots.energy(bare)
