"""Log prior of natural parameters against the graph's priors, and its gradient against differences."""

import numpy as np
import pytest
from scipy import stats

from bayesml.distributions import (
    LKJ,
    Beta,
    Fixed,
    Flat,
    Gamma,
    HalfNormal,
    InverseWishart,
    Laplace,
    OnPrecision,
    Truncated,
    Uniform,
)
from bayesml.graphs.log_prior import log_prior
from tests.graphs.designs import factor_by_group, growth

GRAPHS = {
    "growth": lambda rng: growth(rng),
    "two columns": lambda rng: growth(rng, priors={"corr(g)": LKJ(3), "x": Laplace(0, 1), "sd(g)": HalfNormal(2)}),
    "uniform": lambda rng: growth(rng, priors={"corr(g)": Uniform(-0.9, 0.95)}),
    "truncated": lambda rng: growth(
        rng,
        priors={
            "Intercept": Truncated(Flat(), lower=-4),
            "x": Truncated(Laplace(0, 1), -5, 6),
            "sd(g)": Truncated(HalfNormal(2), upper=9),
            "sigma": OnPrecision(Gamma(2, 3)),
            "corr(g)": Beta(2, 3),
        },
    ),
    "full scale": lambda rng: growth(rng, priors={"cov(g)": InverseWishart(2.5, ((2, 1), (1, 3)))}),
    "three columns": lambda rng: factor_by_group(rng, "unstructured", priors={"cov(g)": InverseWishart(scale=2)}),
    "one column": lambda rng: factor_by_group(rng, "unstructured", priors={"cov(h)": InverseWishart(3, 2)}),
    "stata": lambda rng: growth(rng, priors="stata"),
    "unstructured": lambda rng: factor_by_group(rng, "unstructured", priors={"corr(g)": LKJ(2)}),
    "exchangeable": lambda rng: factor_by_group(rng, "exchangeable", priors={"corr(g)": LKJ(2)}),
    "identity": lambda rng: factor_by_group(rng, "identity"),
    "independent": lambda rng: factor_by_group(rng, "independent"),
}


@pytest.fixture(params=GRAPHS)
def graph(request):
    return GRAPHS[request.param](np.random.default_rng(2))


def roots_of(graph, rng):
    """A square root in the structure's own family, for each term."""
    roots = []
    for role in graph.random:
        basis = role.covariance.basis(role.q)
        roots.append(np.tensordot(rng.uniform(0.5, 1.5, len(basis)), basis, 1))
    return roots


def direct(graph, beta, roots, sigma):
    """The same density from the priors one by one, through sds and correlations."""
    priors = graph.priors
    total = sum(float(p.log_density(b)) for p, b in zip(priors.coefficients, beta, strict=True))
    total += float(priors.sigma.log_density(sigma))
    for role, term, root in zip(graph.random, priors.terms, roots, strict=True):
        G = root @ root.T
        if term.covariance is not None:
            own, q = stats.invwishart(term.covariance.nu, term.covariance.matrix(role.q)), role.q
            total += own.logpdf(G) + q * np.log(2) + q / 2 * np.log(np.diag(G)).sum()
            continue
        sd = np.sqrt(np.diag(G))
        total += sum(float(p.log_density(s)) for p, s in zip(term.sds, sd, strict=False))
        R = G / np.outer(sd, sd)
        if role.n_correlations == 1:
            total += float(term.partials[0].log_density(R[1, 0]))
        elif role.n_correlations:
            total += term.correlation.log_density_of(np.linalg.slogdet(R)[1], role.q)
    return total


def test_value(graph, rng):
    beta, roots = rng.normal(size=len(graph.fixed)), roots_of(graph, rng)
    assert log_prior(graph, beta, roots, 1.3).value == pytest.approx(direct(graph, beta, roots, 1.3), rel=1e-12)


