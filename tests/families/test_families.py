"""A battery over all families: densities against SciPy, tails, moments, and what they declare."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from scipy import integrate, stats

from bayesml.families import FAMILIES, FAMILY_SYNONYMS
from bayesml.links import LINKS

PYTHON = Mode(linker="py", optimizer="fast_compile")
CASES = {"gaussian": ({"mu": 1.5, "sigma": 2.0}, stats.norm(1.5, 2.0))}


@pytest.fixture(params=FAMILIES.values(), ids=list(FAMILIES))
def family(request):
    return request.param


def evaluated(function, y, parameters):
    at = pt.vector("y")
    tensors = {name: pt.as_tensor(np.asarray(value, dtype=float)) for name, value in parameters.items()}
    return function(at, tensors, pt).eval({at: np.asarray(y, dtype=float)}, mode=PYTHON)


def test_every_family_is_in_the_battery():
    assert set(CASES) == set(FAMILIES)


def test_functions_are_those_of_scipy(family):
    parameters, reference = CASES[family.name]
    y = reference.ppf(np.linspace(0.01, 0.99, 21))
    np.testing.assert_allclose(evaluated(family.log_density, y, parameters), reference.logpdf(y), rtol=1e-12)
    np.testing.assert_allclose(evaluated(family.log_distribution, y, parameters), reference.logcdf(y), rtol=1e-12)
    np.testing.assert_allclose(evaluated(family.log_survivor, y, parameters), reference.logsf(y), rtol=1e-12)


def test_tails_are_right_far_out(family):
    parameters, reference = CASES[family.name]
    y = np.array([-700.0, -60.0, 60.0, 700.0])
    np.testing.assert_allclose(
        evaluated(family.log_distribution, y, parameters), reference.logcdf(y), rtol=1e-10, atol=1e-300
    )
    np.testing.assert_allclose(
        evaluated(family.log_survivor, y, parameters), reference.logsf(y), rtol=1e-10, atol=1e-300
    )


def test_slopes_of_the_tails_are_finite_and_right(family):
    parameters, reference = CASES[family.name]
    for y in (-60.0, -1.0, 1.5, 4.0, 60.0):
        at = pt.scalar("y")
        tensors = {name: pt.as_tensor(np.asarray(value, dtype=float)) for name, value in parameters.items()}
        slope = pt.grad(family.log_survivor(at, tensors, pt), at).eval({at: y}, mode=PYTHON)
        assert slope == pytest.approx(-np.exp(reference.logpdf(y) - reference.logsf(y)), rel=1e-9)


def test_density_integrates_to_one(family):
    parameters, _ = CASES[family.name]
    lower, upper = family.support
    numbers = {name: np.asarray(value) for name, value in parameters.items()}
    total, _ = integrate.quad(lambda y: np.exp(family.log_density(y, numbers, np)), lower, upper)
    assert total == pytest.approx(1, abs=1e-9)


def test_simulated_moments(family, rng):
    parameters, reference = CASES[family.name]
    y = family.simulate(rng, {name: np.full(40_000, value) for name, value in parameters.items()})
    assert y.mean() == pytest.approx(reference.mean(), abs=5 * reference.std() / 200)
    assert y.var() == pytest.approx(family.variance(np.asarray(reference.mean()), parameters["sigma"]), rel=0.05)


def test_observed_has_the_density_of_the_family(family):
    parameters, reference = CASES[family.name]
    y = reference.ppf(np.linspace(0.1, 0.9, 5))
    with pm.Model() as model:
        family.observed(pm, "y", parameters, observed=y)
    total = model.compile_logp(mode=PYTHON)({})
    assert total == pytest.approx(reference.logpdf(y).sum())


def test_declarations_hold_together(family):
    assert family.default_link in LINKS
    assert family.exact_links <= set(family.links)
    assert len(family.parameters) >= 1
    assert all(FAMILY_SYNONYMS[name] == family.name for name in (family.name, *family.synonyms))
    assert family == type(family)()
    assert hash(family) == hash(type(family)())


def test_gaussian_is_exact_and_has_its_variance_at_level_one():
    family = FAMILIES["gaussian"]
    assert family.exact_with(LINKS["identity"])
    assert family.latent_variance(LINKS["identity"], 3.0) == 9.0
