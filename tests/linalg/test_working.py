"""Kernels over rows with several predictors: equal to dense algebra on every structure."""

import numpy as np
from hypothesis import assume, given

from tests.linalg.predictor_structures import WorkingModel, working_models

RTOL = 1e-10


def close(ours: np.ndarray, dense: np.ndarray, scale: float = 1.0) -> None:
    np.testing.assert_allclose(ours, dense, rtol=0.0, atol=RTOL * max(scale, np.abs(dense).max(initial=0.0)))


@given(working_models())
def test_predictors_of_effects(model: WorkingModel):
    b = model.case.rng.normal(size=model.system.n_effects)
    close(model.system.effect_predictors(b).ravel(), model.Z @ b)


@given(working_models())
def test_sums_over_levels(model: WorkingModel):
    r = model.case.rng.normal(size=model.W.shape[:2])
    close(model.system.sums(r), model.Z.T @ r.ravel())


@given(working_models())
def test_log_determinant(model: WorkingModel):
    factored = model.system.factor(model.lam, -model.W)
    close(factored.logdet, np.linalg.slogdet(model.inner)[1])


@given(working_models())
def test_an_indefinite_system_has_no_log_determinant(model: WorkingModel):
    factored = model.system.factor(model.lam, 10.0 * model.W)
    smallest = np.linalg.eigvalsh(11.0 * np.eye(len(model.inner)) - 10.0 * model.inner).min(initial=1.0)
    assume(abs(smallest) > 1e-6)
    assert np.isnan(factored.logdet) == (smallest < 0.0)


@given(working_models())
def test_solutions(model: WorkingModel):
    """b solves ``(Z'WZ + G^-1) b = rhs`` where G is regular; c, with b = G c, is there where it is singular too."""
    rhs = model.case.rng.normal(size=model.system.n_effects)
    factored = model.system.factor(model.lam, -model.W)
    b, c = model.system.solve(factored, rhs.copy())
    expected = model.covariance @ rhs
    close(b, expected)
    close(model.Lambda @ (model.Lambda.T @ c), expected)


@given(working_models())
def test_variances_of_predictors_and_their_sums(model: WorkingModel):
    system = model.system
    D = np.zeros(system.layout.lam_start[-1])
    h = system.variances(system.factor(model.lam, -model.W), D)
    n, K = model.W.shape[:2]
    dense = (model.Z @ model.covariance @ model.Z.T).reshape(n, K, n, K)
    close(h, dense[np.arange(n), :, np.arange(n), :])
    ZPZ = model.ZWZ - model.ZWZ @ model.covariance @ model.ZWZ
    for f, factor in enumerate(system.layout.factors):
        q = factor.q
        at = np.arange(system.start[f], system.start[f + 1]).reshape(-1, q)
        total = ZPZ[at[:, :, None], at[:, None, :]].sum(axis=0)
        own = D[system.layout.lam_start[f] : system.layout.lam_start[f + 1]].reshape(q, q)
        close(own, total, np.abs(model.ZWZ).max(initial=0.0))
