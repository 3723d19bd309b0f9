"""Densities of groups and rows against dense normal distributions and plain quadrature."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logsumexp

import bayesml as bml
from bayesml.design.build import build_design
from bayesml.errors import RefusedTest
from bayesml.estimators.group_densities import (
    QuadratureDensities,
    enough_points,
    exact_group_densities,
    require_independent,
)
from bayesml.estimators.row_densities import row_densities
from bayesml.graphs.roles import Graph, build_graph
from bayesml.results.posterior import Posterior, term_covariance
from bayesml.results.prior_draws import draw_prior


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 48
    table = pd.DataFrame({"x": rng.normal(size=n), "o": rng.normal(size=n), "w": rng.uniform(0.5, 2, n)})
    table["school"] = np.repeat(list("abcd"), 12)
    table["class"] = np.tile(np.repeat(list("uvw"), 4), 4)
    table["other"] = rng.permutation(np.tile(list("pqrs"), 12))
    table["y"] = 5 + table["x"] + rng.normal(size=n)
    table["count"] = rng.poisson(2, n)
    table["success"] = rng.integers(0, 2, n)
    table["f"] = rng.integers(1, 4, n)
    return table


def graph_of(formula: str, **options) -> Graph:
    model = bml.Model(formula, **options)
    return build_graph(model, build_design(model, frame()))


def covariance(graph: Graph, draws: Posterior, s: int) -> np.ndarray:
    """V (n, n) of the responses at draw s."""
    design = graph.design
    V = np.zeros((design.n, design.n))
    for term, sds, corrs in zip(design.random, draws.sds, draws.corrs, strict=True):
        G = term_covariance(term, sds, corrs)[0, s]
        V += (term.Z @ G @ term.Z.T) * (term.codes[:, None] == term.codes[None, :])
    weights = np.ones(design.n) if design.weights is None else design.weights
    return V + np.diag(draws.sigma[0, s] ** 2 / weights)


LINEAR = ["y ~ x + (x | school)", "y ~ x + offset(o) + (x | school) + (1 | school:class)", "y ~ x + (1 | school/class)"]


@pytest.mark.parametrize("formula", LINEAR)
def test_groups_of_linear_models(formula):
    graph = graph_of(formula, weights="w")
    draws = draw_prior(graph, 5, 1, effects=False)
    top = require_independent(graph.design)
    found = exact_group_densities(graph.design, draws, top)
    design = graph.design
    offset = 0.0 if design.offset is None else design.offset
    for s in range(5):
        mean, V = design.X @ draws.beta[0, s] + offset, covariance(graph, draws, s)
        for j in range(4):
            rows = design.random[top].codes == j
            dense = stats.multivariate_normal(mean[rows], V[np.ix_(rows, rows)]).logpdf(design.y[rows])
            assert found[s, j] == pytest.approx(dense, abs=1e-8)


@pytest.mark.parametrize("formula", [*LINEAR, "y ~ x + (1 | school) + (x | other)", "y ~ x"])
def test_rows_of_linear_models(formula):
    graph = graph_of(formula, weights="w")
    draws = draw_prior(graph, 4, 2, effects=False)
    np.maximum(draws.sigma, 0.5, out=draws.sigma)
    left_out, within = row_densities(graph, draws)
    some, _ = row_densities(graph, draws, np.array([7, 31]))
    np.testing.assert_allclose(some, left_out[..., [7, 31]], rtol=1e-10)
    design = graph.design
    offset = 0.0 if design.offset is None else design.offset
    for s in range(4):
        mean, V = design.X @ draws.beta[0, s] + offset, covariance(graph, draws, s)
        R = np.diag(draws.sigma[0, s] ** 2 / design.weights)
        P = np.linalg.inv(V)
        for i in (0, 7, 31):
            others = np.arange(design.n) != i
            gain = V[i, others] @ np.linalg.inv(V[np.ix_(others, others)])
            expected = stats.norm(
                mean[i] + gain @ (design.y - mean)[others], np.sqrt(V[i, i] - gain @ V[others, i])
            ).logpdf(design.y[i])
            assert left_out[0, s, i] == pytest.approx(expected, rel=1e-9)
            Zb = V - R
            fitted = mean[i] + Zb[i] @ P @ (design.y - mean)
            spread = np.sqrt(Zb[i, i] - Zb[i] @ P @ Zb[i] + R[i, i])
            assert within[0, s, i] == pytest.approx(stats.norm(fitted, spread).logpdf(design.y[i]), rel=1e-9)


def test_frequencies_count_as_rows():
    table = frame()
    model = bml.Model("y ~ x + (1 | school)", frequencies="f")
    counted = build_graph(model, build_design(model, table))
    repeated_table = table.loc[table.index.repeat(table["f"])].reset_index(drop=True)
    plain = bml.Model("y ~ x + (1 | school)")
    repeated = build_graph(plain, build_design(plain, repeated_table), counted.priors)
    draws = draw_prior(counted, 6, 3, effects=False)
    np.testing.assert_allclose(
        exact_group_densities(counted.design, draws, 0), exact_group_densities(repeated.design, draws, 0), rtol=1e-10
    )
    first = np.flatnonzero(np.append(True, np.diff(np.repeat(np.arange(len(table)), table["f"])) > 0))
    for own, other in zip(row_densities(counted, draws), row_densities(repeated, draws), strict=True):
        np.testing.assert_allclose(own, other[..., first], rtol=1e-9)


@pytest.mark.parametrize(
    ("response", "family"), [("count", "poisson"), ("success", "bernoulli"), ("count", "negative_binomial")]
)
def test_groups_by_quadrature(response, family):
    graph = graph_of(f"{response} ~ x + (1 | school)", family=family, frequencies="f")
    draws = draw_prior(graph, 3, 4, effects=False)
    draws.beta[:] = draws.beta.clip(-1, 1)
    found = QuadratureDensities(graph, 25).at(draws)
    z = np.linspace(-9, 9, 20_001)
    log_w = stats.norm.logpdf(z) + np.log(z[1] - z[0])
    design = graph.design
    for s in range(3):
        eta = (design.X @ draws.beta[0, s])[:, None] + draws.sds[0][0, s, 0] * z
        mu = np.exp(np.clip(eta, -300, 300))
        if family == "poisson":
            rows = stats.poisson(mu).logpmf(design.y[:, None])
        elif family == "bernoulli":
            rows = stats.bernoulli(expit(eta)).logpmf(design.y[:, None])
        else:
            size = 1 / draws.ancillary[0, s, 0]
            rows = stats.nbinom(size, size / (size + mu)).logpmf(design.y[:, None])
        for j in range(4):
            own = (rows * design.frequencies[:, None])[design.random[0].codes == j].sum(axis=0)
            assert found[s, j] == pytest.approx(logsumexp(own + log_w), abs=1e-4)


def test_nodes_are_added_until_they_settle():
    graph = graph_of("success ~ x + (1 | school)", family="bernoulli")
    draws = draw_prior(graph, 3, 4, effects=False)
    chosen, moved = enough_points(graph, draws)
    assert moved < 1e-3
    assert chosen.points > 1


def test_factors_that_are_not_independent():
    crossed = graph_of("y ~ x + (1 | school) + (1 | other)").design
    with pytest.raises(RefusedTest, match="school, other are crossed"):
        require_independent(crossed)
    nested = graph_of("y ~ x + (1 | school/class)").design
    assert nested.random[require_independent(nested)].group == "school"
    with pytest.raises(RefusedTest, match="lies within `school`"):
        require_independent(nested, "school:class")
    with pytest.raises(RefusedTest, match="no random effects"):
        require_independent(graph_of("y ~ x").design)
