"""Laplace's log likelihood, corrected by importance ratios, is that of quadrature."""

import numpy as np
import pytest

import bayesml as bml
from bayesml.errors import RefusedTest, SpecificationError
from bayesml.estimators.laplace_ratios import laplace_ratios, laplace_system
from bayesml.estimators.quadrature import QuadratureRule
from bayesml.post.laplace_error import corrections


@pytest.fixture(scope="module")
def epil():
    return bml.fit("y ~ lbase + trt + (1 | subject)", bml.datasets.load("epil"), family="poisson")


@pytest.fixture(scope="module")
def cbpp():
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    return bml.fit(formula, bml.datasets.load("cbpp"), family="binomial")


@pytest.fixture(scope="module")
def nested():
    """A region in a nation, few of the latter."""
    formula = "deaths ~ uvb + offset(logexp) + (1 | nation/region)"
    return bml.fit(formula, bml.datasets.load("mmmec"), family="poisson")


def by_quadrature(fit, points):
    solution = fit.solution
    rule = QuadratureRule("aghq", points)
    objective = rule.objective(solution.system, solution.design, solution.objective.ancillaries, solution.held)
    return objective(solution.optimum.point.roots, solution.optimum.point.extra).value


@pytest.mark.parametrize("name", ["cbpp", "epil", "nested"])
def test_corrected_is_the_log_likelihood_by_quadrature(name, request):
    fit = request.getfixturevalue(name)
    found = bml.laplace_error(fit, random_seed=1)
    assert found.laplace == pytest.approx(fit.loglik, abs=1e-7)
    assert found.error < 0.01
    assert abs(found.corrected - by_quadrature(fit, 25)) < 3.0 * found.error
    assert abs(found.correction) > 3.0 * found.error  # there is something to correct


def test_error_is_that_of_repeated_draws(epil):
    """Over seeds the corrected value scatters as its error says."""
    found = [bml.laplace_error(epil, draws=400, random_seed=seed) for seed in range(20)]
    scatter = np.std([one.corrected for one in found], ddof=1)
    assert 0.5 < scatter / np.mean([one.error for one in found]) < 2.0


def test_groups_sum_to_the_whole(nested):
    found = bml.laplace_error(nested, draws=200, random_seed=2)
    assert list(found.groups.index) == list(nested.ranef["nation"].index)
    assert found.groups.index.name == "nation"
    assert found.groups["laplace"].sum() == pytest.approx(found.laplace)
    assert found.laplace + found.groups["correction"].sum() == pytest.approx(found.corrected)
    assert np.isfinite(found.groups.to_numpy()).all()


def test_same_seed_same_numbers(epil):
    first, second = (bml.laplace_error(epil, draws=200, random_seed=3) for _ in range(2))
    assert first.corrected == second.corrected
    assert "Error of Laplace's approximation" in repr(first)
    assert "Pareto k" in first._repr_html_()


def test_a_normal_joint_density_has_ratios_of_one(rng):
    """In a linear model the random effects are normal given the rows, and Laplace's log likelihood is exact."""
    fit = bml.fit("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"), criterion="ml")
    solution = fit.solution
    found = laplace_ratios(
        fit.graph, laplace_system(fit.graph), solution.beta, solution.covariances, np.array([fit.sigma]), 100, rng
    )
    assert found.laplace.sum() == pytest.approx(fit.loglik, abs=1e-8)
    assert np.abs(found.log_ratios).max() < 1e-9


def test_few_rows_a_group_are_told():
    """One failure in a few trials: far from normal."""
    rng = np.random.default_rng(0)
    rows = 240
    data = {"y": rng.binomial(1, 0.5, rows), "g": np.arange(rows) // 3}
    data["y"][rng.permutation(rows)[:90]] = 0
    fit = bml.fit("y ~ 1 + (1 | g)", data, family="bernoulli", priors={"sd(g)": bml.Fixed(3.0)})
    found = bml.laplace_error(fit, random_seed=5)
    assert 'integration="aghq"' in found.advice


def test_crossed_factors_are_refused():
    frame = bml.datasets.load("verbagg").query("item in ['S1WantCurse', 'S1DoCurse', 'S1DoScold']")
    fit = bml.fit("r2n ~ 1 + (1 | id) + (1 | item)", frame, family="bernoulli")
    with pytest.raises(RefusedTest, match=r"id, item are crossed.*bml\.sample"):
        bml.laplace_error(fit)


def test_exact_integrals_and_few_draws_are_refused(epil):
    linear = bml.fit("Reaction ~ Days + (1 | Subject)", bml.datasets.load("sleepstudy"))
    with pytest.raises(SpecificationError, match="exact: nothing was approximated"):
        bml.laplace_error(linear)
    with pytest.raises(SpecificationError, match="at least 100"):
        bml.laplace_error(epil, draws=10)


def test_pareto_k_is_that_of_large_ratios(rng):
    """Ratios whose upper tail falls like r^(-1 / k), with k = 0.8; their inverses are bounded."""
    log_ratios = 0.8 * rng.exponential(size=(20_000, 9))
    assert corrections(np.zeros(9), log_ratios)["pareto_k"].mean() == pytest.approx(0.8, abs=0.1)
