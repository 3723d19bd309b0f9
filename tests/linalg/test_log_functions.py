"""Functions of links in logarithms against exact numbers, with every derivative that they have."""

import mpmath as mp
import numpy as np
import pytest

from bayesml.linalg import log_functions, normal_tails
from tests import exact

FUNCTIONS = {
    "softplus": (log_functions.softplus, exact.softplus, 4, (-700.0, -3.0, 0.0, 0.5, 30.0, 700.0)),
    "log1p_ratio": (
        log_functions.log1p_ratio,
        lambda x: mp.log1p(mp.exp(x)) * mp.exp(-x),
        3,
        (-40.0, -2.4, -2.2, 0.3, 30.0, 640.0),
    ),
    "log1mexp": (log_functions.log1mexp, lambda x: exact.log1mexp(-x), 3, (-700.0, -30.0, -0.7, -0.6, -1e-9)),
    "log_extreme": (log_functions.log_extreme, exact.LINKS["cloglog"].log, 3, (-700.0, -0.7, -0.69, 0.3, 3.0)),
    "log_cauchy": (log_functions.log_cauchy, exact.LINKS["cauchit"].log, 3, (-700.0, -1.0, 0.0, 0.6, 700.0)),
    "log_survivor": (
        normal_tails.log_survivor,
        exact.LINKS["probit"].log_complement,
        3,
        (-37.0, -1.0, 0.0, 4.99, 5.01, 700.0),
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives(name):
    function, reference, highest, points = FUNCTIONS[name]
    for x in points:
        for order in range(min(highest, 3) + 1):
            expected = exact.derivative(reference, (x,), (order,))
            assert abs(function(x, order) - expected) < 1e-10 * abs(expected) + mp.mpf(10) ** -40


def test_fourth_derivative_of_softplus_is_the_slope_of_the_third():
    x, step = np.array([-4.0, 0.3, 2.0]), 1e-5
    slope = [(log_functions.softplus(a + step, 3) - log_functions.softplus(a - step, 3)) / (2 * step) for a in x]
    np.testing.assert_allclose([log_functions.softplus(a, 4) for a in x], slope, rtol=1e-8)


@pytest.mark.parametrize("lower", [-700.0, -12.0, -0.4, 0.0, 3.0, 700.0])
@pytest.mark.parametrize("width", [1e-9, 0.3, 5.0, 1400.0])
def test_upper_share_is_the_slope_of_the_density_there(lower, width):
    interval = exact.LINKS["probit"].log_interval

    def log_share(x):
        upper = x + mp.mpf(width)
        return -(upper**2) / 2 - interval(x, mp.mpf(width))

    for order in (1, 2):
        expected = exact.derivative(log_share, (lower,), (order,))
        error = abs(normal_tails.log_upper_share(lower, width, order) - expected)
        assert error < 1e-9 * abs(expected) + mp.mpf(10) ** -30
