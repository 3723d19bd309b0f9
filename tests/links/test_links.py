"""A battery over all links: round trips, as numbers and as graphs."""

import numpy as np
import pytensor.tensor as pt
import pytest

from bayesml.links import LINKS


@pytest.mark.parametrize("link", LINKS.values(), ids=list(LINKS))
def test_round_trip(link):
    eta = np.linspace(-3, 3, 13)
    mu = link.inverse(eta, np)
    lower, upper = link.mean_support
    assert np.all((mu > lower) & (mu < upper))
    np.testing.assert_allclose(link.of(mu, np), eta, atol=1e-12)
    np.testing.assert_allclose(link.inverse(pt.as_tensor(eta), pt).eval(), mu, atol=1e-14)


@pytest.mark.parametrize("name", LINKS)
def test_registered_under_its_name(name):
    assert LINKS[name].name == name
    assert LINKS[name] == type(LINKS[name])()
