"""Texts that fit into figures."""

import pytest

from bayesml.plots.panels import filled, folded, panel_grid, row_label, shortened


def test_sentences_keep_addresses_whole():
    text = "Left out are sd(Intercept | Subject) and b(Days | Subject[308]), and more."
    assert filled(text, 38) == "Left out are sd(Intercept | Subject)\nand b(Days | Subject[308]), and more."


@pytest.mark.parametrize(("label", "lines"), [("Days", "Days"), ("b(Days | Subject[308])", "b(Days |\nSubject[308])")])
def test_labels_break_before_their_group(label, lines):
    assert folded(label, 16) == lines


def test_long_labels_lose_their_middle():
    assert shortened("Days", 9) == "Days"
    assert shortened("abcdefghijklmnop", 9) == "abcd…mnop"
    assert len(shortened("x" * 50)) == 24


def test_rows_have_two_lines_at_most():
    assert row_label("b(Days | Subject[308])", 16) == "b(Days |\nSubject[308])"
    assert row_label(f"b(Days | Subject[{'x' * 60}])", 16) == "b(Days |\nSubject[…xxxxx])"
    assert row_label("word " * 30, 20).count("\n") <= 1


def test_texts_are_literal():
    figure, (axes,) = panel_grid(1)
    axes.set_title(r"US$ 3 to US$ \nothing")
    axes.set_yticks([0, 1], [r"$x_1$", r"$\nothing$"])
    figure.draw_without_rendering()
    assert not any(text.get_parse_math() for text in (axes.title, *axes.get_yticklabels()))
