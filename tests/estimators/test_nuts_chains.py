"""Chains that fail are named, with the parameter and its value; the others are kept."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.errors import ConvergenceWarning, SamplingError
from bayesml.estimators import nuts_chains
from bayesml.estimators.nuts_chains import CHAIN_STREAM, START_STREAM, own_seed

DYES = bml.datasets.load("dyestuff")
FORMULA = "Yield ~ 1 + (1 | Batch)"
QUICK = {"draws": 200, "tune": 200, "random_seed": 1, "progressbar": False}


def binary() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame({"g": np.repeat(list("abcdef"), 8), "y": rng.integers(0, 2, 48)})


def start_failing(monkeypatch, chain: int, coordinate: int, value: float) -> None:
    """One chain is offered a start at which one coordinate has an impossible value."""
    original, seed = nuts_chains.initial_point, own_seed(QUICK["random_seed"], START_STREAM, chain)

    def broken(density, own):
        point = original(density, own)
        if own == seed:
            point = density.origin.copy()
            point[coordinate] = value
        return point

    monkeypatch.setattr(nuts_chains, "initial_point", broken)


def test_a_chain_without_a_start_is_named_with_the_parameter_and_value(monkeypatch, tmp_path):
    start_failing(monkeypatch, chain=2, coordinate=1, value=1e4)
    with pytest.warns(ConvergenceWarning, match=r"1 of 4 chains failed and were left out: chain 2 found no start"):
        post = bml.sample(FORMULA, DYES, **QUICK)
    assert post.posterior.shape == (3, 200)
    assert not post.posterior.complete
    (failure,) = post.status.failures
    assert failure == "chain 2 found no start, as the log density is not finite, at sigma = inf"
    assert "look at the prior and the scale of what is named" in post.status.advice
    assert "interrupted" not in post.status.advice
    post.save(tmp_path / "post.nc")
    assert bml.load(tmp_path / "post.nc").status.failures == (failure,)


def test_of_joint_models_random_effects_are_named_too(monkeypatch):
    start_failing(monkeypatch, chain=1, coordinate=4, value=np.inf)
    with pytest.warns(ConvergenceWarning, match=r"chain 1 .* at b\(Intercept \| g\[c\]\) = inf"):
        post = bml.sample("y ~ 1 + (1 | g)", binary(), family="bernoulli", **QUICK)
    assert post.posterior.shape[0] == 3


def test_an_error_of_the_sampler_ends_one_chain_only(monkeypatch):
    original, third = nuts_chains.run, own_seed(QUICK["random_seed"], CHAIN_STREAM, 3)

    def broken(density, initial, *, chains, seed, **options):
        if chains > 1 or seed == third:
            raise RuntimeError("The sampler gave up\n\nStack backtrace:\n 0: <unknown>")
        return original(density, initial, chains=chains, seed=seed, **options)

    monkeypatch.setattr(nuts_chains, "run", broken)
    with pytest.warns(ConvergenceWarning, match=r"chain 3 broke off \(The sampler gave up\)"):
        post = bml.sample(FORMULA, DYES, **QUICK)
    assert post.posterior.shape == (3, 200)
    assert "sd(Intercept | Batch) = " in post.status.failures[0]
    assert "backtrace" not in post.status.failures[0]
    assert 20 < post["sd(Intercept | Batch)"] < 80


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda x: x * np.where(np.arange(200)[:, None] == 7, [np.nan, 1.0], 1.0),
         r"chain 4 gave draws that are not finite, at sd\(Intercept \| Batch\) = nan"),
        (lambda x: np.broadcast_to(x[:1], x.shape), r"chain 4 never left its start"),
    ],
    ids=["NaN", "stuck"],
)  # fmt: skip
def test_chains_with_useless_draws_are_left_out(monkeypatch, spoil, said):
    original = nuts_chains.run

    def broken(*arguments, **options):
        found = original(*arguments, **options)
        x = found.x.copy()
        x[3] = spoil(x[3])
        return replace(found, x=x)

    monkeypatch.setattr(nuts_chains, "run", broken)
    with pytest.warns(ConvergenceWarning, match=said):
        post = bml.sample(FORMULA, DYES, **QUICK)
    assert post.posterior.shape == (3, 200)
    assert np.isfinite(post.draws("sigma")).all()


def test_where_all_fail_the_error_names_parameters_and_what_is_held():
    with pytest.raises(SamplingError) as error:
        bml.sample(FORMULA, DYES, {"sigma": bml.Fixed(1e-200)}, **QUICK)
    text = str(error.value)
    assert text.startswith("All 4 chains failed: chain 1 found no start, as the log density is not finite, at sd(")
    assert "sigma held at 1e-200" in text
    assert "`bml.prior_table`" in text


def test_where_all_chains_of_a_joint_model_fail_few_parameters_are_named():
    with pytest.raises(SamplingError, match=r"sd\(Intercept \| g\) = .* and 1 more, Intercept held at 1e\+06"):
        bml.sample("y ~ 1 + (1 | g)", binary(), {"Intercept": bml.Fixed(1e6)}, family="poisson", **QUICK)


def test_draws_do_not_depend_on_what_is_looked_at_before(monkeypatch):
    with pytest.warns(ConvergenceWarning):
        first = bml.sample(FORMULA, DYES, **QUICK | {"draws": 40})
    monkeypatch.setattr(nuts_chains, "START_STREAM", 999)
    with pytest.warns(ConvergenceWarning):
        again = bml.sample(FORMULA, DYES, **QUICK | {"draws": 40})
    np.testing.assert_array_equal(first.draws("sigma"), again.draws("sigma"))
