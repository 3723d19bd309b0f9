"""What is no result is refused by every verb and plot, in words."""

import pandas as pd
import pytest

import bayesml as bml
from bayesml.errors import BayesmlError

VERBS = [
    "predict", "ranef", "icc", "r2", "quantile_residuals", "posterior_predictive", "sensitivity", "quantities", "loo",
    "leave_one_group_out", "dic", "evidence", "laplace_error", "side_by_side", "equations",
]  # fmt: skip
OF_MODELS = {"priors", "prior_predictive"}
FRAME = pd.DataFrame({"a": [1.0, 2.0]})


@pytest.mark.parametrize("given", [FRAME, None], ids=["frame", "none"])
@pytest.mark.parametrize("verb", VERBS)
def test_verbs(verb, given):
    with pytest.raises(BayesmlError, match="`.*(fit|sample|result)"):
        getattr(bml, verb)(given)


@pytest.mark.parametrize("given", [FRAME, None], ids=["frame", "none"])
@pytest.mark.parametrize("plot", [name for name in bml.plots.__all__ if name not in OF_MODELS])
def test_plots(plot, given):
    with pytest.raises(BayesmlError, match=rf"plots\.{plot}|`bml"):
        getattr(bml.plots, plot)(given)
