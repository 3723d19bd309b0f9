"""Probabilities of statements."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayesml as bml
from bayesml.bayes.hypotheses import Hypotheses, Hypothesis, PointHypothesis, Region, share_text, with_error
from bayesml.bayes.statement_draws import error_of_share
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


def test_printed(post):
    found = bml.hypothesis(post, "Days >  8")
    assert str(found) == f"P(Days > 8) = {found.probability:.3f} ± {found.mcse:.3f}"
    lines = repr(found).splitlines()
    assert lines[0] == str(found)
    assert lines[1].startswith("  prior 0.43")
    assert "Bayes factor against its complement" in lines[1]
    assert lines[2].startswith("  Days - 8: median 2.")
    assert "95% interval [" in lines[2]
    assert "<table" in found._repr_html_()
    assert "Median, sd and interval are of Days - 8." in found._repr_html_()
    assert share_text(0.9421, 0.0004) == "0.9421 ± 0.0004"
    assert share_text(3.04e-9, 2.1e-10) == "3.0e-09 ± 2e-10"
    assert share_text(1 - 1e-9, 1e-10) == "above 0.999999"
    assert with_error(2137.4, 526.2) == "2137 ± 526"
    assert with_error(3.31e6, 2.5e5) == "3.31e+06 ± 2.5e+05"
    assert with_error(0.0312, 0.0104) == "0.03 ± 0.01"
    assert with_error(math.inf, math.inf) == "above 1e308"


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
    found = bml.hypothesis(post, "Days > 8 and sigma > 0")
    assert found.prior_probability is None
    assert found.bayes_factor is None
    assert np.isnan(found.table["bayes_factor"].item())
    assert "the prior of `Days` is flat" in repr(found)
    assert bml.hypothesis(post, "sigma > 25").prior_probability is not None


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("Days", SpecificationError, "compare it with something"),
        ("Days = 10 or Days = 9", SpecificationError, "probability zero"),
        ("Days = 10 and sigma > 20", SpecificationError, "probability zero"),
        ("not Days = 10", SpecificationError, "probability zero"),
        ("Days != 10", SpecificationError, "bf10"),
        ("1 < 2", SpecificationError, "says nothing"),
        (3, SpecificationError, "is a text"),
        ([], SpecificationError, "at least one"),
        ("mean(Day=1) > 0", ColumnNotFound, "`Days`"),
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


def test_several_in_a_table(post):
    found = bml.hypothesis(post, {"steep": "Days > 8", "exactly": "Days = 10", "in between": "8 < Days < 12"})
    assert isinstance(found, Hypotheses)
    assert [type(part) for part in found] == [Hypothesis, PointHypothesis, Region]
    assert len(found) == 3
    assert found[0] is found["steep"] is found["Days > 8"]
    table = found.table
    assert list(table.index) == ["steep", "exactly", "in between"]
    days = post.draws("Days")
    assert_allclose(table.loc["steep", ["estimate", "sd"]].to_numpy(float), [np.median(days - 8), days.std(ddof=1)])
    assert_allclose(table.loc["steep", ["lower", "upper"]].to_numpy(float), np.quantile(days - 8, [0.025, 0.975]))
    assert_allclose(table["bayes_factor"], table["odds"] / table["prior_odds"])
    assert table.loc["exactly", "prior_probability"] == 0.5
    assert (table[["mcse", "bayes_factor_mcse"]] > 0).to_numpy().all()
    assert_allclose(table.loc["in between", ["below", "probability", "above"]].sum(), 1)
    text = str(found)
    assert "steep" in text
    assert "Savage-Dickey" in text
    assert "<table" in found._repr_html_()
    with pytest.raises(ColumnNotFound, match="steep"):
        found["flat"]
    assert list(bml.hypothesis(post, ["Days > 8", "Days > 9"], names=["a", "b"]).table.index) == ["a", "b"]
    with pytest.raises(SpecificationError, match="2 hypotheses and 1 names"):
        bml.hypothesis(post, ["Days > 8", "Days > 9"], names=["a"])


def test_region_of_practical_equivalence(post):
    days = post.draws("Days")
    found = bml.hypothesis(post, "Days", rope=(8, 12))
    assert isinstance(found, Region)
    assert found.probability == bml.hypothesis(post, "12 > Days > 8").probability == np.mean((days > 8) & (days < 12))
    assert found.below == np.mean(days <= 8)
    assert found.above == np.mean(days >= 12)
    low, high = found.hdi
    assert_allclose(np.mean((days >= low) & (days <= high)), 0.95, atol=2e-3)
    assert high - low <= np.diff(np.quantile(days, [0.025, 0.975]))[0]
    verdicts = {(8, 12): "undecided", (-1, 1): "outside", (0, 30): "inside"}
    assert {rope: bml.hypothesis(post, "Days", rope=rope).verdict for rope in verdicts} == verdicts
    assert bml.hypothesis(post, "Days", rope=30).text == "-30 < Days < 30"
    with pytest.raises(SpecificationError, match="statement already"):
        bml.hypothesis(post, "Days > 8", rope=1)
    with pytest.raises(SpecificationError, match="lower and upper"):
        bml.hypothesis(post, "Days", rope=(1, -1))


def test_the_only_sd_of_a_group_needs_no_column():
    post = posteriors.sleepstudy()
    assert bml.hypothesis(post, "corr(Subject) > 0").probability == np.mean(
        post.draws("corr(Intercept, Days | Subject)") > 0
    )


def test_where_all_draws_agree_the_bayes_factor_is_a_bound(post):
    found = bml.hypothesis(post, "Days > -1")
    assert found.bayes_factor == np.inf
    assert np.isnan(found.bayes_factor_mcse)
    prior = found.prior_odds
    bound = float(found.bayes_factor_text.removeprefix("above "))
    assert_allclose(bound, (found.effective + 1) / prior, rtol=0.05)
    assert "above" in repr(found)
    assert bml.hypothesis(post, "Days < -1").bayes_factor_text.startswith("below")
    assert bml.hypothesis(post, "sigma > 0").bayes_factor_text.startswith("not known")


def test_errors_count_autocorrelation(post):
    slow = np.repeat(np.random.default_rng(1).random((4, 50)) < 0.3, 10, axis=1)
    assert_allclose(error_of_share(slow, 1.0), np.sqrt(0.3 * 0.7 / 200), rtol=0.4)


def test_prior_error_is_that_of_independent_draws(post):
    found = bml.hypothesis(post, "Days > 8")
    p = found.prior_probability
    assert_allclose(found.prior_mcse, np.sqrt(p * (1 - p) / 100_000))
    assert "flat" not in "".join(found.notes)


def test_seed_of_prior_draws(post):
    first, same, other = (bml.hypothesis(post, "Days > 8", random_seed=seed) for seed in (1, 1, 2))
    assert first.prior_probability == same.prior_probability != other.prior_probability
    far = [bml.hypothesis(post, "Days = 0", random_seed=seed).log_bf01 for seed in (1, 1, 2)]
    assert far[0] == far[1] != far[2]
