"""Designs: rows, addresses, levels, columns."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesml.design.build import build_design
from bayesml.errors import DataNote
from bayesml.syntax.model import Model

N = 60


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    return pd.DataFrame(
        {
            "y": rng.normal(size=N),
            "x": rng.normal(size=N),
            "body mass (kg)": rng.normal(60, 5, size=N),
            "e": rng.uniform(1, 2, size=N),
            "w": rng.uniform(1, 2, size=N),
            "treat": pd.Categorical(rng.choice(["oxygen", "ozone"], N), categories=["oxygen", "ozone"]),
            "school": np.repeat(list("ABCDE"), 12),
            "class": np.tile([1, 2, 3], 20),
        }
    )


def test_addresses(frame):
    design = build_design(Model("y ~ x * treat + `body mass (kg)` + log(e) + (x + treat | school/class)"), frame)
    assert design.coefficients == (
        "Intercept", "x", "treat[ozone]", "body mass (kg)", "log(e)", "x:treat[ozone]",
    )  # fmt: skip
    assert design.term_columns == {
        "x": ("x",),
        "treat": ("treat[ozone]",),
        "body mass (kg)": ("body mass (kg)",),
        "log(e)": ("log(e)",),
        "x:treat": ("x:treat[ozone]",),
    }
    outer, inner = design.random
    assert (outer.group, inner.group) == ("school", "school:class")
    assert outer.names == inner.names == ("Intercept", "x", "treat[ozone]")
    assert list(outer.levels) == list("ABCDE")
    assert outer.levels.name == "school"
    assert inner.level_labels[:4] == ("A:1", "A:2", "A:3", "B:1")
    assert inner.levels.names == ["school", "class"]
    assert list(inner.levels[inner.codes]) == list(zip(frame["school"], frame["class"], strict=True))
    np.testing.assert_array_equal(inner.Z, design.X[:, :3])
    assert outer.columns[0] is None
    assert design.fixed_columns[0] is None
    assert design.state.base_levels == {"treat": "treat[oxygen]"}


def test_offset_weights_and_known_sd(frame):
    design = build_design(Model("y / 2 ~ x + offset(log(e)) + offset(2 * w)", weights="w"), frame)
    np.testing.assert_allclose(design.y, frame.y / 2)
    np.testing.assert_allclose(design.offset, np.log(frame.e) + 2 * frame.w)
    np.testing.assert_array_equal(design.weights, frame.w)
    design = build_design(Model("known_sd(y, e / 2) ~ 1 + (1 | school)"), frame)
    np.testing.assert_allclose(design.known_sd, frame.e / 2)
    assert design.response_name == "y"
    np.testing.assert_allclose(build_design(Model("known_sd(sd=e, y=y) ~ 1"), frame).known_sd, frame.e)


def test_a_true_or_false_response_is_a_number(frame):
    design = build_design(Model("b ~ x"), frame.assign(b=frame.x > 0))
    np.testing.assert_array_equal(design.y, frame.x > 0)


def test_dot_is_all_other_columns(frame):
    design = build_design(
        Model("y ~ . - e + (1 | school)", weights="w"), frame.assign(**{"class": "q"} | {"class": frame["class"] % 2})
    )
    assert design.coefficients == ("Intercept", "x", "body mass (kg)", "treat[ozone]", "class")
    assert str(design.state.formula) == "y ~ 1 + x + `body mass (kg)` + treat + class + (1 | school)"
    small = frame[["y", "x", "e", "school"]]
    design = build_design(Model("y ~ .^2 + (. | school)"), small)
    assert design.coefficients == ("Intercept", "x", "e", "x:e")
    assert design.random[0].names == ("Intercept", "x", "e")
    assert build_design(Model("y ~ .:x + (1 | school)"), small).coefficients == ("Intercept", "x", "e:x")


def test_levels_keep_their_type_and_order(frame):
    days = pd.to_datetime("2020-01-01") + pd.to_timedelta(frame["class"], unit="D")
    changed = frame.assign(day=days, school=pd.Categorical(frame.school, categories=list("EDCBAZ"), ordered=True))
    design = build_design(Model("y ~ (1 | school) + (0 + x | day) + (1 | class)"), changed)
    school, day, number = (term.levels for term in design.random)
    assert list(school) == list("EDCBA")
    assert list(day) == sorted(days.unique())
    assert number.dtype == np.int64
    rows = changed.school != "C"
    assert list(build_design(Model("y ~ (1 | school)"), changed[rows]).random[0].levels) == list("EDBA")


def test_shared_columns_are_held_once(frame):
    design = build_design(Model("y ~ x + (x | school) + (0 + x | class)"), frame)
    assert design.fixed_columns[1] is design.random[0].columns[1]
    assert design.fixed_columns[1] is design.random[1].columns[0]


def test_computed_groups(frame):
    design = build_design(Model("y ~ (1 | floor(e * 2)) + (1 | I(x > 0))"), frame)
    assert list(design.random[0].levels) == [2, 3]
    assert design.random[1].level_labels == ("False", "True")


def test_notes_are_warnings_at_the_line_of_the_caller(frame):
    with pytest.warns(DataNote) as told:
        design = build_design(Model("y ~ x + I(3 * x) + (1 | school)"), frame)
    assert [str(note.message) for note in told] == list(design.notes)
    assert told[0].filename == __file__


FORMULA = "y ~ x * treat + center(x) + (x | school) + (1 | school:class)"


@pytest.mark.filterwarnings("ignore::bayesml.errors.DataNote")
@given(st.permutations(range(N)))
def test_order_of_rows_does_not_matter(frame, order):
    design = build_design(Model(FORMULA), frame)
    shuffled = build_design(Model(FORMULA), frame.iloc[list(order)])
    assert shuffled.coefficients == design.coefficients
    np.testing.assert_allclose(shuffled.X, design.X[list(order)], atol=1e-12)
    for one, other in zip(design.random, shuffled.random, strict=True):
        assert one.level_labels == other.level_labels
        np.testing.assert_array_equal(other.codes, one.codes[list(order)])


@pytest.mark.filterwarnings("ignore::bayesml.errors.DataNote")
@given(st.permutations(["p", "q", "r", "s", "t"]), st.booleans())
def test_labels_of_groups_do_not_matter(frame, labels, as_numbers):
    values = range(1000, 6000, 1000) if as_numbers else labels
    relabelled = frame.assign(school=frame.school.map(dict(zip("ABCDE", values, strict=True))))
    one, other = build_design(Model(FORMULA), frame), build_design(Model(FORMULA), relabelled)
    np.testing.assert_array_equal(one.X, other.X)
    for old, new in zip(one.random, other.random, strict=True):
        pairs = set(zip(old.codes, new.codes, strict=True))
        assert len(pairs) == len(old.levels) == len(new.levels)


@pytest.mark.parametrize("shift", [0.0, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_rank_does_not_depend_on_shift_and_scale(frame, shift, scale):
    moved = frame.assign(x=scale * (frame.x + shift), e=frame.e + shift)
    assert build_design(Model("y ~ x + e + treat"), moved).dropped == ()
    with pytest.warns(DataNote):
        assert build_design(Model("y ~ x + e + I(x + 2 * e) + treat"), moved).dropped == ("I(x + 2 * e)",)
