"""`predict` of a posterior in every family: each kind, each use of random effects, each use of unseen levels."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayesml as bml
from bayesml.errors import SpecificationError
from tests.post.test_quantile_residuals import CASES, at_truth

NEW = pd.DataFrame({"x": [0.0, 1.0], "g": [0, 999], "n": [5, 5], "s": [1.0, 1.0]}, index=["seen", "unseen"])
TIMES = ("gamma", "exponential", "weibull", "late entry", "lognormal", "loglogistic")
BETA, B = (0.4, 0.7), 0.6


@pytest.mark.parametrize("ranef", ["conditional", "zero", "marginal"])
@pytest.mark.parametrize("name", CASES)
def test_every_kind_is_that_of_the_family_at_its_predictor(name, ranef):
    post = at_truth(name, 1)
    model, design = post.model, post.design
    kinds = {"mean": {}, "linear": {}}
    if name in TIMES:
        kinds |= {"survivor": {"times": [0.5, 2.0]}, "hazard": {"times": 1.0}, "median": {}}
    if design.categories:
        kinds["probability"] = {"outcome": design.categories[1]}
    elif model.family.whole:
        kinds["probability"] = {"outcome": 1}
    if name == "binomial":
        # the probability of an outcome of one trial
        kinds.pop("probability")
    for kind, options in kinds.items():
        frame = bml.predict(post, NEW, kind, ranef, new_levels="zero", se=False, **options)
        assert frame.notna().all(axis=None)
        fit = bml.posterior_predictive(post, NEW, kind, ranef, new_levels="zero", as_array=True, **options)
        assert_allclose(fit.to_numpy().ravel(), frame.to_numpy().ravel())
        assert fit.shape[:2] == (1, 1)
    linear = bml.predict(post, NEW, "linear", ranef, new_levels="zero", se=False).to_numpy()[:, 0]
    first = 0.0 if name == "cumulative" else BETA[0]
    b = post.effects[0][0, 0, 0, 0] if ranef == "conditional" else 0.0
    assert_allclose(linear, [first + b, first + BETA[1]])


@pytest.mark.parametrize("name", CASES)
def test_new_responses_of_every_family(name):
    post = at_truth(name, 1)
    rows = NEW.loc[["unseen"]].assign(x=0.3)
    frame = bml.posterior_predictive(post, pd.concat([rows] * 3), new_levels="draw")
    assert len(frame) == 3
    new = bml.posterior_predictive(post, rows, ranef="marginal", as_array=True).to_numpy()
    assert post.model.family.allows(np.ravel(new)).all()


@pytest.mark.parametrize("name", ["gaussian", "binomial", "poisson", "gamma", "beta", "weibull", "lognormal"])
def test_marginal_means_are_averages_of_conditional_ones(name):
    post = at_truth(name, 1)
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({"x": [0.5], "g": [0], "n": [5]})
    marginal = float(bml.predict(post, rows, ranef="marginal", se=False)["estimate"].iloc[0])
    eta = 0.4 + 0.35 + 0.6 * rng.standard_normal(400_000)
    values = [np.array([[v]]) for v in (post.posterior.sigma[0, 0],) if "sigma" in post.ancillary]
    values += [np.array([[v]]) for v in post.posterior.ancillary[0, 0]]
    means = post.model.family.mean(post.model.family.at(post.model.link, [eta[None]], values, np))
    assert marginal == pytest.approx(means.mean(), abs=5 * means.std() / np.sqrt(len(eta)))


def test_several_predictors_have_standard_errors_by_outcome():
    post = at_truth("categorical", 1)
    frame = bml.predict(post, NEW.iloc[[0]], "linear", "zero", outcome=["1", "2"], interval=None, se=False)
    assert_allclose(frame["estimate"], [0.4, -0.3])
    assert list(frame.index.get_level_values("outcome")) == ["1", "2"]
    with pytest.raises(SpecificationError, match='"1", "2"'):
        bml.predict(post, NEW, "linear", "zero", outcome="0")


def test_several_outcomes_follow_from_the_seed_of_the_sampling():
    post = at_truth("categorical", 1)
    options = {"new_levels": "draw", "interval": None, "se": False}
    frame = bml.predict(post, NEW, "linear", outcome=["1", "2"], **options)
    for outcome in ("1", "2"):
        alone = bml.predict(post, NEW, "linear", outcome=outcome, **options)
        pd.testing.assert_frame_equal(frame.xs(outcome, level="outcome"), alone)
