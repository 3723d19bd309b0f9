"""Data from the prior: their distribution, what the table says of them, and what is refused."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesml as bml
from bayesml.bayes.prior_predictive import LARGEST, in_words, of_graph, prior_predictive, share, spread, weighted
from bayesml.datasets import load
from bayesml.errors import DataNote, SpecificationError, TooLarge
from bayesml.families import FAMILIES
from bayesml.families.large_counts import poisson_counts
from bayesml.graphs.of_data import graph_of
from tests import fitted_models, posteriors
from tests.outcome_table import RESPONSES, outcome_table

SLEEP = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleep():
    return prior_predictive(SLEEP, load("sleepstudy"), draws=400, random_seed=1)


def test_groups_of_the_tree(sleep):
    assert set(sleep.tree.children) == {"prior", "prior_predictive", "observed_data"}
    assert dict(sleep.tree["prior_predictive"].sizes) == {"chain": 1, "draw": 400, "obs": 180}
    assert set(sleep.tree["prior"].data_vars) == {"beta", "sd_Subject", "corr_Subject", "b_Subject", "sigma"}
    np.testing.assert_array_equal(sleep.tree["observed_data"]["Reaction"], load("sleepstudy")["Reaction"])
    assert sleep.responses.shape == (400, 180)


def test_same_seed_same_draws(sleep):
    again = prior_predictive(SLEEP, load("sleepstudy"), draws=400, random_seed=1)
    np.testing.assert_array_equal(again.responses, sleep.responses)
    assert not np.array_equal(prior_predictive(SLEEP, load("sleepstudy"), draws=400).responses, again.responses)


def test_of_a_result(sleep):
    post = posteriors.sleepstudy()
    np.testing.assert_array_equal(prior_predictive(post, draws=400, random_seed=1).responses, sleep.responses)
    fit = fitted_models.fit("sleepstudy", SLEEP)
    np.testing.assert_array_equal(prior_predictive(fit, draws=400, random_seed=1).responses, sleep.responses)
    assert prior_predictive(post, priors="rstanarm", draws=5).graph.priors.prior_set == "rstanarm"
    with pytest.raises(SpecificationError, match="its own data"):
        prior_predictive(post, load("sleepstudy"))
    with pytest.raises(SpecificationError, match="needs data"):
        prior_predictive(SLEEP)


def test_distribution_of_new_responses():
    """With a known sigma and sd, a row is normal with a known mean and variance."""
    priors = {"Intercept": bml.Normal(250, 30), "Days": bml.Normal(10, 5), "sd(Intercept | Subject)": bml.Fixed(20),
              "sigma": bml.Fixed(25)}  # fmt: skip
    data = load("sleepstudy")
    found = prior_predictive("Reaction ~ Days + (1 | Subject)", data, priors=priors, draws=4000, random_seed=3)
    days = data["Days"].to_numpy()
    for row in (0, 9, 100):
        mean, sd = 250 + 10 * days[row], np.sqrt(30**2 + 25 * days[row] ** 2 + 20**2 + 25**2)
        assert stats.kstest(found.responses[:, row], stats.norm(mean, sd).cdf).pvalue > 0.001
    # rows of a subject share its effect, and all rows the coefficients
    correlation = np.corrcoef(found.responses[:, 0], found.responses[:, 1])[0, 1]
    expected = (30**2 + 20**2) / np.sqrt((30**2 + 20**2 + 25**2) * (30**2 + 25 + 20**2 + 25**2))
    assert correlation == pytest.approx(expected, abs=0.03)


def test_statistics_are_those_of_the_draws(sleep):
    y = sleep.responses
    found = sleep.statistics
    np.testing.assert_allclose(found["mean"], y.mean(axis=1))
    np.testing.assert_allclose(found["sd"], y.std(axis=1))
    np.testing.assert_array_equal(found["smallest"], y.min(axis=1))
    np.testing.assert_array_equal(found["largest"], y.max(axis=1))
    groups = pd.Series(y[7]).groupby(load("sleepstudy")["Subject"].to_numpy()).mean()
    assert found["sd of means by Subject"][7] == pytest.approx(groups.std(ddof=0))


def test_table(sleep):
    table = sleep.table
    assert list(table.columns) == ["observed", "median", "lower", "upper", "below", "implies"]
    row = table.loc["mean"]
    assert row["observed"] == pytest.approx(load("sleepstudy")["Reaction"].mean())
    np.testing.assert_allclose(row[["lower", "median", "upper"]].astype(float),
                               np.quantile(sleep.statistics["mean"], [0.025, 0.5, 0.975]))  # fmt: skip
    assert row["below"] == np.mean(sleep.statistics["mean"] < row["observed"])
    outside = np.mean((sleep.responses < sleep.observed.min()) | (sleep.responses > sleep.observed.max()))
    assert f"{100 * outside:.3g}% of the new responses lie outside" in sleep.notes[0]
    text = str(sleep)
    assert "weakly_informative" in text
    assert "sd of means by Subject" in text
    assert "<table" in sleep._repr_html_()


WORDS = [
    (3.0, (1.0, 9.0), 0.4, None, "inside; 0.33 to 3 times the observed"),
    (3.0, (1.0, 90.0), 0.1, None, "inside; wide: 0.33 to 30 times the observed"),
    (3.0, (1.0, 9.0), 0.4, 2.0, "inside; the interval spans 4 observed sds"),
    (3.0, (1.0, 9.0), 0.4, 0.0, "inside"),
    (0.0, (0.0, 0.0), 0.5, None, "inside"),
    (3.0, (1.0, 2.0), 0.99, None, "the observed is above 99% of the draws: rare under the prior"),
    (3.0, (4.0, 9.0), 0.001, 1.0, "the observed is below 99.9% of the draws: rare under the prior"),
    (3.0, (4.0, 9.0), 0.0, 1.0, "the observed is below all draws: the prior all but rules it out"),
    (3.0, (1.0, 2.0), 1.0, 1.0, "the observed is above all draws: the prior all but rules it out"),
]


@pytest.mark.parametrize(("observed", "interval", "below", "unit", "words"), WORDS)
def test_words(observed, interval, below, unit, words):
    assert in_words(observed, interval, below, 0.95, unit) == words


@pytest.mark.parametrize(("value", "text"), [(0, "0%"), (1, "100%"), (1e-5, "under 0.1%"), (0.5, "50%")])
def test_shares(value, text):
    assert share(value) == text


def test_a_prior_that_contradicts_the_data_is_told():
    found = prior_predictive(
        SLEEP, load("sleepstudy"), priors={"Intercept": bml.Normal(0, 1), "Days": bml.Normal(0, 1)}, random_seed=1
    )
    assert "rare under the prior" in found.table.loc["mean", "implies"] or "rules" in found.table.loc["mean", "implies"]


def test_flat_priors_are_named():
    with pytest.raises(SpecificationError, match=r"`Intercept`, `Days`.*`flat`.*weakly_informative"):
        prior_predictive(SLEEP, load("sleepstudy"), priors="flat")
    with pytest.raises(SpecificationError, match="`Days` has in `brms`"):
        prior_predictive(SLEEP, load("sleepstudy"), priors="brms")


@pytest.mark.parametrize("draws", [0, -3, 2.5, True, "many"])
def test_number_of_draws(draws):
    with pytest.raises(SpecificationError, match="draws="):
        prior_predictive(SLEEP, load("sleepstudy"), draws=draws)


def test_too_many_draws_are_refused_with_a_number_that_fits():
    graph = graph_of(SLEEP, load("sleepstudy"))
    with pytest.raises(TooLarge, match=r"draws=\d+") as error:
        of_graph(graph, 10**8)
    fits = int(str(error.value).split("draws=")[1].split("`")[0])
    assert 8 * fits * (180 + 36) <= LARGEST


@pytest.mark.parametrize("family", list(RESPONSES))
@pytest.mark.parametrize("name", ["weakly_informative", "stata", "bambi"])
def test_every_family_has_responses_that_it_allows(name, family):
    formula = f"{RESPONSES[family]} ~ x + f + (x | g)"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataNote)
        graph = graph_of(formula, outcome_table(), name, family=family)
    if (name, family) == ("stata", "cumulative"):
        with pytest.raises(SpecificationError, match=r"`cut\[low\|mid\]`, `cut\[mid\|high\]` have in `stata`"):
            of_graph(graph, 60)
        return
    found = of_graph(graph, 60, random_seed=2)
    y = found.responses[np.isfinite(found.responses)]
    assert len(y)
    if not graph.design.categories and family != "binomial":
        assert graph.family.allows(y).all()
    assert str(found)
    shares = found.table[[n.startswith("share") for n in found.table.index]]
    assert ((shares[["lower", "upper"]] >= 0) & (shares[["lower", "upper"]] <= 1)).all(axis=None)


def test_every_family_is_tried():
    assert set(RESPONSES) == set(FAMILIES)


def test_means_out_of_their_domain_give_no_response():
    found = prior_predictive("y ~ lbase + (1 | subject)", load("epil"), family="poisson", link="identity",
                             random_seed=1, draws=200)  # fmt: skip
    eta = found.tree["prior"]["beta"].to_numpy()[0] @ found.graph.design.X.T
    eta += found.tree["prior"]["b_subject"].to_numpy()[0, :, found.graph.random[0].columns.codes, 0].T
    np.testing.assert_array_equal(np.isnan(found.responses), eta < 0)
    assert "do not exist" in found.notes[-1]


def test_shares_of_categories():
    found = prior_predictive("rating ~ temp + (1 | judge)", load("wine"), family="cumulative", random_seed=1)
    np.testing.assert_allclose(found.statistics.sum(axis=1), 1)
    assert found.table["observed"].sum() == pytest.approx(1)


def test_frequencies_count():
    rows = pd.DataFrame({"y": [0, 1, 0, 1, 1, 0], "g": [1, 1, 2, 2, 3, 3], "n": [3, 1, 2, 2, 1, 4]})
    found = prior_predictive("y ~ 1 + (1 | g)", rows, family="bernoulli", frequencies="n", random_seed=1)
    assert found.table.loc["share of 1", "observed"] == pytest.approx(4 / 13)


def test_trials_are_told_as_proportions():
    found = prior_predictive("p(incidence, size) ~ period + (1 | herd)", load("cbpp"), family="binomial", random_seed=1)
    data = load("cbpp")
    assert found.table.loc["mean proportion", "observed"] == pytest.approx((data["incidence"] / data["size"]).mean())
    assert found.table.loc["share of rows of no success", "observed"] == pytest.approx((data["incidence"] == 0).mean())


CENSORED = {
    "Surv(t, e) ~ x + (1 | g)": "weibull",
    "Surv(en, t, e) ~ x + (1 | g)": "exponential",
    "known_sd(y, s) ~ x + (1 | g)": "gaussian",
    "interval(lo, hi) ~ x + (1 | g)": "gaussian",
    "tobit(y, lower=3) ~ x + (1 | g)": "gaussian",
    "censored(y, st) ~ x + (1 | g)": "gaussian",
}


@pytest.mark.parametrize(("formula", "family"), CENSORED.items())
@pytest.mark.filterwarnings("ignore::bayesml.errors.DataNote")
def test_responses_seen_in_other_ways(formula, family):
    rng, n = np.random.default_rng(1), 60
    rows = pd.DataFrame({
        "x": rng.normal(size=n), "g": np.arange(n) % 6, "t": rng.gamma(2, 3, n), "e": rng.integers(0, 2, n),
        "y": rng.normal(5, 2, n), "s": rng.uniform(0.5, 1, n), "st": rng.integers(-1, 2, n),
    })  # fmt: skip
    rows["en"] = rows["t"] / 3
    rows["lo"], rows["hi"] = (
        np.where(rows["g"] == 1, -np.inf, rows["y"] - 1),
        np.where(rows["g"] == 2, np.inf, rows["y"]),
    )
    found = prior_predictive(formula, rows, family=family, draws=50, random_seed=1)
    assert np.isfinite(found.table[["observed", "lower", "upper"]]).all(axis=None)
    assert any("censored" in note for note in found.notes) == ("known_sd" not in formula)
    assert str(found)


def test_moments_without_missing_and_without_overflow():
    y = np.array([[1.0, 2.0, np.nan, 4.0], [1e200, 3e200, 1e200, 3e200], [np.nan] * 4])
    weights = np.array([1.0, 2.0, 5.0, 1.0])
    np.testing.assert_allclose(weighted(y, weights)[:2], [9 / 4, (1e200 * 6 + 3e200 * 3) / 9])
    assert np.isnan(weighted(y, weights)[2])
    np.testing.assert_allclose(spread(y, np.ones(4))[:2], [np.std([1, 2, 4]), 1e200])


def test_counts_beyond_the_generator(rng):
    mean = np.array([0.0, 3.0, 1e17, 1e18, 1e300, np.inf, np.nan, -1.0])
    counts = poisson_counts(rng, mean)
    assert counts[0] == 0
    np.testing.assert_allclose(counts[2:5], mean[2:5], rtol=1e-7)
    assert np.isinf(counts[5])
    assert np.isnan(counts[6:]).all()
    many = poisson_counts(rng, np.full(4000, 3.0))
    assert many.mean() == pytest.approx(3, abs=5 * np.sqrt(3 / 4000))
