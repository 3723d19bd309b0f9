"""Priors from what is known: what was asked for is met, or refused with advice."""

import importlib

import numpy as np
import pytest
from scipy import stats

import bayesml as bml
from bayesml.bayes.elicit import IN_PRELIZ, USUAL, elicit, preliz
from bayesml.distributions import DISTRIBUTIONS
from bayesml.errors import SpecificationError

INTERVALS = {
    "Normal": (-2, 5), "StudentT": (-2, 5), "Cauchy": (-2, 5), "Laplace": (-2, 5), "HalfNormal": (0, 30),
    "HalfStudentT": (0, 30), "HalfCauchy": (0, 30), "Exponential": (0, 30), "Gamma": (2, 30), "InverseGamma": (2, 30),
    "LogNormal": (2, 30), "Uniform": (-2, 5), "Beta": (0.2, 0.7), "ScaledBeta": (-0.4, 0.6),
}  # fmt: skip


def test_every_distribution_of_one_number_is_there():
    assert set(INTERVALS) == set(IN_PRELIZ)
    others = {
        "OnVariance",
        "OnPrecision",
        "Truncated",
        "LKJ",
        "Flat",
        "HalfFlat",
        "Fixed",
        "InverseWishart",
        "Horseshoe",
    }
    assert set(DISTRIBUTIONS) - set(IN_PRELIZ) <= others


@pytest.mark.parametrize("name", list(INTERVALS))
def test_intervals_hold_their_mass(name):
    lower, upper = INTERVALS[name]
    prior = elicit(name, lower, upper, mass=0.8)
    assert type(prior).__name__ == name
    form = prior.scipy(stats)
    assert form.cdf(upper) - form.cdf(lower) == pytest.approx(0.8, abs=1e-4)
    assert USUAL.get(name, {}).items() <= prior.numbers.items()


def test_the_entropy_is_the_largest():
    # an exponential of larger rate would hold more; of the two normal tails the interval is the middle
    prior = elicit("Normal", 0, 30, mass=0.9)
    assert prior.mu == pytest.approx(15, rel=1e-4)
    assert prior.sigma == pytest.approx(15 / stats.norm.ppf(0.95), rel=1e-4)
    gamma = elicit("Gamma", 2, 30, mass=0.9)
    for shape in (0.8 * gamma.alpha, 1.2 * gamma.alpha):
        rates = np.linspace(0.05, 1, 4001)
        held = stats.gamma(shape, 0, 1 / rates).cdf(30) - stats.gamma(shape, 0, 1 / rates).cdf(2)
        meet = rates[np.abs(held - 0.9) < 2e-3]
        assert not len(meet) or max(stats.gamma(shape, 0, 1 / meet).entropy()) < gamma.scipy(stats).entropy()


def test_lower_end_of_positive_distributions_may_be_left_out():
    assert elicit(bml.HalfNormal, upper=30) == elicit("HalfNormal", 0, 30, mass=0.9) == bml.HalfNormal(18.2387)


@pytest.mark.parametrize("scale", [1e-5, 1.0, 1e7])
def test_units_do_not_matter(scale):
    base = elicit("Gamma", 2, 30)
    other = elicit("Gamma", 2 * scale, 30 * scale)
    assert other.alpha == pytest.approx(base.alpha, rel=1e-5)
    assert other.beta * scale == pytest.approx(base.beta, rel=1e-5)


def test_numbers_may_be_held():
    assert elicit("StudentT", -10, 10, nu=3).nu == 3
    assert elicit("Normal", 0, 3, mu=1).mu == 1
    assert elicit("HalfCauchy", upper=25, mass=0.5) == bml.HalfCauchy(25)


QUANTILES = [
    ("Gamma", {0.05: 3, 0.95: 30}),
    ("LogNormal", {0.25: 3, 0.75: 8}),
    ("Normal", {0.1: -1, 0.5: 2}),
    ("HalfNormal", {0.95: 30}),
    ("Laplace", {0.1: -3, 0.9: 5}),
    ("Uniform", {0.1: 1, 0.9: 9}),
    ("Beta", {0.1: 0.2, 0.9: 0.5}),
]


@pytest.mark.parametrize(("name", "quantiles"), QUANTILES, ids=[name for name, _ in QUANTILES])
def test_quantiles_are_met(name, quantiles):
    found = elicit(name, quantiles=quantiles).scipy(stats).ppf(list(quantiles))
    np.testing.assert_allclose(found, list(quantiles.values()), rtol=1e-4, atol=1e-5)


