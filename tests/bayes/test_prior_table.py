"""The table of priors: numbers, scales, and what they imply."""

import numpy as np
import pytest
from scipy import stats

from bayesml.bayes.prior_table import prior_table, table_of
from bayesml.datasets import load
from bayesml.distributions import LKJ, Fixed, Normal
from bayesml.errors import ColumnNotFound
from bayesml.spec.priors import prior_sets
from bayesml.syntax.model import Model
from tests.graphs.designs import factor_by_group, growth
from tests.outcome_table import RESPONSES, outcome_table

FORMULA = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleepstudy():
    return load("sleepstudy")


def test_default_priors_of_sleepstudy(sleepstudy):
    table = prior_table(FORMULA, sleepstudy)
    assert list(table.index) == [
        "Intercept", "Days", "sd(Intercept | Subject)", "sd(Days | Subject)", "corr(Intercept, Days | Subject)",
        "sigma",
    ]  # fmt: skip
    assert list(table.columns) == ["prior", "source", "scale", "mean", "sd", "lower", "upper", "implies"]
    y, x = sleepstudy["Reaction"].to_numpy(), sleepstudy["Days"].to_numpy()
    days = table.loc["Days"]
    assert days["scale"] == pytest.approx(y.std() / x.std())
    assert days["sd"] == pytest.approx(2.5 * days["scale"])
    assert days["upper"] == pytest.approx(stats.norm.ppf(0.975) * days["sd"])
    assert days["prior"] == "Normal(0, 48.892)"
    assert days["implies"] == "95% within 0 ± 4.9 sd(Reaction) per sd(Days)"
    assert table.loc["Intercept", "mean"] == pytest.approx(y.mean())
    assert table.loc["corr(Intercept, Days | Subject)", "upper"] == pytest.approx(0.95)
    assert table.loc["sigma", "implies"] == "95% between 0.033 and 3.5 sd(Reaction)"
    assert set(table["source"]) == {"weakly_informative"}


def test_given_priors_are_marked(sleepstudy):
    given = {"Days": Normal(0, 10), "sigma": Fixed(30), "corr(Subject)": LKJ(2)}
    table = prior_table(FORMULA, sleepstudy, priors=given)
    assert table.loc["Days", "prior"] == "Normal(0, 10)"
    assert set(table.index[table["source"] == "given"]) == {"Days", "sigma", "corr(Intercept, Days | Subject)"}
    assert table.loc["sigma", "implies"] == "held at 30"
    assert table.loc["sigma", ["lower", "upper"]].tolist() == [30, 30]


def test_interval_content_can_be_chosen(sleepstudy):
    table = prior_table(FORMULA, sleepstudy, ci_prob=0.5)
    assert table.loc["Days", "upper"] == pytest.approx(stats.norm.ppf(0.75) * table.loc["Days", "sd"])
    assert table.loc["Days", "implies"].startswith("50%")


def test_improper_priors_have_no_numbers(sleepstudy):
    table = prior_table(FORMULA, sleepstudy, priors="flat")
    assert table.loc["Days", ["mean", "sd", "lower", "upper"]].isna().all()
    assert table.loc["Days", "implies"].startswith("flat")
    assert np.isfinite(table.loc["Days", "scale"])


def test_a_model_may_be_given(sleepstudy):
    model = Model(FORMULA, priors="stata")
    table = prior_table(model, sleepstudy)
    assert table.loc["sigma", "prior"] == "OnVariance(InverseGamma(0.01, 0.01))"
    assert prior_table(model, sleepstudy, priors="flat").loc["sigma", "prior"] == "HalfFlat"


def test_addresses_that_are_not_there(sleepstudy):
    with pytest.raises(ColumnNotFound, match="`Days`"):
        prior_table(FORMULA, sleepstudy, priors={"Day": Normal(0, 1)})


def test_common_parameters_have_one_row(rng):
    table = table_of(factor_by_group(rng, "exchangeable"))
    assert {"sd(g)", "corr(g)"} <= set(table.index)
    assert table.loc["corr(g)", "lower"] > -0.5
    assert "per sd(the columns)" in table.loc["sd(g)", "implies"]


def test_margins_of_larger_correlation_matrices(rng):
    table = table_of(factor_by_group(rng, "unstructured"))
    rows = table.loc[[name for name in table.index if name.startswith("corr")]]
    assert len(rows) == 3
    np.testing.assert_allclose(rows["sd"], 0.5)


def test_known_sd_has_no_sigma(rng):
    assert "sigma" not in table_of(growth(rng, "known_sd(y, s) ~ x + (x | g)", known_sd=np.ones(40))).index


@pytest.mark.parametrize("family", ["negative_binomial", "gamma", "weibull", "beta", "student_t", "cumulative"])
@pytest.mark.parametrize("name", prior_sets())
def test_every_set_has_a_table(family, name):
    table = prior_table(f"{RESPONSES[family]} ~ x + (x | g)", outcome_table(), name, family=family)
    assert table["implies"].str.len().min() > 0
    given = table.loc[table["lower"].notna()]
    assert (given["lower"] <= given["upper"]).all()


def test_files_are_named_as_the_source(tmp_path, sleepstudy):
    path = tmp_path / "mine.toml"
    path.write_text('base = "rstanarm"\n[priors.residual_sd]\ndistribution = "HalfNormal"\nscaled = true\n')
    table = prior_table(FORMULA, sleepstudy, priors={"Days": Normal(0, 1)})
    assert table.loc["Days", "source"] == "given"
    table = prior_table(FORMULA, sleepstudy, priors=str(path))
    assert table.loc["sigma", "source"] == "mine.toml"
    assert set(table["source"].drop("sigma")) == {"rstanarm"}
    assert table.loc["sigma", "implies"] == "95% between 0.031 and 2.2 sd(Reaction)"
