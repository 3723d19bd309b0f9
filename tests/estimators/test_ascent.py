"""The ascent finds the maximum over all covariances, those on the boundary included, and certifies it."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesml import datasets
from bayesml.covariance import COVARIANCES
from bayesml.design.arrays import Design
from bayesml.estimators.gaussian import maximise_exact
from bayesml.estimators.gaussian_solution import GaussianSolution
from tests.dense import Dense, as_decimals, as_floats, near, second_differences
from tests.estimators.searches import best_of_many_starts, roots_at
from tests.linalg.structures import design, groupings, term

CRITERIA = ("ml", "reml")


@cache
def sleepstudy(covariance: str = "unstructured") -> Design:
    data = datasets.load("sleepstudy")
    days = data["Days"].to_numpy(float)
    subject = data["Subject"].cat.codes.to_numpy()
    return design(data["Reaction"].to_numpy(float), [None, days], [term("Subject", subject, [None, days], covariance)])


@cache
def one_way(name: str, group: str, response: str) -> Design:
    data = datasets.load(name)
    return design(data[response].to_numpy(float), [None], [term(group, data[group].cat.codes.to_numpy(), [None])])


def dyestuff2() -> Design:
    return one_way("dyestuff2", "Batch", "Yield")


@cache
def penicillin() -> Design:
    data = datasets.load("penicillin")
    terms = [term(group, data[group].cat.codes.to_numpy(), [None]) for group in ("plate", "sample")]
    return design(data["diameter"].to_numpy(float), [None], terms)


def groups_with(
    effects: np.ndarray, columns: list[np.ndarray | None], rng: np.random.Generator, covariance: str, noise: float = 1.0
):
    """Groups whose effects (J, q) lie exactly in a subspace; within them noise has no pattern at all.

    The residuals are orthogonal to the columns group by group, so what a search sees of the effects is exact
    and estimates fall on the boundary that the effects lie on.
    """
    J, m = len(effects), len(next(c for c in columns if c is not None))
    Z = np.column_stack([np.ones(m) if c is None else c for c in columns])
    Q = np.linalg.qr(Z)[0]
    y = []
    for b in effects:
        e = rng.normal(size=m)
        y.append(Z @ b + noise * (e - Q @ (Q.T @ e)))
    repeated = [None if c is None else np.tile(c, J) for c in columns]
    return design(np.concatenate(y), repeated, [term("g", np.repeat(np.arange(J), m), repeated, covariance)])


def certified(s: GaussianSolution) -> None:
    """All numbers of the certificate say: a maximum."""
    status = s.status
    assert status.converged
    assert status.message == "optimum"
    assert status.gain_left < 1e-6
    assert (status.hessian_eigenvalues > 0.0).all()
    assert (status.boundary_eigenvalues <= 1e-6).all()
    assert bool(status.boundary_eigenvalues.size) == bool(s.boundary)
    assert bool(status.advice) == bool(s.boundary)


# -- the two examples that everybody knows -------------------------------------------------------------------


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("covariance", ["unstructured", "independent"])
def test_zero_is_left_where_it_is_not_the_maximum(covariance, criterion):
    model = sleepstudy(covariance)
    usual = maximise_exact(model, criterion)
    from_zero = maximise_exact(model, criterion, start=[np.zeros((2, 2))])
    assert from_zero.loglik - from_zero.loglik_without_random > 50.0
    near(from_zero.loglik, usual.loglik, 1e-8)
    certified(from_zero)
    assert from_zero.boundary == ()


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("start", [None, 0.0, 1e-12, 1.0, 1e6])
def test_zero_is_kept_where_it_is_the_maximum(start, criterion):
    s = maximise_exact(dyestuff2(), criterion, start=None if start is None else [np.array([[start]])])
    assert s.covariances[0][0, 0] == 0.0
    assert s.boundary == ("sd(Intercept | Batch)",)
    assert s.loglik == s.loglik_without_random
    assert (s.modes()[0] == 0.0).all()
    certified(s)


# -- starts --------------------------------------------------------------------------------------------------

STARTS = {
    "zero": lambda q: np.zeros((q, q)),
    "tiny": lambda q: 1e-16 * np.eye(q),
    "small": lambda q: 1e-6 * np.eye(q),
    "large": lambda q: 1e8 * np.eye(q),
    "rank one": lambda q: np.ones((q, q)),
    "opposite": lambda q: 2.0 * np.eye(q) - np.ones((q, q)) if q == 2 else np.eye(q),
    "one column": lambda q: np.diag(np.eye(q)[-1]),
}


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize(
    "model",
    [sleepstudy, penicillin, lambda: one_way("dyestuff", "Batch", "Yield")],
    ids=["slopes", "crossed", "one way"],
)
@pytest.mark.parametrize("start", STARTS)
def test_any_start_ends_at_the_same_optimum(model, start, criterion):
    usual = maximise_exact(model(), criterion)
    s = maximise_exact(model(), criterion, start=[STARTS[start](len(t.names)) for t in model().random])
    certified(s)
    near(s.loglik, usual.loglik, 1e-8)
    for found, expected in zip(s.covariances, usual.covariances, strict=True):
        near(found, expected, 1e-4 * np.abs(expected).max())


# -- optima on the boundary ----------------------------------------------------------------------------------


def line(count: int) -> np.ndarray:
    return np.linspace(-1.0, 1.0, count)


def boundary_designs(rng: np.random.Generator) -> dict[str, tuple[Design, tuple[str, ...]]]:
    """Designs whose maximum lies on a known boundary, and its addresses."""
    J = 12
    z = rng.normal(size=(J, 3)) * 2.0
    x, w = line(6) + 0.2, line(6) ** 2 - 0.3 * line(6)
    thirds = [np.tile(np.eye(3)[k], 2) for k in range(3)]
    contrasts = np.column_stack([z[:, 0], -z[:, 0] - z[:, 1], z[:, 1]])
    on = {
        "corr 1": (np.outer(z[:, 0], [1.0, 0.7]), [None, x], "unstructured", ("corr(Intercept, x1 | g)",)),
        "corr -1": (np.outer(z[:, 0], [1.0, -0.7]), [None, x], "unstructured", ("corr(Intercept, x1 | g)",)),
        "all correlations 1": (
            np.outer(z[:, 0], [1.0, 0.7, 0.4]), [None, x, w], "unstructured",
            ("corr(Intercept, x1 | g)", "corr(Intercept, x2 | g)", "corr(x1, x2 | g)"),
        ),
        "a plane": (z[:, :2] @ rng.normal(size=(2, 3)), [None, x, w], "unstructured", ("corr(g)",)),
        "sd 0": (z[:, :2] * [1.0, 0.0], [None, x], "independent", ("sd(x1 | g)",)),
        "two sds 0": (z * [0.0, 1.0, 0.0], [None, x, w], "independent", ("sd(Intercept | g)", "sd(x2 | g)")),
        "all 0": (np.zeros((J, 2)), [None, x], "unstructured", ("sd(Intercept | g)", "sd(x1 | g)")),
        "common corr 1": (np.outer(z[:, 0], np.ones(3)), thirds, "exchangeable", ("corr(g)",)),
        "common corr least": (contrasts, thirds, "exchangeable", ("corr(g)",)),
        "exchangeable 0": (np.zeros((J, 3)), thirds, "exchangeable", ("sd(g)",)),
        "identity 0": (np.zeros((J, 3)), thirds, "identity", ("sd(g)",)),
    }  # fmt: skip
    return {
        name: (groups_with(b, columns, rng, structure), where) for name, (b, columns, structure, where) in on.items()
    }


BOUNDARIES = tuple(boundary_designs(np.random.default_rng(0)))


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("name", BOUNDARIES)
def test_optima_on_the_boundary(name, criterion, rng):
    model, where = boundary_designs(rng)[name]
    s = maximise_exact(model, criterion)
    certified(s)
    assert s.boundary == where
    is_optimal(s)
    assert s.loglik > best_of_many_starts(model, criterion, rng, starts=5) - 1e-6


def test_correlations_at_the_edge_are_exact():
    found = boundary_designs(np.random.default_rng(3))
    for name, expected in {"corr 1": 1.0, "corr -1": -1.0}.items():
        G = maximise_exact(found[name][0], "reml").covariances[0]
        assert G[0, 1] / np.sqrt(G[0, 0] * G[1, 1]) == pytest.approx(expected, abs=1e-12)
    G = maximise_exact(found["common corr 1"][0], "reml").covariances[0]
    near(G, np.full((3, 3), G[0, 0]), 1e-12 * G[0, 0])
    G = maximise_exact(found["common corr least"][0], "reml").covariances[0]
    near(G, G[0, 0] * (1.5 * np.eye(3) - 0.5), 1e-12 * G[0, 0])


# -- no false flags ------------------------------------------------------------------------------------------


def balanced(ratio: float, J: int = 12, m: int = 5) -> tuple[Design, float]:
    """One-way layout in which the mean square between is `ratio` times that within, which is 1."""
    rng = np.random.default_rng(5)
    between = rng.normal(size=J)
    between -= between.mean()
    between *= np.sqrt(ratio * (J - 1) / m / (between @ between))
    within = rng.normal(size=(J, m))
    within -= within.mean(1, keepdims=True)
    within *= np.sqrt(J * (m - 1) / np.sum(within**2))
    return design(
        np.ravel(10.0 + between[:, None] + within), [None], [term("g", np.repeat(np.arange(J), m), [None])]
    ), m


@pytest.mark.parametrize("ratio", [1.01, 1.5, 4.0, 100.0, 1e4, 1e6, 1e8])
def test_a_small_or_large_variance_is_no_boundary(ratio):
    model, m = balanced(ratio)
    s = maximise_exact(model, "reml")
    certified(s)
    assert s.boundary == ()
    near(s.covariances[0][0, 0], (ratio - 1.0) / m, 1e-4 * (ratio - 1.0) / m)
    near(s.sigma, 1.0, 1e-6)


@pytest.mark.parametrize("ratio", [0.999, 0.9, 0.1])
def test_a_mean_square_below_that_within_is_a_variance_of_zero(ratio):
    s = maximise_exact(balanced(ratio)[0], "reml")
    certified(s)
    assert s.boundary == ("sd(Intercept | g)",)
    assert s.covariances[0][0, 0] == 0.0


# -- drawn models --------------------------------------------------------------------------------------------


@st.composite
def simulated(draw) -> tuple[Design, np.random.Generator]:
    """Data of a drawn model with some variances zero."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    n = draw(st.integers(30, 60), label="rows")
    factors = groupings(n, rng)
    random, y = [], rng.normal(size=n)
    parts = st.tuples(st.sampled_from("abd"), st.sampled_from(list(COVARIANCES)), st.integers(0, 2), st.booleans())
    for group, structure, slopes, zero in draw(st.lists(parts, min_size=1, max_size=2), label="terms"):
        columns = [None, *(rng.normal(size=n) for _ in range(slopes))]
        t = term(group, factors[group], columns, structure)
        effects = rng.normal(size=(len(t.levels), len(columns))) * rng.uniform(0.0, 2.0, len(columns)) * (not zero)
        y += np.sum(t.Z * effects[t.codes], 1)
        random.append(t)
    if len({t.group for t in random}) < len(random):  # two intercepts of one group are one parameter too many
        random = random[:1]
    weights = rng.uniform(0.5, 2.0, n) if draw(st.booleans(), label="weights") else None
    return design(y, [None, rng.normal(size=n)], random, weights=weights), rng


