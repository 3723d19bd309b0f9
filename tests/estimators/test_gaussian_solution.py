"""Numbers of a fit against the dense model: standard errors, random effects, fitted values, addresses of boundaries."""

import numpy as np
import pandas as pd
import pytest

from bayesml.covariance import COVARIANCES
from bayesml.design.arrays import Design, RandomColumns
from bayesml.estimators.gaussian import maximise_exact
from bayesml.estimators.gaussian_solution import GaussianSolution
from bayesml.estimators.maximum import boundary_addresses
from tests.dense import Dense, as_decimals, as_floats, near, second_differences
from tests.linalg.structures import design, term

CRITERIA = ("ml", "reml")


def model(name: str) -> Design:
    """Designs with an optimum inside for each structure."""
    rng = np.random.default_rng(7)
    n = 42
    g, h, x = np.arange(n) % 7, rng.integers(0, 5, n), rng.normal(size=n)
    condition = np.arange(n) // 7 % 3
    dummies = [(condition == c).astype(float) for c in range(3)]
    effects = rng.normal(size=(7, 3))
    weights, offset = rng.uniform(0.5, 2.0, n), rng.normal(size=n)
    y = 3.0 + 2.0 * effects[g, 0] + rng.normal(size=n)
    if name == "slopes":
        return design(y + 1.5 * effects[g, 1] * x, [None, x], [term("g", g, [None, x])], weights=weights)
    if name == "independent slopes":
        return design(y + 1.5 * effects[g, 1] * x, [None, x], [term("g", g, [None, x], "independent")], offset=offset)
    if name == "exchangeable":
        return design(y + effects[g, condition], [None], [term("g", g, dummies, "exchangeable")])
    if name == "identity":
        return design(y + effects[g, condition], [None], [term("g", g, dummies, "identity")])
    nested = 7 * (np.arange(n) // 7 % 2) + g
    crossed = y + 1.5 * rng.normal(size=5)[h] + 1.5 * rng.normal(size=14)[nested]
    return design(crossed, [x], [term("h", h, [None]), term("g", g, [None]), term("nested", nested, [None])])


MODELS = ("slopes", "independent slopes", "exchangeable", "identity", "crossed and nested")


def entries(s: GaussianSolution) -> list:
    """Free entries of each G, as `variance_parameters` names them."""
    return [name for name in s.variance_parameters().names if name != "sigma2"]


def covariances_at(s: GaussianSolution, values: np.ndarray) -> list[np.ndarray]:
    """G of each term from its free entries; structures with one sd are filled out."""
    out = []
    for t in s.design.random:
        q = len(t.names)
        out.append(np.full((q, q), as_decimals(0.0)[()], object))
    for (k, i, j), value in zip(entries(s), values, strict=True):
        G, common = out[k], s.design.random[k].covariance.common_sd
        diagonal = np.eye(len(G), dtype=bool)
        if common:
            G[diagonal if i == j else ~diagonal] = value
        else:
            G[i, j] = G[j, i] = value
    return out


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("name", MODELS)
def test_covariance_of_variance_parameters_is_the_inverse_observed_information(name, criterion):
    s = maximise_exact(model(name), criterion)
    assert s.boundary == ()
    found = s.variance_parameters()
    dense = Dense(s.design)
    h = as_decimals(1e-15)[()]

    def loglik(x):
        return dense.loglik(covariances_at(s, x[:-1]), x[-1].sqrt(), criterion)

    x = as_decimals(found.estimate)
    assert found.names[-1] == "sigma2"
    for k, G in enumerate(s.covariances):
        near(as_floats(covariances_at(s, x[:-1])[k]), G, 1e-12 * np.abs(G).max())
    for i in range(len(x)):  # it is a maximum
        step = np.array([h if j == i else 0 * h for j in range(len(x))], object)
        assert abs(float((loglik(x + step) - loglik(x - step)) / (2 * h))) < 1e-3
    expected = np.linalg.inv(-second_differences(loglik, found.estimate))
    sds = np.sqrt(np.diag(expected))
    near(found.vcov, expected, 1e-4 * np.outer(sds, sds))


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("name", MODELS)
def test_everything_else_is_that_of_the_dense_model(name, criterion):
    s = maximise_exact(model(name), criterion)
    dense = Dense(s.design)
    at = dense.at(s.covariances, s.sigma)
    p = len(s.design.coefficients)
    near(s.loglik, float(dense.loglik(s.covariances, s.sigma, criterion)), 1e-9)
    near(s.beta, at.beta, 1e-9)
    near(s.vcov_beta, as_floats(at.flat_covariance), 1e-9)
    known = dense.at(s.covariances, s.sigma, given=np.ones(p, bool), beta=s.beta)
    fitted = s.design.X @ s.beta + (0.0 if s.design.offset is None else s.design.offset)
    for k, t in enumerate(s.design.random):
        near(s.modes()[k], at.modes[k], 1e-9)
        near(s.conditional_covariance()[k], known.effect_covariances[k], 1e-9)
        near(s.comparative_covariance()[k], at.effect_covariances[k], 1e-9)
        fitted = fitted + np.sum(t.Z * s.modes()[k][t.codes], 1)
    near(s.fitted(), fitted, 1e-9)
    rows = tuple((t.codes, t.Z) for t in s.design.random)
    near(s.linear_variance(s.design.X, rows), at.combination_variances(s.design.X, rows), 1e-9)
    new = tuple((np.full(len(Z), -1), Z) for _, Z in rows)
    near(s.linear_variance(s.design.X, new), np.einsum("ri,ij,rj->r", s.design.X, s.vcov_beta, s.design.X), 1e-12)
    zero = [np.zeros_like(G) for G in s.covariances]
    near(s.loglik_without_random, float(dense.profiled(zero, criterion)[0]), 1e-9)
    free = {"slopes": 3, "independent slopes": 2, "exchangeable": 2, "identity": 1, "crossed and nested": 3}[name]
    assert s.n_parameters == p + free + 1


# -- on the boundary -----------------------------------------------------------------------------------------


def boundary_model(name: str) -> Design:
    rng = np.random.default_rng(3)
    J, x = 8, np.linspace(-1.0, 1.0, 5) + 0.2
    Q = np.linalg.qr(np.column_stack([np.ones(5), x]))[0]
    effects = 2.0 * rng.normal(size=J)
    b = np.outer(effects, {"corr 1": [1.0, 0.6], "sd 0": [1.0, 0.0], "all 0": [0.0, 0.0]}[name])
    noise = rng.normal(size=(J, 5))
    noise -= noise @ Q @ Q.T
    y = b[:, :1] + b[:, 1:] * x + noise
    columns = [None, np.tile(x, J)]
    structure = "unstructured" if name == "corr 1" else "independent"
    return design(y.ravel(), columns, [term("g", np.repeat(np.arange(J), 5), columns, structure)])


@pytest.mark.parametrize("criterion", CRITERIA)
def test_an_sd_at_zero_has_no_standard_error_and_the_others_are_those_of_the_face(criterion):
    s = maximise_exact(boundary_model("sd 0"), criterion)
    assert s.boundary == ("sd(x1 | g)",)
    found = s.variance_parameters()
    assert found.names == ((0, 0, 0), (0, 1, 1), "sigma2")
    assert found.estimate[1] == 0.0
    assert np.isnan(found.vcov[1]).all()
    assert np.isnan(found.vcov[:, 1]).all()
    dense, zero = Dense(s.design), as_decimals(0.0)[()]

    def loglik(x):
        return dense.loglik([np.array([[x[0], zero], [zero, zero]], object)], x[1].sqrt(), criterion)

    expected = np.linalg.inv(-second_differences(loglik, found.estimate[[0, 2]]))
    near(found.vcov[np.ix_([0, 2], [0, 2])], expected, 1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("criterion", CRITERIA)
def test_variances_beside_a_correlation_of_one_are_those_of_the_face(criterion):
    s = maximise_exact(boundary_model("corr 1"), criterion)
    assert s.boundary == ("corr(Intercept, x1 | g)",)
    found = s.variance_parameters()
    keep = [found.names.index(name) for name in ((0, 0, 0), (0, 1, 1), "sigma2")]
    dense = Dense(s.design)

    def loglik(x):
        cross = (x[0] * x[1]).sqrt()
        return dense.loglik([np.array([[x[0], cross], [cross, x[1]]], object)], x[2].sqrt(), criterion)

    expected = np.linalg.inv(-second_differences(loglik, found.estimate[keep]))
    sds = np.sqrt(np.diag(expected))
    near(found.vcov[np.ix_(keep, keep)], expected, 1e-4 * np.outer(sds, sds))


@pytest.mark.parametrize("criterion", CRITERIA)
def test_without_random_effects_left_sigma_is_least_squares(criterion):
    s = maximise_exact(boundary_model("all 0"), criterion)
    assert s.boundary == ("sd(Intercept | g)", "sd(x1 | g)")
    nu = 40 - (2 if criterion == "reml" else 0)
    residual = s.design.y - s.design.X @ np.linalg.lstsq(s.design.X, s.design.y)[0]
    near(s.sigma**2, residual @ residual / nu, 1e-12)
    found = s.variance_parameters()
    assert np.isnan(found.vcov[:2]).all()
    near(found.vcov[2, 2], 2.0 * s.sigma**4 / nu, 1e-10)
    assert (s.modes()[0] == 0.0).all()
    assert (s.conditional_covariance()[0] == 0.0).all()


# -- maxima that are not unique ------------------------------------------------------------------------------


def ridge(name: str) -> tuple[Design, Design]:
    """A design whose variances are not all identified, and one of the same likelihood whose are."""
    rng = np.random.default_rng(12)
    n = 90
    g, f, x = np.arange(n) % 9, np.arange(n) // 9 % 2, rng.normal(size=n)
    y = 4.0 * rng.normal(size=9)[g] + 2.0 * rng.normal(size=(9, 2))[g, f] + rng.normal(size=9)[g] * x
    y += rng.normal(size=n)
    levels = [(f == k).astype(float) for k in range(2)]
    if name == "intercept beside all levels":
        both = [term("g", g, [None]), term("g", g, levels)]
        return design(y, [None, x], both), design(y, [None, x], both[1:])
    groups = [(g == k).astype(float) for k in range(9)]
    return design(y, [*groups, x], [term("g", g, [None, x])]), design(y, [*groups, x], [term("g", g, [x])])


def test_variances_that_two_terms_share_have_no_standard_errors():
    flat, unique = (maximise_exact(d, "ml") for d in ridge("intercept beside all levels"))
    near(flat.loglik, unique.loglik, 1e-8)
    assert flat.status.converged
    assert flat.status.not_unique == ("(Intercept | g)", "(x0 + x1 | g)")
    assert "not unique" in flat.status.advice
    found, expected = flat.variance_parameters(), unique.variance_parameters()
    assert np.isnan(found.vcov[:-1]).all()
    near(found.vcov[-1, -1], expected.vcov[-1, -1], 1e-6)
    assert unique.status.not_unique == ()
    assert unique.status.advice == ""
    assert np.isfinite(expected.vcov).all()


def test_what_the_fixed_part_takes_from_reml_has_no_standard_error():
    flat, unique = (maximise_exact(d, "reml") for d in ridge("groups in the fixed part"))
    near(flat.loglik, unique.loglik, 1e-8)
    assert flat.status.not_unique == ("(Intercept + x1 | g)",)
    found, expected = flat.variance_parameters(), unique.variance_parameters()
    assert found.names == ((0, 0, 0), (0, 1, 1), (0, 1, 0), "sigma2")
    assert np.isnan(found.vcov[[0, 2]]).all()
    near(found.vcov[np.ix_([1, 3], [1, 3])], expected.vcov, 1e-6)


def test_a_large_variance_beside_a_small_one_is_not_flat():
    rng = np.random.default_rng(2)
    n = 40_000
    g, h = np.arange(n) % 8, np.arange(n) // 8 % 10
    y = 1e3 * rng.normal(size=8)[g] + 0.05 * rng.normal(size=10)[h] + rng.normal(size=n)
    s = maximise_exact(design(y, [None], [term("g", g, [None]), term("h", h, [None])]), "ml")
    eigenvalues = s.status.hessian_eigenvalues
    assert eigenvalues[0] < 1e-8 * eigenvalues[-1]
    assert s.flat_terms == ()
    G = s.covariances[0][0, 0]
    near(s.variance_parameters().vcov[0, 0] / (2.0 * G**2 / 8), 1.0, 0.01)


def columns_of(q: int, structure: str) -> RandomColumns:
    names = ("Intercept", "x", "f[a]")[:q]
    return RandomColumns("g", pd.Index(["a"]), np.zeros(1, np.int64), names, (None,) * q, COVARIANCES[structure])


@pytest.mark.parametrize(
    ("structure", "G", "addresses"),
    [
        ("unstructured", np.zeros((1, 1)), ["sd(Intercept | g)"]),
        ("unstructured", np.zeros((2, 2)), ["sd(Intercept | g)", "sd(x | g)"]),
        ("unstructured", np.diag([4.0, 0.0]), ["sd(x | g)"]),
        ("unstructured", np.array([[4.0, 6.0], [6.0, 9.0]]), ["corr(Intercept, x | g)"]),
        ("unstructured", np.array([[4.0, -6.0], [-6.0, 9.0]]), ["corr(Intercept, x | g)"]),
        ("unstructured", np.array([[4.0, 0, 6], [0, 0, 0], [6, 0, 9]]), ["sd(x | g)", "corr(Intercept, f[a] | g)"]),
        ("unstructured", np.array([[1.0, 0, 1], [0, 1, 1], [1, 1, 2]]), ["corr(g)"]),
        ("unstructured", np.array([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]]), ["corr(Intercept, x | g)"]),
        ("independent", np.diag([0.0, 1.0, 0.0]), ["sd(Intercept | g)", "sd(f[a] | g)"]),
        ("identity", np.zeros((2, 2)), ["sd(g)"]),
        ("identity", np.zeros((1, 1)), ["sd(Intercept | g)"]),
        ("exchangeable", np.zeros((3, 3)), ["sd(g)"]),
        ("exchangeable", np.ones((3, 3)), ["corr(g)"]),
        ("exchangeable", np.eye(3) - 1.0 / 3.0, ["corr(g)"]),
    ],
)
def test_addresses_of_boundaries(structure, G, addresses):
    assert boundary_addresses(columns_of(len(G), structure), G) == addresses
