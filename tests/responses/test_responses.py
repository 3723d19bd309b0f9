"""A battery over all responses."""

import numpy as np
import pytest

from bayesml.families import FAMILIES
from bayesml.responses import PLAIN, RESPONSES


@pytest.mark.parametrize("name", RESPONSES)
def test_registered_under_the_name_of_its_call(name):
    assert RESPONSES[name].name == name
    assert len(RESPONSES[name].arguments) > 1


@pytest.mark.parametrize("response", [PLAIN, *RESPONSES.values()])
def test_observed_rows_contribute_their_density(response):
    family = FAMILIES["gaussian"]
    parameters = {"mu": np.zeros(3), "sigma": np.ones(3)}
    y = np.array([-1.0, 0.0, 2.0])
    np.testing.assert_array_equal(
        response.log_density(family, y, parameters, np), family.log_density(y, parameters, np)
    )


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_known_sd_must_be_positive(bad):
    response = RESPONSES["known_sd"]
    assert response.problem({"sd": np.array([1.0, 2.0])}) is None
    assert "1 of 2 rows" in response.problem({"sd": np.array([1.0, bad])})


def test_only_known_sd_fixes_the_scale():
    assert not PLAIN.fixes_scale
    assert RESPONSES["known_sd"].fixes_scale
