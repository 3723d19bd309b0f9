"""A battery over all distributions: density, slope, numbers and PyMC counterpart agree."""

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from scipy import integrate, stats

from bayesml.distributions import (
    DISTRIBUTIONS,
    LKJ,
    Beta,
    Cauchy,
    Exponential,
    Fixed,
    Flat,
    Gamma,
    HalfCauchy,
    HalfFlat,
    HalfNormal,
    HalfStudentT,
    Horseshoe,
    InverseGamma,
    Laplace,
    LogNormal,
    Normal,
    OnPrecision,
    OnVariance,
    ScaledBeta,
    StudentT,
    Truncated,
    Uniform,
)
from bayesml.errors import SpecificationError

PROPER = [
    Normal(1, 3), StudentT(4, -1, 2), Cauchy(0.5, 2), Laplace(1, 2), HalfNormal(3), HalfStudentT(4, 2), HalfCauchy(2),
    Exponential(0.7), Gamma(2.5, 1.5), InverseGamma(3, 2), OnVariance(InverseGamma(3.5, 2)), OnVariance(Gamma(2, 3)),
    Uniform(-2, 5), ScaledBeta(2, 3, -0.5, 1), ScaledBeta(1, 1), LKJ(2.5), LogNormal(0.3, 0.6), Beta(2, 3),
    OnPrecision(Gamma(2.5, 3)), OnPrecision(Uniform(1, 4)), OnVariance(Uniform(1, 4)),
    Truncated(Normal(1, 3), lower=0), Truncated(Normal(1, 3), upper=-1), Truncated(StudentT(4, 0, 2), -1, 6),
    Truncated(Cauchy(0, 2), lower=1), Truncated(Laplace(0, 2), -3, 1), Truncated(HalfNormal(2), upper=3),
    Truncated(HalfStudentT(3, 2), lower=1, upper=9), Truncated(HalfCauchy(2), upper=20), Truncated(Gamma(2), lower=1),
    Truncated(InverseGamma(0.5, 1), upper=8), Truncated(OnVariance(InverseGamma(2, 1)), lower=0.5),
    Truncated(OnPrecision(Gamma(2, 1)), lower=0.5, upper=2), Truncated(Exponential(2), lower=0.2),
    Truncated(LogNormal(0, 1), upper=2), Truncated(Uniform(-3, 3), lower=1), Truncated(Beta(2, 3), upper=0.5),
    Truncated(ScaledBeta(2, 3), lower=0), Truncated(Flat(), -2, 3), Truncated(HalfFlat(), upper=4),
]  # fmt: skip
PROPER += [Horseshoe(0.5), Horseshoe(0.1, slab_scale=2, slab_df=5), Horseshoe(1, 1, 3, scale=3)]
SCALARS = [p for p in PROPER if p.of == "number"]
LOCATED = [p for p in PROPER if "mu" in p.numbers and not isinstance(p, LogNormal | Truncated | HalfNormal)]
LOCATED += [Truncated(Normal(1, 3), lower=0)]
names = [str(p) for p in PROPER]
PYTHON = Mode(linker="py", optimizer="fast_compile")


def test_every_distribution_is_in_the_battery():
    assert {type(p).__name__ for p in PROPER} | {"Fixed", "Flat", "HalfFlat", "InverseWishart"} == set(DISTRIBUTIONS)


@pytest.fixture(params=PROPER, ids=names)
def prior(request):
    return request.param


def points(prior):
    return prior.scipy(stats).ppf(np.linspace(0.02, 0.98, 13))


def test_density_is_that_of_scipy(prior):
    x = points(prior)
    np.testing.assert_allclose(prior.log_density(x), prior.scipy(stats).logpdf(x), rtol=1e-12, atol=1e-12)


def test_density_integrates_to_one(prior):
    edges = prior.scipy(stats).ppf([0.01, 0.1, 0.5, 0.9, 0.99])
    total = sum(integrate.quad(lambda x: np.exp(prior.log_density(x)), a, b)[0] for a, b in pairwise(edges))
    assert total == pytest.approx(0.98, abs=1e-7)


def test_slope_is_the_derivative(prior):
    x = points(prior)
    h = 1e-5 * np.maximum(np.abs(x), 0.1)
    differences = (prior.log_density(x + h) - prior.log_density(x - h)) / (2 * h)
    np.testing.assert_allclose(prior.slope(x), differences, rtol=1e-6, atol=1e-7)


