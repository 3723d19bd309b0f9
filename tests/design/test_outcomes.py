"""Designs of trials, limits and categories: arrays, columns of several predictors, new rows."""

import numpy as np
import pandas as pd
import pytest

from bayesml.design.build import build_design
from bayesml.design.new_rows import new_rows
from bayesml.errors import DataNote
from bayesml.families import Family
from bayesml.syntax.model import Model


class Categories(Family):
    """A family of categories without a density: what designs ask of one."""

    name = "categories"
    parameters = ("mu",)
    links = ("logit",)
    support = (0.0, np.inf)

    def __init__(self, outcome, base=None):
        self.outcome, self.base = outcome, base
        self.takes_intercept = outcome != "ordered"

    def arrange(self, categories):
        return categories if self.base is None else (self.base, *(c for c in categories if c != self.base))

    def predictors(self, categories=()):
        return categories[1:] if self.outcome == "unordered" else ("mu",)

    def log_density(self, y, parameters, namespace):
        raise AssertionError

    mean = variance = simulate = log_density


CHOICE, ORDER = Categories("unordered"), Categories("ordered")


@pytest.fixture
def frame():
    n = 24
    return pd.DataFrame(
        {
            "resp": pd.Categorical(np.tile(["no", "perhaps", "yes"], n // 3), ["no", "perhaps", "yes", "never"]),
            "x": np.linspace(0, 1, n) ** 2,
            "f": np.tile(["a", "b", "b", "a"], n // 4),
            "g": np.repeat(np.arange(6), n // 6),
            "n": np.full(n, 7),
            "k": np.arange(n) % 7,
            "e": np.linspace(1, 2, n),
            "w": np.tile([1, 2, 0], n // 3),
        },
        index=pd.Index(np.arange(n) + 100),
    )


def quietly(model, frame):
    with pytest.warns(DataNote):
        return build_design(model, frame)


def test_a_predictor_for_each_category_beside_the_base(frame):
    design = quietly(Model("resp ~ x + f + (x | g)", family=CHOICE), frame)
    assert design.categories == ("no", "perhaps", "yes")
    assert design.predictors == ("perhaps", "yes")
    assert design.coefficients == (
        "perhaps: Intercept", "perhaps: x", "perhaps: f[b]", "yes: Intercept", "yes: x", "yes: f[b]",
    )  # fmt: skip
    assert design.fixed_predictors == (0, 0, 0, 1, 1, 1)
    assert design.term_columns == {"x": ("perhaps: x", "yes: x"), "f": ("perhaps: f[b]", "yes: f[b]")}
    assert all(a is b for a, b in zip(design.fixed_columns[:3], design.fixed_columns[3:], strict=True))
    np.testing.assert_array_equal(design.y, np.tile([0.0, 1.0, 2.0], 8))
    first, second = design.random
    assert first.names == ("perhaps: Intercept", "perhaps: x")
    assert (first.predictors, second.predictors) == ((0, 0), (1, 1))
    assert first.codes is second.codes
    assert first.columns[1] is second.columns[1]


def test_a_tag_joins_the_predictors_and_shared_enters_each(frame):
    design = quietly(Model("resp ~ x + (x |p| g) + shared(1 | g)", family=CHOICE), frame)
    joined, shared = design.random
    assert joined.names == ("perhaps: Intercept", "perhaps: x", "yes: Intercept", "yes: x")
    assert joined.predictors == (0, 0, 1, 1)
    assert joined.covariance.name == "unstructured"
    assert (shared.names, shared.predictors) == (("Intercept",), (-1,))


def test_codes_begin_with_the_base(frame):
    design = quietly(Model("resp ~ x", family=Categories("unordered", "yes")), frame)
    assert design.categories == ("yes", "no", "perhaps")
    np.testing.assert_array_equal(design.y, np.tile([1.0, 2.0, 0.0], 8))
    assert design.coefficients[0] == "no: Intercept"


def test_two_categories_have_one_predictor(frame):
    frame = frame.assign(resp=np.tile(["no", "yes"], 12))
    design = build_design(Model("resp ~ x + (1 |p| g) + shared(1 | f)", family=CHOICE), frame)
    assert design.predictors == ("yes",)
    assert design.coefficients == ("Intercept", "x")
    assert design.fixed_predictors == ()
    assert [term.names for term in design.random] == [("Intercept",), ("Intercept",)]
    assert all(term.predictors == () for term in design.random)


@pytest.mark.parametrize("start", ["", "0 + "])
def test_cut_points_stand_for_the_intercept(frame, start):
    design = quietly(Model(f"resp ~ {start}f + x + I(x - x + 2) + (1 | g)", family=ORDER), frame)
    assert design.coefficients == ("f[b]", "x")
    assert design.dropped == ("I(x - x + 2)",)
    assert design.predictors == ("mu",)
    assert design.random[0].names == ("Intercept",)
    np.testing.assert_allclose(new_rows(design, frame).X, design.X)


def test_columns_left_out_are_left_out_of_each_predictor(frame):
    design = quietly(Model("resp ~ x + I(2 * x) + (x + I(2 * x) |p| g)", family=CHOICE), frame)
    assert design.dropped == (
        "perhaps: I(2 * x)", "perhaps: I(2 * x) | g", "yes: I(2 * x)", "yes: I(2 * x) | g",
    )  # fmt: skip
    assert sum("linear combination" in note for note in design.notes) == 2


@pytest.mark.parametrize("term", ["(x | g)", "(x |p| g)", "(f || g)", "shared(x | g)", "(1 | g/f) + (0 + x |p| g)"])
@pytest.mark.parametrize("groups", [True, False])
def test_new_rows_of_several_predictors(frame, term, groups):
    design = quietly(Model(f"resp ~ x + f + {term}", family=CHOICE), frame)
    new = new_rows(design, frame.drop(columns="resp"), groups=groups)
    np.testing.assert_allclose(new.X, design.X)
    assert len(new.random) == len(design.random)
    for fresh, fitted in zip(new.random, design.random, strict=True):
        np.testing.assert_allclose(fresh.Z, fitted.Z)
        np.testing.assert_array_equal(fresh.codes, fitted.codes if groups else -1)
    assert new_rows(design, frame, random=False).random == ()


def test_trials(frame):
    family = Categories("number")
    family.takes_trials, family.takes_intercept = True, True
    for formula in ("cbind(k, n - k) ~ x", "p(k, n) ~ x", "p(k, n=7) ~ x"):
        design = build_design(Model(formula, family=family), frame)
        np.testing.assert_array_equal(design.response["trials"], 7.0)
        np.testing.assert_array_equal(design.y, frame["k"])
        assert design.response["y"] is design.y
    design = build_design(Model("I(k > 3) ~ x", family=family), frame)
    np.testing.assert_array_equal(design.response["trials"], 1.0)


def test_exposure_and_frequencies(frame):
    model = Model("k ~ x + offset(x) + (1 | g)", family="poisson", exposure="e", frequencies="w")
    design = quietly(model, frame)
    kept = frame[frame["w"] > 0]
    np.testing.assert_allclose(design.offset, kept["x"] + np.log(kept["e"]))
    np.testing.assert_array_equal(design.frequencies, kept["w"])
    assert (design.n, design.nobs) == (16, 24)
    assert list(design.index) == list(kept.index)
    np.testing.assert_allclose(new_rows(design, kept.drop(columns=["k", "w"])).offset, design.offset)
    assert "log(e)" not in str(model.formula)


def test_a_dot_leaves_out_what_is_used_elsewhere(frame):
    design = build_design(Model("p(k, n) ~ . + (1 | g)", family=_trials()), frame.drop(columns=["resp", "e", "w"]))
    assert design.coefficients == ("Intercept", "x", "f[b]")
    counted = Model("k ~ .", family="poisson", exposure="e", frequencies="w")
    assert quietly(counted, frame[["k", "x", "e", "w"]]).coefficients == ("Intercept", "x")


def _trials() -> Family:
    family = Categories("number")
    family.takes_trials, family.takes_intercept = True, True
    return family


def test_open_ends_are_no_missing_values(frame):
    lower = frame["x"].where(frame["k"] > 0)
    frame = frame.assign(lo=lower, hi=np.where(frame["k"] > 3, np.inf, frame["x"] + 1))
    design = build_design(Model("interval(lo, hi) ~ f + (1 | g)"), frame)
    assert design.n == len(frame)
    assert set(design.response["status"]) == {-1.0, 1.0, 2.0}
    between = design.response["status"] == 2
    np.testing.assert_allclose(design.y[between], (frame["x"] + 0.5)[between])
    assert design.response_name == "interval(lo, hi)"
    # an end that is a covariate too must be there
    told = quietly(Model("interval(lo, hi) ~ lo2 + (1 | g)"), frame.assign(lo2=lower))
    assert told.n == lower.notna().sum()
