"""Bad outcomes: what is given, and the error or the repair that is told."""

import numpy as np
import pandas as pd
import pytest

from bayesml.design.build import build_design
from bayesml.errors import ColumnNotFound, DataError, DataNote, NotIdentified, SpecificationError
from bayesml.families import Categorical
from bayesml.syntax.model import Model

N = 12
MISSING = np.nan


def data(**changes) -> pd.DataFrame:
    """Rows that every family has a response in, with some columns changed."""
    columns = {
        "x": np.linspace(-1, 1, N) ** 3,
        "g": np.repeat(np.arange(4), 3),
        "zero_one": np.tile([0, 1, 1], 4),
        "flag": np.tile([False, True, True], 4),
        "answer": np.tile(["no", "yes", "yes"], 4),
        "count": np.arange(N) % 5,
        "failures": 5 - np.arange(N) % 5,
        "n": np.full(N, 5),
        "time": np.arange(1.0, N + 1),
        "entry": np.zeros(N),
        "died": np.tile([1, 1, 0], 4),
        "share": np.linspace(0.1, 0.9, N),
        "rating": pd.Categorical(np.tile(["low", "mid", "high"], 4), ["low", "mid", "high"], ordered=True),
        "choice": np.tile(["bus", "car", "walk"], 4),
        "level": np.tile([1, 2, 3], 4),
        "lo": np.arange(1.0, N + 1),
        "hi": np.arange(2.0, N + 2),
        "e": np.full(N, 2.0),
        "f": np.full(N, 2),
    }
    return pd.DataFrame(columns | changes)


def put(name: str, value: object, row: int = 2) -> pd.DataFrame:
    """`data()` with a value put into a column."""
    frame = data()
    values = frame[name].astype(object).to_list()
    values[row] = value
    frame[name] = np.array(values, dtype=float) if isinstance(value, int | float) else values
    return frame


