"""Leave-one-out of rows and groups against numerical integration, other formulas and fits without them."""

from functools import cache

import arviz_stats
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logsumexp

import bayesml as bml
from bayesml.bayes.left_out import by_importance, by_refit, refitted
from bayesml.bayes.units import units_of
from bayesml.errors import RefusedTest, SpecificationError
from tests import posteriors


@cache
def dyestuff_integrated() -> dict[str, np.ndarray]:
    """Log predictive densities of each row and batch given all others: sd and sigma on a grid, all else normal."""
    table = bml.datasets.load("dyestuff")
    y, codes = table["Yield"].to_numpy(float) - 1500, pd.factorize(table["Batch"])[0]
    taus, sigmas = (grid.ravel() for grid in np.meshgrid(np.linspace(0, 240, 81), np.linspace(22, 160, 60)))
    same = (codes[:, None] == codes[None, :]).astype(float)
    V = sigmas[:, None, None] ** 2 * np.eye(30) + taus[:, None, None] ** 2 * same + 100.0**2
    P = np.linalg.inv(V)
    g = P @ y
    log_posterior = 0.5 * np.linalg.slogdet(P)[1] - 0.5 * g @ y - 0.5 * (taus / 50) ** 2 - 0.5 * (sigmas / 60) ** 2
    log_posterior -= np.log(2.0) * (taus == 0)  # the trapezoidal rule
    log_posterior -= logsumexp(log_posterior)
    diagonal = np.diagonal(P, axis1=1, axis2=2)
    rows = 0.5 * np.log(diagonal / (2 * np.pi)) - 0.5 * g**2 / diagonal
    groups = np.stack([left_out_of_normal(P, g, codes == j) for j in range(6)], axis=1)
    found = {"row": rows, "Batch": groups}
    return {unit: -logsumexp(log_posterior[:, None] - own, axis=0) for unit, own in found.items()}


