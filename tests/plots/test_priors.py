"""Plots of priors, of data from them, and of priors beside posteriors: what is drawn, and legibility."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

import bayesml as bml
from bayesml.distributions import Beta, Gamma, HalfCauchy, HalfNormal, InverseGamma, Normal, OnVariance, StudentT
from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.plots import prior_posterior, prior_predictive, priors
from bayesml.plots.prior_curves import (
    axis_height,
    central_interval,
    curve_height,
    diverges,
    prior_curve,
    shown_interval,
)
from bayesml.plots.prior_predictive import statistic_view, view
from tests import fitted_models, posteriors
from tests.outcome_table import RESPONSES, outcome_table
from tests.plots.legible import assert_legible
from tests.plots.synthetic import ml, posterior

SLEEP = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def sleep():
    return bml.datasets.load("sleepstudy")


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


# -- curves ------------------------------------------------------------------------------------------


def test_curves_are_the_densities():
    x, heights = prior_curve(StudentT(3, 1, 2), -9, 11)
    np.testing.assert_allclose(heights, stats.t(3, 1, 2).pdf(x))
    assert -9 < x[0] < x[-1] < 11
    x, _ = prior_curve(HalfNormal(2), -5, 5)
    assert x[0] > 0


@pytest.mark.parametrize(
    ("prior", "grows"),
    [(Gamma(0.01, 0.01), True), (HalfNormal(1), False), (HalfCauchy(1), False), (Beta(0.5, 2), True),
     (OnVariance(InverseGamma(0.01, 0.01)), False), (Gamma(1, 1), False)],
    ids=str,
)  # fmt: skip
def test_densities_without_bound_are_seen(prior, grows):
    assert diverges(prior, 0.0, 1.0) == grows


def test_height_leaves_out_what_is_infinite():
    x, heights = prior_curve(Gamma(0.01, 0.01), 0, 10)
    assert curve_height(Gamma(0.01, 0.01), x, heights) == pytest.approx(heights[x > 0.3].max())
    x, heights = prior_curve(HalfNormal(1), 0, 10)
    assert curve_height(HalfNormal(1), x, heights) == heights[0]


def test_one_curve_far_higher_than_the_others_is_cut():
    assert axis_height([1.0, 1.2, 30.0]) == 3 * 1.2
    assert axis_height([1.0, 30.0]) == 3
    assert axis_height([0.0, 2.0, 3.0]) == 3
    assert axis_height([0.0]) == 1


def test_axes_show_the_intervals():
    (low, high), cut = shown_interval([Normal(2, 1)], 0.95, 1.0, 0.0)
    lower, upper = central_interval(Normal(2, 1), 0.95)
    assert low < lower < upper < high
    assert not cut
    assert shown_interval([HalfNormal(1)], 0.95, 1.0, 0.0)[0][0] == 0
    # a far wider prior is cut, a heavy tail does not stretch the axis beyond all measure
    (low, high), cut = shown_interval([Normal(0, 1), Normal(0, 1), Normal(0, 1000)], 0.95, 1.0, 0.0)
    assert cut
    assert high < 20
    (_, high), cut = shown_interval([OnVariance(InverseGamma(0.01, 0.01))], 0.95, 1.0, 0.0)
    assert cut
    assert high < 40


# -- priors ------------------------------------------------------------------------------------------


def test_one_set():
    figure = priors(SLEEP, sleep())
    assert len(figure.axes) == 6
    title = " ".join(titles(figure)[1].split())
    assert title.startswith("Days Normal(0, 48.892) 95% within 0 ± 4.9 sd(Reaction) per sd(Days)")
    assert "LKJ(1)" in titles(figure)[4]
    curve = figure.axes[1].lines[0].get_xydata()
    np.testing.assert_allclose(curve[:, 1], stats.norm(0, 48.8915).pdf(curve[:, 0]), rtol=1e-4)
    natural = 56.17207 / 2.8722813
    marks = [line.get_xdata()[0] for line in figure.axes[1].lines[1:]]
    np.testing.assert_allclose(marks, [-natural, natural], rtol=1e-6)
    assert_legible(figure, ["weakly_informative", "95% interval", "natural scale of the data", "sd(Days | Subject)"])


def test_several_sets(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('base = "bambi"\n[priors.residual_sd]\ndistribution = "Exponential"\nscaled = true\n')
    wanted = ["weakly_informative", "stata", "brms", {"Days": Normal(0, 1)}, path]
    figure = priors(SLEEP, sleep(), priors=wanted, parameters=["Days", "sd(Subject)", "sigma"])
    assert [title for title in titles(figure)] == ["Days", "sd(Intercept | Subject)", "sd(Days | Subject)", "sigma"]
    assert_legible(figure, ["stata", "brms", "given, else weakly_informative", "mine.toml", "flat priors"])
    styles = {(line.get_color(), str(line.get_linestyle())) for line in figure.axes[0].lines[:5]}
    assert len(styles) == 5


def test_results_bring_their_own_priors():
    post = posteriors.sleepstudy()
    figure = priors(post, parameters="sigma")
    assert "HalfStudentT(4, 56.172)" in titles(figure)[0]
    fit = fitted_models.fit("sleepstudy", fitted_models.SLEEP)
    assert "Exponential" in titles(priors(fit, priors="rstanarm", parameters="sigma"))[0]
    assert "HalfStudentT" in titles(priors(fit, parameters="sigma"))[0]


@pytest.mark.parametrize("name", ["weakly_informative", "stata", "bambi", "brms", "flat", "horseshoe"])
def test_every_family(name):
    for family in ("negative_binomial", "beta", "student_t", "weibull", "cumulative"):
        figure = priors(f"{RESPONSES[family]} ~ x + (1 | g)", outcome_table(), name, family=family)
        assert_legible(figure, ["x"])


@pytest.mark.parametrize("levels", [3, 65, 316])
def test_more_levels_are_no_more_panels(levels):
    figure = priors(posterior(levels))
    assert_legible(figure, ["sd(Intercept | school)"])
    assert_legible(priors(ml(levels)), ["hours"])


def test_too_many_parameters_are_told():
    figure = priors(SLEEP, sleep(), limit=2)
    assert len(figure.axes) == 2
    assert_legible(figure, ["2 of 6 parameters"])


def test_refused():
    with pytest.raises(SpecificationError, match="needs data"):
        priors(SLEEP)
    with pytest.raises(SpecificationError, match="7 sets"):
        priors(SLEEP, sleep(), priors=["flat"] * 7)
    with pytest.raises(SpecificationError, match="0 sets"):
        priors(SLEEP, sleep(), priors=[])
    with pytest.raises(ColumnNotFound, match="Days"):
        priors(SLEEP, sleep(), parameters="Day")
    with pytest.raises(SpecificationError, match="its own data"):
        priors(posteriors.sleepstudy(), sleep())


# -- prior predictive --------------------------------------------------------------------------------


def drawn(family, name="weakly_informative", draws=80):
    formula = f"{RESPONSES[family]} ~ x + (1 | g)"
    return bml.prior_predictive(formula, outcome_table(), name, draws=draws, random_seed=1, family=family)


@pytest.mark.parametrize(
    ("family", "kind"),
    [("gaussian", "density"), ("poisson", "bars"), ("bernoulli", "bars"), ("binomial", "ecdf"), ("gamma", "density"),
     ("cumulative", "bars"), ("categorical", "bars"), ("beta", "density"), ("weibull", "density")],
)  # fmt: skip
@pytest.mark.parametrize("name", ["weakly_informative", "bambi"])
def test_kinds_by_family(family, kind, name):
    found = drawn(family, name)
    assert_legible(prior_predictive(found), ["observed", "simulated", name])
    assert_legible(prior_predictive(found, "statistic"), ["observed", "p: share of data sets"])
    label = {"bars": "rows", "ecdf": "share up to", "density": "density"}[kind]
    assert label in prior_predictive(found).axes[0].get_ylabel()


def test_heavy_tails_do_not_stretch_the_axis():
    found = drawn("gaussian", "stata")
    figure = prior_predictive(found)
    observed = found.observed
    low, high = figure.axes[0].get_xlim()
    assert high - low < 25 * np.ptp(observed)
    assert low < observed.min() < observed.max() < high
    assert_legible(figure, ["Shown are", "of the new responses; they go from"])
    for axes in prior_predictive(found, "statistic").axes:
        assert np.abs(axes.get_xlim()).max() < 1e3


def test_views():
    observed = np.array([0.0, 1.0, 2.0])
    low, high = view(observed, np.linspace(-5, 5, 1001))
    assert (low, high) == pytest.approx((-4.5, 4.5))
    assert view(observed, np.array([-1e9, 1e9] * 20)) == (-20, 22)
    assert view(observed, np.full(10, 1.0)) == (0, 2)
    assert view(np.array([3.0, 3.0]), np.array([3.0, 4.0])) == pytest.approx((3, 3.95))


def test_data_sets_beyond_the_observed_statistic_stay_beyond_it():
    draws = np.concatenate([np.linspace(10, 20, 99), [1.0]])
    low, _ = statistic_view(2.0, draws, 0.0)
    clipped = np.clip(draws, low, None)
    assert np.mean(clipped < 2.0) == 0.01


def test_lines_are_data_sets():
    found = drawn("gaussian")
    (axes,) = prior_predictive(found, "ecdf", draws=7).axes
    assert len(axes.collections[0].get_segments()) == 7
    (axes,) = prior_predictive(found, draws=7).axes
    assert len(axes.lines) == 7 + 1
    low, high = axes.get_xlim()
    observed = axes.lines[-1].get_xydata()
    assert np.trapezoid(observed[:, 1], observed[:, 0]) == pytest.approx(1, abs=0.02)
    # a data set that lies beyond the axis in part has a part of the area
    y = found.responses[0]
    curve = axes.lines[0].get_xydata()
    inside = np.mean((y >= low) & (y <= high))
    assert np.trapezoid(curve[:, 1], curve[:, 0]) == pytest.approx(inside, abs=0.03)


def test_responses_that_do_not_exist_are_told():
    found = bml.prior_predictive("k ~ x + (1 | g)", outcome_table(), family="poisson", link="identity", draws=60,
                                 random_seed=1)  # fmt: skip
    assert_legible(prior_predictive(found), ["do not exist"])
    assert_legible(prior_predictive(found, "ecdf"), ["do not exist"])


def test_kinds_that_responses_do_not_have():
    with pytest.raises(SpecificationError, match="of counts and categories"):
        prior_predictive(drawn("gaussian"), "bars")
    with pytest.raises(SpecificationError, match="is a category"):
        prior_predictive(drawn("cumulative"), "density")
    with pytest.raises(SpecificationError, match="kind"):
        prior_predictive(drawn("gaussian"), "histogram")
    with pytest.raises(SpecificationError, match="draws=0"):
        prior_predictive(drawn("gaussian"), draws=0)
    with pytest.raises(SpecificationError, match=r"bml\.prior_predictive"):
        prior_predictive(posteriors.sleepstudy())


# -- prior and posterior -----------------------------------------------------------------------------


def test_prior_beside_posterior():
    post = posteriors.sleepstudy()
    figure = prior_posterior(post)
    assert len(figure.axes) == 6
    axes = figure.axes[1]
    curve = axes.lines[0].get_xydata()
    np.testing.assert_allclose(curve[:, 1], stats.norm(0, 48.8915).pdf(curve[:, 0]), rtol=1e-4)
    draws = post.draws("Days")
    assert f"sd: prior 48.9, posterior {draws.std():.3g}" in axes.get_title()
    low, high = axes.get_xlim()
    assert low < draws.min() < draws.max() < high
    assert_legible(figure, ["prior", "posterior", "95% interval", "corr(Intercept, Days | Subject)"])
    wide = prior_posterior(post, "Days", view="both")
    low, high = wide.axes[0].get_xlim()
    assert low <= stats.norm(0, 48.8915).ppf(0.025)
    assert high >= stats.norm(0, 48.8915).ppf(0.975)


def test_margin_of_a_correlation():
    post = posteriors.sleepstudy()
    curve = prior_posterior(post, "corr(Subject)").axes[0].lines[0].get_xydata()
    np.testing.assert_allclose(curve[:, 1], 0.5)


@pytest.mark.parametrize("levels", [3, 65, 316])
def test_prior_posterior_of_many_levels(levels):
    assert_legible(prior_posterior(posterior(levels)), ["hours"])


def test_what_has_no_prior_of_its_own():
    with pytest.raises(SpecificationError, match="no prior of its own"):
        prior_posterior(posteriors.sleepstudy(), "b(Subject)")
    with pytest.raises(SpecificationError, match="draws a posterior"):
        prior_posterior(fitted_models.fit("sleepstudy", fitted_models.SLEEP))
    with pytest.raises(SpecificationError, match="view"):
        prior_posterior(posteriors.sleepstudy(), view="prior")


def test_held_parameters_are_lines():
    post = bml.sample(
        "Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff"), {"sigma": bml.Fixed(50)}, draws=500, tune=500,
        chains=4, random_seed=1, progressbar=False,
    )  # fmt: skip
    axes = prior_posterior(post, ["sigma", "Intercept"]).axes[0]
    assert axes.get_title() == "sigma\nheld at 50"
    assert [list(line.get_xdata()) for line in axes.lines] == [[50, 50]]
