"""Plots of power-scaling sensitivity: what is drawn, what is said of it, and legibility at any size."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesml as bml
from bayesml.errors import SpecificationError
from tests import posteriors
from tests.plots.legible import assert_legible, assert_safe_colours
from tests.plots.synthetic import posterior


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def marks(axes):
    """Values of the marks of each set of points."""
    return [line.get_xdata() for line in axes.lines if line.get_linestyle() == "None" and len(line.get_xdata())]


def test_points_are_the_table():
    found = bml.sensitivity(posteriors.conflicting())
    axes = bml.plots.sensitivity(found).axes[0]
    prior, likelihood = marks(axes)
    np.testing.assert_allclose(prior, found.table["prior"])
    np.testing.assert_allclose(likelihood, found.table["likelihood"])
    assert [label.get_text() for label in axes.get_yticklabels()] == list(found.table.index)


def test_diagnoses_stand_beside_their_rows():
    figure = bml.plots.sensitivity(posteriors.conflicting())
    (right,) = [own for own in figure.axes[0].child_axes]
    assert [label.get_text() for label in right.get_yticklabels()] == ["prior-data conflict"]
    assert list(right.get_yticks()) == [4]


def test_paths_are_means_by_power():
    found = bml.sensitivity(posteriors.conflicting(), ["Days", "sigma"])
    figure = bml.plots.sensitivity(found, "path", ci_prob=0.5)
    axes = figure.axes[0]
    assert axes.get_title() == "Days\nprior-data conflict"
    path = found.path(ci_prob=0.5)
    own = path[(path["quantity"] == "Days") & (path["scaled"] == "all")]
    lines = [line.get_ydata() for line in axes.lines]
    for name in ("mean", "lower", "upper"):
        assert any(len(line) == len(own) and np.allclose(line, own[name]) for line in lines)
    assert_legible(figure, ["Days", "sigma", "50% intervals", "all priors", "marginal likelihood"])


def test_powers_whose_weights_do_not_serve_are_hollow():
    found = bml.sensitivity(posteriors.conflicting(), "b(Days | Subject[308])", likelihood="conditional")
    path = found.path()
    bad = path[path["pareto_k"] > 0.69]
    assert len(bad) > 0
    axes = bml.plots.sensitivity(found, "path").axes[0]
    assert sum(map(len, marks(axes))) == len(bad)


def test_blocks_are_drawn_by_name():
    found = bml.sensitivity(posteriors.conflicting(), by="block")
    figure = bml.plots.sensitivity(found, block="random")
    np.testing.assert_allclose(marks(figure.axes[0])[0], found.table.loc["random", "prior"])
    assert_legible(figure, ["priors of standard deviations and correlations"])
    with pytest.raises(SpecificationError, match="there are all, coefficients, random, family"):
        bml.plots.sensitivity(found, block="sds")


@pytest.mark.parametrize("levels", [3, 65, 316])
@pytest.mark.parametrize("kind", ["points", "path"])
def test_legible_at_any_size(levels, kind):
    found = bml.sensitivity(posterior(levels), ["*", "b"])
    figure = bml.plots.sensitivity(found, kind)
    assert_safe_colours(figure)
    most = {"points": 40, "path": 12}[kind]
    many = len(found.table) > most
    first = found.table["prior"].sort_values(ascending=False).index[0]
    assert_legible(figure, [f"The {most} of {len(found.table)} quantities" if many else "", first])


def test_fits_and_unknown_kinds_are_refused():
    with pytest.raises(SpecificationError, match="bml.sample"):
        bml.plots.sensitivity(bml.fit(posteriors.SLEEP, bml.datasets.load("sleepstudy")))
    with pytest.raises(SpecificationError, match="`kind='ecdf'`"):
        bml.plots.sensitivity(posteriors.sleepstudy(), "ecdf")
