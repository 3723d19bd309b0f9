"""Tables of comparisons, and what they refuse."""

from functools import cache

import arviz_stats
import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.errors import RefusedTest, SpecificationError
from tests import posteriors

DYE = {"no batches": "Yield ~ 1", "batches": "Yield ~ 1 + (1 | Batch)"}


@cache
def smaller() -> "bml.results.bayesian.BayesianResult":
    priors = {name: prior for name, prior in posteriors.DYESTUFF_PRIORS.items() if name != "sd(Batch)"}
    return bml.sample("Yield ~ 1", bml.datasets.load("dyestuff"), priors, random_seed=1, progressbar=False)


def both() -> dict[str, object]:
    return {"no batches": smaller(), "batches": posteriors.dyestuff()}


@cache
def fits() -> dict[str, object]:
    table = bml.datasets.load("dyestuff")
    return {name: bml.fit(formula, table, criterion="ml") for name, formula in DYE.items()}


@pytest.mark.parametrize("by", ["aic", "bic"])
def test_information_criteria(by):
    table = bml.compare(fits(), by=by)
    assert list(table.columns) == ["df", "loglik", "aic", "bic", "delta", "weight"]
    values = {name: getattr(fit, by) for name, fit in fits().items()}
    assert table.index.tolist() == sorted(values, key=values.get)
    assert table["delta"].tolist() == [0.0, max(values.values()) - min(values.values())]
    assert table["weight"].sum() == pytest.approx(1)
    assert table["weight"].iloc[1] / table["weight"].iloc[0] == pytest.approx(np.exp(-table["delta"].iloc[1] / 2))
    assert by.upper() in str(table)


def test_the_default_is_by_what_is_given():
    assert bml.compare(fits()).attrs["by"] == "aic"
    found = {name: bml.loo(post, exact=False) for name, post in both().items()}
    assert bml.compare(found).attrs["by"] == "loo"


def test_leave_one_out_has_the_numbers_of_arviz():
    found = {name: bml.loo(post, exact=False) for name, post in both().items()}
    table = bml.compare(found, by="loo")
    assert table.index[0] == "batches"
    assert table.loc["batches", "elpd"] == found["batches"].elpd
    assert table.loc["no batches", "elpd_diff"] == pytest.approx(found["no batches"].elpd - found["batches"].elpd)
    difference = found["batches"].pointwise["elpd"] - found["no batches"].pointwise["elpd"]
    assert table.loc["no batches", "dse"] == pytest.approx(np.sqrt(30 * difference.var(ddof=0)))
    other = arviz_stats.compare({name: own.to_arviz() for name, own in found.items()}, round_to="none")
    pd.testing.assert_frame_equal(pd.DataFrame(table).rename_axis(None), other[table.columns], rtol=1e-6, atol=1e-6)
    again = bml.compare(both(), by="loo", exact=False)
    assert again["elpd"].tolist() == table["elpd"].tolist()
    assert "leave-one-out of 30 rows" in str(table)


def test_dic():
    table = bml.compare(both(), by="dic", focus="marginal")
    assert table.index[0] == "batches"
    assert table.loc["batches", "dic"] == bml.dic(posteriors.dyestuff(), "marginal").dic
    assert table["delta"].tolist()[0] == 0
    assert "marginal focus" in str(table)


def test_evidence_and_probabilities():
    found = {name: bml.evidence(post) for name, post in both().items()}
    table = bml.compare(found, by="evidence")
    difference = found["batches"].log_evidence - found["no batches"].log_evidence
    assert table.loc["no batches", "log_bayes_factor"] == -abs(difference) if difference > 0 else 0.0
    assert table.loc["batches", "probability"] == pytest.approx(1 / (1 + np.exp(-difference)))
    uneven = bml.compare(found, by="evidence", prior_probabilities={"no batches": 3, "batches": 1})
    assert uneven.loc["batches", "probability"] == pytest.approx(1 / (1 + 3 * np.exp(-difference)))
    factor = bml.bayes_factor(posteriors.dyestuff(), smaller())
    assert factor.log_bayes_factor == difference
    assert factor.mcse == pytest.approx(np.hypot(found["batches"].mcse, found["no batches"].mcse))
    assert factor.probability(0.25) == pytest.approx(uneven.loc["batches", "probability"])
    assert float(factor) == factor.bayes_factor == pytest.approx(np.exp(difference))
    assert "Bayes factor of a against b" in str(factor)


