"""Labels that are long, or hold signs that mean something to Matplotlib, in every plot that shows levels."""

import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from tests.plots.legible import assert_legible

LEVELS = ["$x_1$", r"US$ 3 to US$ \9", "a very long name " * 5, "c[1|2]", "100 %", "{b}", "ü_ß", "3.0"]
PLOTS = {
    "ess of effects": lambda post: bml.plots.ess(post, "b(*"),
    "fit by group": bml.plots.fit_by_group,
    "forest of effects": lambda post: bml.plots.forest(post, "b(*"),
    "leave one group out": lambda post: bml.plots.loo(bml.leave_one_group_out(post, exact=False)),
    "predictive check by group": lambda post: bml.plots.predictive_check(post, group="gr $p$"),
    "predictive check of groups": lambda post: bml.plots.predictive_check(post, kind="group"),
    "ranef": bml.plots.ranef,
    "residuals by group": lambda post: bml.plots.residuals(post, group="gr $p$"),
}


@pytest.fixture(scope="module")
def post():
    rng = np.random.default_rng(1)
    codes = np.repeat(np.arange(8), 6)
    x = rng.normal(size=48)
    y = rng.normal(size=8)[codes] + x + rng.normal(size=48)
    data = pd.DataFrame({"y $": y, "x": x, "gr $p$": np.array(LEVELS, object)[codes]})
    return bml.sample(
        "`y $` ~ x + (1 | `gr $p$`)", data, draws=200, tune=300, chains=2, random_seed=1, progressbar=False
    )


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS.keys())
def test_labels_are_legible(post, plot):
    assert_legible(plot(post))