def is_optimal(s: GaussianSolution) -> None:
    """The dense model agrees: no slope on the face, none off it, and the flags are those of singular covariances."""
    dense = Dense(s.design, exact=False)
    at = dense.at(s.covariances, s.sigma)
    for k, (t, G) in enumerate(zip(s.design.random, s.covariances, strict=True)):
        units = np.sqrt(np.mean(t.Z**2, None if t.covariance.common_sd else 0)) * np.ones(len(G))
        slope = at.slope(k, s.criterion == "reml") * s.sigma**2 / np.outer(units, units)
        standard = G * np.outer(units, units) / s.sigma**2
        basis = t.covariance.basis(len(G))
        theta = t.covariance.theta(G)
        unit_theta = np.abs(theta).max(initial=0.0) + 1e-300
        root = np.tensordot(theta, basis, 1)
        on_face = 2.0 * np.einsum("iab,ac,cb->i", basis, at.slope(k, s.criterion == "reml"), root) * unit_theta
        near(on_face, np.zeros(len(theta)), 1e-3)
        values, vectors = np.linalg.eigh(standard)
        singular = values < 1e-12 * max(values[-1], 1e-300)
        flagged = any(address.endswith((f"| {t.group})", f"({t.group})")) for address in s.boundary)
        assert flagged == singular.any()
        if t.covariance.name == "unstructured":
            N = vectors[:, singular]
            assert (np.linalg.eigvalsh(N.T @ slope @ N) < 1e-4 * (1.0 + np.abs(slope).max())).all()
        else:
            for B in basis[np.abs(theta) < 1e-9 * unit_theta]:
                assert np.sum(slope * (B @ B.T)) < 1e-4 * (1.0 + np.abs(slope).max())