def test_value_does_not_depend_on_the_root(graph, rng):
    beta, roots = rng.normal(size=len(graph.fixed)), roots_of(graph, rng)
    turned = [root @ np.linalg.qr(rng.normal(size=root.shape))[0] for root in roots]
    found, other = log_prior(graph, beta, roots, 1.3), log_prior(graph, beta, turned, 1.3)
    assert other.value == pytest.approx(found.value, rel=1e-12)


def test_gradient(graph, rng):
    """Directions inside the structure's family of roots, and all others by their own."""
    beta, roots, h = rng.normal(size=len(graph.fixed)), roots_of(graph, rng), 1e-6
    found = log_prior(graph, beta, roots, 1.3)

    def difference(up, down):
        return (log_prior(graph, *up).value - log_prior(graph, *down).value) / (2 * h)

    assert found.sigma == pytest.approx(difference((beta, roots, 1.3 + h), (beta, roots, 1.3 - h)), abs=1e-7)
    for j, e in enumerate(np.eye(len(beta))):
        assert found.beta[j] == pytest.approx(
            difference((beta + h * e, roots, 1.3), (beta - h * e, roots, 1.3)), abs=1e-7
        )
    for k, role in enumerate(graph.random):
        for B in role.covariance.basis(role.q):
            up = [root + h * B if i == k else root for i, root in enumerate(roots)]
            down = [root - h * B if i == k else root for i, root in enumerate(roots)]
            expected = difference((beta, up, 1.3), (beta, down, 1.3))
            assert np.sum(found.roots[k] * B) == pytest.approx(expected, abs=1e-6)


def test_flat_and_held_parameters_add_nothing_but_the_uniform_correlation(rng):
    graph = growth(rng, priors="flat")
    found = log_prior(graph, np.ones(2), [np.eye(2)], 2.0)
    assert found.value == pytest.approx(np.log(0.5))
    assert not np.any(found.beta)
    assert not np.any(found.roots[0])
    assert found.sigma == 0
    held = growth(
        rng, priors={"Intercept": Fixed(1), "x": Fixed(1), "sd(g)": Fixed(1), "corr(g)": Fixed(0), "sigma": Fixed(1)}
    )
    assert log_prior(held, np.ones(2), [np.eye(2)], 1.0).value == 0


def test_values_outside_the_support_have_no_density(rng):
    graph = growth(rng, priors={"x": Uniform(0, 1), "sigma": Truncated(HalfNormal(1), upper=2)})
    assert np.isfinite(log_prior(graph, np.array([1, 0.5]), [np.eye(2)], 1.0).value)
    assert log_prior(graph, np.array([1, 1.5]), [np.eye(2)], 1.0).value == -np.inf
    assert log_prior(graph, np.array([1, 0.5]), [np.eye(2)], 3.0).value == -np.inf


def test_boundary(rng):
    """An sd of 0 is inside a half-t; a correlation of 1 has density 0 under LKJ(2) and is free under LKJ(1)."""
    at_zero = log_prior(growth(rng), np.zeros(2), [np.diag([1.0, 0.0])], 1.0)
    assert np.isfinite(at_zero.value)
    assert not np.any(at_zero.roots[0][1])
    one = np.array([[1.0, 0.0], [0.5, 0.0]])
    assert np.isfinite(log_prior(growth(rng), np.zeros(2), [one], 1.0).value)
    assert log_prior(growth(rng, priors={"corr(g)": LKJ(2)}), np.zeros(2), [one], 1.0).value == -np.inf
    singular = np.ones((3, 1)) * np.array([[1.0, 0, 0]])
    graph = factor_by_group(rng, "unstructured", priors={"corr(g)": LKJ(2)})
    assert log_prior(graph, np.zeros(3), [singular, np.eye(1)], 1.0).value == -np.inf
    assert log_prior(growth(rng, priors="stata"), np.zeros(2), [np.diag([1.0, 0.0])], 1.0).value == -np.inf
