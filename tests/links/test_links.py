"""A battery over all links: round trips, and exact numbers with all derivatives far out, as numbers and as graphs."""

from functools import cache
from itertools import product

import mpmath as mp
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode

from bayesml.graphs.row_code import compile_rows
from bayesml.graphs.tensors import TENSORS
from bayesml.links import LINKS
from tests import exact

DISTRIBUTIONS = [name for name, link in LINKS.items() if link.is_distribution]
FAR = (-700.0, -37.5, -30.0, -9.5, -9.0, -8.5, -1.5, -1.3, -0.2, 0.0, 0.4, 1.1, 2.0, 5.0, 8.9, 9.1, 30.0, 37.0, 700.0)
POSITIVE = (1e-9, 0.5, 30.0, 700.0)
LOWER = (-700.0, -30.0, -9.0, -1.0, 0.0, 0.3, 5.0, 30.0, 700.0)
WIDTHS = (1e-9, 1e-3, 0.4, 0.99, 1.01, 3.0, 40.0, 1400.0)
PLAIN = Mode(linker="py", optimizer=None)
MODES = ["rows", PLAIN]
RELATIVE = 1e-9
NOISE = mp.mpf(10) ** -36
"""Error of the exact differences, relative to the largest derivative."""


@cache
def compiled(name, function, arguments, mode):
    """A function of a link and its derivatives; its second argument, a width, comes as a logarithm."""
    inputs = [pt.vector() for _ in range(arguments)]
    natural = [inputs[0], *map(pt.exp, inputs[1:])]
    outputs = {}
    for order in orders(arguments):
        if sum(order) == 0:
            outputs[order] = getattr(LINKS[name], function)(*natural, TENSORS)
        else:
            last = next(i for i in reversed(range(arguments)) if order[i])
            lower = tuple(n - (i == last) for i, n in enumerate(order))
            outputs[order] = pytensor.grad(outputs[lower].sum(), inputs[last], disconnected_inputs="ignore")
    if mode is PLAIN:
        return pytensor.function(inputs, list(outputs.values()), mode=mode, on_unused_input="ignore")
    rows = compile_rows(inputs, list(outputs.values()))

    def run(*columns):
        out = np.empty((len(outputs), len(columns[0])))
        rows(*map(np.ascontiguousarray, columns), out)
        return out

    return run


def orders(arguments):
    """To third order in the first argument; to second in it and first in the other."""
    return [(k,) for k in range(4)] if arguments == 1 else [(k, j) for j in range(2) for k in range(4 - j)]


def check(name, function, points, mode, floor=1e-290):
    """Against exact derivatives, relative to them."""
    exactly = getattr(exact.LINKS[name], {"log_inverse": "log"}.get(function, function))

    def reference(first, *logs):
        return exactly(first, *map(mp.exp, logs))

    arguments = len(points[0])
    got = compiled(name, function, arguments, mode)(*np.array(points).T)
    failures = []
    for i, at in enumerate(points):
        expected = [exact.derivative(reference, at, order) for order in orders(arguments)]
        noise = NOISE * max(map(abs, expected))
        for order, exact_value, values in zip(orders(arguments), expected, got, strict=True):
            value = float(values[i])
            error = abs(mp.mpf(value) - exact_value) if np.isfinite(value) else mp.inf
            if error > RELATIVE * max(abs(exact_value), floor) + noise:
                failures.append(f"{at} {order}: {value!r}, not {mp.nstr(exact_value, 17)}")
    assert not failures, "\n".join([f"{len(failures)}", *failures[:60]])


@pytest.mark.parametrize("mode", MODES, ids=["rows", "python"])
@pytest.mark.parametrize(
    ("name", "function"),
    [
        (name, function)
        for name, link in LINKS.items()
        for function in ("inverse", "log_inverse", "log_complement")
        if getattr(exact.LINKS[name], {"log_inverse": "log"}.get(function, function)) is not None
    ],
)
def test_derivatives_far_out(name, function, mode):
    positive = name in ("inverse", "sqrt") or (name, function) == ("identity", "log_inverse")
    points = [(x,) for x in (POSITIVE if positive else FAR)]
    check(name, function, points, mode)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_intervals_and_their_derivatives(name):
    points = list(product(LOWER, np.log(WIDTHS)))
    # where the two ends nearly cancel, relative to the derivatives in one of them
    check(name, "log_interval", points, "rows", floor={"probit": 1e-3}.get(name, 1e-5))


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_numbers_are_those_of_the_graph(name):
    link, eta = LINKS[name], np.array(FAR)
    for function in ("inverse", "log_inverse", "log_complement"):
        graph = compiled(name, function, 1, "rows")(eta)[0]
        np.testing.assert_allclose(getattr(link, function)(eta, np), graph, rtol=1e-12, atol=1e-300)
    lower, width = (np.array(x) for x in zip(*product(LOWER, WIDTHS), strict=True))
    graph = compiled(name, "log_interval", 2, "rows")(lower, np.log(width))[0]
    np.testing.assert_allclose(link.log_interval(lower, width, np), graph, rtol=1e-12)


def test_probit_far_out_is_not_the_difference_of_tails():
    assert LINKS["probit"].log_interval(-40.0, 1e-9, np) == pytest.approx(np.log(1e-9) - 800 - 0.5 * np.log(2 * np.pi))


def test_a_saturated_mean_has_no_nan_in_its_derivatives():
    for name in DISTRIBUTIONS:
        assert np.all(np.isfinite(compiled(name, "inverse", 1, "rows")(np.array([-700.0, 700.0]))))
