"""Texts that fit into figures."""

import pytest

from bayesml.plots.panels import filled, folded


def test_sentences_keep_addresses_whole():
    text = "Left out are sd(Intercept | Subject) and b(Days | Subject[308]), and more."
    assert filled(text, 38) == "Left out are sd(Intercept | Subject)\nand b(Days | Subject[308]), and more."


@pytest.mark.parametrize(("label", "lines"), [("Days", "Days"), ("b(Days | Subject[308])", "b(Days |\nSubject[308])")])
def test_labels_break_before_their_group(label, lines):
    assert folded(label, 16) == lines
