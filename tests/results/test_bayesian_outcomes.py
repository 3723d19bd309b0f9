"""Posteriors of ordered and unordered categories, counts and trials in the tables that all results have."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import bayesml as bml
from bayesml.errors import ColumnNotFound

QUICK = {"draws": 100, "tune": 200, "chains": 2, "random_seed": 4, "progressbar": False}
pytestmark = pytest.mark.filterwarnings("ignore::bayesml.errors.ConvergenceWarning")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    n = 120
    table = pd.DataFrame({"x": rng.normal(size=n), "g": np.repeat(np.arange(12), 10), "n": rng.integers(2, 6, n)})
    eta = 0.8 * table["x"] + rng.normal(size=12)[table["g"]]
    latent = eta + rng.logistic(size=n)
    levels = ["low", "mid", "high"]
    table["grade"] = pd.Categorical(np.array(levels)[np.digitize(latent, [-1, 1])], levels, ordered=True)
    table["kind"] = pd.Categorical(np.array(["a", "b", "c"])[np.digitize(latent, [-0.5, 1])])
    table["count"] = rng.poisson(np.exp(0.5 * eta))
    table["hits"] = rng.binomial(table["n"], 1 / (1 + np.exp(-eta)))
    return table


@pytest.fixture(scope="module")
def ordinal(table):
    return bml.sample("grade ~ x + (1 | g)", table, family="cumulative", **QUICK)


@pytest.fixture(scope="module")
def unordered(table):
    return bml.sample("kind ~ x + shared(1 | g)", table, family="categorical", **QUICK)


def test_cut_points_have_their_places(ordinal):
    cuts = ["cut[low|mid]", "cut[mid|high]"]
    assert list(ordinal.parameters.index) == ["x", "sd(Intercept | g)", *cuts]
    assert list(ordinal.parameters.loc[cuts, "part"]) == ["cutpoints"] * 2
    low, high = (ordinal.draws(address) for address in cuts)
    assert (low < high).all()
    assert ordinal["cut[low|mid]"] == np.median(low)
    found = ordinal.idata["posterior"]["cut"]
    assert found.dims == ("chain", "draw", "cutpoint")
    assert_array_equal(found.sel(cutpoint="mid|high"), high)
    text = str(ordinal.summary())
    assert "Cut points" in text
    assert "Residual" not in text
    with pytest.raises(ColumnNotFound):
        ordinal.draws("sigma")


def test_family_params_are_the_rows_of_parameters_that_are_no_effects(ordinal):
    frame = ordinal.family_params
    assert list(frame.index) == ["cut[low|mid]", "cut[mid|high]"]
    assert frame.loc["cut[low|mid]", "estimate"] == ordinal["cut[low|mid]"]


def test_fitted_probabilities_are_means_over_the_draws(ordinal):
    fitted = ordinal.fitted
    assert list(fitted.columns) == ["low", "mid", "high"]
    assert_allclose(fitted.sum(axis=1), 1)
    row = 7
    eta = (
        ordinal.draws("x") * ordinal.design.X[row, 0] + ordinal.effects[0][..., ordinal.design.random[0].codes[row], 0]
    )
    low = 1 / (1 + np.exp(eta - ordinal.draws("cut[low|mid]")))
    assert fitted["low"].iloc[row] == pytest.approx(low.mean())


def test_statements_about_parameters_of_the_family(ordinal, unordered):
    assert bml.hypothesis(ordinal, "cut[mid|high] > cut[low|mid]").probability == 1
    prior = bml.hypothesis(ordinal, "cut[mid|high] > cut[low|mid]").prior_probability
    assert prior == 1
    statement = bml.hypothesis(unordered, "b: x < c: x")
    assert statement.probability == np.mean(unordered.draws("b: x") < unordered.draws("c: x"))


def test_groups_for_arviz(ordinal, unordered):
    for post in (ordinal, unordered):
        design, name = post.design, post.design.response_name
        post.log_likelihood()
        post.posterior_predictive()
        tree = post.prior(draws=40)
        new = tree["posterior_predictive"][name].to_numpy()
        assert set(np.unique(new)) <= set(range(len(design.categories)))
        shares = np.stack([(new == c).mean(axis=(0, 1)) for c in range(len(design.categories))], axis=-1)
        assert_allclose(shares, post.fitted, atol=5 * np.sqrt(0.25 / 200))
        own = np.exp(tree["log_likelihood"][name].to_numpy())
        observed = post.fitted.to_numpy()[np.arange(design.n), design.y.astype(int)]
        assert_allclose(own.mean(axis=(0, 1)), observed, rtol=1e-10)
        assert tree["prior"].sizes["draw"] == 40


def test_several_predictors(unordered):
    assert list(unordered.fixef.index) == [("b", "Intercept"), ("b", "x"), ("c", "Intercept"), ("c", "x")]
    assert list(unordered.vcov.index) == list(unordered.fixef.index)
    effects = unordered.ranef["g"]
    assert effects.shape == (12, 1)
    coef = unordered.coef["g"]
    own = unordered.draws("b: Intercept")[..., None] + unordered.effects[0][..., 0]
    assert_allclose(coef["b: Intercept"], np.median(own, axis=(0, 1)))
    assert unordered.fitted_predictors.shape == (120, 2)
    rows = str(unordered.summary()).splitlines()
    assert any(row.strip() == "b" for row in rows)


def test_counts_with_an_offset_and_trials(table):
    post = bml.sample("count ~ x + offset(x / 4) + (1 | g)", table, family="negative_binomial", **QUICK | {"draws": 50})
    assert list(post.parameters.loc[["alpha"], "part"]) == ["ancillary"]
    assert "alpha" in post.idata["posterior"]
    mean = np.exp(
        table["x"].to_numpy() / 4
        + post.posterior.beta @ post.design.X.T
        + post.effects[0][..., post.design.random[0].codes, 0]
    )
    assert_allclose(post.fitted, mean.mean(axis=(0, 1)))
    trials = bml.sample("p(hits, n) ~ x + (1 | g)", table, family="binomial", **QUICK | {"draws": 50})
    assert trials.fitted.between(0, 1).all()
    new = trials.posterior_predictive()["posterior_predictive"][trials.design.response_name].to_numpy()
    assert (new <= table["n"].to_numpy()).all()
    assert_allclose(new.mean(axis=(0, 1)) / table["n"], trials.fitted, atol=0.25)


def test_saved_posteriors_load_equal(ordinal, unordered, tmp_path):
    for post in (ordinal, unordered):
        post.save(tmp_path / "post.nc")
        loaded = bml.load(tmp_path / "post.nc")
        assert_array_equal(loaded.posterior.ancillary, post.posterior.ancillary)
        pd.testing.assert_frame_equal(loaded.parameters, post.parameters)
        pd.testing.assert_frame_equal(loaded.fitted, post.fitted)
