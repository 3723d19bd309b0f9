"""Graphs that need no compiling of their own."""

import pytensor.tensor as pt

from bayesml.estimators.nuts_structure import structure


def of(build, kind=pt.dvector):
    x, y = kind("x"), pt.dscalar("y")
    return structure([x, y], [build(x, y)])


def test_the_same_operations_are_equal_whatever_the_names():
    one = of(lambda x, y: pt.exp(x) * y + 2.0)
    x, y = pt.dvector("other"), pt.dscalar()
    assert one == structure([x, y], [pt.exp(x) * y + 2.0])
    assert hash(one) == hash(structure([x, y], [pt.exp(x) * y + 2.0]))


def test_operations_constants_types_and_order_count():
    keys = {
        of(lambda x, y: pt.exp(x) * y + 2.0),
        of(lambda x, y: pt.exp(x) * y + 3.0),
        of(lambda x, y: pt.log(x) * y + 2.0),
        of(lambda x, y: pt.exp(x) * y + 2.0, kind=pt.dmatrix),
        of(lambda x, y: pt.exp(x) * pt.exp(y) + 2.0),
        of(lambda x, y: x.sum()),
        of(lambda x, y: x.max()),
        of(lambda x, y: x[0] + y),
        of(lambda x, y: x[1] + y),
    }
    assert len(keys) == 9


def test_which_output_counts():
    x = pt.dvector("x")
    a, b = pt.exp(x), pt.log(x)
    assert structure([x], [a, b]) != structure([x], [b, a])
