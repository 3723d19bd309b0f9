"""Coefficients that run to infinity are recognised and named, for every link; finite ones never are."""

import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.errors import NotIdentified


@pytest.fixture
def table(rng):
    n = 200
    return pd.DataFrame(
        {
            "g": np.repeat([f"g{i}" for i in range(20)], 10),
            "x": rng.normal(size=n),
            "z": rng.normal(size=n),
            "f": np.tile(["a", "b"], n // 2),
            "rare": (np.arange(n) < 4).astype(float),
            "y": (rng.random(n) < 0.5).astype(int),
        }
    )


def fit(table, fixed, **options):
    return bml.fit(f"y ~ {fixed} + (1 | g)", table, **options)


def test_complete_separation_names_the_column(table):
    table["y"] = (table["x"] > 0).astype(int)
    with pytest.raises(NotIdentified, match=r"coefficient of `x`"):
        fit(table, "x + z", family="bernoulli")


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog", "loglog", "cauchit"])
def test_a_level_that_tells_the_outcome_is_named(table, link):
    table.loc[table["rare"] == 1, "y"] = 1
    with pytest.raises(NotIdentified, match=r"coefficient of `rare`"):
        fit(table, "x + rare", family="bernoulli", link=link)


def test_counts_that_are_all_zero_at_a_level(table, rng):
    table["y"] = np.where(table["f"] == "b", 0, rng.poisson(2.0, len(table)))
    with pytest.raises(NotIdentified, match=r"coefficient of `f\[b\]`"):
        fit(table, "x + f", family="poisson")


def test_an_outcome_of_one_value_names_the_intercept(table):
    table["y"] = 1
    with pytest.raises(NotIdentified, match="`Intercept` can grow without bound, as the response is 1 in every row"):
        fit(table, "x", family="bernoulli")


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_finite_estimates_are_never_refused(table, scale):
    table["x"] *= scale
    assert fit(table, "x + z + f", family="bernoulli").converged


def test_a_proper_prior_needs_no_finite_maximum(table):
    table.loc[table["rare"] == 1, "y"] = 1
    mode = fit(table, "x + rare", family="bernoulli", criterion="map")
    assert mode.converged
    assert 0 < mode["rare"] < 20
