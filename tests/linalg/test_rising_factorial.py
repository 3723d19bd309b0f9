"""The rising factorial of counts against exact sums of logarithms of gamma functions."""

import mpmath as mp
import numpy as np
import pytest

from bayesml.linalg.rising_factorial import DIRECT, HUGE, log_rising, log_rising_of
from tests import exact


def exactly(y, log_alpha):
    a = mp.exp(-log_alpha)
    return mp.loggamma(y + a) - mp.loggamma(a) + y * log_alpha


@pytest.mark.parametrize("log_alpha", [-23.0, -18.0, -3.0, -0.5, 0.0, 0.7, 18.0, 200.0])
@pytest.mark.parametrize("y", [2, 5, DIRECT, DIRECT + 1, DIRECT + 2, 40, 3000, 10**7])
def test_with_its_derivatives(y, log_alpha):
    for order in range(4):
        expected = exact.derivative(lambda x: exactly(y, x), (log_alpha,), (order,))
        error = abs(log_rising(float(y), log_alpha, order) - expected)
        # the exact differences have an error, too
        assert error < 1e-11 * abs(expected) + mp.mpf(10) ** -28


@pytest.mark.parametrize("order", range(4))
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_counts_that_need_no_factor(y, order):
    assert log_rising(y, -3.0, order) == 0.0


def test_beyond_the_range_of_exp():
    y, log_alpha = 50.0, 2 * HUGE
    expected = 49 * log_alpha + float(mp.loggamma(50))
    assert log_rising(y, log_alpha, 0) == pytest.approx(expected, rel=1e-14)
    assert log_rising(y, log_alpha, 1) == 49.0


def test_vectors():
    y, log_alpha = np.array([3.0, 100.0]), np.array([-1.0, 2.0])
    np.testing.assert_array_equal(log_rising_of(y, log_alpha), [log_rising(3.0, -1.0, 0), log_rising(100.0, 2.0, 0)])
