"""Draws of rows: closed forms of a Gaussian model, levels unseen or taken at random, effects that are not in memory."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import bayesml as bml
from bayesml.errors import DataError, SpecificationError
from bayesml.post.effect_draws import StoredEffects
from bayesml.results import bayesian
from bayesml.results.posterior import flat_draws
from tests import posteriors


def without_effects() -> bayesian.BayesianResult:
    """A posterior whose random effects are drawn when they are needed."""
    post = posteriors.sleepstudy()
    return replace(post, posterior=replace(post.posterior, effects=None))


def test_effects_on_disk_are_those_in_memory():
    post = without_effects()
    stored = StoredEffects(post.design, post.posterior)
    levels = np.array([3, 0, 17])
    assert_array_equal(stored.take(0, levels), flat_draws(post.effects[0])[:, levels])


def test_effects_too_large_for_memory_give_the_same_predictions(monkeypatch):
    post = without_effects()
    held = bml.predict(post), bml.posterior_predictive(post)
    monkeypatch.setattr(bayesian, "EFFECT_LIMIT", 1000)
    large = without_effects()
    assert not large.effects_fit
    pd.testing.assert_frame_equal(bml.predict(large), held[0])
    pd.testing.assert_frame_equal(bml.posterior_predictive(large), held[1])


def test_a_level_has_the_same_effects_in_every_call():
    post = posteriors.sleepstudy()
    options = {"kind": "mean", "new_levels": "draw", "as_array": True, "random_seed": 3}
    together = bml.posterior_predictive(post, {"Days": [0, 0, 0], "Subject": ["u", "v", "u"]}, **options)
    alone = bml.posterior_predictive(post, {"Days": [0], "Subject": ["v"]}, **options)
    assert_array_equal(together[..., 1], alone[..., 0])
    assert_array_equal(together[..., 0], together[..., 2])
    assert np.corrcoef(together[..., 0].to_numpy().ravel(), alone.to_numpy().ravel())[0, 1] < 0.5


def test_levels_taken_at_random_are_shared_by_their_rows():
    post = posteriors.sleepstudy()
    new = {"Days": [9, 9, 9], "Subject": ["308", "308", "309"]}
    drawn = bml.posterior_predictive(post, new, ranef="marginal", as_array=True).to_numpy().reshape(-1, 3)
    mean = flat_draws(post.posterior.beta) @ [1.0, 9.0]
    sds, corr = flat_draws(post.posterior.sds[0]), flat_draws(post.posterior.corrs[0])[:, 0]
    between = (sds[:, 0] ** 2 + 81 * sds[:, 1] ** 2 + 18 * corr * sds[:, 0] * sds[:, 1]).mean()
    residual = (flat_draws(post.posterior.sigma[..., None]) ** 2).mean()
    expected = np.full((3, 3), mean.var())
    expected += between * np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]]) + residual * np.eye(3)
    found = np.cov(drawn, rowvar=False)
    # 2000 draws: the standard error of a covariance of about 3000 is 70
    assert_allclose(found, expected, atol=4 * expected.max() * np.sqrt(2 / len(drawn)))


def test_means_and_sds_of_a_gaussian_model_in_closed_form():
    post = posteriors.sleepstudy()
    new = pd.DataFrame({"Days": [0.0, 4.0, 9.0], "Subject": ["308", "309", "372"]}, index=["a", "b", "c"])
    frame = bml.posterior_predictive(post, new, random_seed=2)
    levels = [post.design.random[0].level_labels.index(label) for label in new["Subject"]]
    x = np.column_stack([np.ones(3), new["Days"]])
    eta = flat_draws(post.posterior.beta) @ x.T
    eta += np.einsum("smq,mq->sm", flat_draws(post.effects[0])[:, levels], x)
    sd = np.sqrt(eta.var(axis=0) + (post.posterior.sigma**2).mean())
    error = sd / np.sqrt(len(eta))
    assert list(frame.columns) == ["mean", "sd", "median", "lower", "upper"]
    assert list(frame.index) == ["a", "b", "c"]
    assert_allclose(frame["mean"] - eta.mean(axis=0), 0, atol=4 * error.max())
    assert_allclose(frame["sd"], sd, rtol=4 / np.sqrt(2 * len(eta)))
    assert_allclose(frame["upper"] - frame["lower"], 2 * 1.96 * sd, rtol=0.12)
    means = bml.posterior_predictive(post, new, kind="mean")
    assert_allclose(means["mean"], eta.mean(axis=0))
    assert_allclose(means["sd"], eta.std(axis=0, ddof=1))


def test_zeroed_levels():
    post = posteriors.sleepstudy()
    frame = bml.posterior_predictive(post, {"Days": [4.0]}, kind="linear", ranef="zero")
    assert_allclose(frame["mean"], (flat_draws(post.posterior.beta) @ [1.0, 4.0]).mean())
    unseen = {"Days": [4.0], "Subject": ["400"]}
    with pytest.raises(DataError, match="`400`"):
        bml.posterior_predictive(post, unseen)
    zero = bml.posterior_predictive(post, unseen, kind="linear", new_levels="zero")
    pd.testing.assert_frame_equal(zero, frame)


def test_trials_of_new_rows():
    fit = bml.fit(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)", bml.datasets.load("cbpp"), family="binomial"
    )
    new = {"period": ["1", "1"], "herd": ["1", "1"]}
    options = {"interval": "prediction", "random_seed": 1}
    with pytest.raises(SpecificationError, match="a column `trials`"):
        bml.predict(fit, new, **options)
    frame = bml.predict(fit, new | {"trials": [5, 400]}, **options)
    width = frame["upper"] - frame["lower"]
    assert width.iloc[1] < 0.8 * width.iloc[0]
    given = bml.predict(fit, new | {"incidence": [0, 0], "size": [5, 400]}, **options)
    pd.testing.assert_frame_equal(given, frame)
    with pytest.raises(DataError, match=r"whole number from 1; it is 2\.5 in 1 rows"):
        bml.predict(fit, new | {"trials": [5, 2.5]}, **options)


def test_several_outcomes_have_standard_errors():
    fit = bml.fit("rating ~ temp + (1 | judge)", bml.datasets.load("wine"), family="cumulative")
    new = pd.DataFrame({"temp": ["warm", "cold"]}, index=["w", "c"])
    frame = bml.predict(fit, new, kind="probability", outcome=["1", "5"], ranef="zero")
    assert list(frame.index) == [("w", "1"), ("w", "5"), ("c", "1"), ("c", "5")]
    alone = bml.predict(fit, new, kind="probability", outcome="5", ranef="zero")
    pd.testing.assert_frame_equal(frame.xs("5", level="outcome"), alone)
    wide = bml.predict(fit, new, ranef="zero")
    assert frame.loc[("c", "1"), "estimate"] == wide.loc["c", "1"]
    with pytest.raises(SpecificationError, match="at least one"):
        bml.predict(fit, new, kind="probability", outcome=[])