ERRORS = {
    # outside the support of the family
    "bernoulli of 2": (
        "zero_one ~ x", "bernoulli", put("zero_one", 2), {}, DataError,
        "`zero_one` is 2 in row 2 .* one of 1 rows; the bernoulli family allows 0 and 1",
    ),
    "bernoulli coded 1 and 2": ("level ~ x", "bernoulli", data(), {}, DataError, "`level` is 2 in row 1"),
    "bernoulli of three levels": ("choice ~ x", "bernoulli", data(), {}, DataError, "3 levels, 'bus', 'car', 'walk'"),
    "bernoulli of one level": ("answer ~ x", "bernoulli", data(answer="no"), {}, DataError, "one level, 'no'"),
    "negative count": (
        "count ~ x", "poisson", put("count", -1), {}, DataError,
        "`count` is -1 in row 2 .* allows whole numbers from 0",
    ),
    "count that is not whole": ("count ~ x", "poisson", put("count", 1.5), {}, DataError, "`count` is 1.5 in row 2"),
    "infinite count": (
        "count ~ x", "poisson", put("count", np.inf), {}, DataError, "`count` is infinite in 1 rows, first in row 2",
    ),
    "count that is text": (
        "choice ~ x", "poisson", data(), {}, DataError,
        "`choice` is text .* poisson family needs numbers. Families of categories: bernoulli",
    ),
    "count of nothing": ("count ~ x", "poisson", data(count=MISSING), {}, DataError, "Every row has a missing value"),
    "count, missing refused": (
        "count ~ x", "poisson", put("count", MISSING), {"na": "raise"}, DataError, "1 of 12 rows",
    ),
    "no rows": ("count ~ x", "poisson", data().iloc[:0], {}, DataError, "no rows"),
    "no column": ("Count ~ x", "poisson", data(), {}, ColumnNotFound, "did you mean `count`"),
    "the row of the data": (
        "count ~ x", "poisson", put("count", -1).assign(x=[MISSING, *range(1, N)]), {}, DataError, "row 2 ",
    ),
    "share of 1": ("share ~ x", "beta", put("share", 1.0), {}, DataError, "`share` is 1 in row 2 .* the beta family"),
    "gamma of 0": ("time ~ x", "gamma", put("time", 0.0), {}, DataError, "`time` is 0 in row 2 .* the gamma family"),
    # trials
    "successes without trials": (
        "count ~ x", "binomial", data(), {}, DataError, r"`count` is 2 in row 2 .*write `cbind\(success, failure\)`",
    ),
    "proportions": ("share ~ x", "binomial", data(), {}, DataError, r"`p\(success, n\)`"),
    "more successes than trials": (
        "p(count, n) ~ x", "binomial", put("n", 1), {}, DataError,
        "more successes than trials; .* in 1 rows, first in row 2 .* `count` = 2, `n` = 1",
    ),
    "negative failures": (
        "cbind(count, n - count) ~ x", "binomial", put("n", 1), {}, DataError,
        "`failure` must be a whole number from 0; .* row 2",
    ),
    "trials not whole": (
        "p(count, n) ~ x", "binomial", put("n", 4.5), {}, DataError,
        "`n` must be a whole number .* row 2 .* `n` = 4.5",
    ),
    "successes not whole": (
        "cbind(count, failures) ~ x", "binomial", put("count", 0.5), {}, DataError, "`success` must be a whole",
    ),
    "no trial at all": (
        "p(count, n) ~ x", "binomial", data(n=0, count=0), {}, DataError, "every row is without a trial",
    ),
    "trials that are text": ("p(count, choice) ~ x", "binomial", data(), {}, DataError, "`choice` is text"),
    "cbind with the default family": (
        "cbind(count, failures) ~ x", None, data(), {}, SpecificationError, 'family="binomial"',
    ),
    "cbind with bernoulli": (
        "cbind(count, failures) ~ x", "bernoulli", data(), {}, SpecificationError, 'family="binomial"',
    ),
    # times
    "time of 0": (
        "Surv(time, died) ~ x", "weibull", put("time", 0.0), {}, DataError,
        "`time` is 0 in row 2 .* the weibull family",
    ),
    "negative time": ("Surv(time, died) ~ x", "exponential", put("time", -3.0), {}, DataError, "`time` is -3 in row 2"),
    "event codes 1 and 2": (
        "Surv(time, died + 1) ~ x", "weibull", data(), {}, DataError,
        r"event is 1 or True.*`event == 2`.* `died \+ 1` = 2",
    ),
    "event as text": ("Surv(time, answer) ~ x", "weibull", data(), {}, DataError, "`answer` is text"),
    "no event": (
        "Surv(time, died) ~ x", "weibull", data(died=0), {}, NotIdentified, "every row is censored .* above its limit",
    ),
    "entry after exit": (
        "Surv(entry, time, died) ~ x", "weibull", put("entry", 9.0), {}, DataError,
        "entry must come before the exit.* row 2 .*`time` = 3, `entry` = 9",
    ),
    "entry at exit": (
        "Surv(entry, time, died) ~ x", "weibull", put("entry", 3.0), {}, DataError, "entry must come before",
    ),
    # censoring
    "status of 2": (
        "censored(time, died) ~ x", None, put("died", 2), {}, DataError,
        r"`status` is 0 \(observed\), 1 .* or -1 .* row 2",
    ),
    "status of another name": (
        "censored(time, choice) ~ x", None, data(), {}, DataError,
        "`choice` holds 'bus'; allowed are 'none' or 0, 'right' or 1, 'left' or -1",
    ),
    "all left-censored": (
        "censored(time, died) ~ x", None, data(died=-1), {}, NotIdentified, "known only to lie below",
    ),
    "lower end above upper": (
        "interval(lo, hi) ~ x", None, put("lo", 50.0), {}, DataError,
        "lower end must not lie above .* row 2 .*`lo` = 50, `hi` = 4",
    ),
    "lower end infinite": (
        "interval(lo, hi) ~ x", None, data(hi=np.inf).assign(lo=np.inf), {}, DataError, "lower end must not",
    ),
    "no end at all": (
        "interval(lo, hi) ~ x", None, data(lo=MISSING, hi=MISSING), {}, DataError, "every row is with neither end",
    ),
    "neither end, missing refused": (
        "interval(lo, hi) ~ x", None, data(lo=[MISSING, *range(1, N)], hi=[MISSING, *range(2, N + 1)]),
        {"na": "raise"}, DataError, "1 of 12 rows with neither end",
    ),
    "all open above": ("interval(lo, hi) ~ x", None, data(hi=MISSING), {}, NotIdentified, "known only to lie above"),
    "limits crossed": (
        "tobit(time, lower=5, upper=3) ~ x", None, data(), {}, DataError, "lower limit must be below the upper",
    ),
    "limit that is text": ("tobit(time, lower=choice) ~ x", None, data(), {}, DataError, "`choice` is text"),
    "censored counts": (
        "censored(count, died) ~ x", "poisson", data(), {}, SpecificationError, "does not go with the poisson family",
    ),
    "censored categories": (
        "censored(rating, died) ~ x", "cumulative", data(), {}, SpecificationError, "categories is observed as it is",
    ),
    # categories
    "one category": (
        "rating ~ x", "cumulative", data(rating="low"), {}, NotIdentified, "one category in the rows used, 'low'",
    ),
    "one category of a choice": (
        "choice ~ x", "categorical", data(choice="bus"), {}, NotIdentified, "one category in the rows used, 'bus'",
    ),
    "measurements as categories": (
        "share ~ x", "cumulative", data(), {}, DataError,
        "`share` is 0.1 in row 0 .* whole numbers, text or a categorical",
    ),
    "base that does not occur": (
        "choice ~ x", Categorical(base="train"), data(), {}, (DataError, SpecificationError), "train",
    ),
    "two categories of one label": (
        "choice ~ x", "categorical", data(choice=pd.Categorical.from_codes(np.tile([0, 1, 2], 4), [1, "1", 2])), {},
        DataError, "same label",
    ),
    "shared effects of one predictor": (
        "rating ~ x + shared(1 | g)", "cumulative", data(), {}, SpecificationError, "one predictor",
    ),
    # exposure and frequencies
    "exposure of 0": (
        "count ~ x", "poisson", put("e", 0.0), {"exposure": "e"}, DataError,
        "exposure `e` is 0 in row 2 .* one of 1 rows",
    ),
    "negative exposure": ("count ~ x", "poisson", put("e", -1.0), {"exposure": "e"}, DataError, "exposure `e` is -1"),
    "infinite exposure": ("count ~ x", "poisson", put("e", np.inf), {"exposure": "e"}, DataError, "`e` is infinite"),
    "exposure that is text": ("count ~ x", "poisson", data(), {"exposure": "choice"}, DataError, "`choice` holds text"),
    "exposure not there": ("count ~ x", "poisson", data(), {"exposure": "E"}, ColumnNotFound, "no column `E`"),
    "exposure without a log link": (
        "zero_one ~ x", "bernoulli", data(), {"exposure": "e"}, SpecificationError, r"logit link.*offset\(e\)",
    ),
    "negative frequency": (
        "count ~ x", "poisson", put("f", -1), {"frequencies": "f"}, DataError,
        "frequencies `f` are negative in 1 rows",
    ),
    "no frequency": (
        "count ~ x", "poisson", data(f=0), {"frequencies": "f"}, DataError, "No row has a positive frequency",
    ),
    "frequency that is text": (
        "count ~ x", "poisson", data(), {"frequencies": "choice"}, DataError, "`choice` holds text",
    ),
    "weights of counts": ("count ~ x", "poisson", data(), {"weights": "e"}, SpecificationError, "no dispersion"),
    # the response among what explains it
    "response as a covariate": (
        "count ~ x + count", "poisson", data(), {}, SpecificationError, "`count` is among the terms",
    ),
    "response as a random slope": (
        "count ~ x + (count | g)", "poisson", data(), {}, SpecificationError, "cannot explain itself",
    ),
    "response as a group": (
        "rating ~ x + (1 | rating)", "cumulative", data(), {}, SpecificationError, "cannot explain itself",
    ),
    "failures as a covariate": (
        "cbind(count, failures) ~ failures", "binomial", data(), {}, SpecificationError, "`failures` is among",
    ),
    # random effects that rows say nothing of
    "a level a row of 0 and 1": (
        "zero_one ~ x + (1 | o)", "bernoulli", data(o=range(N)), {}, NotIdentified,
        "one outcome of the bernoulli family a row says nothing",
    ),
    "a level a row of one trial": (
        "p(zero_one, one) ~ x + (1 | o)", "binomial", data(o=range(N), one=1), {}, NotIdentified,
        "says nothing of a variance",
    ),
    "a level a row of categories": (
        "rating ~ x + (1 | o)", "cumulative", data(o=range(N)), {}, NotIdentified, "says nothing of a variance",
    ),
    "a level a row beside a residual": (
        "tobit(time, 3) ~ x + (1 | o)", None, data(o=range(N)), {}, NotIdentified,
        "cannot be told from the residual variance",
    ),
}  # fmt: skip

