"""The LKJ distribution against its definition and against PyMC's."""

import numpy as np
import pytest
from scipy import integrate

from bayesml.distributions import LKJ, Fixed, ScaledBeta, Uniform
from bayesml.errors import SpecificationError
from bayesml.graphs.correlation import root_of_common, root_of_partials


def matrix(partials, q):
    z = np.zeros((q, q))
    z[np.tril_indices(q, -1)] = partials
    C = root_of_partials(z, q, np)
    return C @ C.T


@pytest.mark.parametrize("q", [2, 3, 4])
@pytest.mark.parametrize("eta", [0.6, 1.0, 3.0])
def test_partial_correlations_give_the_density_of_the_matrix(q, eta, rng):
    priors = LKJ(eta).partial_correlations(q, common=False)
    at = rng.uniform(-0.7, 0.7, len(priors))
    rows = np.tril_indices(q, -1)
    h = 1e-6
    jacobian = np.stack(
        [(matrix(at + h * e, q)[rows] - matrix(at - h * e, q)[rows]) / (2 * h) for e in np.eye(len(at))], axis=1
    )
    of_partials = sum(float(p.log_density(z)) for p, z in zip(priors, at, strict=True))
    expected = of_partials - np.linalg.slogdet(jacobian)[1]
    log_det = np.linalg.slogdet(matrix(at, q))[1]
    assert LKJ(eta).log_density_of(log_det, q) == pytest.approx(expected, abs=1e-7)


def test_two_columns_are_the_case_of_one_correlation():
    r = 0.3
    assert LKJ(2.5).log_density(r) == pytest.approx(LKJ(2.5).log_density_of(np.log(1 - r**2), 2))


@pytest.mark.parametrize("q", [2, 3, 5])
def test_common_correlation_has_the_determinant_density(q):
    eta = 2.5
    (prior,) = LKJ(eta).partial_correlations(q, common=True)
    grid = np.linspace(-1 / (q - 1) + 0.05, 0.95, 7)
    roots = [root_of_common(np.asarray(r), q, np) for r in grid]
    log_det = np.array([np.linalg.slogdet(C @ C.T)[1] for C in roots])
    np.testing.assert_allclose([(C @ C.T)[0, 1] for C in roots], grid, atol=1e-12)
    np.testing.assert_allclose([(C @ C.T)[0, 0] for C in roots], 1, atol=1e-12)
    difference = prior.log_density(grid) - (eta - 1) * log_det
    np.testing.assert_allclose(difference, difference[0], atol=1e-10)
    lower, upper = prior.support
    assert integrate.quad(lambda r: np.exp(prior.log_density(r)), lower, upper)[0] == pytest.approx(1)


def test_common_correlation_that_does_not_integrate_is_refused():
    with pytest.raises(SpecificationError, match="eta"):
        LKJ(0.5).partial_correlations(4, common=True)


def test_marginal_of_one_correlation():
    assert LKJ(1).marginal(2, common=False) == ScaledBeta(1, 1)
    assert LKJ(1).marginal(3, common=False) == ScaledBeta(1.5, 1.5)


@pytest.mark.parametrize("r", [-0.3, 0.0, 0.5, 1.0])
def test_equal_correlations_are_held_through_their_partial_ones(r):
    priors = Fixed(r).partial_correlations(4, common=False)
    R = matrix([p.value for p in priors], 4)
    np.testing.assert_allclose(R[np.tril_indices(4, -1)], r, atol=1e-12)


@pytest.mark.parametrize(
    ("prior", "q", "common"),
    [
        (Fixed(-0.6), 3, True),
        (Fixed(1.1), 2, False),
        (Uniform(-1, 1), 3, True),
        (Uniform(-1, 1), 3, False),
        (Uniform(-2, 1), 2, False),
    ],
)
def test_what_cannot_be_a_prior_of_correlations(prior, q, common):
    assert prior.partial_correlations(q, common) is None
