"""Bad input: what is given, and the error or the repair that is told."""

import numpy as np
import pandas as pd
import pytest

from bayesml.design.build import build_design
from bayesml.design.new_rows import new_rows
from bayesml.distributions import Fixed
from bayesml.errors import (
    ColumnNotFound,
    DataError,
    DataNote,
    FormulaError,
    NotIdentified,
    SpecificationError,
    TooLarge,
)
from bayesml.syntax.model import Model

N = 24


def data(**changes) -> pd.DataFrame:
    """Rows that `y ~ x + f + (x | g)` fits without a note, with some columns changed."""
    rng = np.random.default_rng(3)
    columns = {
        "y": rng.normal(size=N),
        "x": rng.normal(size=N),
        "z": rng.normal(size=N),
        "f": np.tile(["a", "b", "c"], N // 3),
        "g": np.repeat(np.arange(6), N // 6),
        "w": np.ones(N),
    }
    return pd.DataFrame(columns | changes)


def with_value(name: str, value: object, places: object = 2) -> pd.DataFrame:
    """`data()` with a value put into a column."""
    frame = data()
    frame[name] = frame[name].astype(float if isinstance(value, float) else object)
    frame.loc[places, name] = value
    return frame


def twice_x() -> pd.DataFrame:
    frame = data()
    return pd.concat([frame, frame[["x"]]], axis=1)


ERRORS = {
    "no rows": ("y ~ x", data().iloc[:0], {}, DataError, "no rows"),
    "all rows missing": ("y ~ x", data(x=np.nan), {}, DataError, r"Every row has a missing value .*`x` 24"),
    "missing, na=raise": ("y ~ x", with_value("x", np.nan), {"na": "raise"}, DataError, r"1 of 24 rows .*`x` 1"),
    "infinite y": ("y ~ x", with_value("y", np.inf), {}, DataError, "`y` is infinite in 1 rows, first in row 2"),
    "infinite x": ("y ~ x", with_value("x", -np.inf), {}, DataError, "`x` is infinite"),
    "infinite weight": ("y ~ x", with_value("w", np.inf), {"weights": "w"}, DataError, "`w` is infinite"),
    "log of zero": ("y ~ log(x)", data(x=np.arange(N)), {}, DataError, r"`log\(x\)` is not finite .* x = 0"),
    "log of negative y": ("log(y) ~ x", data(), {}, DataError, r"`log\(y\)` is not finite"),
    "overflow": ("y ~ exp(z)", with_value("z", 1e6), {}, DataError, r"`exp\(z\)` is not finite in 1 rows"),
    "group with one level": ("y ~ x + (1 | g)", data(g=1), {}, NotIdentified, "`g` .* has one level, '1'"),
    "one level a row": ("y ~ x + (1 | g)", data(g=range(N)), {}, NotIdentified, "Each row is a level of its own"),
    "more effects than rows": (
        "y ~ x + (x + z + I(x^2) | g)", data(g=np.repeat(range(8), 3)), {}, NotIdentified,
        "8 levels times 4 columns = 32",
    ),
    "as many effects as rows": ("y ~ x + (x | g)", data(g=np.repeat(range(12), 2)), {}, NotIdentified, "24 random"),
    "effects of unidentified rows though sigma is known": (
        "known_sd(y, w) ~ (x + z | g)", data(g=np.repeat(range(12), 2)), {}, NotIdentified, "36 random effects",
    ),
    "weights negative": ("y ~ x", with_value("w", -1.0), {"weights": "w"}, DataError, "`w` are negative in 1 rows"),
    "weights all zero": ("y ~ x", data(w=0.0), {"weights": "w"}, DataError, "No row has a positive weight"),
    "weights text": ("y ~ x", data(w="a"), {"weights": "w"}, DataError, "`w` holds text .* needs numbers"),
    "weights not there": ("y ~ x", data(), {"weights": "W2"}, ColumnNotFound, "`W2` .* did you mean `w`"),
    "response is text": ("f ~ x", data(), {}, DataError, "response `f` is text .* needs numbers"),
    "response is a category": ("f ~ x", data().astype({"f": "category"}), {}, DataError, "response `f` is text"),
    "response is a date": ("y ~ x", data(y=pd.Timestamp("2020-01-01")), {}, DataError, "response `y` is a date"),
    "response among terms": ("y ~ x + y", data(), {}, SpecificationError, "response `y` .* among the terms"),
    "response as a random slope": ("y ~ x + (y | g)", data(), {}, SpecificationError, r"response `y` is in `\(1 \+ y"),
    "response in a random product": ("y ~ x + (0 + x:y | g)", data(), {}, SpecificationError, "cannot explain itself"),
    "response as a group": ("g ~ x + (1 | g)", data(), {}, SpecificationError, r"response `g` is in `\(1 \| g\)`"),
    "text like numbers as a slope": (
        "y ~ (z | g)", data(z=[f"{i}.5" for i in range(N)]), {}, NotIdentified, "`z` is text .* numbers: convert it",
    ),
    "text like numbers in a function": ("y ~ log(z)", data(z="1e3"), {}, DataError, "`z` is text that looks like numb"),
    "ref of C": ("y ~ C(f, ref='b')", data(), {}, FormulaError, r'no argument `ref`; write `C\(f, Treatment\("b"\)\)`'),
    "levels of factor": ("y ~ factor(f, levels=c('b', 'a'))", data(), {}, FormulaError, r"write `C\(f, levels=c\("),
    "date as a number": ("y ~ x", data(x=pd.Timestamp("2020-01-01")), {}, DataError, "`x` holds dates"),
    "text inside a function": ("y ~ log(f)", data(), {}, DataError, "`f` holds text"),
    "complex numbers": ("y ~ x", data(x=1j), {}, DataError, "complex"),
    "numbers mixed with text": ("y ~ x", with_value("x", "a"), {}, DataError, "one kind"),
    "asks for code": ("y ~ __import__('os').system('x')", data(), {}, FormulaError, "a formula is not code"),
    "attribute": ("y ~ x.__class__", data(), {}, FormulaError, "a formula is not code"),
    "attribute of a column": ("y ~ x.values", data(), {}, ColumnNotFound, "no column `x.values`"),
    "method": ("y ~ x.mean()", data(), {}, FormulaError, "`x.mean` is not a function"),
    "lambda": ("y ~ (lambda: x)", data(), {}, FormulaError, "`lambda`"),
    "index": ("y ~ x[0]", data(), {}, FormulaError, "not indexed"),
    "unknown function": ("y ~ eval(x)", data(), {}, FormulaError, "`eval` is not a function"),
    "column not there": ("y ~ X2 + (1 | g)", data(), {}, ColumnNotFound, "no column `X2` .* did you mean `x`"),
    "unknown option": ("y ~ x", data(), {"covarience": "identity"}, SpecificationError, "did you mean `covariance`"),
    "lme4's REML": ("y ~ x", data(), {"REML": True}, SpecificationError, 'criterion="reml"'),
    "nlme's random": ("y ~ x", data(), {"random": "~ x | g"}, SpecificationError, r"\(x \| group\)"),
    "statsmodels' groups": ("y ~ x", data(), {"groups": "g"}, SpecificationError, r"\(x \| group\)"),
    "glmer's nAGQ": ("y ~ x", data(), {"nAGQ": 7}, SpecificationError, "integration="),
    "unknown family": ("y ~ x", data(), {"family": "tweedie"}, SpecificationError, "no family 'tweedie'"),
    "unknown covariance": ("y ~ (x | g)", data(), {"covariance": "ar"}, SpecificationError, "unstructured"),
    "covariance of a group not there": (
        "y ~ (x | g)", data(), {"covariance": {"h": "identity"}}, SpecificationError, "`h`",
    ),
    "too many columns": (
        "y ~ f", pd.DataFrame({"y": np.arange(2500.0), "f": np.arange(2500).astype(str)}), {}, TooLarge, r"\(1 \| f\)",
    ),
    "too many columns of a random term": (
        "y ~ (f | g)",
        pd.DataFrame({"y": np.ones(5000), "f": np.tile(np.arange(2500), 2).astype(str), "g": np.repeat([1, 2], 2500)}),
        {}, TooLarge, r"`\(1 \+ f \| g\)` would have 2500 columns",
    ),
    "too much memory": (
        "y ~ f",
        pd.DataFrame({"y": np.ones(800_000), "f": pd.Categorical.from_codes(np.arange(800_000) % 1500, range(1500))}),
        {}, TooLarge, r"9 GiB of memory: the factor `f` has 1500 levels.*\(1 \| f\)",
    ),
    "too many columns of an interaction": (
        "y ~ f * g",
        pd.DataFrame({"y": np.arange(99.0), "f": np.arange(99).astype(str), "g": np.arange(99).astype(str)}),
        {}, TooLarge, "9801 columns",
    ),
    "duplicated names": ("y ~ x", twice_x(), {}, DataError, "2 columns called `x`"),
    "groups of measurements": ("y ~ x + (1 | z)", data(), {}, DataError, "`z` has numbers that are not whole"),
    "known sd zero": ("known_sd(y, w) ~ 1", data(w=0.0), {}, DataError, "must be positive"),
    "known sd with weights": ("known_sd(y, w) ~ 1", data(), {"weights": "w"}, SpecificationError, "no meaning"),
    "known sd without sd": ("known_sd(y) ~ 1", data(), {}, SpecificationError, r"known_sd\(y, sd\)"),
    "reference not there": ('y ~ C(f, Treatment("d"))', data(), {}, DataError, "reference level 'd' .* a, b, c"),
    "scale of a constant": ("y ~ scale(x)", data(x=3.0), {}, DataError, "constant"),
    "degree too high": ("y ~ poly(x, 3)", data(x=np.tile([1.0, 2.0], N // 2)), {}, DataError, "distinct values"),
    "a column far from zero in an interaction": (
        "y ~ x * f", data(x=1e9 + np.arange(N)), {}, NotIdentified, r"center\(x\)",
    ),
    "the same intercept twice": ("y ~ (1 | g) + (x | g)", data(), {}, SpecificationError, "both hold an intercept"),
    "the same slope twice": ("y ~ (x | g) + (0 + x | g)", data(), {}, NotIdentified, "both have the column `x`"),
    "the same groups under two names": (
        "y ~ (1 | g) + (x | h)", data(h=[f"h{9 - g}" for g in data()["g"]]), {}, NotIdentified, "same rows together",
    ),
    "the same term twice": ("y ~ (x | g) + (1 + x | g)", data(), {}, SpecificationError, "stands twice"),
    "random term of zeros": ("y ~ x + (0 + z | g)", data(z=0.0), {}, NotIdentified, "no column that differs from zero"),
    "not a table": ("y ~ x", 3, {}, DataError, "int"),
    "a path": ("y ~ x", "data.csv", {}, DataError, "read the file first"),
    "columns of different lengths": ("y ~ x", {"y": [1.0, 2.0], "x": [1.0]}, {}, DataError, "different lengths"),
}  # fmt: skip

TOLD = {
    "missing rows": ("y ~ x", with_value("x", np.nan, [2, 5]), {}, r"Dropped 2 of 24 rows .*`x` 2"),
    "missing nullable groups": (
        "y ~ (1 | g)", data(g=pd.array([None, *np.repeat(range(6), 4)[1:]], dtype="Int64")), {}, "Dropped 1 .*`g` 1",
    ),
    "missing weights": ("y ~ x", with_value("w", np.nan), {"weights": "w"}, r"Dropped 1 of 24 rows .*`w` 1"),
    "missing groups": ("y ~ x + (1 | f)", with_value("f", None), {}, r"Dropped 1 of 24 rows .*`f` 1"),
    "weights zero": ("y ~ x", with_value("w", 0.0, [1, 7]), {"weights": "w"}, "Dropped 2 of 24 rows for a weight of 0"),
    "factor with one level": ("y ~ x * f", data(f="a"), {}, "`f` has one level .* 'a'; `f`, `x:f` are left out"),
    "factor with one level, random": ("y ~ (f | g)", data(f="a"), {}, r"`f` is left out of `\(1 \+ f \| g\)`"),
    "constant column": ("y ~ x + z", data(x=4.0), {}, "`x` is a linear combination"),
    "constant column far from zero": ("y ~ x + z", data(x=1e9 + 0.1), {}, "`x` is a linear combination"),
    "duplicate column": ("y ~ x + I(2 * x)", data(), {}, r"`I\(2 \* x\)` is a linear combination"),
    "duplicate column far from zero": ("y ~ x + I(x + 1e9)", data(), {}, r"`I\(x \+ 1000000000.0\)` is a linear"),
    "factor and its coarser classes": ("y ~ f + I(f == 'a')", data(), {}, r"`I\(f == \"a\"\)\[True\]` is"),
    "empty cell": ("y ~ f * h", data(h=np.repeat(["u", "v"], [1, N - 1])), {}, r"`f\[b\]:h\[v\]`, `f\[c\]:h\[v\]`"),
    "duplicate random slope": ("y ~ (x + I(2 * x) | g)", data(), {}, r"`I\(2 \* x\)` is a linear .* left out of `\(1"),
    "constant beside a random intercept": ("y ~ (1 + x | g)", data(x=3.0), {}, "`x` is a linear combination"),
    "zero random slope": ("y ~ (1 + x || g)", data(x=0.0), {}, r"`x` is zero in all rows used and left out of `\(1"),
    "empty cell, random": (
        "y ~ (0 + f:h | g)", data(g=np.repeat(range(3), 8), h=np.tile(list("uuuvuv"), N // 6)), {},
        r"`f\[b\]:h\[v\]` is zero in all rows used and left out of `\(0 \+ f:h \| g\)`",
    ),
    "slope constant within groups": (
        "y ~ z + (z | g)", data(z=np.repeat(range(6), 4)), {}, "`z` does not vary within levels of `g`",
    ),
    "text like numbers": ("y ~ z", data(z=[f"{i % 21}.5" for i in range(N)]), {}, "`z` is text .* more than 20"),
    "few whole numbers": ("y ~ k", data(k=np.tile([1, 2, 3, 4], 6)), {}, r"`k` .* 4 values .* `C\(k\)`"),
    "whole numbers stored as floats": (
        "y ~ (1 | g)", data(g=np.repeat(np.arange(6.0), 4)), {}, "`g` holds whole numbers",
    ),
    "factor left of ||": ("y ~ (f || g)", data(), {}, r"Intercept, f\[b\], f\[c\], all uncorrelated; lme4"),
    "numbers that start again": (
        "y ~ (1 | g) + (1 | k)",
        data(g=np.repeat(list("ABC"), 8), k=[*[1, 2] * 4, *[1, 2, 3, 4] * 2, *[1, 2] * 4]), {},
        r"The numbers of `k` start again .*\(1 \| g/k\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("formula", "frame", "options", "error", "words"), ERRORS.values(), ids=ERRORS.keys())
def test_refused(formula, frame, options, error, words):
    with pytest.raises(error, match=words):
        build_design(Model(formula, **options), frame)


@pytest.mark.parametrize(("formula", "frame", "options", "words"), TOLD.values(), ids=TOLD.keys())
def test_repaired_and_told(formula, frame, options, words):
    with pytest.warns(DataNote, match=words) as told:
        design = build_design(Model(formula, **options), frame)
    assert len(design.notes) == len(told)
    assert not any("stored as floats" in note for note in design.notes) or "Int64" not in str(frame.dtypes.to_dict())
    assert np.linalg.matrix_rank(design.X - design.X.mean(0) * (design.X.std(0) > 0)) == design.X.shape[1]


@pytest.mark.filterwarnings("ignore::bayesml.errors.DataNote")
@pytest.mark.parametrize(
    ("term", "covariance", "names"),
    [
        ("(x + I(2 * x) + z | g)", "unstructured", ("Intercept", "x", "z")),
        ("(x + I(2 * x) + z | g)", "independent", ("Intercept", "x", "I(2 * x)", "z")),
        ("(0 + I(x - x) + x + I(2 * x) | g)", "exchangeable", ("x", "I(2 * x)")),
        ("(1 + I(x - x + 3) | g)", "unstructured", ("Intercept",)),
    ],
)
def test_columns_of_a_random_term_that_are_kept(term, covariance, names):
    design = build_design(Model(f"y ~ x + {term}", covariance=covariance), data())
    (random,) = design.random
    assert random.names == names
    assert all(name.endswith(" | g") for name in design.dropped)
    for groups in (True, False):
        np.testing.assert_allclose(new_rows(design, data(), groups=groups).random[0].Z, random.Z)


FINE = {
    "unused column with missing values": ("y ~ x", with_value("z", np.nan), {}),
    "unused duplicated names": ("y ~ z", twice_x(), {}),
    "one level a row, sigma known": ("known_sd(y, w) ~ (1 | g)", data(g=range(N)), {}),
    "one level a row, sigma fixed": ("y ~ (1 | g)", data(g=range(N)), {"priors": {"sigma": Fixed(1.0)}}),
    "as many effects as rows, independent": ("y ~ (x || g)", data(g=np.repeat(range(12), 2)), {}),
    "x far from zero": ("y ~ x + z + f", data(x=1e9 + np.arange(N)), {}),
    "nullable whole numbers as groups": ("y ~ (1 | g)", data(g=pd.array(np.repeat(range(6), 4), dtype="Int64")), {}),
    "text of few numbers": ("y ~ k", data(k=np.tile(["1", "2", "3"], N // 3)), {}),
    "0/1 numbers": ("y ~ k", data(k=np.tile([0, 1], N // 2)), {}),
    "crossed numbers": ("y ~ (1 | g) + (1 | k)", data(k=np.tile([1, 2, 3, 4], 6)), {}),
    "a factor's dummies beside a column far from zero": ("y ~ 0 + f + x", data(x=1e9 + np.arange(N)), {}),
    "a column far from zero beside a factor's dummies": ("y ~ 0 + x + f", data(x=1e9 + np.arange(N)), {}),
}  # fmt: skip


@pytest.mark.parametrize(("formula", "frame", "options"), FINE.values(), ids=FINE.keys())
def test_nothing_to_tell(formula, frame, options):
    design = build_design(Model(formula, **options), frame)
    assert design.notes == ()
    assert design.dropped == ()
    assert design.nobs == N


@pytest.mark.parametrize(
    ("name", "family", "left"),
    [("sigma", "gaussian", "y"), ("alpha", "negative_binomial", "k"), ("phi", "beta", "p")],
)
def test_a_column_called_as_a_parameter_of_the_family_is_refused(name, family, left):
    frame = data(k=np.arange(N), p=np.linspace(0.1, 0.9, N)).rename(columns={"x": name})
    with pytest.raises(SpecificationError, match=rf"`{name}` is called as a parameter of the {family} family"):
        build_design(Model(f"{left} ~ {name} + (1 | g)", family=family), frame)


@pytest.mark.parametrize(("left", "family"), [("k", "poisson"), ("known_sd(y, w)", "gaussian")])
def test_such_a_column_is_taken_where_there_is_no_such_parameter(left, family):
    frame = data(k=np.arange(N)).rename(columns={"x": "sigma"})
    design = build_design(Model(f"{left} ~ sigma + (1 | g)", family=family), frame)
    assert design.coefficients == ("Intercept", "sigma")
