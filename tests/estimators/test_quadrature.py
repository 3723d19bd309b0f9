"""Quadrature against dense recursion and brute force, its gradient against differences, for generated models."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from bayesml.design.build import build_design
from bayesml.errors import SpecificationError
from bayesml.estimators.held import hold
from bayesml.estimators.integrated import Ancillaries, LaplaceLikelihood
from bayesml.estimators.quadrature import QuadratureLikelihood, QuadratureRule
from bayesml.graphs.derivatives import RowDerivatives
from bayesml.graphs.outcome import outcome_arrays, row_log_density
from bayesml.graphs.roles import build_graph
from bayesml.linalg.laplace import LaplaceSystem
from bayesml.syntax.model import Model
from tests.dense_glmm import DenseModel, Factor

RANDOM = (
    "(1 | g)", "(x | g)", "(x || g)", "(1 | g) + (0 + x | g)", "(1 | h/g)", "(x | g) + (1 | h)", "(1 | g) + (x | h)",
    "(1 | t/h/g)", "(1 | i)", "(1 | g/i)",
)  # fmt: skip
RANDOM_OF_SEVERAL = ("(1 | g)", "(1 |p| g)", "shared(1 | g)", "(1 |p| g) + shared(1 | h)", "shared(x | h/g)")


def simulated(family: str, eta: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Columns of a response."""
    e = np.clip(eta, -3.0, 3.0)
    if family == "bernoulli":
        return {"y": rng.binomial(1, 1.0 / (1.0 + np.exp(-e)))}
    if family in ("poisson", "negative_binomial"):
        return {"y": rng.poisson(np.exp(e))}
    if family in ("cumulative", "categorical"):
        level = np.digitize(e + rng.logistic(size=len(e)), [-0.5, 1.0])
        level[:3] = 0, 1, 2
        return {"y": pd.Categorical.from_codes(level, ["a", "b", "c"], ordered=family == "cumulative")}
    if family == "gamma":
        return {"y": rng.gamma(2.0, np.exp(e) / 2.0) + 1e-6}
    if family == "weibull":
        return {"y": rng.weibull(1.3, len(e)) * np.exp(-e) + 1e-3, "event": rng.binomial(1, 0.7, len(e))}
    if family == "student_t":
        return {"y": e + 0.7 * rng.standard_t(2, len(e))}
    return {"y": e + 0.7 * rng.normal(size=len(e))}


OUTCOMES = {
    "bernoulli": "y", "poisson": "y", "gaussian": "y", "gamma": "y", "weibull": "Surv(y, event)",
    "negative_binomial": "y", "cumulative": "y", "categorical": "y", "student_t": "y",
}  # fmt: skip


@dataclass
class Case:
    """A generated model with a point."""

    graph: object
    design: object
    system: LaplaceSystem
    ancillaries: Ancillaries
    held: object
    roots: list
    extra: np.ndarray

    def likelihood(self, rule: str, points) -> QuadratureLikelihood:
        made = QuadratureRule(rule, points)
        return made.objective(self.system, self.design, self.ancillaries, self.held)

    def dense(self) -> DenseModel:
        """The same, on the user's columns."""
        laplace = LaplaceLikelihood(self.system, self.ancillaries, self.held)
        beta, phi = laplace.unpack(self.extra)
        fixed = np.empty((self.design.n, self.system.K))
        fixed[self.system.order] = self.system.fixed_predictors(beta)
        natural = laplace.natural_roots(self.roots)
        factors = []
        for factor in self.system.layout.factors[::-1]:
            q = factor.q
            Z, root, at = np.zeros((self.design.n, self.system.K, q)), np.zeros((q, q)), 0
            for k, width in zip(factor.terms, factor.widths, strict=True):
                term, own = self.design.random[k], slice(at, at + width)
                for c, of in enumerate(term.predictors or (0,) * width):
                    Z[:, slice(None) if of < 0 else of, at + c] = term.Z[:, [c]] if of < 0 else term.Z[:, c]
                root[own, own] = natural[k]
                at += width
            factors.append(Factor(factor.codes, Z, root))
        values, arrays = list(self.ancillaries.natural(phi)), outcome_arrays(self.graph)

        def log_density(eta, rows):
            return row_log_density(self.graph, list(eta.T), values, {k: a[rows] for k, a in arrays.items()}, np)

        return DenseModel(fixed, tuple(factors), log_density)


