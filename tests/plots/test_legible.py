"""What the battery of plots looks for is found in bad figures, and not in good ones."""

import matplotlib.pyplot as plt
import pytest

from bayesml.plots.colours import BLUE, GREEN, ORANGE
from tests.plots.legible import assert_legible, assert_safe_colours


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def good():
    figure, axes = plt.subplots(layout="constrained")
    axes.plot([1, 2, 3], [3, 1, 2], color=BLUE)
    axes.plot([1, 2, 3], [1, 1, 2], color=ORANGE, linestyle="--")
    axes.set_xlabel("days of\nsleep")
    return figure, axes


def test_a_good_figure_passes():
    figure, axes = good()
    # ticks beyond the limits are not drawn
    axes.set_xticks([1, 2, 3, 50, 50.1])
    axes.set_xlim(1, 3)
    assert_safe_colours(figure)
    assert_legible(figure, ["days of sleep"])


def test_crowded_tick_labels_are_found():
    figure, axes = good()
    axes.set_xticks([1, 1.01, 2], ["school 1", "school 2", "school 3"])
    with pytest.raises(AssertionError, match=r"'school [12]' and 'school [12]' overlap"):
        assert_legible(figure)


def test_titles_that_run_into_each_other_are_found():
    figure, panels = plt.subplots(1, 2)
    for axes in panels:
        axes.set_title("a title that is too long for its own panel")
    with pytest.raises(AssertionError, match="overlap"):
        assert_legible(figure)


def test_text_beyond_the_edge_is_found():
    figure, _ = good()
    figure.text(0.9, 0.5, "a text that does not end within the figure")
    with pytest.raises(AssertionError, match="outside the figure"):
        assert_legible(figure)


def test_a_label_that_is_missing_is_found():
    figure, _ = good()
    with pytest.raises(AssertionError, match="the label 'Days' is not in the figure"):
        assert_legible(figure, ["Days"])


def test_labels_of_hidden_panels_do_not_count():
    figure, panels = plt.subplots(1, 2)
    panels[1].set_title("Days")
    panels[1].set_visible(False)
    with pytest.raises(AssertionError, match="not in the figure"):
        assert_legible(figure, ["Days"])


@pytest.mark.parametrize("draw", ["plot", "bar", "scatter", "fill_between"])
def test_colours_outside_the_palette_are_found(draw):
    figure, axes = good()
    getattr(axes, draw)([1, 2], [1, 2], color="red")
    with pytest.raises(AssertionError, match="#ff0000 .* not of the palette"):
        assert_safe_colours(figure)


def test_lines_that_differ_in_hue_alone_are_found():
    figure, axes = good()
    axes.plot([1, 2], [2, 2], color=GREEN)
    with pytest.raises(AssertionError, match="differ in hue alone"):
        assert_safe_colours(figure)
