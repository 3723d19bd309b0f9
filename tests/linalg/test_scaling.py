"""Changes of columns before cross-products: orthonormal where they may be, undone exactly, the same in any batches."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayesml.errors import NotIdentified
from bayesml.estimators.profiled import ProfiledLikelihood
from bayesml.linalg import scaling as module
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.linalg.scaling import TermColumns, scaling
from tests.dense import near
from tests.linalg.structures import cases, design, term

FREEDOMS = ("linear", "scale", "common")


def stacked(columns, n: int) -> np.ndarray:
    return np.column_stack([np.ones((n, 0)), *(np.ones(n) if c is None else c for c in columns)])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("far", [0.0, 1e3, 1e9])
def test_maps_make_columns_orthonormal_and_are_undone(weighted, far, rng):
    n = 200
    x = [None, far + rng.integers(0, 9, n), 1e-5 * rng.normal(size=n)]
    y, offset = 3.0 + rng.normal(size=n), rng.normal(size=n)
    w = rng.uniform(0.5, 2.0, n) if weighted else None
    slope = far + rng.integers(0, 5, n).astype(float)
    z = [TermColumns((None, slope), freedom) for freedom in FREEDOMS]
    maps = scaling(y, x, z, w, offset)
    root = np.ones(n) if w is None else np.sqrt(w)
    X = np.column_stack([np.ones(n), x[1] - maps.x_shift[1], x[2] - maps.x_shift[2]]) @ maps.x_map
    near((X * root[:, None]).T @ (X * root[:, None]) / n, np.eye(3), 1e-12)
    rest = y - offset - maps.y_shift - X @ maps.gamma
    near(X.T @ (root**2 * rest), np.zeros(3), 1e-9)
    near(np.sqrt(np.sum(root**2 * rest**2) / n), maps.y_scale, 1e-12)
    # the coefficients of the raw columns
    b = rng.normal(size=3)
    beta = maps.coefficients @ b + maps.constant
    near(stacked(x, n) @ beta, y - offset - rest + maps.y_scale * (X @ b), 1e-6 if far > 1e6 else 1e-9)
    near(np.linalg.slogdet(maps.coefficients / maps.y_scale)[1], maps.log_det, 1e-6)
    linear, scale, common = maps.terms
    assert np.count_nonzero(scale - np.diag(np.diag(scale))) == 0
    near(common, common[0, 0] * np.eye(2), 0.0)
    hat = np.column_stack([np.ones(n), slope - maps.z_shift[0][1]]) @ maps.z_map[0]
    near((hat * root[:, None]).T @ (hat * root[:, None]) / n, np.eye(2), 1e-10)


def test_nothing_is_shifted_without_a_column_of_ones(rng):
    x, slope = [1e6 + rng.normal(size=50)], 1e6 + rng.normal(size=50)
    maps = scaling(rng.normal(size=50), x, [TermColumns((slope,), "linear")], None, None)
    assert (maps.x_shift[0], maps.z_shift[0][0], maps.y_shift) == (0.0, 0.0, 0.0)


def test_shifts_can_be_forbidden(rng):
    """Coefficients that are given must not be mixed into those that are integrated out."""
    maps = scaling(5.0 + rng.normal(size=50), [None, 7.0 + rng.normal(size=50)], [], None, None, shift=False)
    assert (list(maps.x_shift), maps.y_shift) == ([0.0, 0.0], 0.0)


def test_a_column_of_zeros_within_a_term_is_kept_apart(rng):
    maps = scaling(rng.normal(size=20), [None], [TermColumns((None, np.zeros(20)), "linear")], None, None)
    assert np.isfinite(maps.terms[0]).all()
    assert np.linalg.matrix_rank(maps.terms[0]) == 2


@pytest.mark.parametrize("exact", [True, False])
def test_dependent_columns_are_not_identified(exact, rng):
    x = rng.integers(0, 9, 40).astype(float)
    with pytest.raises(NotIdentified, match="linearly dependent"):
        scaling(rng.normal(size=40), [None, x, 2.0 * x if exact else x * (1.0 + 1e-17)], [], None, None)


def test_a_response_of_zeros_is_not_identified():
    offset = np.arange(10.0)
    with pytest.raises(NotIdentified, match="offset"):
        scaling(offset.copy(), [], [], None, offset)


@given(cases(), st.integers(1, 9))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_batches_of_any_size_give_the_same(monkeypatch, case, size):
    values = []
    for batch in (module.BATCH, size):
        monkeypatch.setattr(module, "BATCH", batch)
        system = GaussianSystem.of(case.design)
        local = ProfiledLikelihood(system, True, None)(case.relative_roots(system), np.empty(0))
        values.append(local.value)
    near(values[1], values[0], 1e-9 * max(1.0, abs(values[0])))


@pytest.mark.parametrize("criterion", ["ml", "reml"])
def test_many_rows_with_a_trend(criterion):
    """Three batches whose means differ, against sums over groups: ``V_j^-1 = I - J g / (1 + n_j g)``."""
    rng = np.random.default_rng(4)
    n, J, g = 20_000, 37, 0.6
    codes, x = rng.integers(0, J, n), np.linspace(0.0, 1e6, n)
    y = 1e-5 * x + rng.normal(size=J)[codes] + rng.normal(size=n)
    system = GaussianSystem.of(design(y, [None, x], [term("g", codes, [None])]))
    local = ProfiledLikelihood(system, criterion == "reml", None)([np.array([[np.sqrt(g)]])], np.empty(0))
    counts = np.bincount(codes)
    A = np.column_stack([np.ones(n), (x - 5e5) / 5e5, y])  # |det| of the change of x is 5e5
    sums = np.array([np.bincount(codes, a) for a in A.T])
    M = A.T @ A - (sums * (g / (1.0 + counts * g))) @ sums.T
    nu = n - (2 if criterion == "reml" else 0)
    r2 = M[2, 2] - M[2, :2] @ np.linalg.solve(M[:2, :2], M[:2, 2])
    expected = np.log1p(counts * g).sum() + nu * (np.log(2.0 * np.pi * r2 / nu) + 1.0)
    if criterion == "reml":
        expected += np.linalg.slogdet(M[:2, :2])[1] + 2.0 * np.log(5e5)
    near(local.value, -0.5 * expected, 1e-9 * abs(expected))
