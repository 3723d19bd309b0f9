"""Forest plots: points and intervals of posteriors and fits, side by side."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesml as bml
from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.plots.forest import numbers
from tests import fitted_models as models
from tests.plots.synthetic import posterior


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def labels(axes):
    return [text.get_text() for text in axes.get_yticklabels()]


def panels(figure):
    """Panels by their titles, without the axes of the numbers."""
    return {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_title(loc="left")}


def intervals(axes):
    return [line.get_xdata() for line in axes.lines if line.get_gid() == "interval"]


def test_kinds_have_panels_and_the_intercept_is_left_out():
    found = {title: labels(axes) for title, axes in panels(bml.plots.forest(posterior(3))).items()}
    assert found == {
        "Fixed effects": ["hours"],
        "Standard deviations": ["sd(Intercept | school)", "sd(hours | school)", "sigma"],
        "Correlations": ["corr(Intercept, hours | school)"],
    }


def test_everything_and_other_parameters_of_the_family():
    found = panels(bml.plots.forest(posterior(3, "cumulative"), ["*", "b"]))
    assert labels(found["Cut points"]) == ["cut[low|middle]", "cut[middle|high]"]
    assert labels(found["Random effects"])[0] == "b(Intercept | school[school 001])"
    assert labels(panels(bml.plots.forest(posterior(3), "*"))["Fixed effects"]) == ["Intercept", "hours"]


def test_intervals_of_draws_and_their_inner_half():
    post = posterior(3)
    axes = bml.plots.forest(post, "hours", ci_prob=0.9).axes[0]
    draws = post.draws("hours")
    np.testing.assert_allclose(intervals(axes)[0], np.quantile(draws, [0.05, 0.95]))
    inner, point = axes.lines[-2:]
    np.testing.assert_allclose(inner.get_xdata(), np.quantile(draws, [0.25, 0.75]))
    np.testing.assert_allclose(point.get_xdata(), np.median(draws))


def test_intervals_of_fits_are_those_of_their_table():
    fit = models.fit("sleepstudy", models.SLEEP)
    figure = bml.plots.forest(fit, ["sd(Subject)", "b(Days | Subject[308])"], ci_prob=0.8)
    found = panels(figure)
    table = fit.interval_frame(0.8)
    own = table.loc[labels(found["Standard deviations"]), ["lower", "upper"]]
    np.testing.assert_allclose(intervals(found["Standard deviations"]), own)
    half = 1.2815515655446004 * fit.ranef_se["Subject"].loc["308", "Days"]
    centre = fit.ranef["Subject"].loc["308", "Days"]
    np.testing.assert_allclose(intervals(found["Random effects"]), [[centre - half, centre + half]])
    assert figure.get_supxlabel() == "REML estimates with 80% confidence intervals."


def test_several_results_stand_on_one_line_where_they_have_the_parameter():
    slopes, intercepts = models.fit("sleepstudy", models.SLEEP), models.fit("sleepstudy", models.SLEEP_INTERCEPT)
    figure = bml.plots.forest(
        {"slopes": slopes, "intercepts": intercepts}, ["Days", "sd(Subject)", "sd(Days | Subject)"]
    )
    found = panels(figure)
    assert labels(found["Standard deviations"]) == ["sd(Intercept | Subject)", "sd(Days | Subject)"]
    assert len(intervals(found["Standard deviations"])) == 3
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["slopes", "intercepts"]
    with pytest.raises(ColumnNotFound, match="Dais"):
        bml.plots.forest({"slopes": slopes, "intercepts": intercepts}, "Dais")


def test_what_no_result_has_is_refused_beside_what_is_there():
    with pytest.raises(ColumnNotFound, match="days"):
        bml.plots.forest(posterior(3), ["hours", "days"])
    with pytest.raises(SpecificationError, match="not 3"):
        bml.plots.forest(posterior(3), ["hours", 3])


def test_regions_of_practical_equivalence():
    post = posterior(3)
    region = bml.plots.forest(post, rope=(-0.1, 0.2)).axes[0].patches[0]
    assert (region.get_x(), region.get_width()) == pytest.approx((-0.1, 0.3))
    named = bml.plots.forest(post, "sd(school)", rope={"sd(hours | school)": (0, 1)}).axes[0].patches[0]
    assert named.get_y() == 0.5
    with pytest.raises(SpecificationError, match="two numbers in order"):
        bml.plots.forest(post, rope=(0.1, -0.1))
    with pytest.raises(ColumnNotFound, match="not shown"):
        bml.plots.forest(post, rope={"days": (0, 1)})


def test_no_results_are_refused():
    with pytest.raises(SpecificationError, match="give a result"):
        bml.plots.forest({})


def test_parameters_left_out_are_told():
    figure = bml.plots.forest(posterior(65), "b", limit=10)
    assert len(labels(figure.axes[0])) == 10
    assert "Shown are 10 of 130 parameters" in " ".join(figure.get_supxlabel().split())


def test_a_parameter_at_its_boundary_is_a_point():
    fit = models.fit("dyestuff2", models.DYESTUFF)
    axes = panels(bml.plots.forest(fit))["Standard deviations"]
    assert np.isnan(intervals(axes)[0]).all()


def test_an_endless_interval_is_cut_off_with_an_arrow():
    post = posterior(3)
    sds = post.posterior.sds[0].copy()
    sds[:, ::10, 1] *= 1e5
    far = replace(post, posterior=replace(post.posterior, sds=(sds,)))
    axes = panels(bml.plots.forest(far))["Standard deviations"]
    assert axes.get_xlim()[1] < 3
    arrow = next(line for line in axes.lines if line.get_marker() == ">")
    assert arrow.get_ydata().tolist() == [1]
    assert arrow.get_xdata() == [axes.get_xlim()[1]]
    assert not [line for line in bml.plots.forest(post).axes[1].lines if line.get_marker() in "<>"]


@pytest.mark.parametrize(
    ("own", "text"),
    [
        ((251.4, 237.9, 264.9), "251 [238, 265]"),
        ((10.467, 7.44, 13.5), "10.5 [7.4, 13.5]"),
        ((-0.0123, -0.02, 0.001), "−0.012 [−0.020, 0.001]"),
        ((0.0, np.nan, np.nan), "0"),
    ],
)
def test_numbers_have_two_digits_of_their_width(own, text):
    assert numbers(np.array(own)) == text


def test_numbers_of_other_scales_have_exponents():
    assert numbers(np.array([3.24e-9, 5.1e-10, 6.4e-9])) == "3.2e−09 [5.1e−10, 6.4e−09]"
    assert numbers(np.array([1.0e8, 8.2e7, 1.18e8])) == "1.00e+08 [8.20e+07, 1.18e+08]"
