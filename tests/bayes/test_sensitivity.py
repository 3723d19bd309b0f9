"""Power-scaling: conflicts are flagged, defaults are not, and reweighting agrees with sampling anew."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from arviz_stats import psense_summary

import bayesml as bml
from bayesml.bayes.sensitivity import CONFLICT, NOTHING, STRONG
from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.results.diagnostics import mcse_of_mean
from bayesml.results.marginal_likelihood import log_marginal_likelihood
from tests import posteriors

SLEEP = posteriors.SLEEP
CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
SEIZURES = "y ~ lbase * trt + lage + V4 + (1 | subject)"


def sleep_priors(alpha: float) -> dict:
    """Priors of sleepstudy to a power: normal, exponential, half-normal and LKJ densities stay what they are."""
    s = alpha**-0.5
    return {
        "Intercept": bml.Normal(250, 100 * s),
        "Days": bml.Normal(5, 3 * s),
        "sd(Intercept | Subject)": bml.Exponential(0.05 * alpha),
        "sd(Days | Subject)": bml.HalfNormal(5 * s),
        "corr(Subject)": bml.LKJ(1 + alpha),
        "sigma": bml.HalfNormal(20 * s),
    }


def cbpp_priors(alpha: float) -> dict:
    s = alpha**-0.5
    return {
        "Intercept": bml.Normal(0, 1 * s),
        **{f"period[{k}]": bml.Normal(0, 0.5 * s) for k in (2, 3, 4)},
        "sd(Intercept | herd)": bml.HalfNormal(0.5 * s),
    }


@cache
def sleep(alpha: float, seed: int = 1):
    data = bml.datasets.load("sleepstudy")
    return bml.sample(SLEEP, data, sleep_priors(alpha), random_seed=seed, progressbar=False)


@cache
def cbpp(alpha: float, seed: int = 1):
    data = bml.datasets.load("cbpp")
    return bml.sample(CBPP, data, cbpp_priors(alpha), family="binomial", random_seed=seed, progressbar=False)


# -- diagnosis -----------------------------------------------------------------------------------


def test_a_conflicting_prior_is_flagged_and_named():
    found = bml.sensitivity(posteriors.conflicting())
    row = found.table.loc["Days"]
    assert row["diagnosis"] == CONFLICT
    assert row["due_to"] == "Days"
    assert "Normal(-20, 2)" in row["advice"]
    assert "prior_grid over Days" in row["advice"]
    assert list(found.flagged.index) == ["Days"]


def test_sleepstudy_with_default_priors_is_not_flagged():
    found = bml.sensitivity(posteriors.sleepstudy())
    assert (found.table["diagnosis"] == NOTHING).all()
    assert found.flagged.empty
    assert (found.table["likelihood"] > found.threshold).all()
    assert (found.table["pareto_k"] < 0.7).all()


@pytest.mark.parametrize(("formula", "family", "dataset"), [(CBPP, "binomial", "cbpp"), (SEIZURES, "poisson", "epil")])
def test_default_priors_of_other_families_are_not_flagged(formula, family, dataset):
    data = bml.datasets.load(dataset)
    post = bml.sample(formula, data, family=family, draws=500, tune=500, random_seed=1, progressbar=False)
    found = bml.sensitivity(post)
    assert found.flagged.empty
    assert (found.table["likelihood"] > found.threshold).all()
    assert "by Laplace's method" in str(found)


def test_a_strong_prior_on_which_the_data_are_silent_is_no_conflict():
    data = bml.datasets.load("sleepstudy")
    priors = {"Days": bml.Normal(10.5, 0.05)}
    post = bml.sample(SLEEP, data, priors, draws=500, tune=500, random_seed=1, progressbar=False)
    assert bml.sensitivity(post).table.loc["Days", "diagnosis"] == STRONG


def test_flat_priors_do_not_change_under_powers():
    data = bml.datasets.load("sleepstudy")
    post = bml.sample(SLEEP, data, "flat", draws=500, tune=500, random_seed=1, progressbar=False)
    found = bml.sensitivity(post)
    # LKJ(1) is flat too
    assert (found.table["prior"] == 0).all()
    assert found.flagged.empty


# -- the numbers ---------------------------------------------------------------------------------


def test_the_numbers_are_those_of_arviz():
    post = posteriors.conflicting()
    found = bml.sensitivity(post, likelihood="conditional")
    tree = post.log_likelihood()
    dims = ("chain", "draw")
    tree["log_prior"] = tree["posterior"].dataset[[]].assign(all=(dims, found.components["all"]))
    own = psense_summary(tree, var_names=["beta", "sigma"], round_to=12)
    np.testing.assert_allclose(found.table.loc[["Intercept", "Days", "sigma"], "prior"], own["prior"], rtol=0.02)
    np.testing.assert_allclose(
        found.table.loc[["Intercept", "Days", "sigma"], "likelihood"], own["likelihood"], rtol=0.02
    )


@pytest.mark.parametrize("alpha", [0.5, 2.0])
@pytest.mark.parametrize("sampled", [sleep, cbpp], ids=["sleepstudy", "cbpp"])
def test_power_scaling_of_the_prior_agrees_with_sampling_anew(sampled, alpha):
    path = bml.sensitivity(sampled(1.0)).path([alpha])
    agrees(path[path["scaled"] == "all"], sampled(alpha, 2))


def test_doubling_the_marginal_likelihood_is_doubling_the_groups():
    data = bml.datasets.load("sleepstudy")
    twice = pd.concat([data, data.assign(Subject=data["Subject"].astype(str) + " again")])
    path = bml.sensitivity(sleep(1.0)).path([2.0])
    agrees(
        path[path["scaled"] == "likelihood"],
        bml.sample(SLEEP, twice, sleep_priors(1.0), random_seed=2, progressbar=False),
    )


def test_doubling_the_conditional_likelihood_is_doubling_the_rows():
    data = bml.datasets.load("cbpp")
    twice = pd.concat([data, data])
    priors = cbpp_priors(1.0)
    # the rows' own likelihood varies more over the draws than the marginal one: more are needed
    post = bml.sample(CBPP, data, priors, family="binomial", draws=5000, random_seed=3, progressbar=False)
    path = bml.sensitivity(post, likelihood="conditional").path([2.0])
    doubled = bml.sample(CBPP, twice, priors, family="binomial", random_seed=2, progressbar=False)
    agrees(path[path["scaled"] == "likelihood"], doubled)


def agrees(path: pd.DataFrame, other) -> None:
    """Means and variances of weighted draws are those of other draws, within Monte-Carlo error."""
    assert len(path) > 0
    assert (path["pareto_k"] < 0.7).all()
    for row in path.itertuples():
        draws = other.draws(row.quantity)
        squares = (draws - draws.mean()) ** 2
        for found, values in ((row.mean, draws), (row.sd**2, squares)):
            error = np.hypot(mcse_of_mean(values), values.std() / np.sqrt(row.sample_size))
            assert found == pytest.approx(values.mean(), abs=3.5 * error)


# -- what is asked for ---------------------------------------------------------------------------


def test_blocks_of_priors_are_scaled_by_themselves():
    table = bml.sensitivity(posteriors.conflicting(), ["Days", "sigma"], by="block").table
    assert list(table.index.get_level_values("scaled").unique()) == ["all", "coefficients", "random", "family"]
    assert table.loc[("coefficients", "Days"), "prior"] > 0.05
    assert table.loc[("family", "Days"), "prior"] < 0.01


def test_each_prior_by_itself():
    found = bml.sensitivity(posteriors.conflicting(), "Days", by="parameter")
    table = found.table.droplevel("quantity")
    assert list(table.index) == list(found.single)
    assert table["prior"].idxmax() == "Days"


def test_quantities_are_arithmetic_patterns_and_random_effects():
    found = bml.sensitivity(
        posteriors.conflicting(), quantities=["sd(Days | Subject)  / sigma", "b(Days | Subject[30?])"]
    )
    assert list(found.table.index) == [
        "sd(Days | Subject) / sigma",
        "b(Days | Subject[308])",
        "b(Days | Subject[309])",
    ]


def test_the_path_has_the_posterior_itself_at_one():
    post = posteriors.sleepstudy()
    path = bml.sensitivity(post, "Days").path([0.8, 1.0])
    row = path[(path["alpha"] == 1.0) & (path["scaled"] == "all")].iloc[0]
    assert row["mean"] == pytest.approx(post.draws("Days").mean())
    assert row["lower"] == pytest.approx(np.quantile(post.draws("Days"), 0.025), abs=0.02)


def test_it_says_which_likelihood_is_scaled():
    assert "conditional" in str(bml.sensitivity(posteriors.sleepstudy(), likelihood="conditional"))
    html = bml.sensitivity(posteriors.conflicting())._repr_html_()
    assert "marginal" in html
    assert "Normal(-20, 2)" in html


def test_without_random_effects_there_is_one_likelihood():
    data = bml.datasets.load("sleepstudy")
    post = bml.sample("Reaction ~ Days", data, draws=500, tune=500, random_seed=1, progressbar=False)
    one, other = (bml.sensitivity(post, likelihood=kind) for kind in ("marginal", "conditional"))
    pd.testing.assert_frame_equal(one.table, other.table)
    assert "random effects" not in str(one)


def test_draws_where_laplace_fails_are_left_out_and_told(monkeypatch):
    def failing(graph, posterior):
        values = log_marginal_likelihood(graph, posterior)
        values[0, :3] = -np.inf
        return values

    monkeypatch.setattr("bayesml.bayes.sensitivity.log_marginal_likelihood", failing)
    found = bml.sensitivity(posteriors.sleepstudy())
    assert "At 3 draws" in str(found)
    assert (found.table["diagnosis"] == NOTHING).all()


def test_large_data_are_scaled_on_fewer_draws(monkeypatch):
    monkeypatch.setattr("bayesml.bayes.sensitivity.WORK", 1.0)
    found = bml.sensitivity(posteriors.sleepstudy())
    assert found.step == 2
    assert "every 2nd draw" in str(found)
    assert found.components["likelihood"].shape == (4, 250)
    assert (found.table["likelihood"] > found.threshold).all()


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "group"}, "`by='group'`"),
        ({"likelihood": "joint"}, "`likelihood='joint'`"),
        ({"alphas": (1.01, 1.1)}, "a power below one"),
        ({"threshold": 0}, "`threshold=0`"),
        ({"quantities": ["Days > 8"]}, "true or false"),
        ({"quantities": []}, "No quantity"),
    ],
)
def test_what_has_no_meaning_is_refused(options, message):
    with pytest.raises(SpecificationError, match=message):
        bml.sensitivity(posteriors.sleepstudy(), **options)


def test_unknown_parameters_are_told():
    with pytest.raises(ColumnNotFound, match="Dayz"):
        bml.sensitivity(posteriors.sleepstudy(), "Dayz")


def test_a_likelihood_fit_has_no_draws():
    fit = bml.fit(SLEEP, bml.datasets.load("sleepstudy"))
    with pytest.raises(SpecificationError, match="prior_grid"):
        bml.sensitivity(fit)
