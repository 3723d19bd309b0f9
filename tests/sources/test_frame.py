"""Tables of every kind give the same columns, and are not changed."""

import copy
import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from bayesml.design.build import build_design
from bayesml.design.new_rows import new_rows
from bayesml.errors import ColumnNotFound, DataError, DataNote
from bayesml.sources.frame import nearest, read_frame
from bayesml.syntax.model import Model

N = 12
ORDERED = ["c", "a", "b", "never"]
FRAME = pd.DataFrame(
    {
        "y": np.arange(N) ** 1.5,
        "x": np.r_[np.nan, np.arange(1.0, N)],
        "k": np.arange(N) ** 2,
        "f": pd.Categorical(list("cab") * 4, categories=ORDERED),
        "s": ["u", "v"] * 6,
        "b": [True, False, False, True] * 3,
        "g": [30, 10, 20] * 4,
    }
)
POLARS = pl.DataFrame({name: FRAME[name].tolist() for name in FRAME}).with_columns(
    pl.col("x").fill_nan(None), pl.col("f").cast(pl.Enum(ORDERED))
)
KEEP_ORDER = {
    "pandas": FRAME,
    "nullable pandas": FRAME.convert_dtypes(),
    "pandas on Arrow": FRAME.convert_dtypes(dtype_backend="pyarrow"),
    "polars": POLARS,
    "Arrow": pa.Table.from_pandas(FRAME),
    "dict of series": dict(FRAME.items()),
    "dict of polars series": {name: POLARS[name] if name != "f" else FRAME["f"] for name in POLARS.columns},
}
SORTED = {
    "dict of arrays": {name: FRAME[name].to_numpy() for name in FRAME},
    "dict of lists": {name: FRAME[name].tolist() for name in FRAME},
    "objects": FRAME.astype(object),
    "text": FRAME.astype({"f": "str"}),
    "polars categorical": POLARS.with_columns(pl.col("f").cast(pl.String).cast(pl.Categorical)),
}
MODEL = Model("y ~ x + f + b + k + (1 | g) + (1 | s:f)")


@pytest.mark.parametrize("name", [*KEEP_ORDER, *SORTED])
def test_the_same_design(name):
    data = (KEEP_ORDER | SORTED)[name]
    order = ["c", "a", "b"] if name in KEEP_ORDER else ["a", "b", "c"]
    with pytest.warns(DataNote, match=r"Dropped 1 of 12 rows .*`x` 1"):
        design = build_design(MODEL, data)
    expected = ["Intercept", "x", f"f[{order[1]}]", f"f[{order[2]}]", "b[True]", "k"]
    assert list(design.coefficients) == expected
    np.testing.assert_array_equal(design.rows, np.arange(1, N))
    np.testing.assert_array_equal(design.y, FRAME.y[1:])
    columns = [np.ones(N), FRAME.x, FRAME.f == order[1], FRAME.f == order[2], FRAME.b, FRAME.k]
    np.testing.assert_array_equal(design.X, np.column_stack(columns).astype(float)[1:])
    first, second = design.random
    assert list(first.levels) == [10, 20, 30]
    assert list(first.levels[first.codes]) == list(FRAME.g[1:])
    assert second.level_labels == tuple(f"{s}:{f}" for s in "uv" for f in order)
    new = new_rows(design, data)
    np.testing.assert_array_equal(new.X[1:], design.X)
    assert np.isnan(new.X[0, 1])
    assert np.isfinite(new.X[0, [0, 2, 3, 4, 5]]).all()
    np.testing.assert_array_equal(new.random[1].codes[1:], second.codes)


@pytest.mark.parametrize("name", [*KEEP_ORDER, *SORTED])
@pytest.mark.filterwarnings("ignore::bayesml.errors.DataNote")
def test_data_are_not_changed(name):
    data = (KEEP_ORDER | SORTED)[name]
    before = copy.deepcopy(data)
    design = build_design(MODEL, data)
    for array in (design.y, *(c for c in design.fixed_columns if c is not None)):
        array[:] = -1.0
    for term in design.random:
        term.codes[:] = 0
    if isinstance(data, dict):
        assert all(pd.Series(data[key]).equals(pd.Series(before[key])) for key in data)
    else:
        assert data.equals(before)


def test_only_used_columns_are_read():
    # a list in a column that is not used is nobody's business
    frame = FRAME.assign(bad=[[object()]] * N)
    assert build_design(Model("y ~ k"), frame).nobs == N


def test_labels_of_rows():
    frame = FRAME.set_index(pd.Index([f"row {i}" for i in range(N)], name="id"))
    with pytest.warns(DataNote):
        design = build_design(MODEL, frame)
    pd.testing.assert_index_equal(design.index, frame.index[1:])
    with pytest.warns(DataNote):
        assert list(build_design(MODEL, POLARS).index) == list(range(1, N))


def test_columns_with_labels_that_are_not_text():
    frame = pd.DataFrame({0: [1.0, 2.0, 3.0], 1: [1.0, 0.0, 2.0]})
    assert build_design(Model("`0` ~ `1`"), frame).coefficients == ("Intercept", "1")


def test_nearest_neighbours():
    with pytest.raises(ColumnNotFound, match="did you mean `Reaction`"):
        build_design(Model("reaction ~ 1"), pd.DataFrame({"Reaction": [1.0], "Days": [2]}))
    assert nearest("q", ("a", "b"), "columns") == "the columns are `a`, `b`."
    assert nearest("q", (), "columns") == "there are no columns."


REFUSED = {
    "lazy": (POLARS.lazy(), r"collect\(\)"),
    "array": (np.ones((2, 2)), "ndarray"),
    "list": ([1, 2], "list"),
    "scalar in a dict": ({"y": 1.0, "x": [1.0]}, "single value"),
    "matrix in a dict": ({"y": np.ones((2, 2)), "k": np.ones(2)}, "2 dimensions"),
    "lists": ({"y": [1.0, 2.0], "k": [[1], [2]]}, "dimensions"),
    "dates": (FRAME.assign(k=datetime.date(2020, 1, 1)), "dates"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    data, words = REFUSED[name]
    with pytest.raises(DataError, match=words):
        build_design(Model("y ~ k"), data)


def test_names():
    assert read_frame(POLARS).names == tuple(POLARS.columns)
    assert read_frame({"a": [1], 2: [3]}).names == ("a", "2")
