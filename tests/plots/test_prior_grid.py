"""Plots of grids of priors: what is drawn, and legibility with many priors and quantities."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.errors import SpecificationError
from tests import posteriors
from tests.plots.legible import assert_legible, assert_safe_colours

SLOPES = "sd(Days | Subject)"


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def grid():
    choices = {SLOPES: [bml.HalfNormal(1), bml.HalfNormal(20)], "Days": [bml.StudentT(3, 0, 10)], "priors": ["flat"]}
    data = bml.datasets.load("sleepstudy")
    wanted = ["Days", SLOPES, "b(Days | Subject[308])"]
    return bml.prior_grid(posteriors.SLEEP, data, choices, wanted, random_seed=1, progressbar=False)


def made_up(priors: int, quantities: int) -> pd.DataFrame:
    """A table as large as asked for."""
    rng = np.random.default_rng(1)
    sources = np.resize(["base", "refit", "reweighted"], priors)
    labels = ["model", *(f"sd(a rather long name | grouping factor) ~ HalfNormal({i})" for i in range(1, priors))]
    rows = [
        (label, f"quantity {k}", *np.sort(rng.normal(size=3))[[1, 0, 2]], source)
        for label, source in zip(labels, sources, strict=True)
        for k in range(quantities)
    ]
    rows += [("REML fit", f"quantity {k}", 0.0, -1.0, 1.0, "reml") for k in range(quantities)]
    return pd.DataFrame(rows, columns=["prior", "quantity", "mean", "lower", "upper", "source"])


def test_panels_are_quantities_and_rows_priors(grid):
    figure = bml.plots.prior_grid(grid)
    assert [axes.get_title() for axes in figure.axes] == ["Days", SLOPES, "b(Days | Subject[308])"]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()][::-1]
    assert labels == list(dict.fromkeys(grid.loc[grid["source"] != "reml", "prior"]))


def test_marks_tell_what_was_sampled(grid):
    axes = bml.plots.prior_grid(grid).axes[0]
    own = grid[grid["quantity"] == "Days"]
    base, refit, weighted = (line for line in axes.lines if line.get_linestyle() == "None")
    for line, source in ((base, "base"), (refit, "refit"), (weighted, "reweighted")):
        np.testing.assert_allclose(line.get_xdata(), own.loc[own["source"] == source, "mean"])
    assert weighted.get_markerfacecolor() == "white"
    assert len({line.get_marker() for line in (base, refit, weighted)}) == 3


def test_the_reference_is_a_line_and_a_stripe(grid):
    figure = bml.plots.prior_grid(grid)
    fit = grid[grid["source"] == "reml"].set_index("quantity")
    axes = figure.axes[1]
    line = next(own for own in axes.lines if own.get_linestyle() != "None")
    assert line.get_xdata()[0] == pytest.approx(fit.loc[SLOPES, "mean"])
    (stripe,) = axes.patches
    assert stripe.get_x() == pytest.approx(fit.loc[SLOPES, "lower"])
    # an effect has an estimate and no interval
    assert not figure.axes[2].patches
    assert_safe_colours(figure)
    assert_legible(figure, ["REML fit", "weighted draws", "sampled", "equal-tailed 95% intervals", "flat"])


def test_an_address_that_alone_varies_is_named_once():
    figure = bml.plots.prior_grid(made_up(3, 1))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()][::-1]
    assert labels == ["model", "HalfNormal(1)", "HalfNormal(2)"]
    assert_legible(figure, ["Priors of sd(a rather long name | grouping factor)"])


def test_crossed_priors_keep_their_addresses():
    frame = made_up(3, 1).replace({"prior": {"model": "flat, a ~ Normal(0, 1)"}})
    axes = bml.plots.prior_grid(frame).axes[0]
    assert "grouping factor" in "".join(label.get_text() for label in axes.get_yticklabels())


def test_rows_of_one_quantity(grid):
    figure = bml.plots.prior_grid(grid[grid["quantity"] == "Days"])
    assert len(figure.axes) == 1
    assert_legible(figure, ["Days", "weakly_informative"])


@pytest.mark.parametrize(("priors", "quantities"), [(3, 3), (65, 2), (12, 65), (316, 1)])
def test_legible_at_any_size(priors, quantities):
    figure = bml.plots.prior_grid(made_up(priors, quantities))
    told = ["The first 60 of" if priors > 60 else "", "The first 12 of" if quantities > 12 else ""]
    assert_legible(figure, ["quantity 0", "model", *told])


def test_other_tables_are_refused():
    with pytest.raises(SpecificationError, match="bml.prior_grid"):
        bml.plots.prior_grid(pd.DataFrame({"x": [1]}))