def test_support_holds_the_quantiles(prior):
    lower, upper = prior.support
    ends = prior.scipy(stats).ppf([0.0, 1.0])
    np.testing.assert_allclose(ends, [lower, upper], atol=1e-15)


@pytest.mark.parametrize("prior", SCALARS, ids=str)
def test_pymc_counterpart_has_the_same_density(prior):
    x = points(prior)
    model, numbers = model_of(prior)
    if len(model.free_RVs) > 1:
        pytest.skip("its density is an integral over variables that several parameters share")
    (free,) = model.free_RVs
    inputs = {key: np.full(x.shape, float(value)) for key, value in numbers.items()}
    (piece,) = prior.pieces("x", inputs, x)
    assert piece == free.name

    def values(x):
        return prior.pieces("x", inputs, x)[piece]

    h = 1e-6 * np.maximum(np.abs(x), 0.1)
    jacobian = np.log(np.abs(values(x + h) - values(x - h)) / (2 * h))
    at = pt.vector()
    logp = pm.logp(free, at).eval({at: values(x)}, mode=PYTHON)
    np.testing.assert_allclose(logp + jacobian, prior.log_density(x), rtol=1e-7, atol=1e-7)
    named = model["x"]
    found = x if named is free else model.compile_fn(named, inputs=[free], mode=PYTHON, point_fn=False)
    if named is not free:
        found = np.array([found(v) for v in values(x)])
    np.testing.assert_allclose(found, x, rtol=1e-9)


def model_of(prior):
    """A PyMC model with a variable `x` that has the prior, and the prior's numbers."""
    with pm.Model() as model:
        prior.variable(
            pm, "x", {key: pt.as_tensor(np.asarray(value, dtype=float)) for key, value in prior.numbers.items()}
        )
    return model, prior.numbers


@pytest.mark.parametrize("prior", SCALARS, ids=str)
def test_draws_have_the_distribution(prior, rng):
    """Of SciPy's form, and of the PyMC variable: Kolmogorov's distance of 4000 draws is below .04."""
    own = prior.scipy(stats)
    model, _ = model_of(prior)
    for draws in (own.rvs(size=4000, random_state=rng), pm.draw(model["x"], draws=4000, random_seed=1, mode=PYTHON)):
        assert stats.kstest(draws, own.cdf).statistic < 0.04


OWN_FORMS = [
    HalfStudentT(4, 2), HalfStudentT(1.5, 1), OnVariance(Gamma(2, 3)), OnPrecision(Gamma(2.5, 3)),
    *(p for p in PROPER if isinstance(p, Truncated)),
]  # fmt: skip


@pytest.mark.parametrize("prior", OWN_FORMS, ids=str)
def test_own_numbers_are_those_of_the_density(prior):
    own = prior.scipy(stats)
    if not np.isfinite(own.mean()):
        return

    def moment(k):
        ends = [own.ppf(0.0), own.ppf(0.5), own.ppf(0.999), own.ppf(1.0)]
        return sum(
            integrate.quad(lambda x: x**k * np.exp(prior.log_density(x)), a, b, limit=500)[0] for a, b in pairwise(ends)
        )

    assert own.mean() == pytest.approx(moment(1), rel=1e-5)
    if np.isfinite(own.std()):
        assert own.std() == pytest.approx(np.sqrt(moment(2) - moment(1) ** 2), rel=1e-5)
    np.testing.assert_allclose(own.cdf(own.ppf([0.1, 0.5, 0.9])), [0.1, 0.5, 0.9])
    np.testing.assert_allclose(own.sf(own.isf([0.1, 0.5, 0.9])), [0.1, 0.5, 0.9])


def test_moments_that_do_not_exist_are_infinite_or_missing():
    assert HalfStudentT(1).scipy(stats).mean() == np.inf
    assert HalfStudentT(2).scipy(stats).std() == np.inf
    assert OnVariance(InverseGamma(0.01, 0.01)).scipy(stats).mean() == np.inf
    assert OnPrecision(Gamma(0.5, 1)).scipy(stats).mean() == np.inf
    assert OnPrecision(Gamma(0.7, 1)).scipy(stats).mean() < np.inf
    assert OnPrecision(Gamma(0.7, 1)).scipy(stats).std() == np.inf
    assert Truncated(Cauchy(0, 1), lower=0).scipy(stats).mean() == np.inf
    assert Truncated(Cauchy(0, 1), upper=0).scipy(stats).mean() == -np.inf


