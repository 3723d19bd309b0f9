"""Parameters chosen by address, group and pattern."""

import pytest

from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.results.selection import select
from tests.posteriors import sleepstudy

PARAMETERS = [
    "Intercept", "Days", "sd(Intercept | Subject)", "sd(Days | Subject)", "corr(Intercept, Days | Subject)", "sigma",
]  # fmt: skip


def chosen(*wanted, **options):
    return [address.text for address in select(sleepstudy(), list(wanted) or None, **options)]


def test_the_default_is_all_but_the_random_effects():
    assert chosen() == PARAMETERS
    assert len(chosen(effects=True)) == len(PARAMETERS) + 36


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["sigma", "Days"], ["sigma", "Days"]),
        (["sd(Subject)"], PARAMETERS[2:4]),
        (["corr(Subject)"], PARAMETERS[4:5]),
        (["sd(*"], PARAMETERS[2:4]),
        (["*Days*"], ["Days", "sd(Days | Subject)", "corr(Intercept, Days | Subject)"]),
        (["*", "~sigma"], PARAMETERS[:-1]),
        (["~sigma"], PARAMETERS[:-1]),
        (["~sd(Subject)", "~corr(Subject)"], ["Intercept", "Days", "sigma"]),
        (["b(Days | Subject[30?])"], ["b(Days | Subject[308])", "b(Days | Subject[309])"]),
        (["b( Days|Subject[308] )"], ["b(Days | Subject[308])"]),
    ],
)
def test_what_texts_mean(wanted, found):
    assert chosen(*wanted) == found


def test_effects_of_a_group():
    assert len(chosen("b(Subject)")) == len(chosen("b")) == len(chosen("b(*")) == 36


def test_unknown_names_are_told():
    with pytest.raises(ColumnNotFound, match="`Dais`.*did you mean `Days`"):
        chosen("Dais")
    with pytest.raises(ColumnNotFound, match="No parameter matches `x\\*`"):
        chosen("x*")
    with pytest.raises(SpecificationError, match="Nothing is left"):
        chosen("sigma", "~sigma")
    with pytest.raises(SpecificationError, match="by address, a text"):
        select(sleepstudy(), [3])
