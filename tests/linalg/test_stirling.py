"""Stirling's error and its derivatives in the log of the argument, against mpmath."""

import mpmath as mp
import numpy as np
import pytest

from bayesml.graphs.tensors import FEW, TENSORS, stirling_errors
from bayesml.linalg.stirling import stirling_error


def exact(log_x):
    x = mp.exp(log_x)
    first = x * (mp.digamma(x) - log_x)
    second = first + x**2 * mp.psi(1, x) - x
    return (
        mp.loggamma(x) - (x - 0.5) * log_x + x - mp.log(2 * mp.pi) / 2,
        first + mp.mpf(1) / 2,
        second,
        second + 2 * x**2 * mp.psi(1, x) + x**3 * mp.psi(2, x) - x,
    )


@pytest.mark.parametrize("log_x", [-740.0, -100.0, -30.0, -5.0, -1.0, 0.3, 2.4, 3.0, 10.0, 25.0])
def test_to_third_order(log_x):
    with mp.workdps(700):
        expected = [float(value) for value in exact(mp.mpf(log_x))]
    found = [stirling_error(log_x, order) for order in range(4)]
    # the last digits of large arguments are those of their logarithms
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-15 if log_x > 9 else 1e-320)


@pytest.mark.parametrize("n", [3, FEW + 3])
def test_of_arrays_without_compiling(n):
    log_x = np.linspace(-20.0, 20.0, n)
    expected = [stirling_error(value, 0) for value in log_x]
    # loops over arrays may be compiled to other instructions; the tolerance is that above
    np.testing.assert_allclose(stirling_errors(log_x), expected, rtol=1e-12, atol=0.0)
    tensor = TENSORS.stirling_error_of_log(TENSORS.as_tensor(log_x))
    np.testing.assert_allclose(tensor.eval(mode="FAST_COMPILE"), expected, rtol=1e-12, atol=0.0)
