"""Distribution functions of censored responses."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from bayesml.post.turnbull import intervals_of, turnbull


def test_of_observed_responses_it_is_the_empirical_one():
    y = np.array([3.0, 1.0, 3.0, 2.0])
    places, heights = turnbull(y, y)
    assert_allclose(places, [1, 2, 3])
    assert_allclose(heights, [0.25, 0.5, 1.0])


@pytest.mark.parametrize("side", ["right", "left"])
def test_of_responses_censored_on_one_side_it_is_that_of_scipy(rng, side):
    y, status = rng.exponential(size=80), rng.integers(0, 2, 80).astype(float)
    if side == "right":
        reference = stats.ecdf(stats.CensoredData(uncensored=y[status == 0], right=y[status == 1])).cdf
    else:
        mirrored = stats.CensoredData(uncensored=-y[status == 0], right=-y[status == 1])
        reference = stats.ecdf(mirrored).sf
        status = -status
    places, heights = turnbull(*intervals_of({"y": y, "status": status}))
    observed = np.sort(y[status == 0])
    expected = np.interp(observed, reference.quantiles, reference.probabilities) if side == "right" else None
    if expected is None:
        # P(Y <= t) is that -Y is at least -t: the survivor just before -t
        expected = np.array([reference.evaluate(np.nextafter(-t, -np.inf)) for t in observed])
    assert_allclose(heights[np.searchsorted(places, observed)], expected, atol=2e-4)


def test_intervals_that_do_not_overlap_have_their_shares():
    lower, upper = np.array([0.0, 0.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0, 2.5])
    places, heights = turnbull(lower, upper)
    at = dict(zip(places, heights, strict=True))
    assert at[1.0] == pytest.approx(0.5, abs=1e-5)
    assert at[2.0] == pytest.approx(0.75, abs=1e-5)
    assert at[2.5] == pytest.approx(1.0, abs=1e-5)
