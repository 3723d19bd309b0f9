"""Evaluation of the normal equations and all that is read off them: equal to the dense model's to nine digits."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayesml.estimators.profiled import ProfiledLikelihood
from bayesml.linalg import gaussian
from bayesml.linalg.gaussian import GaussianSystem
from tests.dense import Dense, as_floats, near
from tests.linalg.structures import Case, cases, design, term

CRITERIA = st.sampled_from(["ml", "reml"])


@pytest.fixture(params=["loops", "lapack"], autouse=True)
def border(request, monkeypatch):
    """Both implementations of the border, whatever its size (a border of y alone is left to the loops)."""
    monkeypatch.setattr(gaussian, "LOOPS_UP_TO", 10**9 if request.param == "loops" else 1)


battery = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def evaluated(case: Case, criterion: str):
    """System, evaluation and dense model at the parameters of a case; sigma profiled is not sigma of the case."""
    system = GaussianSystem.of(case.design)
    e = system.evaluate(case.relative_roots(system), criterion == "reml")
    return system, e, Dense(case.design).at(case.G, case.sigma)


def drawn_rows(columns, rows: int, rng: np.random.Generator) -> np.ndarray:
    """New rows of these columns, (rows, q)."""
    scales = np.array([1.0 if c is None else np.abs(c).mean() for c in columns])
    return rng.normal(size=(rows, len(columns))) * scales


@given(cases(), CRITERIA)
@battery
def test_profiled_likelihood(case, criterion):
    system = GaussianSystem.of(case.design)
    objective = ProfiledLikelihood(system, criterion == "reml", None)
    local = objective(case.relative_roots(system), np.empty(0))
    dense = Dense(case.design)
    relative = [g / case.sigma**2 for g in case.G]
    value, s2 = dense.profiled(relative, criterion)
    near(local.value, float(value), 1e-9 * max(1.0, abs(float(value))))
    sigma = objective.relative_sigma2(local.state.r2) ** 0.5 * system.scaling.y_scale
    near(sigma, float(s2) ** 0.5, 1e-9 * sigma)
    # by the envelope theorem dl/dG of the profile is that at the best sigma
    best = dense.at([g * (float(s2) / case.sigma**2) for g in case.G], float(s2) ** 0.5)
    for k, (slope, T) in enumerate(zip(local.slopes, system.scaling.terms, strict=True)):
        map_ = np.sqrt(float(s2)) * T
        expected = map_.T @ as_floats(best.slope(k, criterion == "reml")) @ map_
        near(slope, expected, np.abs(map_).T @ (1e-9 * best.slope_scale(k) + best.rounding(k)) @ np.abs(map_))


@given(cases(), CRITERIA)
@battery
def test_known_sigma(case, criterion):
    system = GaussianSystem.of(case.design)
    local = ProfiledLikelihood(system, criterion == "reml", case.sigma)(case.relative_roots(system), np.empty(0))
    expected = float(Dense(case.design).loglik(case.G, case.sigma, criterion))
    near(local.value, expected, 1e-9 * max(1.0, abs(expected)))


@given(cases(), CRITERIA)
@battery
def test_coefficients_and_their_covariance(case, criterion):
    system, e, exact = evaluated(case, criterion)
    covariance = as_floats(exact.flat_covariance)
    sds = np.sqrt(np.diag(covariance))
    near(case.sigma**2 * system.coefficient_covariance(e), covariance, 1e-9 * np.outer(sds, sds))
    near(
        system.coefficients_from(e),
        exact.beta,
        1e-9 * (np.abs(exact.beta) + (1.0 + float(exact.quadratic) ** 0.5) * sds),
    )


@given(cases(), CRITERIA)
@battery
def test_modes(case, criterion):
    system, e, exact = evaluated(case, criterion)
    far = 1.0 + float(exact.quadratic) ** 0.5
    modes = system.effects_by_term(e.modes, e.solution[: system.layout.border])
    for found, expected, scale in zip(modes, exact.modes, case.effect_scales(system), strict=True):
        near(found, expected, 1e-9 * far * scale)


@given(cases())
@battery
def test_comparative_covariances(case):
    system, e, exact = evaluated(case, "reml")
    found = system.effect_covariances(e, integrated=True)
    for blocks, expected, scale in zip(found, exact.effect_covariances, case.effect_scales(system), strict=True):
        near(case.sigma**2 * blocks, expected, 1e-9 * np.outer(scale, scale))


@given(cases())
@battery
def test_conditional_covariances(case):
    system, e, _ = evaluated(case, "ml")
    p = len(case.design.coefficients)
    exact = Dense(case.design).at(case.G, case.sigma, given=np.ones(p, bool))
    found = system.effect_covariances(e, integrated=False)
    for blocks, expected, scale in zip(found, exact.effect_covariances, case.effect_scales(system), strict=True):
        near(case.sigma**2 * blocks, expected, 1e-9 * np.outer(scale, scale))


@given(cases())
@battery
def test_variances_of_combinations(case):
    """Levels of nested factors in pairs that do not occur together, and effects left out, are allowed."""
    system, e, exact = evaluated(case, "reml")
    rows, rng = 12, case.rng
    X = drawn_rows(case.design.fixed_columns, rows, rng)
    random = []
    levels = {t.group: rng.integers(0, len(t.levels), rows) for t in case.design.random}
    for t in case.design.random:
        Z = drawn_rows(t.columns, rows, rng)
        random.append((np.where(rng.random(rows) < 0.2, -1, levels[t.group]), Z))
    found = case.sigma**2 * system.combination_variances(e, X, random)
    # the natural scale: what the parts would give if nothing cancelled
    scale = (np.abs(X) @ np.sqrt(np.diag(as_floats(exact.flat_covariance)))) ** 2 if X.shape[1] else np.zeros(rows)
    for (codes, Z), s in zip(random, case.effect_scales(system), strict=True):
        scale = scale + np.where(codes >= 0, (np.abs(Z) @ s) ** 2, 0.0)
    near(found, exact.combination_variances(X, random), 1e-9 * scale)


@given(cases(), CRITERIA)
@battery
def test_working_products(case, criterion):
    if not case.roots:
        return
    system, e, exact = evaluated(case, criterion)
    changes = [[m + m.T for m in case.rng.normal(size=(2, *root.shape))] for root in case.roots]
    products, slopes = system.working_products(e, changes)
    unit = case.sigma / system.scaling.y_scale  # relative changes of the accumulated columns, on the user's
    mapped = [
        [case.sigma**2 * T @ change @ T.T for change in directions]
        for T, directions in zip(system.scaling.terms, changes, strict=True)
    ]
    expected_products, expected_slopes = exact.working_products(mapped)
    expected_products, expected_slopes = expected_products * unit**2, expected_slopes * unit**2
    sizes = np.array(
        [
            np.abs(T.T @ (exact.slope_scale(k) + 1e9 * exact.rounding(k)) @ T).sum() * np.abs(change).max()
            for k, (T, directions) in enumerate(zip(system.scaling.terms, changes, strict=True))
            for change in directions
        ]
    )
    sizes *= case.sigma**2 * unit**2
    near(slopes, expected_slopes, 1e-9 * sizes)
    diagonal = np.sqrt(np.abs(np.diag(expected_products)))
    near(products, expected_products, 1e-9 * (np.outer(diagonal, diagonal) + np.sqrt(np.outer(sizes, sizes))))


LARGE = ("one way", "slopes", "nested", "crossed", "crossed slopes")


def large_effects(name: str, ratio: float) -> Case:
    """The first term's effects are `ratio` times as large as the residuals."""
    rng = np.random.default_rng(12)
    n = 30
    a, b, d, x = (
        np.arange(n) % 3,
        3 * (np.arange(n) // 3 % 3) + np.arange(n) % 3,
        rng.integers(0, 5, n),
        rng.normal(size=n),
    )
    terms = {
        "one way": [term("b", b, [None])],
        "slopes": [term("b", b, [None, x])],
        "nested": [term("a", a, [None]), term("b", b, [None])],
        "crossed": [term("d", d, [None]), term("b", b, [None])],
        "crossed slopes": [term("d", d, [None, x]), term("b", b, [None])],
    }[name]
    roots = [0.7 * np.linalg.qr(rng.normal(size=(len(t.names), len(t.names))))[0] for t in terms]
    roots[0] = roots[0] * ratio / 0.7
    return Case(design(rng.normal(size=n), [None, x], terms), roots, 1.0, rng)


@pytest.mark.parametrize("criterion", ["ml", "reml"])
@pytest.mark.parametrize("ratio", [1e-8, 1e-4, 1.0, 1e2, 1e3, 1e4, 1e5])
@pytest.mark.parametrize("name", LARGE)
def test_effects_much_larger_or_smaller_than_residuals(name, ratio, criterion):
    """Digits go with the square of the ratio, as what groups explain is taken off cross-products, and no faster."""
    case = large_effects(name, ratio)
    system = GaussianSystem.of(case.design)
    local = ProfiledLikelihood(system, criterion == "reml", None)(case.relative_roots(system), np.empty(0))
    dense = Dense(case.design)
    value, s2 = dense.profiled(case.G, criterion)
    tolerance = 1e-11 + 30.0 * np.finfo(float).eps * ratio**2
    near(local.value, float(value), tolerance)
    best = dense.at([g * float(s2) for g in case.G], float(s2) ** 0.5)
    for k, (slope, T, root) in enumerate(zip(local.slopes, system.scaling.terms, case.roots, strict=True)):
        on_root = np.linalg.solve(T, root)
        scaled = np.sqrt(float(s2)) * root
        near(on_root.T @ slope @ on_root, scaled.T @ as_floats(best.slope(k, criterion == "reml")) @ scaled, tolerance)
