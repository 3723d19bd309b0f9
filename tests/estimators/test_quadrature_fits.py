"""Fits by quadrature: the rules agree, ends on the boundary, speed of the search."""

import warnings

import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.errors import SpecificationError

CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


@pytest.fixture(scope="module")
def cbpp():
    return bml.datasets.load("cbpp")


@pytest.fixture(scope="module")
def fits(cbpp):
    rules = {("laplace", 7), ("aghq", 1), ("aghq", 25), ("mvaghq", 25), ("ghq", 60)}
    return {rule: bml.fit(CBPP, cbpp, family="binomial", integration=rule[0], points=rule[1]) for rule in rules}


def test_one_point_is_laplace(fits):
    one, laplace = fits["aghq", 1], fits["laplace", 7]
    assert one.loglik == pytest.approx(laplace.loglik, abs=1e-9)
    np.testing.assert_allclose(one.fixef, laplace.fixef, rtol=1e-5)
    np.testing.assert_allclose(one.se, laplace.se, rtol=1e-5)


@pytest.mark.parametrize("rule", [("mvaghq", 25), ("ghq", 60)])
def test_rules_agree_with_many_points(fits, rule):
    other, adapted = fits[rule], fits["aghq", 25]
    assert other.loglik == pytest.approx(adapted.loglik, abs=1e-7)
    np.testing.assert_allclose(other.fixef, adapted.fixef, rtol=1e-5)
    np.testing.assert_allclose(other.se, adapted.se, rtol=1e-4)
    np.testing.assert_allclose(other.varcorr["vcov"], adapted.varcorr["vcov"], rtol=1e-4)


def test_the_header_names_rule_and_points(fits):
    assert fits["aghq", 25].integration == "AGHQ (25 points)"
    assert fits["mvaghq", 25].integration == "mean-variance AGHQ (25 points)"
    assert "GHQ (60 points)" in str(fits["ghq", 60].summary())
    assert fits["aghq", 1].integration == "AGHQ (1 point)"


def test_nodes_of_mean_and_variance_are_where_they_say(cbpp):
    """Adapting the nodes once more at the estimates moves nothing."""
    fit = bml.fit(CBPP, cbpp, family="binomial", integration="mvaghq", points=4)
    objective, point = fit.solution.objective, fit.solution.optimum.point
    before = [part.copy() for part in objective.nodes[0]]
    assert not objective.moved(point)
    np.testing.assert_allclose(objective.nodes[0][0], before[0], atol=1e-4)
    np.testing.assert_allclose(objective.nodes[0][1], before[1], atol=1e-4)
    mean, cov = objective.moments(point)
    T = objective.maps[0] @ objective.relative_roots(point.roots)[0]
    order = np.argsort(objective.nest.sorting[0])
    np.testing.assert_allclose(mean[0], objective.nodes[0][0][0][order] @ T.T, atol=1e-4)
    np.testing.assert_allclose(cov[0], (objective.nodes[0][1][0][order] * T) ** 2, atol=1e-4)


def test_means_are_beside_the_modes(fits):
    means = bml.ranef(fits["aghq", 25], "mean")["herd"]
    modes = bml.ranef(fits["aghq", 25], "mode")["herd"]
    apart = np.abs(means["mean"].to_numpy() - modes["mode"].to_numpy()).max()
    assert 1e-3 < apart < 0.1


@pytest.mark.parametrize("integration", ["aghq", "mvaghq", "ghq"])
@pytest.mark.parametrize("random", ["(1 | g)", "(x | g)", "(1 | h/g)"])
def test_variances_that_are_zero(integration, random):
    """No variation between groups: the estimates are those of the model without random effects, at the boundary."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"y": rng.poisson(3, 200), "x": rng.normal(size=200), "g": np.arange(200) // 10})
    frame["h"] = frame["g"] // 4
    fit = bml.fit(f"y ~ x + {random}", frame, family="poisson", integration=integration, points=5)
    without = bml.fit("y ~ x", frame, family="poisson")
    assert fit.converged
    assert fit.boundary
    assert fit.loglik == pytest.approx(without.loglik, abs=1e-8)


def test_a_start_at_zero_is_left(cbpp):
    """The slope in G at zero leads off it."""
    fit = bml.fit(CBPP, cbpp, family="binomial", integration="aghq", points=9)
    ascent, point = fit.solution.ascent, fit.solution.optimum.point
    structure = fit.design.random[0].covariance
    again = ascent.run([structure.chart(np.zeros((1, 1)))], point.extra)
    assert again.point.value == pytest.approx(fit.loglik, abs=1e-8)


def test_few_evaluations(fits):
    """From Laplace's maximum and Hessian a quadrature needs hardly more than its own Hessian at the end."""
    assert fits["aghq", 25].status.evaluations <= 12


def test_linear_models_are_integrated_exactly():
    """Three points integrate what is normal; the likelihood is that of the exact integral."""
    sleep = bml.datasets.load("sleepstudy")
    exact = bml.fit("Reaction ~ Days + (Days | Subject)", sleep, criterion="ml")
    for integration, points in (("aghq", 3), ("mvaghq", 3)):
        fit = bml.fit("Reaction ~ Days + (Days | Subject)", sleep, integration=integration, points=points)
        assert fit.loglik == pytest.approx(exact.loglik, abs=1e-8)


def test_points_by_level():
    frame = bml.datasets.load("mmmec")
    formula = "deaths ~ uvb + offset(logexp) + (1 | nation/region)"
    by_level = bml.fit(formula, frame, family="poisson", integration="aghq", points=(9, 5))
    assert by_level.integration == "AGHQ (9 × 5 points)"
    same = bml.fit(formula, frame, family="poisson", integration="aghq", points=9)
    assert by_level.loglik == pytest.approx(same.loglik, abs=1e-4)
    assert by_level.loglik != same.loglik


def test_points_without_quadrature_are_refused(cbpp):
    with pytest.raises(SpecificationError, match='is for `integration="aghq"`'):
        bml.fit(CBPP, cbpp, family="binomial", points=9)


def test_a_posterior_mode_by_quadrature(cbpp):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = bml.fit(CBPP, cbpp, family="binomial", criterion="map", priors="flat", integration="aghq", points=9)
    ml = bml.fit(CBPP, cbpp, family="binomial", integration="aghq", points=9)
    np.testing.assert_allclose(fit.fixef, ml.fixef, rtol=1e-4)
