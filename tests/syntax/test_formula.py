"""Text of a formula to its value, or to a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesml.errors import FormulaError
from bayesml.spec.expressions import Call, Literal, Name, OtherColumns
from bayesml.spec.terms import FixedPart, Formula, RandomTerm, Term
from bayesml.syntax.formula import parse_formula

MEANS = {
    "y~x": "y ~ 1 + x",
    "y ~ 1": "y ~ 1",
    "y ~ 0 + x": "y ~ 0 + x",
    "y ~ x - 1": "y ~ 0 + x",
    "y ~ -1 + x": "y ~ 0 + x",
    "y ~ x + 0": "y ~ 0 + x",
    "y ~ x - 0": "y ~ 1 + x",
    "y ~ 0 + x + 1": "y ~ 1 + x",
    "y ~ (x - 1)": "y ~ 0 + x",
    "y ~ a*b": "y ~ 1 + a + b + a:b",
    "y ~ a:b + a": "y ~ 1 + a + a:b",
    "y ~ a + b + b:a": "y ~ 1 + a + b + a:b",
    "y ~ b:a + a + b": "y ~ 1 + b:a + a + b",
    "y ~ a*b*c - a:b:c": "y ~ 1 + a + b + c + a:b + a:c + b:c",
    "y ~ (a + b + c)^2": "y ~ 1 + a + b + c + a:b + a:c + b:c",
    "y ~ (a + b)**2": "y ~ 1 + a + b + a:b",
    "y ~ (a + b + c)^3 - a:b": "y ~ 1 + a + b + c + a:c + b:c + a:b:c",
    "y ~ x^2": "y ~ 1 + x",
    "y ~ a/b": "y ~ 1 + a + a:b",
    "y ~ a/b/c": "y ~ 1 + a + a:b + a:b:c",
    "y ~ (a + b)/c": "y ~ 1 + a + b + a:b:c",
    "y ~ a/(b + c)": "y ~ 1 + a + a:b + a:c",
    "y ~ a %in% b": "y ~ 1 + a:b",
    "y ~ a + b %in% a": "y ~ 1 + a + a:b",
    "y ~ (1 + a):b": "y ~ 1 + a:b + b",
    "y ~ a + a + a:a": "y ~ 1 + a",
    "y ~ a*b - a": "y ~ 1 + a:b + b",
    "y ~ a:b*c": "y ~ 1 + a:b + c + a:b:c",
    "y ~ a - -b": "y ~ 1 + a",
    "log(y + 1) ~ x": "log(y + 1) ~ 1 + x",
    "y/10 ~ x": "y/10 ~ 1 + x",
    "I(y^2) ~ x": "I(y^2) ~ 1 + x",
    "known_sd(y, se) ~ 1 + (1 | school)": "known_sd(y, se) ~ 1 + (1 | school)",
    "cbind(incidence, size - incidence)~period": "cbind(incidence, size - incidence) ~ 1 + period",
    "p(k, n) ~ x": "p(k, n) ~ 1 + x",
    "censored(log(y),status) ~ x": "censored(log(y), status) ~ 1 + x",
    "interval(lo, hi) ~ x": "interval(lo, hi) ~ 1 + x",
    "tobit(y) ~ x": "tobit(y) ~ 1 + x",
    "tobit(y,lower=-1,upper=3.5) ~ x": "tobit(y, lower=-1, upper=3.5) ~ 1 + x",
    "tobit(y, NULL, top) ~ x": "tobit(y, None, top) ~ 1 + x",
    "tobit(y, lower=None, upper=2*top) ~ x": "tobit(y, lower=None, upper=2 * top) ~ 1 + x",
    "Surv(time, status) ~ x": "Surv(time, status) ~ 1 + x",
    "Surv(time, status==2) ~ x": "Surv(time, status == 2) ~ 1 + x",
    "Surv(time, event=died) ~ x": "Surv(time, event=died) ~ 1 + x",
    "Surv(start, stop, event) ~ x": "Surv(start, stop, event) ~ 1 + x",
    "y ~ I(x^2) + I(-x + (a - (b - c))/2)": "y ~ 1 + I(x^2) + I(-x + (a - (b - c))/2)",
    "y ~ I((a*b)^-2) + I(x > 3)": "y ~ 1 + I((a * b)^-2) + I(x > 3)",
    "y ~ poly(x, 2)*f": "y ~ 1 + poly(x, 2) + f + poly(x, 2):f",
    "y ~ bs(x, df=4, knots=c(1, 2))": "y ~ 1 + bs(x, df=4, knots=c(1, 2))",
    "y ~ bs(x, knots=[1, 2.5])": "y ~ 1 + bs(x, knots=c(1, 2.5))",
    "y ~ factor(x) + as.factor(z)": "y ~ 1 + C(x) + C(z)",
    "y ~ standardize(x) + ln(z)": "y ~ 1 + scale(x) + log(z)",
    "y ~ C(f, Treatment('b'))": 'y ~ 1 + C(f, Treatment("b"))',
    "y ~ C(f, Treatment(reference=2))": "y ~ 1 + C(f, Treatment(2))",
    "y ~ C(f, contr.sum) + C(g, helmert())": "y ~ 1 + C(f, Sum) + C(g, Helmert)",
    "y ~ relevel(f, ref='b')": 'y ~ 1 + C(f, Treatment("b"))',
    "y ~ offset(log(e)) + x + offset(w)": "y ~ 1 + x + offset(log(e)) + offset(w)",
    "y ~ scale(x, center=FALSE)": "y ~ 1 + scale(x, center=False)",
    "y ~ x + (1|g)": "y ~ 1 + x + (1 | g)",
    "y ~ (x|g)": "y ~ 1 + (1 + x | g)",
    "y ~ (0 + x | g) + (1 | g)": "y ~ 1 + (0 + x | g) + (1 | g)",
    "y ~ (x - 1 | g)": "y ~ 1 + (0 + x | g)",
    "y ~ (x || g)": "y ~ 1 + (1 + x || g)",
    "y ~ (f*x || g)": "y ~ 1 + (1 + f + x + f:x || g)",
    "y ~ (x |p| g)": "y ~ 1 + (1 + x |p| g)",
    "y ~ (1|ID1|a:b)": "y ~ 1 + (1 |ID1| a:b)",
    "y ~ (1 |p| a/b)": "y ~ 1 + (1 |p| a) + (1 |p| a:b)",
    "y ~ (1 |1| g)": "y ~ 1 + (1 |`1`| g)",
    "y ~ (1 |`a b`| g)": "y ~ 1 + (1 |`a b`| g)",
    "y ~ shared(1 | id)": "y ~ 1 + shared(1 | id)",
    "y ~ shared((1 | id) + (1 | h))": "y ~ 1 + shared(1 | id) + shared(1 | h)",
    "y ~ shared(x || a/b) + (1 | a)": "y ~ 1 + shared(1 + x || a) + shared(1 + x || a:b) + (1 | a)",
    "y ~ shared + offset": "y ~ 1 + shared + offset",
    "y ~ (1 | a/b/c)": "y ~ 1 + (1 | a) + (1 | a:b) + (1 | a:b:c)",
    "y ~ (x | a:b)": "y ~ 1 + (1 + x | a:b)",
    "y ~ (1 | b:a) + a": "y ~ 1 + a + (1 | b:a)",
    "y ~ (1 | a*b)": "y ~ 1 + (1 | a) + (1 | b) + (1 | a:b)",
    "y ~ (1 | factor(g))": "y ~ 1 + (1 | g)",
    "y ~ a + (b:a | g)": "y ~ 1 + a + (1 + b:a | g)",
    "y ~ (x + (1 | g))": "y ~ 1 + x + (1 | g)",
    "`body mass` ~ `größe`+ größe": "`body mass` ~ 1 + größe",
    "y ~ `x-1` + x": "y ~ 1 + `x-1` + x",
    "y ~ `True` + `a\\`b`": "y ~ 1 + `True` + `a\\`b`",
    "y ~ Sepal.Length + .x + _x": "y ~ 1 + Sepal.Length + .x + _x",
    "y ~ .": "y ~ 1 + .",
    "y ~ . - x - z": "y ~ 1 + (. - x - z)",
    "y ~ .^2": "y ~ 1 + . + .:.",
    "y ~ .*f + (1 | g)": "y ~ 1 + . + f + .:f + (1 | g)",
    "y ~\n  x +\n\tz": "y ~ 1 + x + z",
}


@pytest.mark.parametrize(("text", "printed"), MEANS.items())
def test_meaning(text, printed):
    formula = parse_formula(text)
    assert str(formula) == printed
    assert parse_formula(printed) == formula


def test_values():
    assert parse_formula("log(y) ~ x:`a b` + offset(e) + (0 + x || a/b)") == Formula(
        Call("log", (Name("y"),)),
        FixedPart((Term((Name("x"), Name("a b"))),), True, (Name("e"),)),
        (
            RandomTerm(FixedPart((Term((Name("x"),)),), False), (Name("a"),), False),
            RandomTerm(FixedPart((Term((Name("x"),)),), False), (Name("a"), Name("b")), False),
        ),
    )
    assert parse_formula("y ~ (1 |p| g) + shared(1 | h)").random == (
        RandomTerm(FixedPart(), (Name("g"),), tag="p"),
        RandomTerm(FixedPart(), (Name("h"),), shared=True),
    )
    assert parse_formula("y ~ . - x").fixed.terms == (Term((OtherColumns(("x",)),)),)
    assert parse_formula("y ~ poly(x, 2, raw=TRUE)").fixed.terms[0].factors == (
        Call("poly", (Name("x"), Literal(2)), (("raw", Literal(True)),)),
    )


FAILS = {  # text: where the mark begins, and words of the message
    "": (0, "the formula is empty"),
    "y": (1, "expected `~`"),
    "~ x": (0, "expected the response"),
    "1 ~ x": (0, "no column"),
    "y ~": (3, "expected a term, found the end"),
    "y ~ x +": (7, "expected a term, found the end"),
    "y ~ x z": (6, r"expected `\+` or another operator, found `z`"),
    "y ~ x ~ z": (6, "one `~`"),
    "y ~ (x": (6, r"expected `\)`, `\|` or an operator"),
    "y ~ x)": (5, "closes nothing"),
    "y ~ 2 * x": (4, "only 1 .* and 0"),
    "y ~ 1:x": (4, "can only be added"),
    "y ~ x^z": (6, r"`I\(x\^2\)`"),
    "y ~ x^0": (6, "from 1 to 10"),
    "y ~ x > 3": (6, r"I\(x > 3\)"),
    "y ~ I(1 < x < 3)": (12, "do not chain"),
    "y ~ TRUE": (4, "not a term"),
    "y ~ 'x'": (4, "expected a term"),
    "y ~ x | g": (6, "stands in parentheses"),
    "y ~ (1 | a + b)": (11, r"\(1 \| a\) \+ \(1 \| b\)"),
    "y ~ (1 | )": (9, "expected a term"),
    "y ~ (1 | 1)": (9, "expected a grouping factor"),
    "y ~ (1 | .)": (9, "expected a grouping factor"),
    "y ~ (0 | g)": (4, "no columns"),
    "y ~ (| g)": (5, "expected a term"),
    "y ~ (x |p q| g)": (10, "expected"),
    "y ~ (x |p| q | g)": (13, "a tag is one name"),
    "y ~ (x ||p| g)": (7, "a tag joins are correlated"),
    "y ~ shared(x)": (4, "holds a random term"),
    "y ~ shared(x + (1 | g))": (4, "holds a random term"),
    "y ~ shared(1 |p| g)": (4, "nothing to join"),
    "y ~ 2 * shared(1 | g)": (4, "only 1"),
    "tobit(y, lower=0, lower=1) ~ x": (18, "given twice"),
    "cbind(1, 2) ~ x": (0, "no column"),
    "cbind(y, f(x)) ~ x": (9, "not a function"),
    "Surv(time, event ~ x": (17, "expected `,`"),
    "y ~ Surv(time, event)": (4, "left side"),
    "y ~ (1 | g) * x": (4, "a random term can only be added"),
    "y ~ x - (1 | g)": (8, "cannot be taken out"),
    "y ~ ((1 | g) | h)": (4, "neither offsets nor other random terms"),
    "y ~ offset(e):x": (4, "an offset can only be added"),
    "y ~ .^2 - a:b": (10, "single columns"),
    "y ~ lg(x)": (4, "did you mean `log`?"),
    "y ~ diag(x | g)": (4, "covariance="),
    "y ~ np.log(x)": (4, "write `log`"),
    "y ~ mean(x)": (4, "not a function"),
    "y ~ os.system('ls')": (4, "not a function"),
    "y ~ known_sd(x, z)": (4, "left side"),
    "y ~ poly()": (4, r"poly\(x, degree, raw\)"),
    "y ~ poly(x, 2, 3, 4)": (4, r"poly\(x, degree, raw\)"),
    "y ~ poly(x, z)": (12, "must be a constant"),
    "y ~ poly(x, order=2)": (4, "no argument `order`"),
    "y ~ poly(x, degree=2, degree=3)": (22, "given twice"),
    "y ~ poly(x, 2, degree=2)": (4, "given twice"),
    "y ~ bs(df=3, x)": (13, "without a name"),
    "y ~ log(poly(x, 2))": (8, "several columns"),
    "y ~ log(x": (9, r"expected `,` or `\)`"),
    "y ~ C(f, Foo)": (9, "expected a coding"),
    "y ~ C(f, Sum(2))": (13, "no arguments"),
    "y ~ C(f, Treatment(x))": (19, "expected a level"),
    "y ~ relevel(f)": (13, "reference level"),
    "y ~ bs(x, knots=c(z))": (18, "expected a number"),
    "y ~ x $ z": (6, "no meaning"),
    "y ~ 'x": (4, "not closed"),
    "y ~ `x": (4, "not closed"),
    "y ~ {x}": (4, "no meaning"),
    "y ~ x[1]": (5, "not indexed"),
    "y ~ x.__class__": (4, "not code"),
    "y ~ __x": (4, "not code"),
    "y ~ lambda x: x": (4, "not code"),
    "y ~ x @ z": (6, "no meaning"),
    "y ~ x; z": (5, "no meaning"),
    "y ~ " + "(" * 60 + "x" + ")" * 60: (44, "within each other"),
    "y ~ I(" + "-(" * 60 + "x" + ")" * 61: (None, "within each other"),
}


@pytest.mark.parametrize("text", FAILS)
def test_message_and_place(text):
    position, words = FAILS[text]
    with pytest.raises(FormulaError, match=words) as caught:
        parse_formula(text)
    if position is not None:
        assert caught.value.position == position
        if text:
            shown = str(caught.value).splitlines()
            assert shown[-2].strip() == text.strip()
            assert shown[-1].index("^") == position + 4


def test_marked_place_of_a_long_name():
    with pytest.raises(FormulaError) as caught:
        parse_formula("y ~ x + numpy.exp(z)")
    assert str(caught.value).splitlines()[-1] == "            ^^^^^^^^^"


names = st.sampled_from(["x", "z", "f.1", "größe", "body mass", "a`b", "True", "x[1]", "lambda", "__a", "q\\r"]).map(
    Name
)
numbers = st.one_of(
    st.integers(-5, 99), st.floats(-1e6, 1e6, allow_nan=False).filter(lambda v: v == float(str(v)))
).map(Literal)
arithmetic = st.recursive(
    st.one_of(names, numbers),
    lambda inner: st.one_of(
        st.builds(lambda op, a, b: Call(op, (a, b)), st.sampled_from("+-*/^"), inner, inner),
        st.builds(lambda f, a: Call(f, (a,)), st.sampled_from(["log", "exp", "sqrt", "I", "center"]), inner),
        st.builds(
            lambda a: Call("-", (a,)),
            inner.filter(lambda e: not (isinstance(e, Literal) or (isinstance(e, Call) and e.function == "-"))),
        ),
    ),
    max_leaves=6,
)
factors = st.one_of(
    names,
    st.builds(lambda a: Call("I", (a,)), arithmetic),
    st.builds(lambda a, k: Call("poly", (a, Literal(k))), names, st.integers(1, 4)),
    st.builds(lambda a, r: Call("C", (a, Call("Treatment", (Literal(r),)))), names, st.text("ab\"'\\ é", max_size=3)),
    st.builds(lambda a, c: Call("C", (a, Call(c))), names, st.sampled_from(["Sum", "Helmert", "Poly", "Simple"])),
)


@st.composite
def parts(draw, offsets=True):
    order = draw(st.lists(factors, min_size=1, max_size=4, unique=True))
    chosen = draw(st.lists(st.lists(st.sampled_from(order), min_size=1, unique=True), max_size=4))
    place = {}
    for main in order:
        place.setdefault(main, len(place))
    mains = [Term((f,)) for f in order]
    terms = dict.fromkeys(mains + [Term(tuple(sorted(t, key=place.__getitem__))) for t in chosen])
    extra = tuple(draw(st.lists(arithmetic, max_size=2))) if offsets else ()
    return FixedPart(tuple(sorted(terms, key=lambda t: len(t.factors))), draw(st.booleans()), extra)


bars = st.one_of(
    st.sampled_from([(True, None, False), (False, None, False), (True, None, True), (False, None, True)]),
    names.map(lambda tag: (True, tag.name, False)),
)
random_terms = st.builds(
    lambda columns, group, bar: RandomTerm(columns, group, *bar),
    parts(offsets=False),
    st.lists(names, min_size=1, max_size=3, unique=True).map(tuple),
    bars,
)


@given(st.builds(Formula, names, parts(), st.lists(random_terms, max_size=3).map(tuple)))
def test_printed_formula_parses_to_the_same(formula):
    assert parse_formula(str(formula)) == formula


@given(st.text("yx ~+-*/^:|()01.gI`'\"=,<>%in[]{}", max_size=25))
def test_any_text_is_read_or_refused(text):
    try:
        formula = parse_formula(text)
    except FormulaError:
        return
    assert parse_formula(str(formula)) == formula
