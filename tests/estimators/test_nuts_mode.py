"""The mode that chains start from."""

import numpy as np
from numpy.testing import assert_allclose

from bayesml.estimators.nuts_mode import MAX_SIZE, find_mode


def test_normal_density_in_one_step_whatever_its_scale(rng):
    for scale in (1e-9, 1.0, 1e9):
        root = np.tril(rng.normal(size=(3, 3))) + 2 * np.eye(3)
        covariance = scale**2 * root @ root.T
        centre = scale * rng.normal(size=3)
        precision = np.linalg.inv(covariance)

        def evaluate(x, centre=centre, precision=precision):
            return -0.5 * (x - centre) @ precision @ (x - centre), -precision @ (x - centre)

        mode = find_mode(evaluate, np.zeros(3))
        assert mode.converged
        sds = np.sqrt(np.diag(covariance))
        assert np.abs((mode.x - centre) / sds).max() < 2e-3
        assert_allclose(mode.covariance, covariance, rtol=1e-4)
        scale = mode.affine.scale.toarray()
        assert_allclose(scale @ scale.T, covariance, rtol=1e-4)


def test_density_that_is_not_concave_at_the_start():
    def evaluate(x):
        """Student t of 3 degrees of freedom, far out in the tail."""
        r = x - 5.0
        return -2.0 * np.log1p(r @ r / 3.0), -4.0 * r / (3.0 + r @ r)

    mode = find_mode(evaluate, np.array([40.0]))
    assert mode.converged
    assert_allclose(mode.x, 5.0, atol=1e-4)


def test_steps_stay_where_the_density_is_finite():
    def evaluate(x):
        """log Gamma(3, 1) in x > 0."""
        if x[0] <= 0:
            return np.nan, np.full(1, np.nan)
        return 2.0 * np.log(x[0]) - x[0], 2.0 / x - 1.0

    mode = find_mode(evaluate, np.array([0.05]))
    assert mode.converged
    assert_allclose(mode.x, 2.0, atol=1e-3)


def test_no_mode_without_a_start_or_with_too_many_parameters():
    assert find_mode(lambda x: (np.nan, np.full(1, np.nan)), np.zeros(1)) is None
    assert find_mode(lambda x: (0.0, np.zeros(len(x))), np.zeros(MAX_SIZE + 1)) is None
