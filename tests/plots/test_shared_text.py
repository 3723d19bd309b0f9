"""Text of several plots in the documentation of each."""

import pytest

from bayesml.plots.shared_text import TEXTS, documented


def test_texts_are_put_in_with_the_indentation_of_their_line():
    def plot():
        """Return a figure."""

    plot.__doc__ = "Return a figure.\n\n    {titled panels}\n    x : {int}\n"
    first, second = TEXTS["titled panels"].splitlines()
    assert documented(plot).__doc__ == f"Return a figure.\n\n    {first}\n    {second}\n    x : {{int}}\n"


def test_a_text_that_there_is_not_is_an_error():
    def plot():
        """{nothing}"""

    with pytest.raises(KeyError, match="nothing"):
        documented(plot)
