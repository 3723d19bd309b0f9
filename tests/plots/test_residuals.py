"""Residuals against normal quantiles, fitted values, columns and levels."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayesml as bml
from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.plots.residuals import bins_of, normal_band, normal_p
from tests import fitted_models as models
from tests import posteriors
from tests.plots.legible import assert_legible
from tests.post.test_quantile_residuals import at_truth

EXAM = "normexam ~ standLRT + (standLRT | school)"
WINE = ("wine", "rating ~ temp + contact + (1 | judge)", "cumulative")
VERBAGG = ("verbagg", "r2n ~ Anger + (1 | id)", "bernoulli")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def points(axes):
    return next(line for line in axes.get_lines() if line.get_marker() == "o")


def test_points_are_the_residuals():
    fit = models.fit("sleepstudy", models.SLEEP)
    figure = bml.plots.residuals(fit, against="Days")
    normal, days = figure.axes
    residuals = bml.quantile_residuals(fit)
    assert_allclose(points(normal).get_ydata(), np.sort(residuals))
    assert_allclose(points(days).get_xdata(), fit.design.fixed_columns[1])
    assert_allclose(points(days).get_ydata(), residuals)
    assert f"p = {stats.kstest(residuals, 'norm').pvalue:.2f}" in normal.get_title()
    assert_legible(figure, ["quantile residual", "Days", "95% under the model", "Random effects drawn given the data"])


def test_the_p_value_is_that_of_kolmogorov_and_smirnov(rng):
    for n in (30, 1000):
        values = rng.normal(size=n) + 0.05
        assert normal_p(values) == pytest.approx(stats.kstest(values, "norm").pvalue, abs=0.01)


@pytest.mark.parametrize("n", [20, 2000])
def test_the_band_holds_at_once(n):
    rng = np.random.default_rng(5)
    lower, upper = normal_band(n, 0.9)
    values = np.sort(rng.standard_normal((2000, n)), axis=1)
    inside = ((values >= lower) & (values <= upper)).all(axis=1).mean()
    assert abs(inside - 0.9) < 0.035


def test_residuals_do_not_depend_on_fitted_values_of_the_same_draw():
    # 316 persons with 24 answers each: fitted values that follow the data would bend the means
    fit = models.other(*models.VERBAGG)
    figure = bml.plots.residuals(fit)
    outside = int(figure.axes[1].get_title().split()[1])
    assert outside <= 4
    assert figure.axes[1].get_xlabel() == "fitted, at the same draw"


def test_a_wrong_function_is_seen():
    rng = np.random.default_rng(4)
    x, g = rng.uniform(-2, 2, 600), np.arange(600) % 20
    y = x**2 + rng.normal(size=20)[g] + rng.normal(size=600)
    fit = bml.fit("y ~ x + (1 | g)", {"y": y, "x": x, "g": g})
    title = bml.plots.residuals(fit, against="x").axes[1].get_title()
    assert int(title.split()[1]) >= 10


@pytest.mark.parametrize(
    ("name", "label"), [("cumulative", "linear predictor"), ("categorical", "place of the row"), ("weibull", "fitted")]
)
def test_every_family_has_them(name, label):
    assert_legible(bml.plots.residuals(at_truth(name, 1)), ["quantile residual", label, "At one draw of the posterior"])


def test_posteriors_and_other_kinds():
    assert_legible(
        bml.plots.residuals(posteriors.sleepstudy(), at="estimate"), ["Averaged over the posterior", "fitted"]
    )
    fit = models.other(*models.EPIL)
    pearson = bml.plots.residuals(fit, "pearson")
    assert_allclose(points(pearson.axes[1]).get_ydata(), fit.standardized_residuals)
    assert_legible(pearson, ["Pearson residual"])
    assert_legible(bml.plots.residuals(fit, "response", against=None), ["response minus fitted"])


@pytest.mark.parametrize("count", [3, 18, 65, 316])
def test_levels(count):
    if count == 3:
        fit = models.fit("oats", models.OATS)
        group, label = fit.design.index.to_series().mod(3).rename("third"), "third"
    elif count == 18:
        fit, group, label = models.fit("sleepstudy", models.SLEEP), "Subject", "308"
    else:
        fit = models.fit("exam", EXAM) if count == 65 else models.other(*VERBAGG)
        group = fit.design.random[0].group
        label = f"{count} levels of {group}, in order"
    figure = bml.plots.residuals(fit, group=group)
    means = points(figure.axes[2]).get_ydata()
    assert len(means) == count
    assert_legible(figure, [label, f"of {count} outside"])


def test_neighbours_are_binned():
    assert list(bins_of(np.array([3.0, 1.0, 3.0]))) == [1, 0, 1]
    codes = bins_of(np.random.default_rng(1).normal(size=200))
    assert np.bincount(codes).min() >= 14


def test_refusals():
    with pytest.raises(SpecificationError, match='ask for `kind="quantile"`'):
        bml.plots.residuals(models.other(*WINE), "pearson")
    with pytest.raises(SpecificationError, match="`kind` is one of"):
        bml.plots.residuals(models.other(*WINE), "deviance")
    fit = models.fit("sleepstudy", models.SLEEP)
    with pytest.raises(ColumnNotFound, match='Days, or "fitted"'):
        bml.plots.residuals(fit, against="Day")
    with pytest.raises(SpecificationError, match="2 values; the fit used 180 rows"):
        bml.plots.residuals(fit, against=[1, 2])
