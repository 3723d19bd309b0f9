"""The verb: from a formula or model and data to a posterior."""

import dataclasses

import numpy as np
import pytest

import bayesml as bml
from bayesml.errors import ColumnNotFound, SpecificationError

QUICK = {"draws": 500, "tune": 300, "chains": 2, "random_seed": 4, "progressbar": False}
FORMULA = "Reaction ~ Days + (1 | Subject)"


@pytest.fixture
def sleep():
    return bml.datasets.load("sleepstudy")


def test_formula_model_and_changed_model_are_the_same(sleep):
    prior = {"Days": bml.Normal(0, 3)}
    by_formula = bml.sample(FORMULA, sleep, priors=prior, **QUICK)
    by_model = bml.sample(bml.Model(FORMULA, priors=prior), sleep, **QUICK)
    changed = bml.sample(bml.Model(FORMULA, priors="flat"), sleep, priors=prior, **QUICK)
    for other in (by_model, changed):
        assert other.model == by_formula.model
        assert np.array_equal(other.posterior.beta, by_formula.posterior.beta)
    assert by_formula.priors.coefficients[1] == bml.Normal(0, 3)


def test_priors_of_a_model_are_not_forgotten(sleep):
    model = bml.Model(FORMULA, priors={"sigma": bml.Fixed(30)})
    assert np.all(bml.sample(model, sleep, **QUICK).draws("sigma") == 30)
    assert model == dataclasses.replace(model)


def test_options_beside_a_model_are_refused(sleep):
    with pytest.raises(SpecificationError, match="The model already says"):
        bml.sample(bml.Model(FORMULA), sleep, weights="w", **QUICK)


def test_a_missing_column_is_named_before_any_work(sleep):
    with pytest.raises(ColumnNotFound, match="Dais"):
        bml.sample("Reaction ~ Dais + (1 | Subject)", sleep, **QUICK)


def test_weights_change_the_posterior(sleep):
    sleep["w"] = np.where(sleep["Days"] < 5, 4.0, 0.25)
    weighted = bml.sample(FORMULA, sleep, weights="w", **QUICK)
    plain = bml.sample(FORMULA, sleep, **QUICK)
    reference = bml.fit(FORMULA, sleep, weights="w")
    assert abs(weighted["Days"] - reference.fixef["Days"]) < 0.2 * reference.se["Days"]
    assert abs(weighted["Days"] - plain["Days"]) > 0.5


def test_the_progress_is_shown(sleep, capsys):
    bml.sample(FORMULA, sleep, **QUICK | {"progressbar": True})
    shown = capsys.readouterr()
    text = shown.out + shown.err
    assert "Chain 0" in text
    assert "divergences" in text