TOLD = {
    "two levels": ("answer ~ x", "bernoulli", data(), {}, "read as 1 for 'yes' and 0 for 'no'"),
    "two levels, one trial": ("answer ~ x", "binomial", data(), {}, "read as 1 for 'yes' and 0 for 'no'"),
    "two levels of a factor": (
        "answer ~ x", "bernoulli", data(answer=pd.Categorical(data()["answer"], ["yes", "no"])), {},
        "1 for 'no' and 0 for 'yes'",
    ),
    "missing response": (
        "count ~ x", "poisson", put("count", MISSING), {}, "Dropped 1 of 12 rows for a missing value .*`count` 1",
    ),
    "missing rating": ("level ~ x", "cumulative", put("level", MISSING), {}, "Dropped 1 of 12 rows"),
    "missing trials": ("p(count, n) ~ x", "binomial", put("n", MISSING), {}, "Dropped 1 of 12 rows .*`n` 1"),
    "rows without a trial": (
        "p(count, n) ~ x", "binomial", data(n=[0, *[5] * (N - 1)]), {}, "Dropped 1 of 12 rows without a trial",
    ),
    "missing event": ("Surv(time, died) ~ x", "weibull", put("died", MISSING), {}, "Dropped 1 of 12 rows"),
    "neither end": (
        "interval(lo, hi) ~ x", None, data(lo=[MISSING, *range(1, N)], hi=[MISSING, *range(2, N + 1)]), {},
        "Dropped 1 of 12 rows with neither end",
    ),
    "beyond the limit": (
        "tobit(time, lower=3) ~ x", None, data(), {}, r"below the lower limit count as censored at it \(2 rows\)",
    ),
    "rows at 0, upper limit alone": (
        "tobit(count, upper=4) ~ x", None, data(), {}, "rows at 0 count as observed; `lower=0`",
    ),
    "an order that is only the alphabet's": (
        "choice ~ x", "cumulative", data(), {}, "order taken is 'bus' < 'car' < 'walk'",
    ),
    "an alphabetical factor": (
        "choice ~ x", "cumulative", data().astype({"choice": "category"}), {}, "order taken is 'bus' < 'car' < 'walk'",
    ),
    "numbers as text": (
        "t ~ x", "cumulative", data(t=np.tile(["2", "10", "1"], 4)), {}, "order taken is '1' < '2' < '10'",
    ),
    "an unused category": (
        "rating ~ x", "cumulative",
        data(rating=pd.Categorical(np.tile(["low", "high"], 6), ["low", "mid", "high"], ordered=True)), {},
        "No row used has the category 'mid' of the response `rating`",
    ),
    "an unused choice": (
        "choice ~ x", "categorical",
        data(choice=pd.Categorical(data()["choice"], ["bus", "train", "tram", "car", "walk"])), {},
        "categories 'train', 'tram'",
    ),
    "frequencies of 0": (
        "count ~ x", "poisson", put("f", 0), {"frequencies": "f"}, "Dropped 1 of 12 rows for a frequency of 0",
    ),
    "missing frequency": (
        "count ~ x", "poisson", put("f", MISSING), {"frequencies": "f"}, "Dropped 1 of 12 rows .*`f` 1",
    ),
    "missing exposure": ("count ~ x", "poisson", put("e", MISSING), {"exposure": "e"}, "Dropped 1 of 12 rows .*`e` 1"),
}  # fmt: skip

