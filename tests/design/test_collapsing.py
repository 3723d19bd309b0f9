import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.design.build import build_design
from bayesml.design.collapsing import collapse

FORMULA = "y ~ x + f + (x | g)"


@pytest.fixture
def repeated(rng):
    small = pd.DataFrame({"x": rng.normal(size=30), "f": np.tile(["a", "b", "c"], 10), "g": np.repeat(np.arange(6), 5)})
    small["y"] = rng.integers(0, 2, 30)
    return small.loc[rng.integers(0, 30, 400)].reset_index(drop=True)


def test_equal_rows_become_one_that_counts(repeated):
    design = build_design(bml.Model(FORMULA, family="bernoulli"), repeated)
    found = collapse(design)
    assert found.design.n == len(repeated.drop_duplicates())
    assert found.design.nobs == 400
    for whole, less in (
        (design.y, found.design.y),
        (design.X, found.design.X),
        (design.random[0].codes, found.design.random[0].codes),
        (design.random[0].Z, found.design.random[0].Z),
    ):
        np.testing.assert_array_equal(less[found.place], whole)


def test_rows_that_differ_stay(repeated):
    repeated["y"] = np.arange(400) % 2
    repeated["x"] = np.arange(400.0)
    assert collapse(build_design(bml.Model(FORMULA, family="bernoulli"), repeated)) is None


def test_frequencies_add_up(repeated):
    repeated["count"] = np.tile([1.0, 2.0], 200)
    model = bml.Model(FORMULA, family="bernoulli", frequencies="count")
    found = collapse(build_design(model, repeated))
    assert found.design.frequencies.sum() == 600
