"""Roles of a graph: what plays which part, without PyTensor."""

import subprocess
import sys

import numpy as np
import pytest

from bayesml.distributions import Fixed
from bayesml.graphs.roles import term_suffixes
from tests.graphs.designs import factor_by_group, growth


def test_terms_of_one_group_are_numbered():
    assert term_suffixes(["g", "h", "g", "a:b", "g"]) == ["g", "h", "g_2", "a:b", "g_3"]
    assert term_suffixes(["g", "g_2", "g"]) == ["g", "g_2", "g_3"]
    assert term_suffixes(["a/b"]) == ["a_b"]


def test_counts_of_covariance_parameters(rng):
    counts = {
        name: (role.n_sds, role.n_correlations)
        for name in ("unstructured", "independent", "identity", "exchangeable")
        for role in [factor_by_group(rng, name).random[0]]
    }
    assert counts == {"unstructured": (3, 3), "independent": (3, 0), "identity": (1, 0), "exchangeable": (1, 1)}


def test_pairs_are_in_the_order_of_the_lower_triangle(rng):
    role = factor_by_group(rng, "unstructured").random[0]
    assert role.pairs == ("f[a], f[b]", "f[a], f[c]", "f[b], f[c]")


def test_scale_of_rows(rng):
    graph = factor_by_group(rng)
    np.testing.assert_allclose(graph.residual_scale, graph.design.weights**-0.5)
    assert growth(rng).residual_scale is None
    sd = np.full(40, 2.0)
    known = growth(rng, "known_sd(y, s) ~ x + (x | g)", known_sd=sd)
    assert known.residual_scale is sd
    assert not known.has_scale
    assert known.priors.sigma is None


def test_held_values_need_no_prior_set(rng, monkeypatch):
    graph = growth(rng, priors={"sigma": Fixed(2), "sd(x | g)": Fixed(0)})
    monkeypatch.setattr("bayesml.graphs.prior_numbers.prior_set", pytest.fail)
    assert graph.held == {"sigma": 2.0, "sd(x | g)": 0.0}
    assert graph.fixed_sigma == 2.0
    assert not graph.scale_is_free
    assert growth(rng).held == {}


def test_predictors_and_coefficients(rng):
    graph = growth(rng)
    assert graph.predictors == ("mu",)
    assert graph.fixed == ("Intercept", "x")


def test_roles_load_no_graph_library():
    # scipy.special, which a fit needs anyway, comes with the links
    code = (
        "import sys, bayesml.graphs.roles, bayesml.syntax.model; "
        "print([m for m in ('pytensor', 'pymc', 'scipy.optimize', 'scipy.stats') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
