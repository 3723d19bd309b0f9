"""The system of Laplace's approximation: its covariances, its information and its search for the mode."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given

from bayesml.linalg import laplace
from bayesml.linalg.laplace import IndefiniteError, LaplaceSystem, clipped
from tests.linalg.predictor_structures import WorkingModel, working_models
from tests.linalg.structures import design, term
from tests.linalg.test_working import close


@pytest.fixture(params=["loops", "lapack"])
def border(request, monkeypatch):
    """Both implementations of the border, whatever its size."""
    monkeypatch.setattr(laplace, "LOOPS_UP_TO", 10**9 if request.param == "loops" else 0)


class Quadratic:
    """Rows whose log density is ``g'eta - eta'W eta / 2``: Laplace's approximation of them is exact."""

    def __init__(self, g: np.ndarray, W: np.ndarray):
        self.g, self.W = g, W

    def second(self, eta, phi):
        d1 = self.g - np.einsum("nkl,nl->nk", self.W, eta)
        return ((self.g + d1) * eta).sum(axis=1) / 2.0, d1, -self.W

    def third(self, eta, phi):
        n, K = eta.shape
        value, d1, d2 = self.second(eta, phi)
        empty = {"phi": np.empty((0, n)), "d1_phi": np.empty((0, n, K)), "d2_phi": np.empty((0, n, K, K))}
        return SimpleNamespace(value=value, d1=d1, d2=d2, d3=np.zeros((n, K, K, K)), **empty)


def quadratic(model: WorkingModel) -> tuple[WorkingModel, np.ndarray]:
    g = model.case.rng.normal(size=model.W.shape[:2])
    return replace(model, system=replace(model.system, derivatives=Quadratic(g, model.W))), g


@given(working_models())
def test_covariances_of_levels(model: WorkingModel):
    system = model.system
    found = system.level_covariances(system.factor(model.lam, -model.W))
    for f, factor in enumerate(system.layout.factors):
        at = np.arange(system.start[f], system.start[f + 1]).reshape(-1, factor.q)
        blocks = model.covariance[at[:, :, None], at[:, None, :]]
        start = 0
        for k, width in zip(factor.terms, factor.widths, strict=True):
            part = slice(start, start + width)
            close(found[k], blocks[:, part, part])
            start += width


@given(working_models(K=1))
def test_variances_of_combinations(model: WorkingModel):
    """Of the rows themselves, from columns of the user: the variances of their predictors."""
    system = model.system
    factored = system.factor(model.lam, -model.W)
    random = [(role.codes, role.Z) for role in model.case.design.random]
    assume(random)
    found = system.combination_variances(factored, random)
    expected = np.empty(len(found))
    expected[system.order] = np.diag(model.Z @ model.covariance @ model.Z.T)
    close(found, expected)


@given(working_models())
def test_information_of_coefficients(model: WorkingModel):
    model, _ = quadratic(model)
    system = model.system
    mode = model.system.mode(model.lam, np.zeros(len(system.columns.coefficients)), np.empty(0))
    n, K = model.W.shape[:2]
    p = len(system.columns.coefficients)
    X = (
        np.stack([system.columns.predictors_of(unit).ravel() for unit in np.eye(p)], axis=1)
        if p
        else np.empty((n * K, 0))
    )
    W = np.zeros((n, K, n, K))
    W[np.arange(n), :, np.arange(n), :] = model.W
    W = W.reshape(n * K, n * K)
    P = W - W @ model.Z @ model.covariance @ model.Z.T @ W
    close(
        model.system.coefficient_information(mode.third.d2, mode.factored),
        X.T @ P @ X,
        np.abs(X.T @ W @ X).max(initial=0.0),
    )


