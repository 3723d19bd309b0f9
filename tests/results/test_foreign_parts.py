"""Fits of a family that is defined outside of the package, in files."""

from collections.abc import Mapping
from functools import cache
from math import inf
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.errors import StorageError
from bayesml.families import Family
from bayesml.results import foreign_parts


class Geometric(Family):
    """Failures before a success, by their mean; `power` only shows that options are kept."""

    name = "geometric"
    parameters = ("mu",)
    links = ("log",)
    support = (0.0, inf)
    whole = True
    no_tails = "not needed"

    def __init__(self, power: float = 1.0):
        self.power = power

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        mu = parameters["mu"]
        return y * mu.log - (y + 1.0) * namespace.log1p(mu.value)

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value * (1 + parameters["mu"].value)

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        return rng.geometric(1 / (1 + parameters["mu"].value)) - 1.0


@cache
def fit():
    return bml.fit("y ~ lbase + (1 | subject)", bml.datasets.load("epil"), family=Geometric(2.0))


def test_where_the_family_is_there_the_fit_comes_back_whole(tmp_path):
    fit().save(tmp_path / "fit.nc")
    loaded = bml.load(tmp_path / "fit.nc")
    assert loaded.model == fit().model
    assert loaded.model.family.power == 2.0
    pd.testing.assert_frame_equal(bml.predict(loaded), bml.predict(fit()))


@pytest.mark.parametrize("changed", [False, True])
def test_elsewhere_it_can_be_read(tmp_path, monkeypatch, changed):
    fit().save(tmp_path / "fit.nc")
    if changed:
        monkeypatch.setattr(foreign_parts, "source_hash", lambda cls: "of another source")
    else:
        monkeypatch.setattr(foreign_parts, "subclasses", lambda cls: iter(()))
    loaded = bml.load(tmp_path / "fit.nc")
    assert str(loaded) == str(fit())
    pd.testing.assert_frame_equal(loaded.vcov_all, fit().vcov_all)
    pd.testing.assert_frame_equal(loaded.varcorr, fit().varcorr)
    why = "has changed since" if changed else "import its module first"
    with pytest.raises(StorageError, match=f"`Geometric`, which the result was fitted with, .*{why}"):
        bml.predict(loaded, ranef="zero")
    assert loaded.model != fit().model