FINE = {
    "numbers 0 and 1": ("zero_one ~ x", "bernoulli", data(), {}),
    "true and false": ("flag ~ x", "bernoulli", data(), {}),
    "a comparison": ("I(count > 2) ~ x", "bernoulli", data(), {}),
    "one trial each": ("zero_one ~ x", "binomial", data(), {}),
    "counts stored as floats": ("count ~ x", "poisson", data(count=np.arange(N) * 1.0), {}),
    "nullable counts": ("count ~ x", "poisson", data(count=pd.array(np.arange(N), dtype="Int64")), {}),
    "event as true and false": ("Surv(time, flag) ~ x", "weibull", data(), {}),
    "event by a comparison of text": ("Surv(time, answer == 'yes') ~ x", "weibull", data(), {}),
    "status as text": ("censored(time, s) ~ x", None, data(s=np.tile(["none", "right", "LEFT"], 4)), {}),
    "limits as columns": ("tobit(time, lower=None, upper=u) ~ x", None, data(u=[MISSING, *[99.0] * (N - 1)]), {}),
    "ends that are open": (
        "interval(lo, hi) ~ x", None, data(lo=[-np.inf, *range(1, N)], hi=[1.0, MISSING, *range(3, N + 1)]), {},
    ),
    "interval of logarithms": ("interval(log(lo), log(hi)) ~ x", None, data(lo=np.arange(N) * 1.0), {}),
    "a number of entries": ("Surv(0, time, died) ~ x", "weibull", data(), {}),
    "an ordered response": ("rating ~ x", "cumulative", data(), {}),
    "an ordered response of numbers": ("level ~ x", "cumulative", data(), {}),
    "an ordered response of true and false": ("flag ~ x", "cumulative", data(), {}),
    "a factor whose order is its own": (
        "r ~ x", "cumulative", data(r=pd.Categorical(np.tile(["low", "mid", "high"], 4), ["low", "mid", "high"])), {},
    ),
    "a choice": ("choice ~ x", "categorical", data(), {}),
    "frequencies that are not whole": ("count ~ x", "poisson", data(f=1.5), {"frequencies": "f"}),
    "a level a row of counts": ("count ~ x + (1 | o)", "poisson", data(o=range(N)), {}),
    "a level a row of trials": ("p(count, n) ~ x + (1 | o)", "binomial", data(o=range(N)), {}),
    "number of trials as a covariate": ("p(count, n) ~ n + x", "binomial", data(n=[5, 6] * (N // 2)), {}),
    "no random term": ("Surv(time, died) ~ 1", "exponential", data(), {}),
}  # fmt: skip


def build(formula, family, frame, options):
    return build_design(Model(formula, **({} if family is None else {"family": family}), **options), frame)


@pytest.mark.parametrize(("formula", "family", "frame", "options", "error", "words"), ERRORS.values(), ids=ERRORS)
def test_refused(formula, family, frame, options, error, words):
    with pytest.raises(error, match=words):
        build(formula, family, frame, options)


@pytest.mark.parametrize(("formula", "family", "frame", "options", "words"), TOLD.values(), ids=TOLD)
def test_repaired_and_told(formula, family, frame, options, words):
    with pytest.warns(DataNote, match=words) as told:
        design = build(formula, family, frame, options)
    assert len(design.notes) == len(told) == 1
    assert all(np.isfinite(values).all() for values in design.response.values())


@pytest.mark.parametrize(("formula", "family", "frame", "options"), FINE.values(), ids=FINE)
def test_nothing_to_tell(formula, family, frame, options):
    design = build(formula, family, frame, options)
    assert design.notes == ()
    assert all(np.isfinite(values).all() for values in design.response.values())
