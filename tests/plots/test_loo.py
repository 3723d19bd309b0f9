"""The plot of leave-one-out: Pareto k and elpd of each unit, bad ones by name."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.bayes.loo import Loo
from bayesml.errors import SpecificationError
from tests import posteriors
from tests.plots.legible import assert_legible, assert_safe_colours


def found(count: int, unit: str = "school") -> Loo:
    """Units of which every seventh has a bad k, and the first of these was sampled without."""
    rng = np.random.default_rng(count)
    k = rng.uniform(-0.2, 0.6, count)
    k[1::7] += 0.8
    labels = pd.RangeIndex(count) if unit == "row" else pd.Index([f"school {i + 1:03d}" for i in range(count)])
    table = pd.DataFrame(
        {
            "elpd": -rng.exponential(3, count), "mcse": 0.01, "p_loo": 0.1, "pareto_k": k,
            "refitted": np.arange(count) == 1,
        },
        index=labels,
    )  # fmt: skip
    return Loo(posteriors.dyestuff(), unit, table, 4000, 0.1, "density of a unit")


@pytest.mark.parametrize("count", [3, 35, 65, 316])
@pytest.mark.parametrize("unit", ["school", "row"])
def test_it_is_legible(count, unit):
    figure = bml.plots.loo(found(count, unit))
    labels = ["sampled without", "Pareto k", "elpd"]
    assert_legible(figure, [*labels, "school 002"] if unit == "school" and count < 60 else labels)
    assert_safe_colours(figure)
    plt.close(figure)


def test_the_worst_are_named():
    own = found(316)
    figure = bml.plots.loo(own)
    named = {text.get_text() for text in figure.axes[0].texts}
    assert named == set(own.pareto_k.nlargest(8).index)
    texts = " ".join(" ".join(text.get_text().split()) for text in figure.findobj(plt.Text))
    assert f"{(own.pareto_k > 0.7).sum() - 8} more bad k are not labelled" in texts
    plt.close(figure)


def test_all_units_are_drawn():
    own = found(65)
    figure = bml.plots.loo(own)
    above = np.concatenate([line.get_ydata() for line in figure.axes[0].lines if line.get_linestyle() == "None"])
    np.testing.assert_allclose(np.sort(above), np.sort(own.pareto_k))
    plt.close(figure)


def test_a_posterior_is_taken_by_rows():
    figure = bml.plots.loo(posteriors.dyestuff())
    assert "row" in figure.axes[1].get_xlabel()
    plt.close(figure)
    with pytest.raises(SpecificationError, match=r"plots\.loo\(\) draws what bml\.loo\(\) finds"):
        bml.plots.loo(bml.fit("Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff")))
