"""Estimates beside posteriors: the cells are those of the results."""

import numpy as np
import pytest

import bayesml as bml
from bayesml.errors import SpecificationError
from tests import fitted_models as models

FORMULA = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def reml():
    return bml.fit(FORMULA, bml.datasets.load("sleepstudy"))


@pytest.fixture(scope="module")
def post():
    table = bml.datasets.load("sleepstudy")
    return bml.sample(FORMULA, table, draws=300, tune=500, chains=2, random_seed=1, progressbar=False)


def test_each_cell_is_the_one_of_its_result(reml, post):
    frame = bml.side_by_side(reml, post, ci_prob=0.8).to_pandas()
    addresses = [
        "Intercept", "Days",
        "sd(Intercept | Subject)", "sd(Days | Subject)", "corr(Intercept, Days | Subject)", "sigma",
    ]  # fmt: skip
    assert list(frame.index) == addresses
    np.testing.assert_allclose(frame["REML estimate"], reml.parameters.loc[addresses, "estimate"])
    np.testing.assert_allclose(frame["REML se"], reml.parameters.loc[addresses, "se"])
    np.testing.assert_allclose(frame["posterior lower"], post.tidy(0.8).loc[addresses, "lower"])


def test_header_says_what_the_columns_are(reml, post):
    text = " ".join(str(bml.side_by_side(reml, post)).split())
    for title in ("REML estimate, se, 95% confidence interval", "posterior median, sd, 95% credible interval"):
        assert title in text


def test_two_criteria_of_one_formula(reml):
    ml = bml.fit(FORMULA, bml.datasets.load("sleepstudy"), criterion="ml")
    frame = bml.side_by_side(reml, ml).to_pandas()
    assert frame.loc["sigma", "ML se"] == ml.parameters.loc["sigma", "se"]


def test_different_formulas_are_refused(reml):
    other = bml.fit("Reaction ~ Days + (1 | Subject)", bml.datasets.load("sleepstudy"))
    with pytest.raises(SpecificationError, match="one formula"):
        bml.side_by_side(reml, other)
    with pytest.raises(SpecificationError, match="nothing"):
        bml.side_by_side()


def test_different_families_are_refused():
    poisson, negative_binomial = (models.other(*models.EPIL[:2], name) for name in ("poisson", "negative_binomial"))
    with pytest.raises(SpecificationError, match=r"negative_binomial \(dispersion mean\), log and poisson"):
        bml.side_by_side(negative_binomial, poisson)
