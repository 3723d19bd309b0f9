"""Probabilities of statements."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayesml as bml
from bayesml.bayes.hypothesis import Hypothesis
from bayesml.errors import ColumnNotFound, FormulaError, SpecificationError
from tests import fitted_models, posteriors


@pytest.fixture
def post():
    return posteriors.sleepstudy()


def test_share_of_draws_for_which_it_holds(post):
    days, intercept = post.draws("Days"), post.draws("Intercept")
    sd = {name: post.draws(f"sd({name} | Subject)") for name in ("Days", "Intercept")}
    effect = post.draws("b(Days | Subject[308])")
    for text, holds in {
        "Days > 8": days > 8,
        "8 < Days < 12": (days > 8) & (days < 12),
        "12 >= Days >= 8": (days >= 8) & (days <= 12),
        "sd(Days | Subject) > sd(Intercept | Subject) / 10": sd["Days"] > sd["Intercept"] / 10,
        "Days > 8 and Intercept < 260": (days > 8) & (intercept < 260),
        "Days > 12 or Intercept < 245": (days > 12) | (intercept < 245),
        "not Days > 8": ~(days > 8),
        "b(Days | Subject[308]) > 5": effect > 5,
        "Days + b(Days | Subject[308]) > 20": days + effect > 20,
        "abs(Days - 10) < 1": np.abs(days - 10) < 1,
        "exp(log(Days)) ^ 2 > 100": days**2 > 100,
        "-Days < -8": days > 8,
    }.items():
        found = bml.hypothesis(post, text)
        assert float(found) == found.probability == np.mean(holds), text
        assert_allclose(found.odds, np.mean(holds) / (1 - np.mean(holds)))


def test_error_is_that_of_dependent_draws(post):
    found = bml.hypothesis(post, "Days > 10")
    p, n = found.probability, post.draws("Days").size
    assert 0.7 * np.sqrt(p * (1 - p) / n) < found.mcse < 3 * np.sqrt(p * (1 - p) / n)


def test_certain_statements_still_have_an_error(post):
    found = bml.hypothesis(post, "Days > -1000")
    assert found.probability == 1.0
    assert found.odds == np.inf
    assert 0 < found.mcse < 1e-2


def test_one_printed_line(post):
    found = bml.hypothesis(post, "Days >  8")
    assert str(found) == repr(found) == f"P(Days > 8) = {found.probability:.3f} ± {found.mcse:.3f}"
    assert str(Hypothesis(post, "Days > 8", found.statement, 0.9421, 0.0004)) == "P(Days > 8) = 0.9421 ± 0.0004"


def test_prior_probability_is_that_of_the_prior_numbers(post):
    prior = post.priors.coefficients[1]
    expected = stats.norm(prior.mu, prior.sigma).sf(8)
    assert_allclose(bml.hypothesis(post, "Days > 8").prior_probability, expected, atol=0.01)
    assert_allclose(bml.hypothesis(post, "corr(Intercept, Days | Subject) > 0.5").prior_probability, 0.25, atol=0.01)
    assert_allclose(bml.hypothesis(post, "b(Days | Subject[308]) > 0").prior_probability, 0.5, atol=0.02)


def test_improper_priors_have_no_prior_probability():
    post = bml.sample(
        posteriors.SLEEP, bml.datasets.load("sleepstudy"), priors={"Days": bml.Flat()}, draws=500, tune=300, chains=2,
        random_seed=3, progressbar=False,
    )  # fmt: skip
    assert bml.hypothesis(post, "Days > 8").prior_probability is None
    assert bml.hypothesis(post, "sigma > 25").prior_probability is not None


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("Days", SpecificationError, "compare it with something"),
        ("Days = 10", SpecificationError, "probability zero"),
        ("Days > ", FormulaError, "expected"),
        ("Dais > 8", ColumnNotFound, "Days"),
        ("b(Days | Subject[999]) > 0", ColumnNotFound, "999"),
        ("__import__('os') > 0", (FormulaError, ColumnNotFound), "Days|expected|parameter"),
        ("Days.__class__ > 0", (FormulaError, ColumnNotFound), "Days|expected|parameter"),
    ],
)
def test_what_is_no_statement_is_refused(post, text, error, message):
    with pytest.raises(error, match=message):
        bml.hypothesis(post, text)


def test_a_fit_has_no_posterior():
    with pytest.raises(SpecificationError, match=r"bml\.sample.*wald_test"):
        bml.hypothesis(fitted_models.fit("sleepstudy", fitted_models.SLEEP), "Days > 8")