@pytest.mark.parametrize("prior", SCALARS, ids=str)
def test_times_scales_the_quantiles(prior):
    np.testing.assert_allclose(points(prior.times(3.0)), 3 * points(prior))


@pytest.mark.parametrize("prior", LOCATED, ids=str)
def test_moved_shifts_the_quantiles(prior):
    np.testing.assert_allclose(points(prior.moved(2.0)), 2 + points(prior))


@pytest.mark.parametrize("prior", [LKJ(1), Fixed(2)], ids=str)
def test_what_has_no_scale_says_so(prior):
    with pytest.raises(SpecificationError, match="scale"):
        prior.times(2.0)


def test_what_has_no_location_says_so():
    with pytest.raises(SpecificationError, match="location"):
        HalfNormal(1).moved(2.0)


@pytest.mark.parametrize("kind", [type(p) for p in PROPER if p.positive])
@pytest.mark.parametrize("bad", [0.0, -1.0, np.inf, np.nan, "1", None, True, [1.0]])
def test_bad_parameters_are_refused(kind, bad):
    given = {f.name: 0.5 for f in fields(kind)}
    with pytest.raises(SpecificationError, match=kind.positive[-1]):
        kind(**given | {kind.positive[-1]: bad})


@pytest.mark.parametrize("kind", [Uniform, lambda a, b: ScaledBeta(1, 1, a, b)])
def test_intervals_must_not_be_empty(kind):
    with pytest.raises(SpecificationError, match="below"):
        kind(1, 1)


def test_on_variance_takes_positive_distributions_only():
    with pytest.raises(SpecificationError, match="positive"):
        OnVariance(Normal(0, 1))
    with pytest.raises(SpecificationError, match="positive"):
        OnVariance(3)


def test_distributions_are_values():
    assert Normal(0, 10) == Normal(0.0, 10.0)
    assert hash(Normal(0, 10)) == hash(Normal(0.0, np.float64(10)))
    assert Normal(0, 10) != Normal(0, 11)
    assert str(Normal(0, 10)) == "Normal(0, 10)"
    assert str(OnVariance(InverseGamma(0.01, 0.01))) == "OnVariance(InverseGamma(0.01, 0.01))"
    assert str(Flat()) == "Flat"


@pytest.mark.parametrize(
    ("prior", "counterpart"),
    [
        (Normal(0, 2), HalfNormal(2)), (StudentT(3, 0, 2), HalfStudentT(3, 2)), (Cauchy(0, 2), HalfCauchy(2)),
        (Flat(), HalfFlat()), (Normal(1, 2), None), (Laplace(0, 1), None), (Uniform(-1, 1), None),
        (Uniform(0, 1), Uniform(0, 1)), (Fixed(0), Fixed(0)), (Fixed(-1), None), (LKJ(1), None), (Gamma(2), Gamma(2)),
    ],
    ids=str,
)  # fmt: skip
def test_counterpart_on_positive_values(prior, counterpart):
    assert prior.positive_counterpart == counterpart


@pytest.mark.parametrize("prior", [Flat(), HalfFlat()], ids=str)
def test_flat_densities_are_one_and_improper(prior):
    assert prior.improper
    assert prior.scipy(stats) is None
    assert np.all(prior.log_density(np.array([1.0, 5.0])) == 0)
    assert np.all(prior.slope(np.array([1.0, 5.0])) == 0)
    assert prior.times(3) == prior.moved(3) == prior


def test_rows_of_normal_and_flat_priors():
    assert Normal(2, 4).normal_row == (2, 1 / 16)
    assert Flat().normal_row == (0, 0)
    assert StudentT(3).normal_row is None


def test_fixed_holds_a_value():
    assert Fixed(3).fixed == 3
    assert Normal(0, 1).fixed is None
    np.testing.assert_allclose(Fixed(3.5).scipy(stats).ppf([0.1, 0.9]), 3.5)


def test_draws_beyond_the_largest_number_are_infinite(rng):
    draws = OnVariance(InverseGamma(0.001, 0.001)).scipy(stats).rvs(size=2000, random_state=rng)
    assert np.isposinf(draws).any() and not np.isnan(draws).any()
