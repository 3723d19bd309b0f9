import numpy as np
import pytest
from scipy import stats

import bayesml as bml
from bayesml.results.chibar2 import ChiBarSquare, orthant_mixture, score_covariance, without_random
from tests import fitted_models as models


def test_one_variance_halves_the_p_value():
    null = ChiBarSquare.half(0)
    assert null.p(2.7) == pytest.approx(stats.chi2.sf(2.7, 1) / 2)
    assert null.p(0.0) == 1.0
    assert null.report(2.7) == "chibar2(01) = 2.70, p = 0.050"


def test_one_more_correlated_column():
    assert ChiBarSquare.half(1).p(5.0) == pytest.approx((stats.chi2.sf(5, 1) + stats.chi2.sf(5, 2)) / 2)


def test_further_restrictions_shift_the_degrees_of_freedom():
    assert ChiBarSquare.half(0).shifted(2).weights == ((2, 0.5), (3, 0.5))


def test_conservative_tests_say_so():
    assert ChiBarSquare.chi2(3, conservative=True).report(9.0).endswith("(conservative: the true p is smaller)")


def simulated_weights(information: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Frequencies of the number of positive entries of the projection of N(0, V) on the positive orthant."""
    K = len(information)
    V = np.linalg.inv(information)
    draws = rng.multivariate_normal(np.zeros(K), V, size=40_000)
    best, count = np.full(len(draws), np.inf), np.zeros(len(draws), int)
    for pattern in range(2**K):
        free = [(pattern >> k) & 1 == 1 for k in range(K)]
        bound = [not f for f in free]
        # The minimum of (x - d)'I(x - d) with the bound entries at 0.
        x = np.zeros_like(draws)
        if any(free):
            cross = np.linalg.solve(information[np.ix_(free, free)], information[np.ix_(free, bound)])
            x[:, free] = draws[:, free] + draws[:, bound] @ cross.T
        distance = np.einsum("ni,ij,nj->n", x - draws, information, x - draws)
        better = (x >= 0).all(axis=1) & (distance < best)
        best[better], count[better] = distance[better], sum(free)
    return np.bincount(count, minlength=K + 1) / len(draws)


@pytest.mark.parametrize(
    "information",
    [
        np.array([[2.0, 0.9], [0.9, 1.0]]),
        np.array([[2.0, -0.9], [-0.9, 1.0]]),
        np.array([[2.0, 0.5, -0.3], [0.5, 1.0, 0.2], [-0.3, 0.2, 1.5]]),
    ],
)
def test_weights_agree_with_simulation(information, rng):
    weights = dict(orthant_mixture(information).weights)
    assert sum(weights.values()) == pytest.approx(1.0)
    simulated = simulated_weights(information, rng)
    ours = np.array([weights[j] for j in range(len(information) + 1)])
    assert ours == pytest.approx(simulated, abs=0.012)


@pytest.mark.parametrize(
    "model",
    [
        ("penicillin", models.PENICILLIN),
        ("machines", models.MACHINES),
        ("sleepstudy", models.SLEEP_INDEPENDENT, "ml"),
        ("machines", models.MACHINES_COLUMNS, "ml", "identity"),
    ],
)
def test_score_covariance_agrees_with_dense_traces(model):
    design = models.fit(*model).design
    X, n = design.X, design.nobs
    P = np.eye(n) - X @ np.linalg.solve(X.T @ X, X.T)
    changes = []
    for term in design.random:
        same = term.codes[:, None] == term.codes
        columns = [same * np.outer(z, z) for z in term.Z.T]
        changes += [sum(columns)] if term.covariance.common_sd else columns
    products = [P @ A for A in changes]
    full = np.array([[np.trace(A @ B) for B in products] for A in products])
    with_sigma = np.array([np.trace(A) for A in products])
    expected = full - np.outer(with_sigma, with_sigma) / (n - X.shape[1])
    assert score_covariance(design) == pytest.approx(expected, rel=1e-9)
    assert score_covariance(design, sigma_free=False) == pytest.approx(full, rel=1e-9)


def test_null_against_no_random_effects():
    assert without_random(models.fit("dyestuff2", models.DYESTUFF).design) == ChiBarSquare.half(0)
    assert without_random(models.fit("sleepstudy", models.SLEEP).design) == ChiBarSquare.chi2(3, conservative=True)
    crossed = without_random(models.fit("penicillin", models.PENICILLIN).design)
    assert [df for df, _ in crossed.weights] == [0, 1, 2]
    assert not crossed.conservative


def test_weights_do_not_depend_on_the_origin_of_a_covariate():
    table = bml.datasets.load("sleepstudy")
    near, far = (
        score_covariance(bml.fit("Reaction ~ x + (Days || Subject)", table.assign(x=table["Days"] + shift)).design)
        for shift in (0.0, 1e8)
    )
    assert far == pytest.approx(near, rel=1e-6)


def test_weights_of_rows_enter():
    table = bml.datasets.load("penicillin")
    doubled = bml.fit(models.PENICILLIN, table.loc[table.index.repeat(2)].reset_index(drop=True))
    weighted = bml.fit(models.PENICILLIN, table.assign(w=2.0), weights="w")
    # Twice the rows are twice the weight, but for the degrees of freedom of sigma.
    ours, theirs = (dict(without_random(fit.design).weights)[2] for fit in (weighted, doubled))
    assert ours == pytest.approx(theirs, abs=0.01)
