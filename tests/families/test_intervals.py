"""Probabilities of intervals and of what lies beyond 0, with their derivatives, against exact numbers."""

import mpmath as mp
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode

from bayesml.families.ancillary import natural, unconstrained
from bayesml.graphs.tensors import TENSORS
from bayesml.links import LINKS
from tests.exact import DIGITS, STEP, derivative
from tests.families.cases import CASES

WITH_TAILS = [name for name, case in CASES.items() if case.log_distribution and not case.family.whole]
PLAIN = Mode(linker="py", optimizer=None)
FLOOR = 1e-15
"""Derivatives smaller than it are compared absolutely, as some vanish by cancellation."""
INTERVALS = [(1.5, 1.5 + 1e-9), (0.7, 3.0), (30.0, 31.0)]


def exact_interval(case, lower, upper, etas, values):
    """From the tails in which it is not the difference of two numbers near 1."""
    at = [
        [case.exact(function, case.family.default_link, y, etas, values) for y in (lower, upper)]
        for function in (case.log_distribution, case.log_survivor)
    ]
    (f1, f2), (s1, s2) = at
    return mp.log(mp.exp(s1) - mp.exp(s2)) if s1 < f2 else mp.log(mp.exp(f2) - mp.exp(f1))


@pytest.mark.parametrize("name", WITH_TAILS)
def test_intervals_and_their_derivatives(name):
    case = CASES[name]
    link = LINKS[case.family.default_link]
    ancillaries = case.family.ancillary()
    eta, lower, upper = pt.vector(), pt.vector(), pt.vector()
    theta = [pt.vector() for _ in ancillaries]
    parameters = case.family.at(link, [eta], natural(ancillaries, theta, TENSORS), TENSORS)
    outputs = [case.family.log_interval(lower, upper, parameters, TENSORS)]
    for _ in range(3):
        outputs.append(pytensor.grad(outputs[-1].sum(), eta))
    by_theta = [pytensor.grad(outputs[1].sum(), t) for t in theta]
    function = pytensor.function([eta, lower, upper, *theta], [*outputs, *by_theta], mode=PLAIN)
    orders = [(k, *(0 for _ in theta)) for k in range(4)]
    orders += [(1, *(int(i == j) for j in range(len(theta)))) for i in range(len(theta))]
    failures = []
    for values in case.values[:1]:
        start = unconstrained(ancillaries, values)
        for low, high in INTERVALS:
            for x in (-1.0, 2.0):
                found = function(*(np.array([v]) for v in (x, low, high, *start)))

                def exact(eta, *theta, low=low, high=high):
                    return exact_interval(case, low, high, (eta,), [mp.exp(value) for value in theta])

                at = tuple(mp.mpf(v) for v in (x, *start))
                size = exact(*at)
                if not mp.isfinite(size) or size < -1e300:
                    continue
                for order, got in zip(orders, found, strict=True):
                    expected = derivative(exact, at, order)
                    rounding = abs(size) * mp.mpf(10) ** (12 - DIGITS) / STEP ** sum(order)
                    error = abs(mp.mpf(float(got[0])) - expected) if np.isfinite(got[0]) else mp.inf
                    if error > 1e-9 * max(abs(expected), FLOOR) + rounding:
                        failures.append(f"{x} {low} {high} {order}: {got[0]!r}, not {mp.nstr(expected, 17)}")
    assert not failures, "\n".join([str(len(failures)), *failures[:30]])


@pytest.mark.parametrize("name", [name for name in WITH_TAILS if CASES[name].family.support[0] == 0.0])
def test_a_positive_response_lies_above_zero(name):
    case = CASES[name]
    parameters = case.family.at(LINKS["log"], [np.array([0.3])], case.values[0], np)
    zero, one = np.zeros(1), np.ones(1)
    assert case.family.log_survivor(zero, parameters, np) == 0.0
    assert case.family.log_distribution(zero, parameters, np) == -np.inf
    np.testing.assert_allclose(
        case.family.log_interval(zero, one, parameters, np),
        case.family.log_distribution(one, parameters, np),
        rtol=1e-13,
    )


@pytest.mark.parametrize("name", [*WITH_TAILS, "beta"])
def test_quantiles_invert_the_distribution_function(name):
    case = CASES[name]
    link = LINKS[case.family.default_link]
    parameters = case.family.at(link, [np.array(case.eta)], case.values[0], np)
    reference = case.scipy(link.inverse(np.array(case.eta), np), case.values[0], None)
    probability = np.array([0.001, 0.3, 0.5, 0.999])
    np.testing.assert_allclose(case.family.quantile(probability, parameters), reference.ppf(probability), rtol=1e-9)
