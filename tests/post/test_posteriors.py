"""Verbs on posteriors: draws made by hand, so that every number is known without sampling."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayesml as bml
from bayesml.errors import DataError, RefusedTest, SpecificationError
from bayesml.results.bayesian import BayesianResult
from bayesml.results.posterior import Posterior
from tests import fitted_models as models
from tests.post.test_quantile_residuals import at_truth

CHAINS, DRAWS = 2, 400


@pytest.fixture
def post(rng) -> BayesianResult:
    """Independent normal draws of everything around the estimates of the fit."""
    fit = models.fit("sleepstudy", models.SLEEP)
    J = 18
    draws = lambda centre, sd: centre + sd * rng.standard_normal((CHAINS, DRAWS, *np.shape(centre)))  # noqa: E731
    posterior = Posterior(
        beta=draws(fit.fixef.to_numpy(), np.array([5.0, 1.0])),
        sds=(np.abs(draws(np.array([24.0, 6.0]), 2.0)),),
        corrs=(np.tanh(draws(np.array([0.1]), 0.2)),),
        sigma=np.abs(draws(np.array(25.0), 1.0)),
        stats={"diverging": np.zeros((CHAINS, DRAWS)), "energy": rng.normal(size=(CHAINS, DRAWS))},
        parametrisation="marginal",
        seed=1,
        effects=(draws(fit.solution.modes()[0], np.ones((J, 2))),),
    )
    return BayesianResult(fit.model, fit.design, posterior)


def flat(array: np.ndarray) -> np.ndarray:
    return array.reshape(CHAINS * DRAWS, *array.shape[2:])


def eta(post: BayesianResult, days: float, level: int | None) -> np.ndarray:
    """Draws of the mean at one day, of one level or of the population line."""
    beta = flat(post.posterior.beta)
    b = flat(post.posterior.effects[0])[:, level] if level is not None else 0.0
    return (beta + b) @ np.array([1.0, days])


def test_conditional_predictions_summarise_their_draws(post):
    frame = bml.predict(post, {"Days": [0.0, 4.0], "Subject": ["308", "309"]})
    for i, (days, level) in enumerate([(0.0, 0), (4.0, 1)]):
        draws = eta(post, days, level)
        expected = [draws.mean(), draws.std(ddof=1), *np.quantile(draws, [0.025, 0.975])]
        assert_allclose(frame.iloc[i], expected)


def test_rows_of_the_data(post):
    frame = bml.predict(post)
    assert frame.index.equals(post.fitted.index)
    assert_allclose(frame["estimate"], post.fitted)


@pytest.mark.parametrize("ranef", ["zero", "marginal"])
def test_population_line(post, ranef):
    frame = bml.predict(post, {"Days": [4.0]}, ranef=ranef)
    assert frame["estimate"].iloc[0] == pytest.approx(eta(post, 4.0, None).mean())


def test_prediction_intervals_add_what_varies(post):
    new = {"Days": [4.0], "Subject": ["308"]}
    widths = {
        (ranef, interval): float(
            np.diff(bml.predict(post, new, ranef=ranef, interval=interval, random_seed=1).iloc[0, 2:])[0]
        )
        for ranef in ("zero", "marginal")
        for interval in ("confidence", "prediction")
    }
    line = eta(post, 4.0, None).var()
    z = np.array([1.0, 4.0])
    sd, corr = post.posterior.sds[0].mean(axis=(0, 1)), post.posterior.corrs[0].mean()
    between = z @ (np.outer(sd, sd) * np.array([[1, corr], [corr, 1]])) @ z
    assert widths["zero", "confidence"] == pytest.approx(2 * 1.96 * np.sqrt(line), rel=0.1)
    assert widths["zero", "prediction"] == pytest.approx(2 * 1.96 * np.sqrt(line + 625), rel=0.1)
    assert widths["marginal", "prediction"] == pytest.approx(2 * 1.96 * np.sqrt(line + between + 625), rel=0.1)


def test_new_levels(post):
    new = {"Days": [4.0, 4.0], "Subject": ["400", "308"]}
    with pytest.raises(DataError, match="`400`"):
        bml.predict(post, new)
    zero = bml.predict(post, new, new_levels="zero")
    assert zero["se"].iloc[0] == pytest.approx(eta(post, 4.0, None).std(ddof=1))
    drawn = bml.predict(post, new, new_levels="draw", random_seed=2)
    assert drawn["se"].iloc[0] > 4 * zero["se"].iloc[0]
    assert drawn["se"].iloc[1] == zero["se"].iloc[1]
    pd.testing.assert_frame_equal(drawn, bml.predict(post, new, new_levels="draw", random_seed=2))


def test_predictions_without_standard_errors(post):
    assert list(bml.predict(post, se=False).columns) == ["estimate"]


def test_icc_summarises_the_draws_of_the_ratio(post):
    frame = bml.icc(post, at={"Days": 2})
    sds, corr, sigma = flat(post.posterior.sds[0]), flat(post.posterior.corrs[0])[:, 0], flat(post.posterior.sigma)
    variance = sds[:, 0] ** 2 + 4 * sds[:, 1] ** 2 + 4 * corr * sds[:, 0] * sds[:, 1]
    ratio = variance / (variance + sigma**2)
    expected = [np.median(ratio), ratio.std(ddof=1), *np.quantile(ratio, [0.025, 0.975])]
    assert_allclose(frame.loc["Subject"], expected)


def test_random_effects_carry_all_uncertainty(post):
    frame = bml.ranef(post)["Subject"]
    assert_allclose(frame["se"], post.ranef_se["Subject"])
    assert_allclose(frame["median"], post.ranef["Subject"])
    assert_allclose(bml.ranef(post, "mean")["Subject"]["mean"], post.posterior.effects[0].mean(axis=(0, 1)))
    with pytest.raises(SpecificationError, match="its draws carry all uncertainty"):
        bml.ranef(post, se="conditional")
    with pytest.raises(SpecificationError, match="for a posterior"):
        bml.ranef(post, "mode")


def test_tests_of_likelihood_fits_are_refused(post):
    with pytest.raises(RefusedTest, match="posterior ask for the probability"):
        bml.wald_test(post, "Days = 10")
    with pytest.raises(RefusedTest, match="hypothesis"):
        bml.lrtest(models.fit("sleepstudy", models.SLEEP_INTERCEPT), post)


@pytest.mark.parametrize(
    ("name", "level1"),
    [
        ("gaussian", 1.5**2),
        ("tobit", 1.5**2),
        ("lognormal", 0.7**2),
        ("bernoulli", np.pi**2 / 3),
        ("binomial", 1.0),
        ("weibull", np.pi**2 / 6),
        ("exponential", np.pi**2 / 6),
        ("cumulative", np.pi**2 / 3),
    ],
)
def test_icc_of_each_family_with_a_latent_scale(name, level1, rng):
    truth = at_truth(name, 1)
    sds = np.abs(0.6 + 0.1 * rng.standard_normal((2, 50, 1)))
    repeat = lambda own: np.repeat(np.repeat(own, 50, axis=1), 2, axis=0)  # noqa: E731
    own = truth.posterior
    posterior = replace(
        own, beta=repeat(own.beta), sds=(sds,), corrs=(np.empty((2, 50, 0)),), sigma=repeat(own.sigma),
        effects=(repeat(own.effects[0]),), ancillary=repeat(own.ancillary),
    )  # fmt: skip
    frame = bml.icc(replace(truth, posterior=posterior))
    ratio = sds.ravel() ** 2 / (sds.ravel() ** 2 + level1)
    expected = [np.median(ratio), ratio.std(ddof=1), *np.quantile(ratio, [0.025, 0.975])]
    assert_allclose(frame.loc["g"], expected)
    # a quantile on the logit scale, mapped back, is the same
    logit = np.quantile(np.log(ratio / (1 - ratio)), 0.025, method="inverted_cdf")
    assert np.quantile(ratio, 0.025, method="inverted_cdf") == pytest.approx(1 / (1 + np.exp(-logit)))


@pytest.mark.parametrize("name", ["poisson", "negative_binomial", "gamma", "beta", "student_t", "loglogistic"])
def test_icc_without_a_latent_scale_is_refused(name):
    with pytest.raises(RefusedTest, match="no level-1 variance"):
        bml.icc(at_truth(name, 1))
