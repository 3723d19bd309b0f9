"""The plot of a comparison: differences, intervals and weights where they belong."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.errors import SpecificationError
from bayesml.results.intervals import normal_quantile
from bayesml.tables.noted import NotedFrame
from tests.plots.legible import assert_legible, assert_safe_colours


def comparison(by: str, count: int) -> pd.DataFrame:
    """A table such as `bml.compare` makes."""
    rng = np.random.default_rng(count)
    index = pd.Index([f"model with the covariates of block {i}" for i in range(count)], name="model")
    down = -np.append(0.0, np.cumsum(rng.exponential(5, count - 1)))
    columns = {
        "loo": {
            "elpd_diff": down, "dse": np.append(0.0, rng.uniform(1, 6, count - 1)), "weight": 1 / count,
            "diag_diff": ["", *["|elpd_diff| < 4"] * (count - 1)], "diag_elpd": ["3 k̂ > 0.70", *[""] * (count - 1)],
        },
        "aic": {"delta": -down, "weight": 1 / count},
        "bic": {"delta": -down, "weight": 1 / count},
        "dic": {"delta": -down},
        "evidence": {"log_bayes_factor": down, "mcse": 0.01, "probability": 1 / count},
    }  # fmt: skip
    table = NotedFrame(pd.DataFrame(columns[by], index=index))
    table.attrs["by"] = by
    return table


@pytest.mark.parametrize("by", ["loo", "aic", "bic", "dic", "evidence"])
@pytest.mark.parametrize("count", [2, 12])
def test_it_is_legible(by, count):
    figure = bml.plots.compare(comparison(by, count))
    assert_legible(figure, [f"block {count - 1}", "Left is worse" if by in ("loo", "evidence") else "Right is worse"])
    assert_safe_colours(figure)
    plt.close(figure)


def test_what_is_drawn():
    table = comparison("loo", 3)
    figure = bml.plots.compare(table, ci_prob=0.9)
    (axes,) = figure.axes
    points = axes.lines[-1]
    np.testing.assert_allclose(points.get_xdata(), table["elpd_diff"])
    assert points.get_ydata().tolist() == [2, 1, 0]
    segments = axes.collections[0].get_segments()
    half = normal_quantile(0.9) * table["dse"].to_numpy()
    np.testing.assert_allclose([s[1, 0] - s[0, 0] for s in segments], 2 * half)
    texts = " ".join(text.get_text() for text in figure.findobj(plt.Text))
    assert "90% intervals" in texts
    assert "Bad Pareto k: model with the covariates of block 0" in " ".join(texts.split())
    assert "0.33" in texts
    plt.close(figure)


def test_other_tables_are_refused():
    with pytest.raises(SpecificationError, match=r"draws the table of `bml\.compare`"):
        bml.plots.compare(pd.DataFrame({"delta": [0.0, 1.0]}))
