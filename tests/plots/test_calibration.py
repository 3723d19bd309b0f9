"""Ranks drawn against what uniform ranks would do."""

import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.bayes.calibrate import Calibration
from bayesml.errors import ColumnNotFound, SpecificationError
from tests.plots.legible import assert_legible


def ranks(k: int, n: int = 200) -> Calibration:
    """Uniform ranks, of the first quantity too low."""
    rng = np.random.default_rng(5)
    names = [f"sd(some long column {i} | School)" for i in range(k - 1)] + ["log likelihood"]
    table = pd.DataFrame(rng.integers(100, size=(n, k)), columns=names)
    table.iloc[:, 0] //= 2
    ess = pd.DataFrame(99.0, index=table.index, columns=names)
    none = pd.DataFrame({"reason": []})
    return Calibration("y ~ x", table, 99, ess, pd.Series(0, table.index), none, n, 1)


@pytest.mark.parametrize("kind", ["difference", "histogram"])
@pytest.mark.parametrize("k", [3, 65, 316])
def test_legible_with_few_and_many_quantities(kind, k):
    found = ranks(k)
    figure = bml.plots.calibration(found, kind=kind)
    assert len(figure.axes) == min(k, 24)
    left_out = [f"The 24 least uniform of {k} quantities"] if k > 24 else []
    assert_legible(figure, [found.ranks.columns[0], "posteriors lie too high", *left_out])


def test_what_is_drawn_are_the_ranks():
    found = ranks(3)
    figure = bml.plots.calibration(found, "log likelihood")
    steps = next(line for line in figure.axes[0].lines if len(line.get_xdata()) == 99)
    share = np.arange(1, 100) / 100
    own = found.ranks["log likelihood"].to_numpy()
    expected = [(own <= z).mean() for z in range(99)] - share
    np.testing.assert_allclose(steps.get_ydata(), expected, atol=1e-12)
    assert_legible(figure, ["log likelihood", "200 simulated data sets", "95%"])


def test_unknown_names_and_kinds_are_refused():
    with pytest.raises(ColumnNotFound, match="`Days` was not ranked"):
        bml.plots.calibration(ranks(3), ["Days"])
    with pytest.raises(SpecificationError, match="not one of 'difference', 'histogram'"):
        bml.plots.calibration(ranks(3), kind="bars")
