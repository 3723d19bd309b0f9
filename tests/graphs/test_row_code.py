"""Generated loops over rows against PyTensor's own evaluation of the same graph."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from bayesml.graphs.row_code import NotElementwise, RowCode, compile_rows
from bayesml.graphs.tensors import TENSORS

x, y = pt.dvector("x"), pt.dvector("y")
t = pt.dscalar("t")
NODES = np.linspace(0.1, 2.0, 7)[:, None]

GRAPHS = {
    "arithmetic": [x * y - 2.0 * x + 1.0, (x + y) / (1.0 + y**2), -(x - y) + 0.0 * x],
    "powers": [y**3, y**-2, pt.sqr(x), pt.sqrt(y), y**0.5, y**1.7, pt.reciprocal(y)],
    "functions": [pt.exp(-x), pt.log(y), pt.log1p(y), pt.expm1(x), pt.arctan(x), pt.arctan2(x, y), pt.gammaln(y)],
    "branches": [
        pt.switch(x > 0.0, pt.log1p(pt.maximum(x, 0.0)), x),
        pt.minimum(x, y),
        pt.clip(x, -0.5, 0.5),
        pt.sign(x),
    ],
    "scalars": [x * t, pt.zeros_like(x) + t, pt.exp(t) + x],
    "elsewhere": [TENSORS.softplus(x), TENSORS.log_normal_survivor(x), pt.sigmoid(x), pt.softplus(x), pt.digamma(y)],
    "slopes": [pt.grad((pt.log1p(y * x**2) * pt.exp(t)).sum(), v) for v in (x, y)],
    "nodes": [(NODES * pt.exp(-NODES * y)).sum(axis=0), pt.log(pt.exp(NODES * x).sum(axis=0)) + y],
    "sums of sums": [(NODES * pt.exp(-NODES * pt.exp(NODES * x).sum(axis=0) * y)).sum(axis=0)],
}


@pytest.mark.parametrize("name", GRAPHS)
def test_rows_are_those_of_the_graph(name, rng):
    values = {x: rng.normal(size=40), y: rng.uniform(0.2, 3.0, 40), t: 0.7}
    outputs = [pt.as_tensor(output) for output in GRAPHS[name]]
    out = np.empty((len(outputs), 40))
    compile_rows(list(values), outputs)(*values.values(), out)
    expected = pytensor.function(list(values), outputs, mode="FAST_COMPILE", on_unused_input="ignore")(*values.values())
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-14)


def test_equal_expressions_are_computed_once():
    slope = pt.grad((pt.exp(x) * pt.exp(x)).sum(), x)
    source = RowCode([x], [pt.exp(x), slope]).source(1)
    assert source.count("exp(") == 1


def test_what_goes_across_rows_is_refused():
    with pytest.raises(NotElementwise):
        RowCode([x], [x - x.mean()])


def test_neighbours_keep_their_difference():
    gap = RowCode([x, t], [(x + t) - x]).source(2)
    assert "-" not in gap
