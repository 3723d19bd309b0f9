"""Starting values lie inside the support of priors, and are those of the variables that priors are made of."""

import numpy as np
import pytest

from bayesml.distributions import (
    Beta,
    Fixed,
    Flat,
    Gamma,
    HalfFlat,
    HalfNormal,
    InverseGamma,
    Normal,
    OnPrecision,
    OnVariance,
    Truncated,
)
from bayesml.estimators.nuts_start import interior, pieces

INSIDE = [
    (Normal(0, 1), 3.0), (HalfNormal(1), 2.0), (Truncated(Normal(0, 1), lower=0), 0.5), (Beta(1, 1), 0.5),
    (Fixed(2), 0.0),
]  # fmt: skip
MOVED = [
    (Truncated(Normal(0, 1), lower=0), 0.0), (Truncated(Normal(0, 1), lower=0), -3.0), (Beta(1, 1), 4.0),
    (Truncated(Normal(0, 1), upper=-1), 2.0), (Truncated(Flat(), lower=5), 0.0), (Truncated(Flat(), upper=-5), 0.0),
    (Truncated(HalfFlat(), upper=3), 3.0), (Truncated(OnVariance(InverseGamma(1, 1)), lower=2), 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("prior", "value"), INSIDE, ids=str)
def test_values_inside_stay(prior, value):
    assert interior(prior, value) == value


@pytest.mark.parametrize(("prior", "value"), MOVED, ids=str)
def test_values_outside_are_moved_in(prior, value):
    lower, upper = prior.support
    found = interior(prior, value)
    assert lower < found < upper
    assert np.isfinite(prior.log_density(found))


def test_pieces_of_a_vector():
    priors = [HalfNormal(1), OnPrecision(Gamma(1, 1)), HalfNormal(2)]
    found = pieces("sd", priors, np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(found["sd_HalfNormal"], [1, 3])
    np.testing.assert_allclose(found["sd_OnPrecision(Gamma)_precision"], [0.25])
