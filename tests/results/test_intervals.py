import numpy as np
import pytest
from scipy import stats

from bayesml.errors import SpecificationError
from bayesml.results.intervals import interval, normal_quantile

SCALES = {
    "identity": (lambda x: x, lambda x: x),
    "log": (np.log, np.exp),
    "atanh": (np.arctanh, np.tanh),
    "logit": (lambda x: np.log(x / (1 - x)), lambda x: 1 / (1 + np.exp(-x))),
    "loglog": (lambda x: -np.log(-np.log(x)), lambda x: np.exp(-np.exp(-x))),
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("estimate", [0.05, 0.4, 0.9])
def test_limits_are_symmetric_on_their_scale(scale, estimate):
    forward, back = SCALES[scale]
    h = 1e-6
    slope = (forward(estimate + h) - forward(estimate - h)) / (2 * h)
    half = stats.norm.ppf(0.95) * slope * 0.03
    lower, upper = interval(estimate, 0.03, 0.9, scale)
    assert lower == pytest.approx(back(forward(estimate) - half), rel=1e-7)
    assert upper == pytest.approx(back(forward(estimate) + half), rel=1e-7)


@pytest.mark.parametrize(("scale", "estimate"), [("log", 0.0), ("atanh", 1.0), ("logit", 0.0), ("loglog", 1.0)])
def test_no_limits_without_a_standard_error(scale, estimate):
    assert np.isnan(interval(estimate, np.nan, 0.95, scale)).all()


@pytest.mark.parametrize("ci_prob", [0, 1, 95, -0.5])
def test_content_must_be_a_proportion(ci_prob):
    with pytest.raises(SpecificationError, match="between 0 and 1"):
        normal_quantile(ci_prob)
