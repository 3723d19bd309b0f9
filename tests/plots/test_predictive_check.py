"""Data beside simulated data: what is drawn, and that it can be read."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesml as bml
from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.plots.predictive_check import simulate
from bayesml.plots.replications import bars_of_counts, counts_of, p_value, steps
from tests import fitted_models as models
from tests import posteriors
from tests.plots.legible import assert_legible

EXAM = "normexam ~ standLRT + (standLRT | school)"
CENSORED = ("kidney", "Surv(time, status) ~ age + (1 | patient)", "weibull")
WINE = ("wine", "rating ~ temp + contact + (1 | judge)", "cumulative")
CBPP = ("cbpp", "cbind(incidence, size - incidence) ~ period + (1 | herd)", "binomial")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_the_line_of_the_data_is_dark_and_those_of_simulated_data_light():
    figure = bml.plots.predictive_check(posteriors.sleepstudy(), draws=20)
    lines = figure.axes[0].get_lines()
    assert len(lines) == 21
    assert sum(line.get_alpha() is None for line in lines) == 1
    assert_legible(figure, ["observed", "20 simulated", "Reaction", "with the random effects of the levels"])


def test_simulated_data_are_like_the_data():
    for result in (posteriors.sleepstudy(), models.fit("sleepstudy", models.SLEEP)):
        for ranef in ("conditional", "marginal"):
            check = simulate(result, 200, ranef, 1)
            assert check.replicated.shape == (200, 180)
            sds = check.replicated.std(axis=1)
            assert np.quantile(sds, 0.02) < check.observed.std() < np.quantile(sds, 0.98)
        assert not np.array_equal(
            simulate(result, 3, "marginal", 1).replicated, simulate(result, 3, "marginal", 2).replicated
        )


def test_levels_keep_their_effects_or_have_new_ones():
    fit = models.fit("sleepstudy", models.SLEEP)
    codes = fit.design.random[0].codes
    own, new = (
        simulate(fit, 200, ranef, 1).replicated[:, codes == 0].mean(axis=1).std()
        for ranef in ("conditional", "marginal")
    )
    assert new > 2.5 * own


@pytest.mark.parametrize(
    ("model", "label"),
    [
        (models.EPIL, "rows (square-root scale)"),
        (WINE, "rating"),
        (CBPP, "share of the trials"),
        (CENSORED, "share up to"),
        (("verbagg", "r2n ~ Anger + (1 | id)", "bernoulli"), "r2n"),
    ],
    ids=["counts", "categories", "trials", "censored", "binary"],
)
def test_each_kind_of_response_has_its_own(model, label):
    assert_legible(bml.plots.predictive_check(models.other(*model)), ["observed", label])


def test_bars_count_the_rows():
    fit = models.other(*WINE)
    figure = bml.plots.predictive_check(fit)
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert heights == list(np.bincount(fit.design.y.astype(int)))


def test_many_counts_are_joined_into_bars_that_lose_none():
    y = np.array([0.0, 3, 3, 200])
    replicated = np.array([[0.0, 1, 2, 350], [5, 5, 5, 5]])
    values, labels = bars_of_counts(y, replicated)
    assert len(values) <= 30
    assert counts_of(y, values).sum() == 4 == counts_of(replicated[0], values).sum()
    assert labels[0].startswith("0–")


def test_statistics_and_their_p_values():
    fit = models.other(*models.EPIL)
    figure = bml.plots.predictive_check(fit, "statistic", statistic=["zeros", np.ptp])
    zeros, spread = (axes.get_title() for axes in figure.axes)
    check = simulate(fit, 1000, "conditional", None)
    p = p_value((check.observed == 0).mean(), (check.replicated == 0).mean(axis=1))
    assert zeros == f"zeros\np = {p:.3f}"
    assert spread.startswith("ptp\n")
    assert_legible(figure, [f"zeros p = {p:.3f}", "1000 simulated"])
    # Poisson counts have too few zeros for these data
    assert p < 0.02
    assert p_value(1.0, np.array([0.0, 1.0, 2.0, 3.0])) == 0.625


@pytest.mark.parametrize(
    ("data", "levels", "shown"),
    [("exam", ["1", "2", "3"], 3), ("exam", None, 24), ("verbagg", None, 24)],
    ids=["3 levels", "65 levels", "316 levels"],
)
def test_panels_of_levels(data, levels, shown):
    fit = models.fit("exam", EXAM) if data == "exam" else models.other("verbagg", "r2n ~ Anger + (1 | id)", "bernoulli")
    group = "school" if data == "exam" else "id"
    figure = bml.plots.predictive_check(fit, "group", group, levels=levels)
    assert len(figure.axes) == shown
    count = len(fit.design.random[0].levels)
    assert_legible(figure, [f"{shown} of {count} levels of {group}", "observed"])


@pytest.mark.parametrize("count", [3, 65, 316])
def test_statistics_of_levels(count):
    if count == 3:
        fit = models.fit("oats", models.OATS)
        group = fit.design.index.to_series().mod(3).rename("third")
        name, label = "third", "third"
    else:
        fit = (
            models.fit("exam", EXAM) if count == 65 else models.other("verbagg", "r2n ~ Anger + (1 | id)", "bernoulli")
        )
        group = name = fit.design.random[0].group
        label = f"{count} levels of {name}, in order"
    figure = bml.plots.predictive_check(fit, "statistic", group, statistic=["mean", "sd"], draws=100)
    marks = figure.axes[0].get_lines()[-1]
    assert len(marks.get_ydata()) == count
    assert list(marks.get_xdata()) == sorted(marks.get_xdata())
    assert_legible(figure, [label, "observed", "% of levels outside"])


def test_all_levels_of_a_small_factor_are_labelled():
    figure = bml.plots.predictive_check(posteriors.sleepstudy(), "statistic", "Subject", "mean")
    assert_legible(figure, ["308", "372", "mean"])


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (models.EPIL, {"kind": "histogram"}, "`kind` is one of"),
        (models.EPIL, {"kind": "statistic", "statistic": "mode"}, "a name or a function"),
        (models.EPIL, {"draws": 0}, "at least 1"),
        (WINE, {"kind": "density"}, '`kind="bars"` and "group"'),
        (CENSORED, {"kind": "statistic"}, 'compare by `kind="ecdf"`'),
        (("kidney", "Surv(time, status) ~ age + (1 | patient)", "lognormal"), {"kind": "bars"}, "censored"),
    ],
)
def test_refusals(model, options, message):
    with pytest.raises(SpecificationError, match=message):
        bml.plots.predictive_check(models.other(*model), **options)


def test_unknown_groups_and_levels():
    fit = models.fit("sleepstudy", models.SLEEP)
    with pytest.raises(ColumnNotFound, match="there is Subject"):
        bml.plots.predictive_check(fit, "group", "School")
    with pytest.raises(ColumnNotFound, match="no level 999"):
        bml.plots.predictive_check(fit, "group", levels=[999])
    with pytest.raises(SpecificationError, match="3 labels; the fit used 180 rows"):
        bml.plots.predictive_check(fit, "group", ["a", "b", "c"])


def test_rows_that_stand_for_several_are_simulated_as_often():
    data = (
        bml.datasets.load("wine").groupby(["rating", "temp", "judge"], observed=True).size().rename("n").reset_index()
    )
    fit = bml.fit("rating ~ temp + (1 | judge)", data, family="cumulative", frequencies="n")
    heights = [bar.get_height() for bar in bml.plots.predictive_check(fit).axes[0].patches]
    assert heights == list(data.groupby("rating", observed=True)["n"].sum())
    assert_legible(bml.plots.predictive_check(fit, "group", draws=20), ["judge", "observed"])


def test_steps_are_distribution_functions():
    values = np.array([[2.0, 1.0, 4.0]])
    ((path),) = steps(values, 0.0, 5.0).get_segments()
    assert path.tolist() == [
        [0, 0], [1, 0], [1, 1 / 3], [2, 1 / 3], [2, 2 / 3], [4, 2 / 3], [4, 1], [5, 1]
    ]  # fmt: skip
