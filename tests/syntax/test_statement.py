"""Text of hypotheses to trees, or to messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesml.errors import ColumnNotFound, FormulaError
from bayesml.syntax.statement import (
    Address,
    At,
    Binary,
    Comparison,
    Function,
    Logical,
    Number,
    Prediction,
    addresses_in,
    parse_statement,
    predictions_in,
)

KNOWN = (
    "Intercept", "Days", "treat[ozone]", "treat[a > b]", "treat[x]y]", "Days:treat[ozone]", "log(x)", "poly(x, 2)[1]",
    "sd(Days | Subject)", "sd(Intercept | Subject)", "corr(Intercept, Days | Subject)", "b(Days | Subject[308])",
    "b(Intercept | school:class[I:Victory])", "sigma", "scale: x", "body mass", "and", "exp(z)",
)  # fmt: skip

ADDRESSES = {
    "Days": "Days",
    "(Intercept)": "Intercept",
    " treat[ozone] ": "treat[ozone]",
    "treat[a > b]": "treat[a > b]",
    "treat[x]y]": "treat[x]y]",
    "treat[ozone]:Days": "Days:treat[ozone]",
    "log( x )": "log(x)",
    "poly(x,2)[1]": "poly(x, 2)[1]",
    "sd(Days|Subject)": "sd(Days | Subject)",
    "corr(Days, Intercept | Subject)": "corr(Intercept, Days | Subject)",
    "corr(Intercept,Days|Subject)": "corr(Intercept, Days | Subject)",
    "b(Days|Subject[308])": "b(Days | Subject[308])",
    "b(Intercept | class:school[Victory:I])": "b(Intercept | school:class[I:Victory])",
    "scale:x": "scale: x",
    "body mass": "body mass",
    "`body mass`": "body mass",
    "and": "and",
    "exp(z)": "exp(z)",
}


@pytest.mark.parametrize(("text", "address"), ADDRESSES.items())
def test_addresses_as_they_are_written(text, address):
    assert parse_statement(text, KNOWN) == Address(address)


@pytest.mark.parametrize("address", KNOWN)
@pytest.mark.parametrize("form", ["{} > 0", "1 < 2 * ({}) - {} < 3", "not {} = 1 or {} / 2 >= 1"])
def test_each_address_in_a_statement(form, address):
    assert addresses_in(parse_statement(form.replace("{}", address), KNOWN)) == (address,)


DAYS, SIGMA = Address("Days"), Address("sigma")
TREES = {
    "Days > 8": Comparison((">",), (DAYS, Number(8))),
    "8 < Days <= 12": Comparison(("<", "<="), (Number(8), DAYS, Number(12))),
    "Days ≥ 1e-3": Comparison((">=",), (DAYS, Number(0.001))),
    "Days == sigma = 0": Comparison(("=", "="), (DAYS, SIGMA, Number(0))),
    "Days != 0": Comparison(("!=",), (DAYS, Number(0))),
    "Days > 1 and sigma < 2 or Days < -1": Logical(
        "or",
        (
            Logical("and", (Comparison((">",), (DAYS, Number(1))), Comparison(("<",), (SIGMA, Number(2))))),
            Comparison(("<",), (DAYS, Number(-1))),
        ),
    ),
    "Days = 1, sigma = 2": Logical(
        "and", (Comparison(("=",), (DAYS, Number(1))), Comparison(("=",), (SIGMA, Number(2))))
    ),
    "not (Days > 1)": Logical("not", (Comparison((">",), (DAYS, Number(1))),)),
    "-Days^2": Function("-", Binary("^", DAYS, Number(2))),
    "2^-1": Binary("^", Number(2), Number(-1)),
    "1 - 2 - 3": Binary("-", Binary("-", Number(1), Number(2)), Number(3)),
    "1 - 2*3/4": Binary("-", Number(1), Binary("/", Binary("*", Number(2), Number(3)), Number(4))),
    "exp(Days)": Function("exp", DAYS),
    "sqrt(abs(Days) + 1)": Function("sqrt", Binary("+", Function("abs", DAYS), Number(1))),
    "log(sigma)": Function("log", SIGMA),
    "mean(Days=10) - mean(Days = -1.5e3)": Binary(
        "-", Prediction("mean", "", (At("Days", "10"),)), Prediction("mean", "", (At("Days", "-1.5e3"),))
    ),
    "probability(5, temp=warm, `body mass`='a, b') > 0.5": Comparison(
        (">",), (Prediction("probability", "5", (At("temp", "warm"), At("body mass", "a, b"))), Number(0.5))
    ),
    "linear(school=I:Victory)": Prediction("linear", "", (At("school", "I:Victory"),)),
    "mean()": Prediction("mean"),
}


@pytest.mark.parametrize(("text", "tree"), TREES.items())
def test_trees(text, tree):
    assert parse_statement(text, KNOWN) == tree
    assert parse_statement(str(tree), KNOWN) == tree


def test_predictions_of_a_statement_stand_once_each():
    tree = parse_statement("mean(Days=1) > mean(Days=0) and mean(Days=1) < 2 * sigma", KNOWN)
    assert [str(p) for p in predictions_in(tree)] == ["mean(Days=1)", "mean(Days=0)"]
    assert [p.position for p in predictions_in(tree)] == [0, 15]
    assert addresses_in(tree) == ("sigma",)


def test_other_spellings_of_an_address():
    spellings = {"sd(judge)": "sd(Intercept | judge)", "sigma": "Days"}
    tree = parse_statement("sd( judge ) > sigma", [*KNOWN, "sd(Intercept | judge)"], spellings)
    assert tree.operands == (Address("sd(Intercept | judge)"), SIGMA)


def test_a_coefficient_is_preferred_over_a_function():
    assert parse_statement("log(x)", KNOWN) == Address("log(x)")
    assert parse_statement("log(x)", ["x"]) == Function("log", Address("x"))
    assert parse_statement("exp(z) > exp(Days)", KNOWN).operands == (Address("exp(z)"), Function("exp", DAYS))


def test_without_known_addresses_their_form_counts():
    text = "b(Days | Subject[308]) > Days:treat[o z] and poly(x, 2)[1] > `a b`"
    assert addresses_in(parse_statement(text)) == (
        "b(Days | Subject[308])",
        "Days:treat[o z]",
        "poly(x, 2)[1]",
        "`a b`",
    )


NOT_THERE = {
    "Day > 8": ("Day", "did you mean `Days`"),
    "treatozone > 0": ("treatozone", r"did you mean `treat\[ozone\]`"),
    "Days > 1 and Sigma < 1": ("Sigma", "did you mean `sigma`"),
    "treat[oxone] > 0": ("treat[oxone]", r"`treat\[ozone\]`"),
    "sd(Days | subject) > 0": ("sd(Days | subject)", r"`sd\(Days \| Subject\)`"),
    "Days:sigma > 0": ("Days:sigma", "no parameter"),
    "__import__('os')": ("__import__('os')", "no parameter"),
    "Days.real": ("Days.real", "no parameter"),
    "Days[0]": ("Days[0]", "no parameter"),
    "f(Days)": ("f(Days)", "no parameter"),
}


@pytest.mark.parametrize("text", NOT_THERE)
def test_addresses_that_are_not_there(text):
    address, words = NOT_THERE[text]
    with pytest.raises(ColumnNotFound, match=words) as caught:
        parse_statement(text, KNOWN)
    lines = str(caught.value).splitlines()
    assert lines[1].strip() == text
    assert lines[2].strip() == "^" * len(address)
    assert lines[2].index("^") == lines[1].index(address)


FAILS = {
    "": (0, "found the end"),
    "Days >": (6, "found the end"),
    "Days > 8)": (8, "expected an operator"),
    "(Days > 8": (9, "is open"),
    "Days 8": (5, "expected an operator"),
    "Days > $": (7, r"found `\$`"),
    "Days and sigma > 1": (0, "is a quantity"),
    "not Days": (3, "is a quantity"),
    "Days + (sigma > 1)": (6, "true or false"),
    "(Days > 1) > 2": (0, "true or false"),
    "1 != Days != 2": (0, "does not stand in a chain"),
    "mean(Days=, x=2) > 1": (10, "a value of `Days`"),
    "mean(Days=1 > 2": (12, "expected `,` or `\\)`"),
    "mean(a=1, b) > 2": (10, "column=value"),
    "mean(a=1, a=2) > 2": (10, "given twice"),
    "mean(3, 4) > 2": (8, "column=value"),
    "(" * 60 + "Days" + ")" * 60: (50, "within each other"),
    "-" * 200 + "Days": (50, "within each other"),
}


@pytest.mark.parametrize("text", FAILS)
def test_message_and_place(text):
    position, words = FAILS[text]
    with pytest.raises(FormulaError, match=words) as caught:
        parse_statement(text, KNOWN)
    assert caught.value.position in (position, position + 1)


@given(st.text("Days1.<>=!()[]+-*/^ ~andorxp|,:", max_size=20))
def test_any_text_is_read_or_refused(text):
    try:
        tree = parse_statement(text, KNOWN)
    except (FormulaError, ColumnNotFound):
        return
    assert parse_statement(str(tree), KNOWN) == tree
