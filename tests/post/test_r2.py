"""R²: numbers of R's performance on fits of lme4 and glmmTMB, delta-method errors, draws of posteriors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayesml as bml
from bayesml.errors import RefusedTest, SpecificationError
from bayesml.post.r2 import Parameters, joint_vcov, moved, shares
from bayesml.results.posterior import flat_draws, term_covariance
from tests import fitted_models as models
from tests import posteriors
from tests.post.test_posterior_response import around
from tests.post.test_quantile_residuals import at_truth

CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
EPIL = "y ~ lbase + trt + (1 | subject)"

# performance 0.10.2 (insight 0.19.0): r2_nakagawa of lme4 1.1-31 (linear) and glmmTMB 1.1.5 fits; the last is their
# level-1 variance, which they take at the mean of the null model
PERFORMANCE = {
    "slopes": (models.fit, ("sleepstudy", models.SLEEP), 0.278651058162, 0.799219922783),
    "intercepts": (models.fit, ("sleepstudy", models.SLEEP_INTERCEPT), 0.279885636749, 0.704255452355),
    "crossed": (models.fit, ("penicillin", models.PENICILLIN), 0.0, 0.936339750387),
    "logit": (models.other, ("cbpp", CBPP, "binomial"), 0.0854160151446, 0.187314563677),
    "probit": (models.other, ("cbpp", CBPP, "binomial", "probit"), 0.0761184590441, 0.171163843183),
    "cloglog": (models.other, ("cbpp", CBPP, "binomial", "cloglog"), 0.130960484496, 0.281005507314),
}
COUNTS = {
    "poisson": (0.562308388889, 0.826137646541, 0.180365029636),
    "negative_binomial": (0.525781185138, 0.740728433721, 0.287740228098),
    "nbinom1": (0.490117086243, 0.681593787505, 0.350261772447),
}


@pytest.mark.parametrize("name", PERFORMANCE)
def test_latent_scales_as_in_performance(name):
    fit, model, marginal, conditional = PERFORMANCE[name]
    frame = bml.r2(fit(*model))
    assert list(frame.index) == ["marginal", "conditional"]
    assert_allclose(frame["estimate"], [marginal, conditional], rtol=2e-5, atol=1e-12)


@pytest.mark.parametrize("family", COUNTS)
def test_counts_as_in_performance_at_its_mean(family):
    fit = models.other("epil", EPIL, family)
    marginal, conditional, level1 = COUNTS[family]
    # var / mean² = expm1(level-1 variance), solved for the mean
    squared = np.expm1(level1)
    mean = {
        "poisson": lambda: 1 / squared,
        "negative_binomial": lambda: 1 / (squared - fit["alpha"]),
        "nbinom1": lambda: (1 + fit["delta"]) / squared,
    }[family]()
    frame = bml.r2(fit, mean=mean)
    assert_allclose(frame["estimate"], [marginal, conditional], rtol=2e-4)


def test_gamma_by_the_delta_method_as_in_performance():
    data = bml.datasets.load("epil")
    data["z"] = data["y"] + 1
    fit = bml.fit("z ~ lbase + trt + (1 | subject)", data, family="gamma")
    frame = bml.r2(fit, approximation="delta")
    assert_allclose(frame["estimate"], [0.49187804508, 0.696381842216], rtol=2e-5)
    assert "delta approximation" in repr(frame)
    exact = bml.r2(fit)["estimate"]
    f, b = 0.408161849746, 0.16969785286
    assert exact["marginal"] == pytest.approx(f / (f + b + np.log1p(fit.sigma**2)), rel=1e-5)


def test_the_mean_of_counts_is_that_over_levels():
    fit = models.other("epil", EPIL, "poisson")
    mean = bml.predict(fit, ranef="marginal")["estimate"].mean()
    assert_allclose(bml.r2(fit)["estimate"], bml.r2(fit, mean=mean)["estimate"], rtol=1e-8)


@pytest.mark.parametrize("model", [("epil", EPIL, "negative_binomial"), ("cbpp", CBPP, "binomial")])
def test_standard_errors_are_those_of_simulated_parameters(model, rng):
    fit = models.other(*model)
    vcov = 0.01 * joint_vcov(fit)
    moves = rng.multivariate_normal(np.zeros(len(vcov)), vcov, 4000)
    method = None if model[0] == "cbpp" else "lognormal"
    simulated = shares(fit, moved(fit, moves), method, None)
    frame = bml.r2(fit)
    assert_allclose(frame["se"], 10 * simulated.std(axis=0), rtol=0.05)
    inside = (frame["lower"] < frame["estimate"]) & (frame["estimate"] < frame["upper"])
    assert inside.all() and frame["lower"].min() > 0 and frame["upper"].max() < 1


def test_slopes_count_at_the_rows_own_covariates():
    post = posteriors.sleepstudy()
    G = flat_draws(term_covariance(post.design.random[0], post.posterior.sds[0], post.posterior.corrs[0]))
    z = post.design.random[0].Z
    random = np.einsum("mi,sij,mj->sm", z, G, z).mean(axis=1)
    fixed = np.var(flat_draws(post.posterior.beta) @ post.design.X.T, axis=1, ddof=1)
    total = fixed + random + flat_draws(post.posterior.sigma[..., None])[:, 0] ** 2
    frame = bml.r2(post)
    expected = np.stack([fixed / total, (fixed + random) / total], axis=1)
    assert_allclose(frame["estimate"], np.median(expected, axis=0))
    assert_allclose(frame["se"], expected.std(axis=0, ddof=1))
    assert_allclose(frame["upper"], np.quantile(expected, 0.975, axis=0))


def test_bayesian_r2_of_a_linear_model():
    post = posteriors.sleepstudy()
    beta, b = flat_draws(post.posterior.beta), flat_draws(post.effects[0])
    sigma2 = flat_draws(post.posterior.sigma[..., None])[:, 0] ** 2
    z = post.design.random[0].Z
    population = beta @ post.design.X.T
    mu = population + np.einsum("mq,smq->sm", z, b[:, post.design.random[0].codes])
    G = flat_draws(term_covariance(post.design.random[0], post.posterior.sds[0], post.posterior.corrs[0]))
    between = np.einsum("mi,sij,mj->sm", z, G, z).mean(axis=1)
    marginal = population.var(axis=1, ddof=1) / (population.var(axis=1, ddof=1) + between + sigma2)
    conditional = mu.var(axis=1, ddof=1) / (mu.var(axis=1, ddof=1) + sigma2)
    frame = bml.r2(post, "bayes")
    assert_allclose(frame["estimate"], [np.median(marginal), np.median(conditional)], rtol=1e-6)
    assert_allclose(frame["lower"], np.quantile([marginal, conditional], 0.025, axis=1), rtol=1e-6)


def test_bayesian_r2_of_proportions_and_counts():
    trials = around("cbpp", CBPP, "binomial")
    eta = flat_draws(trials.posterior.beta) @ trials.design.X.T
    eta += flat_draws(trials.effects[0])[:, trials.design.random[0].codes, 0]
    p = 1 / (1 + np.exp(-eta))
    variance = (p * (1 - p) / trials.design.response["trials"]).mean(axis=1)
    expected = p.var(axis=1, ddof=1) / (p.var(axis=1, ddof=1) + variance)
    assert bml.r2(trials, "bayes").loc["conditional", "estimate"] == pytest.approx(np.median(expected))
    counts = around(*models.EPIL)
    sd = flat_draws(counts.posterior.sds[0])
    mean = np.exp(flat_draws(counts.posterior.beta) @ counts.design.X.T + sd**2 / 2)
    variance = (mean**2 * np.expm1(sd**2) + mean).mean(axis=1)
    expected = mean.var(axis=1, ddof=1) / (mean.var(axis=1, ddof=1) + variance)
    assert bml.r2(counts, "bayes").loc["marginal", "estimate"] == pytest.approx(np.median(expected), rel=1e-6)


def test_of_a_fit_bayesian_r2_is_at_its_modes():
    fit = models.fit("sleepstudy", models.SLEEP)
    frame = bml.r2(fit, "bayes")
    variance = fit.fitted.var()
    assert frame.loc["conditional", "estimate"] == pytest.approx(variance / (variance + fit.sigma2))
    assert frame["se"].isna().all()


@pytest.mark.parametrize(
    ("name", "level1"),
    [
        ("lognormal", 0.7**2),
        ("weibull", np.pi**2 / 6),
        ("loglogistic", 0.5**2 * np.pi**2 / 3),
        ("cumulative", np.pi**2 / 3),
        ("student_t", 1.5**2 * 2),
        ("bernoulli", np.pi**2 / 3),
    ],
)
def test_level_one_variances(name, level1):
    post = at_truth(name, 1)
    x = post.design.fixed_columns[-1]
    fixed = 0.49 * x.var(ddof=1)
    assert shares(post, at_draws(post), *(method(post), None))[0] == pytest.approx(
        [fixed / (fixed + 0.36 + level1), (fixed + 0.36) / (fixed + 0.36 + level1)]
    )


def method(post):
    latent = post.model.family.latent_variance(post.model.link, post.sigma)
    return None if latent is not None else post.model.link.approximations[0]


def at_draws(post):
    G = [np.full((1, 1, 1), 0.36)]
    values = [flat_draws(post.draws(name))[:, None] for name in post.ancillary]
    return Parameters(flat_draws(post.posterior.beta), G, values, post.posterior.sigma.ravel())


def test_each_predictor_has_its_own():
    post = at_truth("categorical", 1)
    rows = ["1: marginal", "1: conditional", "2: marginal", "2: conditional"]
    with np.errstate(invalid="ignore"):
        found = shares(post, at_draws(post), None, None)[0]
    x = post.design.X[:, 1]
    first, second = 0.49 * x.var(ddof=1), 0.04 * x.var(ddof=1)
    rest = 0.36 + np.pi**2 / 3
    assert found[::2] == pytest.approx([first / (first + rest), second / (second + rest)])
    frame = bml.r2(around("wine", "rating ~ temp + contact + (1 | judge)", "cumulative"))
    assert list(frame.index) == ["marginal", "conditional"]
    assert len(rows) == len(found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "mcfadden"}, "`kind` is one of"),
        ({"approximation": "delta"}, "has a latent level-1 variance"),
        ({"mean": 3.0}, "has a latent level-1 variance"),
        ({"kind": "bayes", "mean": 3.0}, 'belong to `kind="nakagawa"`'),
    ],
)
def test_refusals(options, message):
    with pytest.raises(SpecificationError, match=message):
        bml.r2(models.fit("sleepstudy", models.SLEEP), **options)


def test_refusals_of_counts_and_categories():
    fit = models.other("epil", EPIL, "poisson")
    with pytest.raises(SpecificationError, match="with the log link. `approximation` is one of"):
        bml.r2(fit, approximation="exact")
    with pytest.raises(SpecificationError, match="means between 0 and inf"):
        bml.r2(fit, mean=-1.0)
    with pytest.raises(RefusedTest, match="is a category"):
        bml.r2(models.other("wine", "rating ~ temp + (1 | judge)", "cumulative"), "bayes")
