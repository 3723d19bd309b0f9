"""Posterior predictive draws: in a table, in memory, on disk, all the same numbers."""

import warnings
from dataclasses import replace

import arviz as az
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import bayesml as bml
from bayesml.bayes import predictive_store
from bayesml.errors import SpecificationError, StorageError, TooLarge
from bayesml.results import posterior as blocks_of_rows
from tests import fitted_models, posteriors
from tests.post.test_posterior_response import around


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of a few rows."""
    monkeypatch.setattr(blocks_of_rows, "BLOCK_BYTES", 8 * 2000 * 37)


def test_the_table_summarises_the_array(small_blocks):
    post = posteriors.sleepstudy()
    draws = bml.posterior_predictive(post, as_array=True)
    frame = bml.posterior_predictive(post, ci_prob=0.8)
    flat = draws.to_numpy().reshape(-1, 180)
    expected = [flat.mean(axis=0), flat.std(axis=0, ddof=1), *np.quantile(flat, [0.5, 0.1, 0.9], axis=0)]
    assert_allclose(frame, np.column_stack(expected))
    assert draws.dims == ("chain", "draw", "obs")
    assert draws.name == "Reaction"


def test_the_result_holds_the_draws_of_the_array(small_blocks):
    for post in (posteriors.sleepstudy(), around("wine", "rating ~ temp + contact + (1 | judge)", "cumulative")):
        for seed in (None, 4):
            name = post.design.response_name
            held = replace(post).posterior_predictive(random_seed=seed)["posterior_predictive"][name]
            assert_allclose(held, bml.posterior_predictive(post, as_array=True, random_seed=seed), rtol=1e-12)


def test_a_store_holds_the_draws_of_the_array(small_blocks, tmp_path):
    post = posteriors.sleepstudy()
    path = tmp_path / "new.zarr"
    tree = bml.posterior_predictive(post, path=path)
    assert tree["posterior_predictive"]["Reaction"].identical(bml.posterior_predictive(post, as_array=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = az.from_zarr(path)
    assert set(read.children) == {"posterior_predictive", "observed_data"}
    assert_array_equal(read["observed_data"]["Reaction"], post.design.y)
    assert [own.name for own in tmp_path.iterdir()] == ["new.zarr"]


def test_counts_and_categories_are_whole_numbers(tmp_path):
    post = around(*fitted_models.EPIL)
    counts = bml.posterior_predictive(post, path=tmp_path / "counts.zarr")["posterior_predictive"]["y"]
    assert counts.dtype == np.int64
    assert_array_equal(counts, bml.posterior_predictive(post, as_array=True))
    wine = around("wine", "rating ~ temp + contact + (1 | judge)", "cumulative")
    codes = bml.posterior_predictive(wine, as_array=True)
    assert codes.attrs["categories"] == ["1", "2", "3", "4", "5"]
    shares = bml.posterior_predictive(wine)
    assert list(shares.columns) == ["1", "2", "3", "4", "5"]
    assert_allclose(shares["2"], (codes == 1).mean(("chain", "draw")))
    limits = bml.posterior_predictive(post)[["median", "lower", "upper"]].to_numpy()
    assert_array_equal(limits, np.rint(limits))


def test_several_values_a_row(tmp_path):
    wine = around("wine", "rating ~ temp + contact + (1 | judge)", "cumulative")
    new = pd.DataFrame({"temp": ["warm", "cold"], "contact": ["yes", "no"]}, index=["w", "c"])
    options = {"kind": "mean", "ranef": "zero"}
    frame = bml.posterior_predictive(wine, new, **options)
    assert list(frame.index[:2]) == [("w", "1"), ("w", "2")]
    assert_allclose(frame["mean"].unstack().loc[["w", "c"]], bml.predict(wine, new, ranef="zero"))
    tree = bml.posterior_predictive(wine, new, path=tmp_path / "p.zarr", **options)
    found = tree["posterior_predictive"]["rating"]
    assert found.dims == ("chain", "draw", "obs", "outcome")
    assert_allclose(found.sum("outcome"), 1)
    assert list(found["obs"].to_numpy()) == ["w", "c"]


def test_missing_values_leave_a_row_out(tmp_path):
    post = posteriors.sleepstudy()
    new = {"Days": [np.nan, 1.0, np.nan, 2.0, np.nan], "Subject": ["308"] * 5}
    frame = bml.posterior_predictive(post, new)
    assert list(frame["mean"].isna()) == [True, False, True, False, True]
    array = bml.posterior_predictive(post, new, as_array=True)
    tree = bml.posterior_predictive(post, new, path=tmp_path / "x.zarr")
    assert_array_equal(tree["posterior_predictive"]["Reaction"], array)


def test_fewer_draws_are_those_of_the_posterior():
    post = posteriors.sleepstudy()
    few = bml.posterior_predictive(post, kind="linear", draws=3, as_array=True)
    all_of_them = bml.posterior_predictive(post, kind="linear", as_array=True)
    assert_allclose(few, all_of_them[:, [0, 250, 499]])


def test_new_levels_of_trials():
    trials = around("cbpp", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "binomial")
    new = {"period": ["1", "2"], "herd": ["new", "1"], "trials": [10, 20]}
    drawn = bml.posterior_predictive(trials, new, new_levels="draw", as_array=True)
    assert drawn.max("draw").max("chain").to_numpy()[0] <= 10
    with pytest.raises(SpecificationError, match="number of trials"):
        bml.posterior_predictive(trials, {"period": ["1"], "herd": ["1"]})
    assert bml.posterior_predictive(trials, {"period": ["1"], "herd": ["1"]}, kind="mean").shape == (1, 5)


def test_the_size_of_an_array_is_said_first():
    with pytest.raises(TooLarge, match=r"3 MB \(4 chains × 500 draws × 180 rows\).*memory_limit=3"):
        bml.posterior_predictive(posteriors.sleepstudy(), as_array=True, memory_limit=1)


def test_a_store_is_not_overwritten_unless_asked(tmp_path):
    post, path = posteriors.sleepstudy(), tmp_path / "x.zarr"
    bml.posterior_predictive(post, path=path, draws=5)
    with pytest.raises(StorageError, match="overwrite=True"):
        bml.posterior_predictive(post, path=path)
    bml.posterior_predictive(post, path=path, draws=7, overwrite=True)
    assert az.from_zarr(path)["posterior_predictive"].sizes["draw"] == 7
    assert [own.name for own in tmp_path.iterdir()] == ["x.zarr"]
    with pytest.raises(StorageError, match="no directory"):
        bml.posterior_predictive(post, path=tmp_path / "none" / "x.zarr")


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    post, path = posteriors.sleepstudy(), tmp_path / "x.zarr"
    bml.posterior_predictive(post, path=path, draws=5)
    monkeypatch.setattr(predictive_store, "empty", lambda dtype: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bml.posterior_predictive(post, path=path, overwrite=True)
    assert [own.name for own in tmp_path.iterdir()] == ["x.zarr"]
    assert az.from_zarr(path)["posterior_predictive"].sizes["draw"] == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "mode"}, "`kind` is one of"),
        ({"ranef": "none"}, "`ranef` is one of"),
        ({"draws": 0}, "at least 1"),
        ({"path": "x.zarr", "as_array": True}, "exclude each other"),
        ({"type": "response"}, "it is called `kind`"),
        ({"outcome": 1}, "belong to"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(SpecificationError, match=message):
        bml.posterior_predictive(posteriors.sleepstudy(), **options)


def test_fits_are_refused_with_what_to_do():
    with pytest.raises(SpecificationError, match="prediction intervals"):
        bml.posterior_predictive(fitted_models.fit("sleepstudy", fitted_models.SLEEP))
