"""The result of sampling: every cell summarises the draws of its own quantity."""

import arviz as az
import numpy as np
import pytest
from numpy.testing import assert_allclose

import bayesml as bml
from bayesml.errors import BayesmlWarning, ColumnNotFound, SpecificationError, TooLarge
from bayesml.results import bayesian
from bayesml.results.bayesian import BayesianResult
from bayesml.results.posterior import flat_draws
from tests import posteriors


@pytest.fixture
def post() -> BayesianResult:
    return posteriors.sleepstudy()


def without_effects(post: BayesianResult) -> BayesianResult:
    """The same draws, with random effects that have still to be drawn."""
    parts = {name: getattr(post.posterior, name) for name in post.posterior.__dataclass_fields__} | {"effects": None}
    return BayesianResult(post.model, post.design, type(post.posterior)(**parts), post.priors)


def test_draws_by_address(post):
    p = post.posterior
    for address, draws in {
        "Days": p.beta[..., 1],
        "sigma": p.sigma,
        "sd(Days | Subject)": p.sds[0][..., 1],
        "corr(Days, Intercept | Subject)": p.corrs[0][..., 0],
        "b(Days | Subject[309])": p.effects[0][..., 1, 1],
    }.items():
        assert np.array_equal(post.draws(address), draws)
        assert_allclose(post[address], np.median(draws))
    with pytest.raises(ColumnNotFound, match="Days"):
        post.draws("Dais")


def test_tables_are_medians_sds_and_equal_tailed_intervals(post):
    table = post.tidy(ci_prob=0.8)
    for address in table.index:
        draws = post.draws(address)
        assert_allclose(table.loc[address, "estimate"], np.median(draws))
        assert_allclose(table.loc[address, "se"], draws.std(ddof=1))
        assert_allclose(table.loc[address, ["lower", "upper"]].astype(float), np.quantile(draws, [0.1, 0.9]))
        assert_allclose(table.loc[address, "rhat"], float(az.rhat(draws)))
    assert_allclose(post.fixef["Days"], post["Days"])
    assert_allclose(post.se["Days"], post.draws("Days").std(ddof=1))
    assert_allclose(post.vcov, np.cov(flat_draws(post.posterior.beta), rowvar=False))
    assert_allclose(post.sigma, np.median(post.posterior.sigma))


def test_variances_summarise_variances_not_squares_of_summaries(post):
    table = post.varcorr.set_index(["group", "var1", "var2"])
    draws = post.draws("sd(Days | Subject)")
    row = table.loc[("Subject", "Days", "")]
    assert_allclose(
        row[["vcov", "sdcor", "se"]].astype(float), [np.median(draws**2), np.median(draws), (draws**2).std(ddof=1)]
    )
    assert_allclose(row[["lower", "upper"]].astype(float), np.quantile(draws**2, [0.025, 0.975]))
    product = post.draws("corr(Intercept, Days | Subject)") * draws * post.draws("sd(Intercept | Subject)")
    assert_allclose(table.loc[("Subject", "Intercept", "Days"), "vcov"], np.median(product))
    assert table.loc[("Residual", "", ""), "vcov"] == np.median(post.posterior.sigma**2)


def test_effects_and_coefficients_by_level(post):
    frame = post.ranef["Subject"]
    assert list(frame.index) == list(post.design.random[0].levels)
    assert_allclose(frame.loc["308", "Days"], np.median(post.draws("b(Days | Subject[308])")))
    total = post.draws("b(Days | Subject[308])") + post.draws("Days")
    assert_allclose(post.coef["Subject"].loc["308", "Days"], np.median(total))
    assert_allclose(post.ranef_se["Subject"].loc["308", "Days"], post.draws("b(Days | Subject[308])").std(ddof=1))


def test_fitted_are_means_of_their_draws(post):
    p = post.posterior
    eta = p.beta[..., 0] + p.effects[0][..., 0, 0] + 3 * (p.beta[..., 1] + p.effects[0][..., 0, 1])
    assert_allclose(post.fitted.iloc[3], eta.mean())
    assert_allclose(post.residuals + post.fitted, post.observed)


def test_summary_shows_what_was_asked_for(post):
    text = str(post.summary(ci_prob=0.9, scale="sd"))
    for part in ["90% cred. interval", "corr(Intercept, Days)", "Residual", "R-hat", "Divergences", "Subject"]:
        assert part in text
    with pytest.raises(SpecificationError, match="`nonsense` is no option"):
        post.summary(nonsense=1)
    with pytest.raises(SpecificationError, match="ci_prob=95"):
        post.summary(ci_prob=95)


def test_arviz_reads_the_draws_under_the_users_labels(post):
    summary = az.summary(post.idata, var_names=["beta", "sd_Subject", "corr_Subject", "sigma"])
    assert list(summary.index) == [
        "beta[Intercept]", "beta[Days]",
        "sd_Subject[Intercept]", "sd_Subject[Days]", "corr_Subject[Intercept, Days]", "sigma",
    ]  # fmt: skip
    assert set(post.idata.children) >= {"posterior", "sample_stats", "observed_data", "constant_data"}
    effect = post.idata["posterior"]["b_Subject"].sel(Subject="308", Subject_term="Days")
    assert np.array_equal(effect, post.draws("b(Days | Subject[308])"))


