"""Predictions in statements are those of `predict`, at what is told."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayesml as bml
from bayesml.bayes.statement_draws import read_statement
from bayesml.errors import ColumnNotFound, FormulaError, SpecificationError
from tests import posteriors

QUICK = {"draws": 200, "tune": 300, "chains": 2, "random_seed": 4, "progressbar": False}


@cache
def machines():
    data = bml.datasets.load("machines").assign(hours=lambda d: np.linspace(1, 9, len(d)))
    return bml.sample("score ~ Machine * hours + log(hours) + (1 | Worker)", data, **QUICK), data


def draws(post, text):
    read = read_statement(post, text)
    return read.values(post), read.told


def test_population_and_level():
    post = posteriors.sleepstudy()
    population, told = draws(post, "mean(Days=10)")
    assert_allclose(population, post.draws("Intercept") + 10 * post.draws("Days"))
    assert told == ("mean(Days=10): at random effects 0.",)
    level, told = draws(post, "mean(Days=10, Subject=308)")
    own = post.draws("b(Intercept | Subject[308])") + 10 * post.draws("b(Days | Subject[308])")
    assert_allclose(level, population + own)
    assert told == ("mean(Days=10, Subject=308): at random effects of Subject = 308.",)


def test_other_columns_are_held_and_told():
    post, data = machines()
    mean = data["hours"].mean()
    # the mean of hours is known, since it is a term; both it and its logarithm are at that value
    found, told = draws(post, "mean(Machine=B)")
    expected = bml.predict(post, pd.DataFrame({"Machine": ["B"], "hours": [mean]}), ranef="zero")["estimate"].iloc[0]
    assert_allclose(found.mean(), expected)
    assert told == (f"mean(Machine=B): at hours = {mean:.4g} (mean), random effects 0.",)
    found, told = draws(post, "mean(hours=2)")
    expected = bml.predict(post, pd.DataFrame({"Machine": ["A"], "hours": [2.0]}), ranef="zero")["estimate"].iloc[0]
    assert_allclose(found.mean(), expected)
    assert told == ("mean(hours=2): at Machine = A (reference), random effects 0.",)


def test_categories():
    post = posteriors.wine()
    new = {"temp": ["warm"], "contact": ["no"], "judge": ["1"]}
    found, told = draws(post, "probability(5, temp=warm)")
    expected = bml.predict(post, new, kind="probability", outcome="5", ranef="zero")["estimate"].iloc[0]
    assert_allclose(found.mean(), expected)
    assert told == ("probability(5, temp=warm): at contact = no (reference), random effects 0.",)
    found, _ = draws(post, 'probability("5", temp=warm, judge=1)')
    expected = bml.predict(post, new, kind="probability", outcome="5")["estimate"].iloc[0]
    assert_allclose(found.mean(), expected)
    assert 0.5 < bml.hypothesis(post, "sd(judge) > 0.5").probability <= 1
    with pytest.raises(FormulaError, match=r"name one, `probability\(1"):
        draws(post, "mean(temp=warm)")


def test_the_prior_of_a_prediction():
    post = posteriors.sleepstudy()
    found = bml.hypothesis(post, "mean(Days=1) - mean(Days=0) > 8")
    assert_allclose(found.prior_probability, bml.hypothesis(post, "Days > 8").prior_probability, atol=1e-12)
    levels = bml.hypothesis(post, "mean(Subject=308) > mean(Subject=309)")
    assert_allclose(levels.prior_probability, 0.5, atol=4 * levels.prior_mcse)


REFUSED = {
    "mean(Day=2) > 0": (ColumnNotFound, "`Days`", "Day"),
    "mean(Days=ten) > 0": (FormulaError, "column of numbers; given was `ten`", "Days"),
    "mean(Days=1, Subject=999) > 0": (ColumnNotFound, "level of `Subject` `999`", "Subject"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_places_of_errors(text):
    error, words, marked = REFUSED[text]
    with pytest.raises(error, match=words) as caught:
        bml.hypothesis(posteriors.sleepstudy(), text)
    *_, line, marks = str(caught.value).splitlines()
    assert line.strip() == text
    assert line[marks.index("^") : marks.index("^") + marks.count("^")] == marked


def test_a_column_whose_mean_is_not_known_must_be_given():
    data = bml.datasets.load("sleepstudy")
    post = bml.sample("Reaction ~ sqrt(Days) + (1 | Subject)", data, **QUICK)
    with pytest.raises(
        FormulaError, match=r"enters the model as `sqrt\(Days\)`. Give its value, as in `mean\(Days=1\)`"
    ):
        bml.hypothesis(post, "mean() > 0")
    assert bml.hypothesis(post, "mean(Days=9) > mean(Days=1)").probability > 0.9


def test_kinds_that_a_family_does_not_have():
    with pytest.raises(SpecificationError, match="outcomes that can be counted"):
        bml.hypothesis(posteriors.sleepstudy(), "probability(1, Days=2) > 0.5")


def test_models_without_columns_have_a_mean():
    post = posteriors.dyestuff()
    assert_allclose(draws(post, "mean()")[0], post.draws("Intercept"))
    nothing = posteriors.without_fixed_effects()
    assert_allclose(draws(nothing, "mean()")[0], 0)
    assert_allclose(draws(nothing, "mean(Batch=A)")[0], nothing.draws("b(Intercept | Batch[A])"))