@given(simulated(), st.sampled_from(CRITERIA))
@settings(max_examples=60)
def test_drawn_models_end_at_a_certified_maximum(drawn, criterion):
    model, _ = drawn
    s = maximise_exact(model, criterion)
    certified(s)
    is_optimal(s)


@given(simulated(), st.sampled_from(CRITERIA))
@settings(max_examples=12)
def test_drawn_models_reach_the_best_of_many_searches(drawn, criterion):
    model, rng = drawn
    s = maximise_exact(model, criterion)
    assert s.loglik > best_of_many_starts(model, criterion, rng) - 1e-6


@pytest.mark.slow
def test_many_drawn_models():
    """Of a thousand models of three to six groups a few have a second maximum; the ascent may end at the lower one."""
    short = []

    @given(simulated(), st.sampled_from(CRITERIA))
    @settings(max_examples=1000)
    def compare(drawn, criterion):
        model, rng = drawn
        s = maximise_exact(model, criterion)
        certified(s)
        is_optimal(s)
        short.append(best_of_many_starts(model, criterion, rng, starts=4) - s.loglik)

    compare()
    assert np.sum(np.array(short) > 1e-6) <= 5
    assert max(short) < 0.5


# -- the numbers of the certificate --------------------------------------------------------------------------


def dense_hessian(s: GaussianSolution) -> np.ndarray:
    """Of the profiled log likelihood in the unknowns of the optimum's charts, by differences of fifty digits."""
    dense = Dense(s.design)
    bases = [as_decimals(basis) for basis, _ in s.optimum.point.charts]
    maps = [as_decimals(T) for T in s.system.scaling.terms]

    def value(theta):
        roots = [T @ root for T, root in zip(maps, roots_at(theta, bases), strict=True)]
        return dense.profiled([root @ root.T for root in roots], s.criterion)[0]

    return second_differences(value, s.optimum.point.vector)