def test_log_likelihood_and_loo(post):
    post = without_effects(post)
    post.log_likelihood()
    found = post.idata["log_likelihood"]["Reaction"].to_numpy()
    p, design = post.posterior, post.design
    eta = p.beta[..., 0] + post.effects[0][..., 0, 0] + 9 * (p.beta[..., 1] + post.effects[0][..., 0, 1])
    expected = -0.5 * ((design.y[9] - eta) / p.sigma) ** 2 - np.log(p.sigma) - 0.5 * np.log(2 * np.pi)
    assert_allclose(found[..., 9], expected)
    with pytest.warns(UserWarning, match="Pareto"):
        loo = az.loo(post.idata)
    assert -900 < loo.elpd < -830


def test_new_responses_have_the_spread_of_the_old(post):
    tree = without_effects(post).posterior_predictive(random_seed=1)
    drawn = tree["posterior_predictive"]["Reaction"].to_numpy()
    assert drawn.shape == (4, 500, 180)
    inside = np.mean(np.abs(post.design.y - drawn.mean(axis=(0, 1))) < 2 * drawn.std(axis=(0, 1)))
    assert 0.9 < inside < 1.0


def test_prior_draws_have_the_numbers_of_the_priors(post):
    tree = without_effects(post).prior(draws=4000, random_seed=2)
    intercept = tree["prior"]["beta"].sel(coef="Intercept").to_numpy()
    prior = post.priors.coefficients[0]
    assert_allclose(intercept.mean(), prior.mu, atol=4 * prior.sigma / np.sqrt(4000))
    assert_allclose(intercept.std(), prior.sigma, rtol=0.06)
    corr = tree["prior"]["corr_Subject"].to_numpy()
    assert_allclose(np.quantile(corr, [0.25, 0.75]), [-0.5, 0.5], atol=0.05)
    b, sd = tree["prior"]["b_Subject"].to_numpy()[..., 0, 1], tree["prior"]["sd_Subject"].to_numpy()[..., 1]
    assert_allclose(np.std(b / sd), 1.0, rtol=0.06)
    assert tree["prior_predictive"]["Reaction"].shape == (1, 4000, 180)


def test_effects_are_drawn_when_read_and_always_the_same(post):
    one, two = without_effects(post), without_effects(post)
    assert np.array_equal(one.effects[0], two.effects[0])
    # the same distribution as the effects drawn together with the coefficients
    difference = one.effects[0].mean(axis=(0, 1)) - post.effects[0].mean(axis=(0, 1))
    sd = post.effects[0].std(axis=(0, 1))
    assert np.abs(difference / sd).max() < 5 * np.sqrt(2 / 2000)


def test_large_effects_are_summarised_without_draws(post, monkeypatch):
    reference = without_effects(post)
    expected = reference.effects[0]
    monkeypatch.setattr(bayesian, "EFFECT_LIMIT", 1000)
    large = without_effects(post)
    with pytest.raises(TooLarge, match="draw_effects"):
        large.draws("b(Days | Subject[308])")
    with pytest.warns(BayesmlWarning, match="without the random effects"):
        assert "b_Subject" not in large.idata["posterior"]
    sd = reference.ranef_se["Subject"]
    assert_allclose(large.ranef_se["Subject"], sd, rtol=0.1)
    assert (np.abs(large.ranef["Subject"] - reference.ranef["Subject"]) / sd).to_numpy().max() < 0.1
    assert np.isfinite(large.fitted).all()
    assert np.array_equal(large.draw_effects().effects[0], expected)
    assert "b_Subject" in large.idata["posterior"]
    assert large.ranef["Subject"].equals(reference.ranef["Subject"])


def test_status_has_the_numbers(post):
    status = post.status
    assert status.chains == 4
    assert status.draws == 500
    assert status.divergences == int(post.posterior.stats["diverging"].sum())
    assert_allclose(status.rhat, post.parameters["rhat"].max())
    assert status.ess_bulk > 500


def test_improper_priors_cannot_be_drawn_from():
    post = bml.sample(
        posteriors.SLEEP, bml.datasets.load("sleepstudy"), priors="flat", draws=500, tune=300, chains=2,
        random_seed=3, progressbar=False,
    )  # fmt: skip
    with pytest.raises(SpecificationError, match="flat prior of Intercept, Days"):
        post.prior()


def test_sampled_effects_count_in_the_status(post):
    parts = {name: getattr(post.posterior, name) for name in post.posterior.__dataclass_fields__}
    effects = post.posterior.effects[0].copy()
    effects[0, :, 2, 1] += 10.0
    for parametrisation, worst in (("noncentred", "b(Days | Subject[310])"), ("marginal", post.status.worst)):
        changed = type(post.posterior)(**parts | {"effects": (effects,), "parametrisation": parametrisation})
        assert BayesianResult(post.model, post.design, changed, post.priors).status.worst == worst


def test_draws_from_the_prior_show_themselves():
    prior = posteriors.sleepstudy().prior_draws(200, 1)
    assert "from the priors" in str(prior)
    assert prior.status.divergences == 0