def test_the_bayes_factor_against_integration():
    """dyestuff: with and without batches, both integrated over a grid."""
    y, codes = posteriors.dyestuff().design.y - 1500, posteriors.dyestuff().design.random[0].codes
    same = (codes[:, None] == codes[None, :]).astype(float)
    taus, sigmas = np.linspace(0, 250, 101), np.linspace(20, 200, 121)

    def log_density(tau: float) -> np.ndarray:
        V = sigmas[:, None, None] ** 2 * np.eye(30) + tau**2 * same + 100.0**2
        quadratic = np.einsum("i,sij,j->s", y, np.linalg.inv(V), y)
        return -0.5 * (np.linalg.slogdet(2 * np.pi * V)[1] + quadratic) - 0.5 * (sigmas / 60) ** 2

    values = np.stack([log_density(tau) for tau in taus])
    top = values.max()
    over_sigma = np.trapezoid(np.exp(values - top), sigmas, axis=1)
    prior = np.sqrt(2 / np.pi) / 50 * np.exp(-0.5 * (taus / 50) ** 2)
    exact = np.log(np.trapezoid(over_sigma * prior, taus) / over_sigma[0])
    found = bml.bayes_factor(posteriors.dyestuff(), smaller())
    assert abs(found.log_bayes_factor - exact) < 0.02


# -- refusals --------------------------------------------------------------------------------------


def test_other_rows_and_responses():
    table = bml.datasets.load("dyestuff")
    fit, fewer = bml.fit("Yield ~ 1", table), bml.fit("Yield ~ 1", table.iloc[:-1])
    with pytest.raises(RefusedTest, match="`a` and `b` are of different rows: 30 and 29"):
        bml.compare({"a": fit, "b": fewer})
    with pytest.raises(RefusedTest, match=r"`Yield` and `log\(Yield\)`: densities of a response and of a transform"):
        bml.compare({"a": fit, "b": bml.fit("log(Yield) ~ 1", table)})
    with pytest.raises(RefusedTest, match="in another order"):
        bml.compare({"a": fit, "b": bml.fit("Yield ~ 1", table.iloc[::-1])})
    with pytest.raises(RefusedTest, match="`b` gives probabilities of whole numbers and `a` densities"):
        bml.compare({"a": fit, "b": bml.fit("Yield ~ 1", table, family="poisson")})


def test_likelihoods_of_different_kinds():
    table = bml.datasets.load("sleepstudy")
    reml = bml.fit("Reaction ~ Days + (1 | Subject)", table)
    ml = bml.fit("Reaction ~ Days + (1 | Subject)", table, criterion="ml")
    with pytest.raises(RefusedTest, match="fitted by REML and ML"):
        bml.compare({"a": reml, "b": ml})
    with pytest.raises(RefusedTest, match="different fixed parts"):
        bml.compare({"a": reml, "b": bml.fit("Reaction ~ 1 + (1 | Subject)", table)})
    assert bml.compare({"a": reml, "b": bml.fit("Reaction ~ Days + (Days | Subject)", table)}).index[0] == "b"
    with pytest.raises(RefusedTest, match="`b` maximises a posterior"):
        bml.compare({"a": ml, "b": bml.fit("Reaction ~ Days + (1 | Subject)", table, criterion="map")})
    cbpp = bml.datasets.load("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    one = bml.fit(formula, cbpp, family="binomial")
    other = bml.fit(formula, cbpp, family="binomial", integration="aghq", points=9)
    with pytest.raises(RefusedTest, match="integrated out in different ways"):
        bml.compare({"laplace": one, "aghq": other})


def test_units_and_focus_are_not_mixed():
    post = posteriors.dyestuff()
    rows, groups = bml.loo(post, exact=False), bml.loo(post, "Batch", exact=False)
    with pytest.raises(RefusedTest, match="Different units"):
        bml.compare({"rows": rows, "groups": groups})
    with pytest.raises(RefusedTest, match="different focus"):
        bml.compare({"a": bml.dic(post), "b": bml.dic(post, "marginal")}, by="dic")


def test_options_and_kinds():
    with pytest.raises(SpecificationError, match="two models or more"):
        bml.compare({"a": posteriors.dyestuff()})
    with pytest.raises(SpecificationError, match="by the names"):
        bml.compare([posteriors.dyestuff()] * 2)
    with pytest.raises(SpecificationError, match="has no AIC"):
        bml.compare(both(), by="aic")
    with pytest.raises(SpecificationError, match="fit without draws"):
        bml.compare(fits(), by="loo")
    with pytest.raises(SpecificationError, match="there are aic, bic, loo, dic, evidence"):
        bml.compare(fits(), by="waic")
    with pytest.raises(SpecificationError, match="`refits` is no option of a comparison by aic"):
        bml.compare(fits(), by="aic", refits=3)
    with pytest.raises(SpecificationError, match="give one for each of"):
        bml.compare(both(), by="evidence", prior_probabilities={"batches": 1})
    with pytest.raises(SpecificationError, match="`b` is no result"):
        bml.compare({"a": posteriors.dyestuff(), "b": 3})
