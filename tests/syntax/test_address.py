"""Addresses that mean the same, and look-ups."""

import pytest

from bayesml.errors import ColumnNotFound
from bayesml.syntax.address import canonical, find_address, split_outside

SAME = [
    ("Days:treat[ozone]", "treat[ozone]:Days"),
    ("poly(x, 2)[1]", "poly( x,2 )[1]"),
    ("sd(Days | Subject)", "sd(Days|Subject)"),
    ("(Intercept)", "Intercept"),
    ("body mass", "`body mass`"),
    ("sd(a:b | g)", "sd(b:a | g)"),
    ("corr(Intercept, a:b | g:h)", "corr(Intercept,b:a|h:g)"),
    ("b(Days | school:class[I:Victory])", "b(Days | class:school[Victory:I])"),
    ("corr(Intercept, Days | Subject)", "corr(Days, Intercept | Subject)"),
    ("sd(school:class)", "sd(school : class)"),
    ("scale: x", "scale:x"),
    ("a[x]:b[y]:z", "z:b[y]:a[x]"),
]
DIFFERENT = [
    ("treat[a b]", "treat[ab]"),
    ("treat[a:b]", "treat[b:a]"),
    ("a:b[x]", "a[x]:b"),
    ("b(x | g:h[1:2])", "b(x | h:g[1:2])"),
    ("Days", "days"),
    ("poly(x, 2)[1]", "poly(x, 2)[2]"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same(one, other):
    assert canonical(one) == canonical(other)
    assert find_address(other, ["sigma", one]) == one


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different(one, other):
    assert canonical(one) != canonical(other)


def test_an_exact_address_comes_first():
    assert find_address("b:a", ["a:b", "b:a"]) == "b:a"


def test_nearest():
    known = ["Intercept", "treat[ozone]", "sd(Days | Subject)"]
    for text, near in {
        "treatozone": "treat[ozone]",
        "sd(Days|Subjects)": "sd(Days | Subject)",
        "intercept": "Intercept",
        "_cons": "Intercept",
        "var(Days | Subject)": "sd(Days | Subject)",
    }.items():
        with pytest.raises(ColumnNotFound, match="did you mean") as caught:
            find_address(text, known)
        assert f"`{near}`" in str(caught.value)
    with pytest.raises(ColumnNotFound, match="there are `Intercept`"):
        find_address("zzzz", known)


def test_split():
    assert split_outside("a[x:y]:b(c:d):e", ":") == ["a[x:y]", "b(c:d)", "e"]