def left_out_of_normal(P: np.ndarray, g: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Log densities of some of the values of normal vectors given the others."""
    own = P[:, part][:, :, part]
    quadratic = np.einsum("si,sij,sj->s", g[:, part], np.linalg.inv(own), g[:, part])
    return 0.5 * np.linalg.slogdet(own / (2 * np.pi))[1] - 0.5 * quadratic


@cache
def many_draws():
    return bml.sample(
        "Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff"), posteriors.DYESTUFF_PRIORS, draws=5000,
        random_seed=9, progressbar=False,
    )  # fmt: skip


@pytest.mark.parametrize("unit", ["row", "Batch"])
def test_a_linear_model_by_integration(unit):
    exact = dyestuff_integrated()[unit]
    found = bml.loo(many_draws(), unit, exact=False)
    assert found.unit == unit
    away = (found.pointwise["elpd"] - exact) / found.pointwise["mcse"]
    assert np.abs(away).max() < 4
    assert abs(found.elpd - exact.sum()) < 3 * found.mcse < 0.3
    assert found.se == pytest.approx(np.sqrt(len(exact) * exact.var()), rel=0.05)


def test_sampling_without_each():
    found = bml.loo(posteriors.dyestuff(), "Batch", exact=True, progressbar=False)
    assert found.pointwise["refitted"].all()
    assert "sampled again" in str(found)
    assert len(found.bad) == 0
    away = found.pointwise["elpd"] - dyestuff_integrated()["Batch"]
    assert (np.abs(away) < 4 * found.pointwise["mcse"]).all()
    assert abs(away.sum()) < 3 * found.mcse < 0.15


def test_sampling_without_some_rows():
    post = posteriors.dyestuff()
    units = units_of(post, "row")
    rows = np.array([0, 13, 29])
    found = refitted(by_importance(units, 0.7), rows, units, post.posterior, progressbar=False)
    assert np.flatnonzero(found.refitted).tolist() == rows.tolist()
    away = found.elpd - dyestuff_integrated()["row"]
    assert (np.abs(away) < 4 * found.mcse)[rows].all()
    assert found.mcse[rows].max() < 0.02


def test_bad_units_are_sampled_without():
    post = posteriors.sleepstudy()
    weighted = bml.loo(post, "Subject", exact=False)
    found = bml.loo(post, "Subject", progressbar=False)
    assert len(weighted.bad) > 0
    assert set(found.pointwise.index[found.pointwise["refitted"]]) == set(weighted.bad)
    assert len(found.bad) == 0
    same = ~found.pointwise["refitted"]
    assert (found.pointwise["elpd"] == weighted.pointwise["elpd"])[same].all()
    assert len(bml.loo(post, "Subject", refits=0).bad) == len(weighted.bad)
    assert "sampled again" in str(found)
    told = bml.compare({"again": found, "weighted": weighted})["diag_elpd"]
    assert told["again"] == ""
    assert told["weighted"] == f"{len(weighted.bad)} k̂ > 0.70"
    assert "Pareto k is above" in str(weighted)


def test_a_group_is_what_a_sample_without_it_predicts():
    table = bml.datasets.load("sleepstudy")
    post = posteriors.sleepstudy()
    numbers = {"Intercept": bml.Normal(250, 100), "Days": bml.Normal(0, 30), "sigma": bml.HalfNormal(60)}
    numbers |= {"sd(Subject)": bml.HalfNormal(50)}
    post = bml.sample(post.formula, table, numbers, random_seed=3, progressbar=False)
    found = bml.leave_one_group_out(post, progressbar=False)
    for subject in ("308", "351"):
        out = table["Subject"].astype(str) == subject
        without = bml.sample(post.formula, table[~out], numbers, random_seed=4, progressbar=False)
        x = table.loc[out, "Days"].to_numpy(float)
        X = np.column_stack([np.ones_like(x), x])
        sd0, sd1, r = (
            without.draws(a).ravel()
            for a in ("sd(Intercept | Subject)", "sd(Days | Subject)", "corr(Intercept, Days | Subject)")
        )
        G = np.stack([[sd0**2, r * sd0 * sd1], [r * sd0 * sd1, sd1**2]]).transpose(2, 0, 1)
        V = X @ G @ X.T + without.draws("sigma").ravel()[:, None, None] ** 2 * np.eye(len(x))
        mean = np.stack([without.draws(a).ravel() for a in ("Intercept", "Days")], axis=1) @ X.T
        error = table.loc[out, "Reaction"].to_numpy() - mean
        densities = -0.5 * (
            np.linalg.slogdet(2 * np.pi * V)[1] + np.einsum("si,sij,sj->s", error, np.linalg.inv(V), error)
        )
        brute = logsumexp(densities) - np.log(len(densities))
        noise = np.std(np.exp(densities - brute)) / np.sqrt(len(densities) / 2)
        own = found.pointwise.loc[subject]
        assert abs(own["elpd"] - brute) < 3 * np.hypot(own["mcse"], noise) < 0.6


def test_other_families_agree_with_arviz():
    post = posteriors.epil()
    found = bml.loo(post, exact=False)
    assert "given random effects" in found.density
    with pytest.warns(UserWarning, match="Pareto"):
        other = arviz_stats.loo(post.log_likelihood(), pointwise=True)
    good = found.pareto_k <= found.good_k
    np.testing.assert_allclose(found.pointwise["elpd"][good], other.elpd_i.values[good], atol=0.02)
    assert found.elpd == pytest.approx(other.elpd, abs=0.3)
    assert found.se == pytest.approx(other.se, rel=0.01)
    assert found.p_loo == pytest.approx(other.p, abs=0.3)
    assert found.to_arviz().elpd == pytest.approx(found.elpd)


def test_a_row_of_counts_is_what_a_sample_without_it_predicts():
    table, post = bml.datasets.load("epil"), posteriors.epil()
    units = units_of(post, "row")
    found = by_importance(units, 0.7)
    place = int(np.argmax(np.where(found.pareto_k < 0.65, found.pareto_k, 0.0)))
    again = refitted(found, np.array([place]), units, post.posterior, progressbar=False)
    without = bml.sample(
        "y ~ lbase + (1 | subject)", table.drop(index=table.index[place]), dict(post.graph.priors.items()),
        family="poisson", random_seed=5, progressbar=False,
    )  # fmt: skip
    row = table.iloc[place]
    eta = without.draws("Intercept") + without.draws("lbase") * row["lbase"]
    eta += without.draws(f"b(Intercept | subject[{row['subject']}])")
    brute, noise = by_refit(stats.poisson(np.exp(eta)).logpmf(row["y"]))
    assert again.refitted.sum() == 1
    assert abs(again.elpd[place] - brute) < 3 * np.hypot(again.mcse[place], noise) < 0.5
    assert abs(found.elpd[place] - brute) < 4 * np.hypot(found.mcse[place], noise)


def test_groups_of_counts_by_integration():
    """Groups of a Poisson model: quadrature over the effect, importance weights against those of sampling without."""
    post = posteriors.epil()
    found = bml.leave_one_group_out(post, "subject", exact=False)
    assert "quadrature" in found.density
    table = bml.datasets.load("epil")
    z, w = np.polynomial.hermite_e.hermegauss(60)
    level = 7
    rows = table[table["subject"] == table["subject"].unique()[level]]
    eta = post.draws("Intercept").ravel()[:, None] + post.draws("sd(subject)").ravel()[:, None] * z
    log_lik = sum(
        stats.poisson(np.exp(eta + post.draws("lbase").ravel()[:, None] * x)).logpmf(y)
        for x, y in zip(rows["lbase"], rows["y"], strict=True)
    )
    densities = logsumexp(log_lik + np.log(w / w.sum()), axis=1)
    plain = -(logsumexp(-densities) - np.log(len(densities)))
    assert found.pointwise["elpd"].iloc[level] == pytest.approx(plain, abs=0.02)


def test_frequencies_are_equal_rows():
    rng = np.random.default_rng(7)
    table = pd.DataFrame({"g": np.repeat(list("abcdef"), 4), "y": rng.normal(size=24), "f": rng.integers(1, 4, 24)})
    options = {
        "priors": {"Intercept": bml.Normal(0, 2), "sd(g)": bml.HalfNormal(1), "sigma": bml.HalfNormal(2)},
        "random_seed": 1, "progressbar": False,
    }  # fmt: skip
    counted = bml.loo(bml.sample("y ~ 1 + (1 | g)", table, frequencies="f", **options), exact=False)
    repeated = bml.loo(bml.sample("y ~ 1 + (1 | g)", table.loc[table.index.repeat(table["f"])], **options), exact=False)
    assert counted.elpd == pytest.approx(repeated.elpd, abs=4 * np.hypot(counted.mcse, repeated.mcse))
    assert counted.se == pytest.approx(repeated.se, rel=0.02)
    assert counted.p_loo == pytest.approx(repeated.p_loo, abs=0.15)
    assert counted.to_arviz().n_data_points == table["f"].sum()


def test_from_a_file(tmp_path):
    posteriors.dyestuff().save(tmp_path / "post.nc")
    found = bml.loo(bml.load(tmp_path / "post.nc"), exact=False)
    assert found.elpd == bml.loo(posteriors.dyestuff(), exact=False).elpd


def small(formula: str, dataset: str, **options):
    return bml.sample(
        formula, bml.datasets.load(dataset), draws=100, tune=300, chains=1, random_seed=1, progressbar=False, **options
    )


def test_what_is_refused():
    with pytest.raises(RefusedTest, match="plate, sample are crossed"):
        bml.leave_one_group_out(small("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin"))
    post = posteriors.sleepstudy()
    with pytest.raises(RefusedTest, match="`school` is no grouping factor of the model; there is Subject"):
        bml.loo(post, unit="school")
    with pytest.raises(SpecificationError, match="exact='no'"):
        bml.loo(post, exact="no")
    with pytest.raises(SpecificationError, match="`loo` takes a posterior"):
        bml.loo(bml.fit("Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff")))
    nested = small("score ~ 1 + (1 | Worker / Machine)", "machines")
    with pytest.raises(RefusedTest, match="lies within `Worker`"):
        bml.leave_one_group_out(nested, "Worker:Machine")
    assert len(bml.leave_one_group_out(nested, refits=0).pointwise) == 6
