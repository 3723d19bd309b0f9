"""Engines beside the posterior's intervals."""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from tests.plots.legible import assert_legible


@dataclass
class Comparison:
    """What the plot reads of a comparison."""

    table: pd.DataFrame
    ci_prob: float = 0.95


def comparison(k: int) -> Comparison:
    rng = np.random.default_rng(1)
    names = [f"sd(a long name {i} | School)" for i in range(k)]
    columns = ("ml", "reml", "map", "median", "mean")
    table = pd.DataFrame({name: rng.normal(size=k) * 0.2 for name in columns}, index=names)
    table["quadrature"] = np.nan
    table["sd"], table["lower"], table["upper"], table["part"], table["reason"] = 1.0, -2.0, 2.0, 0.2, ""
    table.loc[names[1], ["ml", "part", "reason"]] = [40.0, 40.0, "prior (40.00), skewness (0.61)"]
    return Comparison(table)


@pytest.mark.parametrize("k", [3, 65, 316])
def test_legible_with_few_and_many_parameters(k):
    found = comparison(k)
    figure = bml.plots.compare_engines(found)
    left_out = [f"The 40 of {k} parameters whose engines part most."] if k > 40 else []
    assert_legible(
        figure, [found.table.index[1], "prior (40.00), skewness (0.61)", "posterior median", "REML", *left_out]
    )


def test_marks_stand_at_standardised_distances_and_arrows_at_the_edge():
    found = comparison(3)
    axes = bml.plots.compare_engines(found).axes[0]
    table = found.table
    circles = next(line for line in axes.lines if line.get_marker() == "o")
    expected = ((table["ml"] - table["median"]) / table["sd"]).drop(table.index[1])
    np.testing.assert_allclose(circles.get_xdata(), expected)
    arrows = [line for line in axes.lines if line.get_marker() == ">" and len(line.get_xdata())]
    assert [line.get_xdata().tolist() for line in arrows] == [[5.0]]
    plt.close("all")