def generated(
    family: str, random: str, rng: np.random.Generator, n: int = 40, groups: int = 8, zero: float = 0.15
) -> Case:
    """A model on simulated rows, its square roots and other parameters random, some square roots zero."""
    g = np.sort(rng.integers(0, groups, n))
    frame = pd.DataFrame({"x": rng.normal(size=n), "g": g, "h": g // 2, "t": g // 4, "i": np.arange(n) // 2})
    frame = frame.assign(**simulated(family, 0.3 + 0.5 * frame["x"] + rng.normal(size=groups)[g], rng))
    frame = frame.iloc[rng.permutation(n)]
    model = Model(f"{OUTCOMES[family]} ~ x + {random}", family=family)
    graph = build_graph(model, build_design(model, frame))
    design, held = hold(graph.design, graph.held)
    system = LaplaceSystem.of(design, lambda order: RowDerivatives(graph, order))
    ancillaries = Ancillaries(graph)
    roots = []
    for term in held.terms:
        basis = term.free.basis(term.root.shape[0])
        theta = rng.uniform(0.3, 1.0, len(basis)) * (rng.uniform() > zero)
        roots.append(np.tensordot(theta, basis, 1))
    p = len(design.coefficients)
    extra = np.concatenate([rng.normal(scale=0.4, size=p), rng.normal(scale=0.2, size=ancillaries.n_free)])
    return Case(graph, design, system, ancillaries, held, roots, extra)


def drawn(rng: np.random.Generator) -> tuple[Case, str]:
    family = str(rng.choice(list(OUTCOMES)))
    random = str(rng.choice(RANDOM_OF_SEVERAL if family == "categorical" else RANDOM))
    return generated(family, random, rng), random


def gradient(local, roots) -> np.ndarray:
    """In the entries of all square roots, then in the further parameters."""
    inner = [2.0 * s @ r + more for s, r, more in zip(local.slopes, roots, local.root_slopes, strict=True)]
    return np.concatenate([*(part.ravel() for part in inner), local.extra])


def differences(objective, roots, extra, step: float = 2e-5) -> np.ndarray:
    """The same by central differences."""
    shapes = [root.shape for root in roots]
    x = np.concatenate([*(root.ravel() for root in roots), extra])

    def value(x):
        parts = np.split(x, np.cumsum([np.prod(shape) for shape in shapes]))
        return objective([p.reshape(s) for p, s in zip(parts[:-1], shapes, strict=True)], parts[-1]).value

    return np.array([(value(x + step * e) - value(x - step * e)) / (2 * step) for e in np.eye(len(x))])


@pytest.mark.parametrize("number", range(80))
def test_gradient_is_that_of_the_number_computed(number):
    """aghq moves its nodes with the parameters, the others hold them; singular square roots too."""
    rng = np.random.default_rng(number)
    case, _ = drawn(rng)
    depths = len(case.system.layout.factors)
    rule = ("aghq", "aghq", "ghq", "mvaghq")[number % 4]
    points = tuple(int(count) for count in rng.integers(2 if rule == "mvaghq" else 1, 5, depths))
    objective = case.likelihood(rule, points)
    local = objective(case.roots, case.extra)
    g, numeric = gradient(local, case.roots), differences(objective, case.roots, case.extra)
    assert np.abs(g - numeric).max() < 1e-5 * np.abs(numeric).max()


@pytest.mark.parametrize("number", range(16))
def test_value_is_that_of_plain_recursion(number):
    rng = np.random.default_rng(100 + number)
    case, random = drawn(rng)
    depths = len(case.system.layout.factors)
    dense = case.dense()
    one = case.likelihood("aghq", 1)(case.roots, case.extra).value
    assert one == pytest.approx(dense.laplace(), abs=1e-8)
    assert one == pytest.approx(
        LaplaceLikelihood(case.system, case.ancillaries, case.held)(case.roots, case.extra).value, abs=1e-9
    )
    points = (2, 1, 3)[:depths] if "x" in random or depths > 2 else (4, 3)[:depths]
    assert case.likelihood("aghq", points)(case.roots, case.extra).value == pytest.approx(dense.aghq(points), abs=1e-8)
    assert case.likelihood("ghq", points)(case.roots, case.extra).value == pytest.approx(dense.ghq(points), abs=1e-8)


@pytest.mark.parametrize("family", ["bernoulli", "poisson", "gaussian", "gamma", "weibull"])
@pytest.mark.parametrize("random", ["(1 | g)", "(x | g)", "(1 | h/g)"])
def test_many_points_are_the_integral(family, random):
    """Where groups are informative the error falls with points, and 25 points leave less than 1e-6."""
    rng = np.random.default_rng(7)
    case = generated(family, random, rng, n=60, groups=4, zero=0.0)
    exact = case.dense().brute(9.0, {"(1 | g)": (1601,), "(x | g)": (161,), "(1 | h/g)": (161, 161)}[random])
    errors = [abs(case.likelihood("aghq", points)(case.roots, case.extra).value - exact) for points in (1, 5, 25)]
    assert errors[2] < 1e-6
    if family != "gaussian":  # which one point integrates exactly
        assert errors[0] > errors[1] > errors[2]
    assert case.likelihood("mvaghq", 25)(case.roots, case.extra).value == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize("random", RANDOM)
def test_slopes_tell_whether_to_leave_the_boundary(random):
    """At G = 0 the slope in G is what the value gains on a short way off."""
    case = generated("poisson", random, np.random.default_rng(5))
    roots = [np.zeros_like(root) for root in case.roots]
    objective = case.likelihood("aghq", 5)
    local = objective(roots, case.extra)
    for k, root in enumerate(roots):
        for i in range(len(root)):
            t = 1e-6
            there = [r.copy() for r in roots]
            there[k][i, i] = np.sqrt(t)
            gained = (objective(there, case.extra).value - local.value) / t
            assert gained == pytest.approx(local.slopes[k][i, i], rel=1e-3, abs=1e-3)


def test_slopes_off_the_boundary_beside_other_effects():
    """One factor at zero, the other not: the posterior of the other is averaged over."""
    for number, random in enumerate(("(1 | h/g)", "(1 | t/h/g)")):
        case = generated("poisson", random, np.random.default_rng(20 + number), zero=0.0)
        for k in range(len(case.roots)):
            roots = [0.0 * root if j == k else root for j, root in enumerate(case.roots)]
            objective = case.likelihood("aghq", 9)
            local = objective(roots, case.extra)
            t = 1e-5
            there = [np.sqrt(t) * np.eye(1) if j == k else root for j, root in enumerate(roots)]
            gained = (objective(there, case.extra).value - local.value) / t
            assert gained == pytest.approx(local.slopes[k][0, 0], rel=2e-3, abs=1e-2)


@dataclass
class At:
    """A point of an ascent."""

    roots: list
    extra: np.ndarray


@pytest.mark.parametrize("random", ["(1 | g)", "(x | g)", "(1 | h/g)"])
def test_means_and_variances_of_effects(random):
    """Derivatives of the log integral in shifts of a group's own predictors are posterior moments."""
    case = generated("poisson", random, np.random.default_rng(11), zero=0.0)
    objective = case.likelihood("aghq", 15)
    means, covariances = objective.moments(At(case.roots, case.extra))
    natural = objective.natural_roots(case.roots)
    dense = case.dense()
    grid = np.linspace(-9.0, 9.0, 181)
    h = grid[1] - grid[0]
    # integrate the first group's effects by brute force, everything inside included
    top = dense.factors[0]
    k = max(range(len(case.design.random)), key=lambda k: -len(case.design.random[k].levels))
    rows = np.flatnonzero(top.codes == 0)
    q = len(natural[k])
    nodes = np.stack(np.meshgrid(*q * [grid], indexing="ij"), -1).reshape(-1, q)
    shift = dense.fixed[rows] + np.einsum("mkq,gq->gmk", top.scaled[rows], nodes)
    logs = np.array(dense.trapezoid(shift, rows, dense.factors[1:], 9.0, (181,)))
    p = np.exp(logs - 0.5 * (nodes**2).sum(1) - logs.max())
    p /= p.sum()
    b = nodes @ natural[k].T
    assert h < 0.2
    np.testing.assert_allclose(means[k][0], p @ b, atol=1e-6)
    np.testing.assert_allclose(covariances[k][0], (b.T * p) @ b - np.outer(p @ b, p @ b), atol=1e-6)


@pytest.mark.parametrize("random", ["(1 | g)", "(x | g) + (1 | h)", "(1 | t/h/g)"])
def test_scores_sum_to_the_gradient(random):
    case = generated("gamma", random, np.random.default_rng(13), zero=0.0)
    objective = case.likelihood("aghq", 3)
    local = objective(case.roots, case.extra)
    scores, ancillary = objective.scores(At(case.roots, case.extra))
    B = case.system.columns.coefficients
    np.testing.assert_allclose(np.append(B.T @ scores.beta.sum(0), ancillary.sum(0)), local.extra, rtol=1e-8, atol=1e-8)
    for own, T, slope in zip(scores.covariances, objective.maps, local.slopes, strict=True):
        np.testing.assert_allclose(T.T @ own.sum(0) @ T, slope, rtol=1e-8, atol=1e-8)
    # without one group's rows, its score is what is missing
    assert len(scores.beta) == case.system.layout.factors[-1].levels


def test_blocks_of_nodes_change_nothing(monkeypatch):
    case = generated("poisson", "(x | g) + (1 | h)", np.random.default_rng(17), zero=0.0)
    whole = case.likelihood("aghq", 4)(case.roots, case.extra)
    monkeypatch.setattr("bayesml.linalg.quadrature.ROWS_AT_ONCE", 150)
    parts = case.likelihood("aghq", 4)(case.roots, case.extra)
    assert parts.value == pytest.approx(whole.value, abs=1e-10)
    np.testing.assert_allclose(gradient(parts, case.roots), gradient(whole, case.roots), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(
    ("random", "rule", "points", "message"),
    [
        ("(1 | g) + (1 | c)", "aghq", 7, "crossed: .*laplace"),
        ("(1 | g)", "aghq", (7, 7), "coarsest first, are: g"),
        ("(1 | h/g)", "aghq", (7, 7, 7), "are: h, h:g"),
        ("(1 | g)", "aghq", 0, "from 1 to 100"),
        ("(1 | g)", "aghq", 2.5, "from 1 to 100"),
        ("(1 | g)", "mvaghq", 1, "at least 2"),
        ("(x + y | g)", "ghq", 101, "from 1 to 100"),
        ("(x + c + y | g)", "aghq", 32, "1,048,576 nodes a group"),
    ],
)
def test_what_cannot_be_integrated_is_refused(random, rule, points, message):
    rng = np.random.default_rng(0)
    n = 60
    frame = pd.DataFrame(
        {"x": rng.normal(size=n), "y": rng.poisson(2, n), "c": np.arange(n) % 5, "g": np.arange(n) // 10}
    )
    frame["h"] = frame["g"] // 2
    frame["z"] = rng.poisson(2, n)
    model = Model(f"z ~ 1 + {random}", family="poisson")
    design = build_design(model, frame)
    graph = build_graph(model, design)
    system = LaplaceSystem.of(design, lambda order: RowDerivatives(graph, order))
    with pytest.raises(SpecificationError, match=message):
        QuadratureRule(rule, points).check(system, design)
