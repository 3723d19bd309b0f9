"""Modes, medians and means of one graph, and why they part."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.bayes.compare_engines import EngineComparison
from bayesml.errors import NotIdentified

QUIET = {"random_seed": 1, "progressbar": False, "tune": 500}
SLEEP = "Reaction ~ Days + (Days | Subject)"


def pairs_of_answers(separated: bool) -> pd.DataFrame:
    """Three yes or no answers a group, groups far apart."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"g": np.repeat(np.arange(40), 3), "x": np.tile([0, 0, 1], 40)})
    answers = rng.binomial(1, 1 / (1 + np.exp(-4 * rng.normal(size=40)[table["g"]])))
    return table.assign(y=np.where(separated & (table["x"] == 1), 1, answers))


@cache
def sleepstudy() -> EngineComparison:
    return bml.compare_engines(SLEEP, bml.datasets.load("sleepstudy"), **QUIET)


def test_sleepstudy_parts_in_skewed_standard_deviations_only():
    found = sleepstudy()
    assert found.flagged.index.tolist() == ["sd(Intercept | Subject)", "sd(Days | Subject)"]
    assert found.flagged["reason"].str.startswith("skewness (").all()
    assert found.table.columns.tolist() == [
        "ml", "reml", "map", "quadrature", "median", "mean", "sd", "lower", "upper", "part", "reason",
    ]  # fmt: skip
    assert found.table["quadrature"].isna().all()


def test_the_columns_are_what_each_engine_gives_by_itself():
    found, data = sleepstudy(), bml.datasets.load("sleepstudy")
    for criterion in ("ml", "reml", "map"):
        fit = bml.fit(SLEEP, data, criterion=criterion)
        expected = fit.parameters["estimate"].loc[found.table.index].to_numpy()
        np.testing.assert_allclose(found.table[criterion], expected, rtol=1e-9)
    post = bml.sample(SLEEP, data, **QUIET)
    for address, row in found.table.iterrows():
        draws = post.draws(address)
        assert row["median"] == np.median(draws)
        assert row["mean"] == pytest.approx(draws.mean(), rel=1e-12)
        assert row["upper"] == np.quantile(draws, 0.975)


def test_parts_are_the_largest_distances_in_posterior_sds():
    table = sleepstudy().table
    for _, row in table.iterrows():
        engines = row[["ml", "reml", "map", "median", "mean"]].astype(float)
        assert row["part"] == pytest.approx((engines.max() - engines.min()) / row["sd"])


def test_a_mode_of_zero_is_at_the_boundary():
    found = bml.compare_engines("Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff2"), **QUIET)
    row = found.table.loc["sd(Intercept | Batch)"]
    assert row["ml"] == row["reml"] == row["map"] == 0.0
    assert row["reason"].startswith("boundary (1.")
    assert "a mode lies at the end of the parameter's range" in " ".join(found.notes)


def test_a_strong_prior_is_the_reason():
    found = bml.compare_engines(SLEEP, bml.datasets.load("sleepstudy"), {"Days": bml.Normal(0, 2)}, draws=300, **QUIET)
    assert found.table.loc["Days", "reason"].startswith("prior (")
    assert found.steps.loc["Days", "prior"] > 1


def test_laplace_and_skewness_are_told_apart_by_quadrature():
    found = bml.compare_engines(
        "y ~ x + (1 | g)", pairs_of_answers(separated=False), family="bernoulli", draws=500, **QUIET
    )
    row, steps = found.table.loc["sd(Intercept | g)"], found.steps.loc["sd(Intercept | g)"]
    assert row["map"] < row["quadrature"] < row["median"] < row["mean"]
    assert steps["Laplace"] == pytest.approx((row["quadrature"] - row["map"]) / row["sd"])
    assert {"prior", "Laplace", "skewness"} >= {part.split(" (")[0] for part in row["reason"].split(", ")}
    assert "Laplace" in row["reason"]
    assert "skewness" in row["reason"]


def test_separation_leaves_no_likelihood_mode_and_the_prior_is_the_reason():
    found = bml.compare_engines(
        "y ~ x + (1 | g)", pairs_of_answers(separated=True), family="bernoulli", draws=500, **QUIET
    )
    assert found.table["ml"].isna().all()
    assert found.table.loc["x", "reason"].startswith("prior (separation: no ML), skewness (")
    assert found.table.loc["x", "part"] == np.inf
    assert found.table.loc["Intercept", "reason"] == ""
    assert " ML " not in str(found).split("\n")[3]


def test_crossed_effects_have_no_quadrature():
    table = pairs_of_answers(separated=False).assign(h=lambda t: np.arange(len(t)) % 4)
    with pytest.warns(bml.errors.ConvergenceWarning):
        found = bml.compare_engines("y ~ 1 + (1 | g) + (1 | h)", table, family="bernoulli", draws=200, **QUIET)
    assert "nested" in found.quadrature_refused
    assert found.table["quadrature"].isna().all()
    assert "skewness or Laplace" in found.table.loc["sd(Intercept | g)", "reason"]
    assert "no quadrature of this model" in str(found)


@pytest.mark.parametrize(
    ("formula", "family"),
    [("y ~ x + (1 | g)", "poisson"), ("y ~ x + (1 | g)", "gaussian"), ("y ~ x", "poisson")],
)
def test_under_flat_priors_the_posterior_mode_is_the_likelihoods(formula, family):
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"g": np.repeat(np.arange(12), 6), "x": rng.normal(size=72)})
    table["y"] = rng.poisson(np.exp(1 + 0.3 * table["x"] + 0.6 * rng.normal(size=12)[table["g"]]))
    found = bml.compare_engines(formula, table, "flat", family=family, draws=200, **QUIET)
    np.testing.assert_allclose(found.table["map"], found.table["ml"], rtol=1e-7)
    assert (found.steps["prior"].dropna() < 1e-6).all()


def test_improper_posteriors_are_refused_before_any_work():
    with pytest.raises(NotIdentified, match="With flat priors on `x`"):
        bml.compare_engines("y ~ x + (1 | g)", pairs_of_answers(separated=True), "flat", family="bernoulli")


def test_what_is_held_is_left_out():
    found = bml.compare_engines(
        "Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff"), {"sigma": bml.Fixed(50)}, **QUIET
    )
    assert found.table.index.tolist() == ["Intercept", "sd(Intercept | Batch)"]


def test_it_prints_itself():
    text = str(sleepstudy())
    assert "Engines part by more than 0.25 posterior sd in 2 of 6 parameters." in text
    assert "skewness (0." in text
    assert "quadrature" not in text
    assert "<table" in sleepstudy()._repr_html_()
