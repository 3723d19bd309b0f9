"""New rows get the columns of the fit."""

import numpy as np
import pandas as pd
import pytest

from bayesml.design.build import build_design
from bayesml.design.new_rows import new_rows
from bayesml.errors import ColumnNotFound, DataError, DataNote
from bayesml.syntax.model import Model

N = 80
RNG = np.random.default_rng(5)
FRAME = pd.DataFrame(
    {
        "y": RNG.normal(size=N),
        "x": RNG.uniform(1, 5, size=N),
        "z": RNG.normal(size=N),
        "w": RNG.uniform(1, 2, size=N),
        "f": np.tile(["a", "b", "c", "d"], 20),
        "k": np.tile([1, 2, 5, 7, 19], 16),
        "b": np.tile([True, False], 40),
        "school": np.repeat(list("ABCDE"), 16),
        "class": np.tile([1, 2, 3, 4], 20),
    }
)
FORMULAS = [
    "y ~ x + f", "y ~ 0 + f:z", "y ~ center(x) + scale(z)", "y ~ scale(x, center=False)", "y ~ poly(x, 3)",
    "y ~ poly(x, 2, raw=True)", "y ~ bs(x, df=5)", "y ~ bs(x, knots=c(2, 3), degree=2)", "y ~ ns(x, df=4)",
    "y ~ ns(x, knots=3)", "y ~ cr(x, df=4)", 'y ~ cr(x, df=4, constraints="center")', "y ~ C(k)", "y ~ C(f, Sum) * z",
    "y ~ C(k, Poly) + C(f, Helmert)", "y ~ C(f, Simple)", 'y ~ C(f, levels=c("d", "c", "b", "a"))', "y ~ b * I(x > 3)",
    "y ~ C(x > 3) * z",
    "y ~ log(x, 2) + I(x^2 / z) + abs(z) + floor(x)", "y ~ C(floor(x))", "y ~ poly(center(x), 2) + I(center(z)^2)",
    "y ~ I(f == 'a')", "y ~ x + I(2 * x) + z",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::bayesml.errors.DataNote")
@pytest.mark.parametrize("formula", FORMULAS)
def test_rows_of_the_fit_give_its_columns(formula):
    design = build_design(Model(formula), FRAME)
    np.testing.assert_allclose(new_rows(design, FRAME).X, design.X, atol=1e-12)
    one_by_one = np.concatenate([new_rows(design, FRAME.iloc[[i]]).X for i in range(5)])
    np.testing.assert_allclose(one_by_one, design.X[:5], atol=1e-12)
    some = FRAME.drop(columns="y").iloc[[3, 30, 8]]
    np.testing.assert_allclose(new_rows(design, some).X, design.X[[3, 30, 8]], atol=1e-12)


def test_missing_values_in_new_rows():
    design = build_design(Model("y ~ C(f) + bs(x, df=4) + z:b + I(x > 3)"), FRAME)
    new = FRAME.iloc[:3].astype({"f": object, "b": object})
    new.loc[0, "x"], new.loc[1, "f"], new.loc[2, "b"] = np.nan, None, None
    X = new_rows(design, new).X
    missing = np.array([[("x" in n) for n in design.coefficients], [("C(f)" in n) for n in design.coefficients],
                        [("b[" in n) for n in design.coefficients]])  # fmt: skip
    np.testing.assert_array_equal(np.isnan(X), missing)


def test_levels_that_are_new():
    design = build_design(Model("y ~ f + (x | school/class)"), FRAME)
    new = FRAME.iloc[[0, 17, 33, 0, 1]].assign(
        school=["A", "New", "New", "B", None], **{"class": [1, 1, 2, 9, 1]}
    )  # fmt: skip
    outer, inner = new_rows(design, new).random
    np.testing.assert_array_equal(outer.codes, [0, -1, -1, 1, -1])
    np.testing.assert_array_equal(outer.unseen, [-1, 0, 0, -1, -1])
    assert outer.unseen_labels == ("New",)
    np.testing.assert_array_equal(inner.codes, [0, -1, -1, -1, -1])
    np.testing.assert_array_equal(inner.unseen, [-1, 0, 1, 2, -1])
    assert inner.unseen_labels == ("New:1", "New:2", "B:9")
    np.testing.assert_array_equal(inner.Z[:, 1], new.x)
    with pytest.raises(DataError, match="level 'e' of `f` did not occur in the fit; it had a, b, c, d"):
        new_rows(design, new.assign(f="e"))


def test_levels_given_in_another_type():
    design = build_design(Model("y ~ (1 | class)"), FRAME)
    for labels in (["2", "1"], [2.0, 1.0], pd.Categorical(["2", "1"]), pd.array([2, 1], dtype="Int64")):
        codes = new_rows(design, pd.DataFrame({"class": labels})).random[0].codes
        np.testing.assert_array_equal(codes, [1, 0])


def test_levels_of_the_fixed_part_in_another_type():
    labels = FRAME.assign(k=FRAME.k.astype(str))
    design = build_design(Model("y ~ k + b + z"), labels)
    for k, b in (
        (FRAME.k, FRAME.b * 1),
        (FRAME.k * 1.0, FRAME.b.astype(object)),
        (FRAME.k.astype("Int64"), FRAME.b * 1.0),
    ):
        np.testing.assert_array_equal(new_rows(design, FRAME.assign(k=k, b=b)).X, design.X)
    with pytest.raises(DataError, match="level '3' of `k` did not occur"):
        new_rows(design, FRAME.assign(k=3))
    with pytest.raises(DataError, match="`z` holds text"):
        new_rows(design, labels.assign(z="a"))


def test_columns_that_are_needed():
    design = build_design(Model("y ~ z + (x | school)"), FRAME)
    assert new_rows(design, FRAME[["z"]], random=False).random == ()
    with pytest.raises(ColumnNotFound, match="`x`"):
        new_rows(design, FRAME[["z", "school"]])
    with pytest.raises(ColumnNotFound, match="`z`"):
        new_rows(design, FRAME[["x", "school"]])


def test_rows_without_levels():
    design = build_design(Model("y ~ z + (x | school)"), FRAME)
    (term,) = new_rows(design, FRAME[["z", "x"]], groups=False).random
    assert set(term.codes) == set(term.unseen) == {-1}
    np.testing.assert_array_equal(term.Z, design.random[0].Z)


def test_offset_weights_and_known_sd_of_new_rows():
    design = build_design(Model("y ~ z + offset(2 * x)", weights="w"), FRAME)
    new = new_rows(design, FRAME[["z", "x", "w"]].iloc[:4])
    np.testing.assert_allclose(new.offset, 2 * FRAME.x[:4])
    np.testing.assert_allclose(new.weights, FRAME.w[:4])
    assert new_rows(design, FRAME[["z", "x"]]).weights is None
    design = build_design(Model("known_sd(y, w / 2) ~ z"), FRAME)
    np.testing.assert_allclose(new_rows(design, FRAME[["z", "w"]]).known_sd, FRAME.w / 2)
    assert new_rows(design, FRAME[["z"]]).known_sd is None
    with pytest.raises(DataError, match="must be positive"):
        new_rows(design, FRAME.assign(w=-1.0))


def test_index_of_new_rows():
    design = build_design(Model("y ~ z"), FRAME)
    new = FRAME.iloc[:2].set_index(pd.Index(["p", "q"]))
    assert list(new_rows(design, new).index) == ["p", "q"]


def test_splines_go_on_as_in_r():
    # predict(ns(x, df=3), c(-1, 6)) of R 4.2.2 with x as below; columns by the span of the basis
    x = np.array([0.1, 0.5, 0.9, 1.7, 2.5, 3, 4.2, 5])
    design = build_design(Model("y ~ ns(x, df=3)"), {"y": np.arange(8.0), "x": x})
    np.testing.assert_allclose(
        new_rows(design, {"x": [-1.0, 6.0]}).X[:, 1:],
        [[0.2434120, -0.6740640, 0.430652], [-0.6825476, 0.5055165, 1.177031]],
        atol=5e-7,
    )


@pytest.mark.filterwarnings("error")
def test_a_constant_level_far_from_zero():
    year = 2000.0 + np.arange(N)
    design = build_design(Model("y ~ poly(year, 4)"), FRAME.assign(year=year))
    np.testing.assert_allclose(design.X[:, 1:].T @ design.X[:, 1:], np.eye(4), atol=1e-12)


def test_infinite_new_values():
    design = build_design(Model("y ~ log(x)"), FRAME)
    with pytest.raises(DataError, match="is not finite in 1 rows"):
        new_rows(design, {"x": [1.0, 0.0]})
    with pytest.raises(DataError, match="`x` is infinite"):
        new_rows(design, {"x": [1.0, np.inf]})


def test_dropped_columns_stay_dropped():
    with pytest.warns(DataNote):
        design = build_design(Model("y ~ x + I(2 * x) + z"), FRAME)
    assert new_rows(design, FRAME.assign(x=7.0)).X.shape == (N, 3)
