"""Summaries of quantities: those of their draws."""

import numpy as np
import pytest

import bayesml as bml
from bayesml.errors import SpecificationError
from tests.posteriors import sleepstudy


def test_parameters_are_those_of_the_summary():
    post = sleepstudy()
    table = bml.quantities(post)
    assert list(table.index) == list(post.parameters.index)
    np.testing.assert_allclose(table["median"], post.parameters["estimate"])
    np.testing.assert_allclose(
        table[["sd", "lower", "upper", "rhat", "ess_bulk"]],
        post.parameters[["se", "lower", "upper", "rhat", "ess_bulk"]],
    )


def test_arithmetic_and_predictions():
    post = sleepstudy()
    table = bml.quantities(post, ["exp(Days / 10)", "mean(Days=9) - mean(Days=0)", "sd(Subject)"])
    assert list(table.index)[2:] == ["sd(Intercept | Subject)", "sd(Days | Subject)"]
    assert table.loc["exp(Days / 10)", "mean"] == pytest.approx(np.exp(post.draws("Days") / 10).mean())
    assert table.iloc[1]["upper"] == pytest.approx(np.quantile(9 * post.draws("Days"), 0.975))


def test_highest_density_is_the_narrowest():
    post = sleepstudy()
    even, narrow = (bml.quantities(post, "sd(Days | Subject)", 0.8, kind).iloc[0] for kind in ("eti", "hdi"))
    assert narrow["upper"] - narrow["lower"] < even["upper"] - even["lower"]
    inside = (post.draws("sd(Days | Subject)") >= narrow["lower"]) & (
        post.draws("sd(Days | Subject)") <= narrow["upper"]
    )
    assert abs(inside.mean() - 0.8) < 2 / inside.size


def test_what_has_no_summary_is_told():
    fit = bml.fit("Reaction ~ Days", bml.datasets.load("sleepstudy"))
    with pytest.raises(SpecificationError, match="sample the model"):
        bml.quantities(fit)
    with pytest.raises(SpecificationError, match="true or false"):
        bml.quantities(sleepstudy(), "Days > 8")
    with pytest.raises(SpecificationError, match='`kind="hpd"`'):
        bml.quantities(sleepstudy(), kind="hpd")


def test_plots_take_arithmetic():
    figure = bml.plots.trace(sleepstudy(), ["Days", "sd(Days | Subject) / sigma"])
    shown = " ".join(axes.get_title() for axes in figure.axes)
    assert "sd(Days | Subject) / sigma" in " ".join(shown.split())