def test_more_quantiles_than_numbers_are_met_as_well_as_they_can_be():
    prior = elicit("Gamma", quantiles={0.25: 3, 0.5: 6, 0.75: 8})

    def loss(alpha, beta):
        return np.sum((stats.gamma(alpha, 0, 1 / beta).cdf([3, 6, 8]) - [0.25, 0.5, 0.75]) ** 2)

    least = loss(prior.alpha, prior.beta)
    for a, b in ((1.02, 1), (0.98, 1), (1, 1.02), (1, 0.98), (1.02, 1.02), (0.98, 0.98)):
        assert loss(a * prior.alpha, b * prior.beta) > least
    with pytest.raises(SpecificationError, match="more flexible|ask for less"):
        elicit("LogNormal", quantiles={0.05: 2, 0.5: 2.1, 0.95: 4000})


MOMENTS = [
    ("Normal", {"mean": 3, "sd": 2}, bml.Normal(3, 2)),
    ("Gamma", {"mean": 3, "sd": 2}, bml.Gamma(2.25, 0.75)),
    ("InverseGamma", {"mean": 3, "sd": 2}, bml.InverseGamma(4.25, 9.75)),
    ("Beta", {"mean": 0.2, "sd": 0.1}, bml.Beta(3, 12)),
    ("Exponential", {"mean": 4}, bml.Exponential(0.25)),
    ("HalfNormal", {"sd": 3}, bml.HalfNormal(3 / np.sqrt(1 - 2 / np.pi))),
    ("StudentT", {"mean": 1, "sd": np.sqrt(2)}, bml.StudentT(4, 1, 1)),
]


@pytest.mark.parametrize(("name", "moments", "expected"), MOMENTS, ids=[name for name, _, _ in MOMENTS])
def test_moments_are_met(name, moments, expected):
    assert elicit(name, **moments).numbers == pytest.approx(expected.numbers, rel=1e-4)


REFUSED = [
    (("HalfNormal", 5, 30), {}, r"No HalfNormal has 90% between 5 and 30.*69\.4%.*Gamma"),
    (("LKJ", 0, 1), {}, "looks for one of"),
    (("Normal",), {}, "Say one thing"),
    (("Normal", 0, 1), {"mean": 3}, "Say one thing"),
    (("Normal", 3, 1), {}, "not below"),
    (("Normal",), {"upper": 3}, "both `lower` and `upper`"),
    (("Gamma", -1, 3), {}, "values from 0 to inf"),
    (("Normal", 0, 3, 90), {}, "no probability"),
    (("Normal", 0, "a"), {}, "finite number"),
    (("Normal", 0, np.nan), {}, "finite number"),
    (("Normal", 0, 3), {"mu": 1, "sigma": 2}, "nothing is left"),
    (("Normal", 0, 3), {"nu": 1}, "numbers mu, sigma"),
    (("Normal",), {"quantiles": {0.5: 1}}, "as many quantiles"),
    (("Gamma",), {"quantiles": {0.5: 3, 0.1: 5}}, "rise"),
    (("Gamma",), {"quantiles": {0.5: -3, 0.9: 5}}, "values from 0"),
    (("Gamma",), {"quantiles": {5: 3, 90: 5}}, "between 0 and 1"),
    (("Gamma",), {"mean": 3}, "give the other too"),
    (("HalfNormal",), {"mean": 3, "sd": 2}, "give one of them"),
    (("Cauchy",), {"mean": 3, "sd": 2}, "No Cauchy has mean 3 and sd 2"),
    (("Beta",), {"mean": 0.2, "sd": 0.6}, "No Beta has mean 0.2 and sd 0.6"),
    (("Normal",), {"mean": 0, "sd": -1}, "above 0"),
]


@pytest.mark.parametrize(("arguments", "options", "message"), REFUSED, ids=[message for *_, message in REFUSED])
def test_what_cannot_be_is_refused_with_advice(arguments, options, message):
    with pytest.raises(SpecificationError, match=f"(?s){message}"):
        elicit(*arguments, **options)


def test_without_preliz_an_error_says_how_to_install_it(monkeypatch):
    def missing(name, *rest):
        if name == "preliz":
            raise ImportError(name)
        return importlib.__import__(name, *rest)

    preliz.cache_clear()
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(SpecificationError, match=r"bayesml-multilevel\[elicit\]"):
        elicit("Normal", 0, 1)
    monkeypatch.undo()
    preliz.cache_clear()


def test_the_prior_is_used_as_it_is():
    prior = elicit("HalfNormal", upper=30)
    table = bml.prior_table(
        "Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"), priors={"sd(Days | Subject)": prior}
    )
    assert table.loc["sd(Days | Subject)", "prior"] == str(prior)
