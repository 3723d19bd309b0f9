import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayesml as bml
from bayesml.errors import SpecificationError
from tests import fitted_models as models


def test_columns_are_modes_and_their_sds():
    fit = models.fit("sleepstudy", models.SLEEP)
    frame = bml.ranef(fit)["Subject"]
    assert list(frame.columns) == [("mode", "Intercept"), ("mode", "Days"), ("se", "Intercept"), ("se", "Days")]
    assert_allclose(frame["mode"], fit.ranef["Subject"])
    assert_allclose(frame["se"], fit.ranef_se["Subject"])
    assert ("mean", "Intercept") in bml.ranef(fit, "mean")["Subject"].columns


@pytest.mark.parametrize("model", models.MODELS, ids=lambda m: f"{m[0]}-{m[2]}-{m[3]}")
def test_comparative_sds_agree_with_dense_algebra(model):
    ours, theirs = (bml.ranef(r, se="comparative") for r in (models.fit(*model), models.dense(*model)))
    for group in theirs:
        assert_allclose(ours[group]["se"], theirs[group]["se"], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(
    "model", [m for m in models.MODELS if m[0] != "dyestuff2"], ids=lambda m: f"{m[0]}-{m[2]}-{m[3]}"
)
def test_full_sds_add_the_uncertainty_of_the_variances(model):
    """b-hat = G Z'Py differentiated by closed forms: dG Z'Py - G Z'P dV Py."""
    fit, dense = models.fit(*model), models.dense(*model).solution
    P, y, Z, G = dense.state["P"], dense.y, dense.dense_Z(), dense.prior_covariance
    parameters = dense.variance_parameters()
    columns = []
    for name in parameters.names:
        dG, dV = np.zeros_like(G), np.diag(dense.residual)
        if name != "sigma2":
            k, i, j = name
            dG = prior_derivative(dense, k, fit.variances.direction(k, i, j))
            dV = Z @ dG @ Z.T
        columns.append(dG @ Z.T @ P @ y - G @ Z.T @ P @ dV @ P @ y)
    D = np.stack(columns)
    added = dense.split(np.einsum("aj,ab,bj->j", D, parameters.vcov, D))
    full, comparative = bml.ranef(fit, se="full"), bml.ranef(fit, se="comparative")
    for term, more in zip(fit.design.random, added, strict=True):
        expected = np.sqrt(comparative[term.group]["se"].to_numpy() ** 2 + more)
        assert_allclose(full[term.group]["se"], expected, rtol=1e-4)


def prior_derivative(dense, which: int, direction: np.ndarray) -> np.ndarray:
    out, at = np.zeros_like(dense.prior_covariance), 0
    for k, term in enumerate(dense.design.random):
        size = len(term.levels) * len(term.names)
        if k == which:
            out[at : at + size, at : at + size] = np.kron(np.eye(len(term.levels)), direction)
        at += size
    return out


def test_full_sds_do_not_exist_on_the_boundary():
    fit = models.fit("dyestuff2", models.DYESTUFF)
    assert bml.ranef(fit, se="full")["Batch"]["se"].isna().all(axis=None)
    assert (bml.ranef(fit, se="comparative")["Batch"]["se"] == 0).all(axis=None)


def test_unknown_options():
    fit = models.fit("sleepstudy", models.SLEEP)
    with pytest.raises(SpecificationError, match='"conditional", "comparative", "full"'):
        bml.ranef(fit, se="exact")
    with pytest.raises(SpecificationError, match='"mode", "mean"'):
        bml.ranef(fit, "median")


def test_means_and_sds_by_quadrature_are_those_of_the_conditional_distribution():
    fit = models.other(*models.EPIL, integration="aghq", points=25)
    frame = bml.ranef(fit, "mean")["subject"]
    design, tau = fit.design, fit["sd(Intercept | subject)"]
    eta = design.X @ fit.fixef.to_numpy()
    b = np.linspace(-4, 4, 8001)
    for level in (0, 7, 24):
        rows = design.random[0].codes == level
        predictors = eta[rows, None] + b
        log_density = (design.y[rows, None] * predictors - np.exp(predictors)).sum(axis=0) - 0.5 * (b / tau) ** 2
        weights = np.exp(log_density - log_density.max())
        mean = weights @ b / weights.sum()
        sd = np.sqrt(weights @ (b - mean) ** 2 / weights.sum())
        assert_allclose(frame.iloc[level], [mean, sd], rtol=1e-6)
    wider = bml.ranef(fit, "mean", se="comparative")["subject"]["se"]
    assert (wider > frame["se"]).all(axis=None)
    assert (bml.ranef(fit, "mean", se="full")["subject"]["se"] > wider).all(axis=None)


def test_means_need_quadrature():
    with pytest.raises(SpecificationError, match='integration="aghq"'):
        bml.ranef(models.other(*models.EPIL), "mean")
