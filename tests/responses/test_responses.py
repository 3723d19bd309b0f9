"""A battery over all responses."""

import numpy as np
import pytest

from bayesml.families import FAMILIES
from bayesml.links import LINKS
from bayesml.responses import PLAIN, RESPONSES

WITH_VARIANTS = [PLAIN, *(r for response in RESPONSES.values() for r in (response, *response.variants))]


@pytest.mark.parametrize("name", RESPONSES)
def test_registered_under_the_name_of_its_call(name):
    assert RESPONSES[name].name == name
    for variant in RESPONSES[name].variants:
        assert variant.name == name
        assert RESPONSES[name].taking(len(variant.arguments)) is variant


@pytest.mark.parametrize("response", WITH_VARIANTS, ids=lambda r: r.written)
def test_says_which_arguments_it_has(response):
    assert response.subject in response.arguments
    assert set(response.defaults) | set(response.missing_allowed) | set(response.codes) <= set(response.arguments)
    assert response.inputs[0] == "y"
    assert response.refusal(FAMILIES["gaussian"]) is None or response.counts_trials


@pytest.mark.parametrize("response", [PLAIN, RESPONSES["known_sd"]])
def test_observed_rows_contribute_their_density(response):
    family = FAMILIES["gaussian"]
    parameters = family.at(LINKS["identity"], [np.zeros(3)], [1.0], np)
    y = np.array([-1.0, 0.0, 2.0])
    arrays = response.arrays({"y": y, "sd": np.ones(3)})
    np.testing.assert_array_equal(
        response.log_density(family, arrays, parameters, np), family.log_density(y, parameters, np)
    )


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_known_sd_must_be_positive(bad):
    response = RESPONSES["known_sd"]
    (problem,) = response.problems({"sd": np.array([1.0, bad])})
    assert problem.rows.tolist() == [False, True]


def test_only_known_sd_fixes_the_scale():
    assert {response.name for response in WITH_VARIANTS if response.fixes_scale} == {"known_sd"}