@given(working_models())
def test_mode_value_and_gradient_of_quadratic_rows(model: WorkingModel):
    model, g = quadratic(model)
    system = model.system
    beta = 0.1 * model.case.rng.normal(size=len(system.columns.coefficients))
    mode = system.mode(model.lam, beta, np.empty(0))
    fixed = system.fixed_predictors(beta)
    residual = (g - np.einsum("nkl,nl->nk", model.W, fixed)).ravel()
    scores = model.Z.T @ residual
    scale = np.abs(model.Lambda.T @ scores).max(initial=1.0)
    close(mode.b, model.covariance @ scores, scale)
    rows = Quadratic(g, model.W).second(fixed, None)[0].sum()
    exact = rows + 0.5 * scores @ model.covariance @ scores - 0.5 * np.linalg.slogdet(model.inner)[1]
    close(mode.value, exact, 1.0 + abs(rows))
    # c is Z'l' at the mode, whatever is singular
    at_mode = model.Z.T @ (residual - (np.einsum("nkl,nl->nk", model.W, (model.Z @ mode.b).reshape(g.shape))).ravel())
    close(mode.c, at_mode, scale)
    gradient = system.gradient(mode)
    ZPZ = model.ZWZ - model.ZWZ @ model.covariance @ model.ZWZ
    for k, slope in enumerate(gradient.slopes):
        f = next(i for i, factor in enumerate(system.layout.factors) if k in factor.terms)
        factor = system.layout.factors[f]
        start = sum(factor.widths[: factor.terms.index(k)])
        at = np.arange(system.start[f], system.start[f + 1]).reshape(-1, factor.q)[
            :, start : start + factor.widths[factor.terms.index(k)]
        ]
        own = mode.c[at]
        expected = 0.5 * (own.T @ own - ZPZ[at[:, :, None], at[:, None, :]].sum(axis=0))
        close(slope, expected, np.abs(model.ZWZ).max(initial=1.0) + np.abs(own.T @ own).max(initial=0.0))


def test_both_borders_give_the_same(border):
    @given(working_models())
    def check(model):
        factored = model.system.factor(model.lam, -model.W)
        close(factored.logdet, np.linalg.slogdet(model.inner)[1])
        rhs = model.case.rng.normal(size=model.system.n_effects)
        close(model.system.solve(factored, rhs.copy())[0], model.covariance @ rhs)

    check()


@given(working_models())
def test_frequencies_multiply_log_densities(model: WorkingModel):
    model, _ = quadratic(model)
    system = model.system
    counts = model.case.rng.integers(1, 4, len(model.W)).astype(float)
    counted = replace(system, frequencies=counts)
    multiplied = replace(
        system, derivatives=Quadratic(system.derivatives.g * counts[:, None], model.W * counts[:, None, None])
    )
    beta = np.zeros(len(system.columns.coefficients))
    a, b = (own.mode(model.lam, beta, np.empty(0)) for own in (counted, multiplied))
    close(a.value, b.value)
    close(a.b, b.b)


def test_clipped_is_the_nearest_concave():
    rng = np.random.default_rng(0)
    d2 = rng.normal(size=(50, 3, 3))
    d2 = d2 + d2.transpose(0, 2, 1)
    values = np.linalg.eigvalsh(clipped(d2))
    assert (values < 1e-12).all()
    concave = -np.einsum("nij,nkj->nik", d2, d2)
    close(clipped(concave), concave)
    np.testing.assert_array_equal(clipped(np.array([[[2.0]], [[-1.0]]])), [[[0.0]], [[-1.0]]])


@pytest.mark.parametrize("curvature", [0.5, 2.0, 50.0])
def test_rows_that_are_not_concave_fail_where_the_effects_do_not_make_up_for_it(curvature):
    rng = np.random.default_rng(1)
    codes = np.repeat(np.arange(4), 3)
    made = design(rng.normal(size=12), [None], [term("g", codes, [None])])
    W = np.full((12, 1, 1), -curvature)
    system = LaplaceSystem.of(made, lambda order: Quadratic(rng.normal(size=(12, 1)), W))
    least = np.array([0.9 / np.sqrt(3.0 * curvature)])
    mode = system.mode(least, np.zeros(1), np.empty(0))
    close(mode.factored.logdet, 4.0 * np.log(1.0 - 3.0 * curvature * least**2))
    with pytest.raises(IndefiniteError):
        system.mode(2.0 * least, np.zeros(1), np.empty(0))
