"""Derivatives of rows against differences, and what they cost."""

import numpy as np
import pytest

import bayesml as bml
from bayesml.design.build import build_design
from bayesml.graphs import derivatives
from bayesml.graphs.derivatives import RowDerivatives
from bayesml.graphs.roles import build_graph

MODELS = [
    ("epil", "y ~ lbase + (1 | subject)", {"family": "negative_binomial"}),
    ("wine", "rating ~ temp + (1 | judge)", {"family": "cumulative"}),
    ("verbagg", "resp ~ Gender + (1 | id)", {"family": "categorical"}),
    ("kidney", "Surv(time, status) ~ age + (1 | patient)", {"family": "weibull"}),
]


def rows(dataset, formula, options) -> RowDerivatives:
    model = bml.Model(formula, **options)
    return RowDerivatives(build_graph(model, build_design(model, bml.datasets.load(dataset))))


@pytest.mark.filterwarnings("ignore::bayesml.errors.DataNote")
@pytest.mark.parametrize(("dataset", "formula", "options"), MODELS, ids=[row[0] for row in MODELS])
def test_each_order_is_the_slope_of_the_one_before(dataset, formula, options, rng):
    own = rows(dataset, formula, options)
    eta = rng.normal(0.5, 0.5, (own.n, own.K))
    phi = np.linspace(-0.5, 0.2, own.a)
    third = own.third(eta, phi)
    h = 1e-5

    def slope(ahead, behind, order):
        return (ahead[order] - behind[order]) / (2 * h)

    for k in range(own.K):
        step = h * np.eye(own.K)[k]
        ahead, behind = own.second(eta + step, phi), own.second(eta - step, phi)
        for order, derivative in enumerate((third.d1[..., k], third.d2[..., k], third.d3[..., k])):
            np.testing.assert_allclose(derivative, slope(ahead, behind, order), rtol=1e-6, atol=1e-7)
    for a in range(own.a):
        step = h * np.eye(own.a)[a]
        ahead, behind = own.second(eta, phi + step), own.second(eta, phi - step)
        for order, derivative in enumerate((third.phi[a], third.d1_phi[a], third.d2_phi[a])):
            np.testing.assert_allclose(derivative, slope(ahead, behind, order), rtol=1e-6, atol=1e-7)


@pytest.mark.filterwarnings("ignore::bayesml.errors.DataNote")
def test_a_formula_of_the_same_structure_compiles_nothing():
    data = bml.datasets.load("epil")
    bml.fit("y ~ lbase + (1 | subject)", data, family="poisson")
    before = set(derivatives.COMPILED)
    bml.fit("y ~ lage * trt + V4 + (visit | subject)", data.head(200), family="poisson")
    assert set(derivatives.COMPILED) == before