def small(name: str) -> Design:
    """Designs of few rows, inside and on the boundary."""
    rng = np.random.default_rng(11)
    x = line(4) + 0.1
    effects = rng.normal(size=(6, 2)) * 1.5
    if name == "slopes":
        return groups_with(effects, [None, x], rng, "unstructured")
    if name == "corr 1":
        return groups_with(np.outer(effects[:, 0], [1.0, 0.6]), [None, x], rng, "unstructured")
    if name == "sd 0":
        return groups_with(effects * [1.0, 0.0], [None, x], rng, "independent")
    n = 24
    first, second = rng.integers(0, 6, n), rng.integers(0, 4, n)
    y = 1.5 * rng.normal(size=6)[first] + 1.2 * rng.normal(size=4)[second] + rng.normal(size=n)
    return design(y, [None], [term("g", first, [None]), term("h", second, [None])], weights=rng.uniform(0.5, 2.0, n))


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("name", ["slopes", "corr 1", "sd 0", "crossed"])
def test_eigenvalues_of_the_certificate(name, criterion):
    s = maximise_exact(small(name), criterion)
    certified(s)
    expected = np.linalg.eigvalsh(-dense_hessian(s))
    near(s.status.hessian_eigenvalues, expected, 1e-5 * expected[-1])
    at = Dense(s.design).at(s.covariances, s.sigma)
    slopes = []
    for k, (T, G) in enumerate(zip(s.system.scaling.terms, s.covariances, strict=True)):
        slope = T.T @ as_floats(at.slope(k, criterion == "reml")) @ T
        values, vectors = np.linalg.eigh(np.linalg.solve(T, np.linalg.solve(T, G).T))
        N = vectors[:, values < 1e-10 * values[-1]]
        slopes += list(np.linalg.eigvalsh(N.T @ slope @ N) / np.abs(slope).max())
    assert bool(slopes) == (name in ("corr 1", "sd 0"))
    near(s.status.boundary_eigenvalues, slopes, 1e-5)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("name", ["slopes", "sd 0", "crossed"])
def test_average_information_stands_in_for_the_hessian(name, criterion):
    s = maximise_exact(small(name), criterion)
    near(s.ascent.model(s.optimum.point), s.optimum.hessian, 0.1 * np.abs(s.optimum.hessian).max())


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("model", [sleepstudy, penicillin, dyestuff2])
def test_few_evaluations_are_enough(model, criterion):
    assert maximise_exact(model(), criterion).status.evaluations <= 25


def test_an_ascent_that_is_stopped_says_so():
    s = maximise_exact(sleepstudy(), "reml")
    s.ascent.limit, s.ascent.iterations = 1, 0
    stopped = s.ascent.run([COVARIANCES["unstructured"].chart(100.0 * np.eye(2))], np.empty(0))
    assert not stopped.converged
    assert stopped.message == "stopped after 1 iterations"
    assert stopped.gain_left > 1e-3
