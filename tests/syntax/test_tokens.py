"""Tokens and their places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesml.errors import FormulaError
from bayesml.syntax.tokens import tokenize


def test_kinds_and_places():
    tokens = tokenize("y.1 ~ `a b` + f(2.5e-3, 'x\\'') %in% .z || g**2")
    assert [(t.kind, t.text) for t in tokens] == [
        ("name", "y.1"), ("operator", "~"), ("quoted", "a b"), ("operator", "+"), ("name", "f"), ("operator", "("),
        ("number", "2.5e-3"), ("operator", ","), ("string", "x'"), ("operator", ")"), ("operator", "%in%"),
        ("name", ".z"), ("operator", "||"), ("name", "g"), ("operator", "^"), ("number", "2"), ("end", ""),
    ]  # fmt: skip
    assert [t.position for t in tokens[:4]] == [0, 4, 6, 12]
    assert tokens[2].length == 5


@given(st.text(max_size=30))
def test_every_character_is_in_a_token_or_refused(text):
    try:
        tokens = tokenize(text)
    except FormulaError as error:
        assert 0 <= error.position < len(text)
        return
    covered = sum(token.length for token in tokens[:-1])
    assert covered == len([c for t in tokens[:-1] for c in text[t.position : t.position + t.length]])
    outside = set(range(len(text))) - {i for t in tokens for i in range(t.position, t.position + t.length)}
    assert all(text[i].isspace() for i in outside)


@pytest.mark.parametrize("text", ["`a", "'a", '"a', "a $ b", "a ; b", "__a", "a.__b", "{", "\\"])
def test_refused(text):
    with pytest.raises(FormulaError):
        tokenize(text)
