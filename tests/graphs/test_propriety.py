"""Improper posteriors are refused, proper ones are not."""

import numpy as np
import pytest

from bayesml.distributions import Flat, HalfNormal
from bayesml.errors import NotIdentified
from bayesml.graphs.propriety import require_proper
from bayesml.graphs.roles import build_graph
from bayesml.syntax.model import Model
from tests.graphs.designs import design, term


def graph(rng, levels, n=12, priors=None):
    arrays = design(
        rng.normal(size=n), (None,), ("Intercept",), [term("g", np.arange(n) % levels, ("Intercept",), (None,))]
    )
    return build_graph(Model("y ~ 1 + (1 | g)", priors=priors), arrays)


@pytest.mark.parametrize("priors", ["flat", {"sd(g)": Flat()}])
def test_flat_sd_needs_three_levels(rng, priors):
    with pytest.raises(NotIdentified, match=r"`sd\(Intercept \| g\)`.*`g` has 2 levels, and 3 are needed"):
        require_proper(graph(rng, 2, priors=priors))
    require_proper(graph(rng, 3, priors=priors))


def test_proper_priors_are_proper_with_two_levels(rng):
    require_proper(graph(rng, 2))
    require_proper(graph(rng, 2, priors={"sd(g)": HalfNormal(1)}))
    require_proper(graph(rng, 2, priors="stata"))


def test_flat_sigma_needs_rows(rng):
    columns = (None, *np.eye(4)[:2])
    arrays = design(rng.normal(size=4), columns, ("Intercept", "a", "b"), ())
    with pytest.raises(NotIdentified, match=r"`sigma`.*4 rows are too few for 3"):
        require_proper(build_graph(Model("y ~ a + b", priors="flat"), arrays))
    require_proper(build_graph(Model("y ~ a + b"), arrays))
    require_proper(graph(rng, 3, n=4, priors="flat"))


def binary(y, priors):
    codes = np.repeat(np.arange(4), 3)
    arrays = design(np.array(y, float), (None,), ("Intercept",), [term("g", codes, ("Intercept",), (None,))])
    return build_graph(Model("y ~ 1 + (1 | g)", family="bernoulli", priors=priors), arrays)


def test_levels_at_one_end_do_not_hold_a_flat_sd():
    two_hold = [0, 1, 0, 1, 1, 0, 1, 1, 1, 0, 0, 0]
    with pytest.raises(NotIdentified, match="4 levels, of which 2 have responses that are not all at one end"):
        require_proper(binary(two_hold, "flat"))
    require_proper(binary(two_hold, None))
    require_proper(binary([0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 0, 0], "flat"))


def test_counts_of_zero_do_not_hold_a_flat_sd():
    codes = np.repeat(np.arange(3), 2)
    for y, proper in (([0, 0, 1, 2, 3, 1], False), ([0, 1, 1, 2, 3, 1], True)):
        arrays = design(np.array(y, float), (None,), ("Intercept",), [term("g", codes, ("Intercept",), (None,))])
        graph = build_graph(Model("y ~ 1 + (1 | g)", family="poisson", priors={"sd(g)": Flat()}), arrays)
        if proper:
            require_proper(graph)
        else:
            with pytest.raises(NotIdentified, match="of which 2 have"):
                require_proper(graph)
