"""No plot takes two seconds: 4 x 1000 draws of a model with 500 random effects, once everything is loaded."""

import io
import time

import matplotlib.pyplot as plt
import pytest

from bayesml import plots
from tests.plots.synthetic import posterior

OF_PARAMETERS = (
    "autocorrelation", "cumulative_sum", "density", "diagnostics", "ess", "forest", "histogram", "pairs", "rank",
    "trace",
)  # fmt: skip
SECONDS = 2.0


@pytest.mark.slow
@pytest.mark.parametrize("name", [*OF_PARAMETERS, "energy", "fit_by_group", "ranef"])
def test_plots_are_quick(name):
    draw, options = getattr(plots, name), {"parameters": "b"} if name in OF_PARAMETERS else {}
    draw(posterior(3, "binomial"), **options)
    result = posterior(500, "binomial", draws=1000)
    start = time.process_time()
    draw(result, **options).savefig(io.BytesIO())
    plt.close("all")
    assert time.process_time() - start < SECONDS
