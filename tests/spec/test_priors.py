"""Priors as a value: what users may write, and what is refused."""

import tomllib

import pytest

from bayesml.distributions import DISTRIBUTIONS, Fixed, Normal
from bayesml.errors import SpecificationError
from bayesml.spec.priors import DEFAULT_SET, Priors, prior_set_text, prior_sets


def test_what_users_write():
    assert Priors.of(None) == Priors() == Priors(DEFAULT_SET)
    assert Priors.of("flat") == Priors("flat")
    assert Priors.of({"Days": Normal(0, 10)}) == Priors(given=(("Days", Normal(0, 10)),))
    assert Priors.of(Priors("flat")) == Priors("flat")


def test_a_set_with_priors_that_replace_some_of_its_own():
    assert Priors("flat", {"Days": Normal(0, 10)}) == Priors("flat", (("Days", Normal(0, 10)),))


def test_order_of_the_given_priors_does_not_matter():
    a, b = ("a", Normal(0, 1)), ("b", Normal(0, 2))
    assert Priors.of(dict([a, b])) == Priors.of(dict([b, a]))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("weak", "'flat', 'stata', 'weakly_informative'"),
        ({"Days": 3}, r"`Days` is 3: give a distribution"),
        ({3: Normal(0, 1)}, "by address"),
        (4.5, "name of a set"),
        (["flat"], "name of a set"),
    ],
)
def test_refused(value, message):
    with pytest.raises(SpecificationError, match=message):
        Priors.of(value)


def test_whether_only_values_are_held():
    assert Priors().only_fixes
    assert Priors.of({"sigma": Fixed(1)}).only_fixes
    assert not Priors.of({"sigma": Fixed(1), "Days": Normal(0, 1)}).only_fixes
    assert not Priors.of("flat").only_fixes


def test_text():
    assert str(Priors.of({"Days": Normal(0, 10)})) == "weakly_informative, Days ~ Normal(0, 10)"


@pytest.mark.parametrize("name", prior_sets())
def test_files_state_scale_and_source_and_hold_known_distributions(name):
    content = tomllib.loads(prior_set_text(name))
    assert content["name"] == name
    assert content["scale"].strip()
    assert content["source"].strip()
    assert {"intercept", "coefficient", "residual_sd", "random_sd", "correlation"} <= set(content["priors"])
    for entry in content["priors"].values():
        assert isinstance(entry["scaled"], bool)
        DISTRIBUTIONS[entry["distribution"]](**entry.get("numbers", {}))
