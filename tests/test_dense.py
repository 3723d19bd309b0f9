"""The dense reference itself: SciPy's normal density, and derivatives by differences of fifty digits."""

import numpy as np
from hypothesis import given, settings
from scipy import stats

from tests.dense import Dense, as_decimals, as_floats, near, second_differences
from tests.linalg.structures import cases


@given(cases(moderate=True))
@settings(max_examples=20)
def test_decimals_floats_and_scipy_agree(case):
    p = len(case.design.coefficients)
    beta = case.rng.normal(size=p)
    part = {"given": np.ones(p, bool), "beta": beta}
    exact, floats = (Dense(case.design, exact=exact).at(case.G, case.sigma, **part) for exact in (True, False))
    offset = 0.0 if case.design.offset is None else case.design.offset
    scipy = stats.multivariate_normal(case.design.X @ beta + offset, as_floats(exact.V)).logpdf(case.design.y)
    near([float(exact.value), floats.value], [scipy, scipy], 1e-9 * abs(scipy))
    near(as_floats(exact.covariance), floats.covariance, 1e-9)


@given(cases(moderate=True, largest=10))
@settings(max_examples=10)
def test_slopes_are_derivatives(case):
    dense = Dense(case.design)
    at = dense.at(case.G, case.sigma)
    h = as_decimals(1e-15)[()]
    sigma = as_decimals(case.sigma)[()]
    G = [as_decimals(g) for g in case.G]
    difference = (dense.at(G, sigma + h).value - dense.at(G, sigma - h).value) / (2 * h)
    near(float(difference), float(at.slope_sigma), 1e-12 * (1.0 + abs(float(difference))))
    for k, g in enumerate(G):
        direction = as_decimals(case.rng.normal(size=g.shape))
        direction = direction + direction.T
        moved = [[*G[:k], g + sign * h * direction, *G[k + 1 :]] for sign in (1, -1)]
        difference = (dense.at(moved[0], sigma).value - dense.at(moved[1], sigma).value) / (2 * h)
        near(float(difference), float((at.slope(k) * direction).sum()), 1e-12 * (1.0 + abs(float(difference))))


def test_second_differences_of_a_cubic():
    H = second_differences(lambda x: x[0] ** 3 * x[1] + x[1] ** 2, [2.0, 3.0])
    near(H, [[36.0, 12.0], [12.0, 2.0]], 1e-13)
