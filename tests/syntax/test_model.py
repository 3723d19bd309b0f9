"""`bml.Model`: options, equality, messages."""

import pickle
from dataclasses import FrozenInstanceError, replace

import pytest

from bayesml.covariance import COVARIANCES
from bayesml.distributions import Normal
from bayesml.errors import FormulaError, SpecificationError
from bayesml.families import FAMILIES, Weibull
from bayesml.links import LINKS
from bayesml.syntax.formula import parse_formula
from bayesml.syntax.model import Model

TEXT = "y ~ x + (x | school) + (0 + z || school:class)"


def names(model) -> list[str]:
    return [covariance.name for covariance in model.covariance]


def test_defaults():
    model = Model(TEXT)
    assert model.formula == parse_formula(TEXT)
    assert model.family is FAMILIES["gaussian"]
    assert model.link is LINKS["identity"]
    assert names(model) == ["unstructured", "independent"]
    assert (model.weights, model.na) == (None, "drop")
    assert model.names == ("y", "x", "school", "z", "class")
    assert model.scale_is_free
    assert not Model("known_sd(y, se) ~ 1").scale_is_free


def test_what_is_known_beforehand_may_be_a_term():
    for formula in ("known_sd(y, se) ~ se", "tobit(y, upper=u) ~ u", "Surv(start, stop, event) ~ start"):
        assert Model(formula).formula.fixed.terms


def test_equal_by_content():
    model = Model(TEXT, weights="w", priors={"x": Normal(0, 1)})
    same = Model(parse_formula(TEXT), FAMILIES["gaussian"], "identity", weights="w", priors={"x": Normal(0, 1)})
    assert model == same
    assert hash(model) == hash(same)
    assert model != Model(TEXT, weights="w")
    assert model != Model(TEXT + " + x:z", weights="w", priors={"x": Normal(0, 1)})
    assert Model("y ~ a*b") == Model("y ~ a + b + a:b")
    assert pickle.loads(pickle.dumps(model)) == model


def test_frozen_and_replaced():
    model = Model(TEXT)
    with pytest.raises(FrozenInstanceError):
        model.weights = "w"
    changed = replace(model, weights="w", covariance="identity")
    assert isinstance(changed, Model)
    assert changed == Model(TEXT, weights="w", covariance="identity")
    assert model == Model(TEXT)


COVARIANCE = {
    "one for all": ("exchangeable", ["exchangeable", "exchangeable"]),
    "by group": ({"school": "identity"}, ["identity", "independent"]),
    "by nested group": ({"school:class": "identity"}, ["unstructured", "identity"]),
    "lme4's reversed name": ({"class:school": "identity"}, ["unstructured", "identity"]),
    "by term": ({"(x | school)": "exchangeable"}, ["exchangeable", "independent"]),
    "by term as printed": ({"(1 + x | school)": "exchangeable"}, ["exchangeable", "independent"]),
    "by term without parentheses": ({"x|school": "exchangeable"}, ["exchangeable", "independent"]),
    "both": ({"school": "identity", "school:class": "exchangeable"}, ["identity", "exchangeable"]),
    "objects": (COVARIANCES["identity"], ["identity", "identity"]),
    "one each": (tuple(COVARIANCES[n] for n in ("identity", "exchangeable")), ["identity", "exchangeable"]),
    "Stata's names": ({"school": "id", "school:class": "ex"}, ["identity", "exchangeable"]),
    "nlme's names": ({"school": "pdDiag", "school:class": "pdSymm"}, ["independent", "unstructured"]),
}


@pytest.mark.parametrize("name", COVARIANCE)
def test_covariance(name):
    given, expected = COVARIANCE[name]
    model = Model(TEXT, covariance=given)
    assert names(model) == expected
    assert Model(TEXT, covariance=model.covariance) == model


REFUSED = {
    "formula is no text": ((3,), {}, "starts with its formula"),
    "family": (("y ~ x",), {"family": "poison"}, "no family 'poison'"),
    "family is no text": (("y ~ x",), {"family": 3}, "name of a family"),
    "link": (("y ~ x",), {"link": "logit"}, "has no link 'logit'; it has identity"),
    "na": (("y ~ x",), {"na": "omit"}, '"drop" or "raise"'),
    "weights are no name": (("y ~ x",), {"weights": [1.0]}, "name of a column"),
    "covariance": (("y ~ (1 | g)",), {"covariance": "toeplitz"}, "no covariance 'toeplitz'"),
    "covariance without terms": (("y ~ x",), {"covariance": "identity"}, "no random term"),
    "covariance by unknown group": (("y ~ (1 | g)",), {"covariance": {"h": "identity"}}, "names `h`.*groups: `g`"),
    "covariance of another length": (("y ~ (1 | g)",), {"covariance": ()}, "0 covariances .* 1 random"),
    "covariance of another type": (("y ~ (1 | g)",), {"covariance": 3}, "by group or term"),
    "priors": (("y ~ x",), {"priors": "jeffreys"}, "no prior set"),
    "misspelt family": (("y ~ x",), {"family": "posson"}, "did you mean 'poisson'"),
    "link of another family": (("y ~ x",), {"family": "poisson", "link": "probit"}, "no link 'probit'; it has log"),
    "weights without a dispersion": (("y ~ x",), {"family": "poisson", "weights": "w"}, "no dispersion.*frequencies="),
    "frequencies are no name": (("y ~ x",), {"frequencies": 3}, "`frequencies` is the name of a column"),
    "exposure is no name": (("y ~ x",), {"family": "poisson", "exposure": [1.0]}, "`exposure` is the name of a column"),
    "exposure beside an identity link": (("y ~ x",), {"exposure": "e"}, r"identity link.*`offset\(e\)`"),
    "cbind of the default family": (("cbind(k, n - k) ~ x",), {}, 'gaussian family.*family="binomial"'),
    "cbind of one": (("cbind(k) ~ x",), {}, r"`cbind\(success, failure\)`, not `cbind\(k\)`"),
    "trials of counts": (("p(k, n) ~ x",), {"family": "poisson"}, 'poisson family.*family="binomial"'),
    "trials of one": (("p(k, n) ~ x",), {"family": "bernoulli"}, 'bernoulli family.*family="binomial"'),
    "known_sd of counts": (("known_sd(y, s) ~ x",), {"family": "poisson"}, "no scale that could be known"),
    "censored counts": (("censored(y, s) ~ x",), {"family": "poisson"}, "poisson family"),
    "censored without status": (("censored(y) ~ x",), {}, r"`censored\(y, status\)`"),
    "interval by wrong names": (("interval(lo, upper=hi) ~ x",), {}, r"`interval\(lo, hi\)`"),
    "tobit by a wrong name": (("tobit(y, ul=3) ~ x",), {}, r"`tobit\(y, lower=0, upper=None\)`"),
    "tobit, a limit twice": (("tobit(y, 0, lower=0) ~ x",), {}, r"`tobit\(y, lower=0, upper=None\)`"),
    "Surv of one": (("Surv(time) ~ x",), {}, r"`Surv\(time, event\)`"),
    "Surv of four": (("Surv(a, b, c, d) ~ x",), {}, r"`Surv\(time, event\)` or `Surv\(entry, time, event\)`"),
    "response among the terms": (("Surv(t, d) ~ t",), {}, "response `t` is among the terms"),
    "event among the terms": (("Surv(t, d) ~ d",), {}, "response `d` is among the terms"),
    "end of an interval among the groups": (("interval(lo, hi) ~ (1 | hi)",), {}, r"response `hi` is in `\(1 \| hi\)`"),
    "the same tag and group": (("y ~ (1 |p| g) + (0 + x |p| g)",), {}, "same tag and group.*one term"),
    "shared of one predictor": (("y ~ shared(x | g)",), {}, r"one predictor.*`\(1 \+ x \| g\)`"),
    "known_sd of three": (("known_sd(y, s, t) ~ 1",), {}, r"known_sd\(y, sd\)"),
    "known_sd by a wrong name": (("known_sd(y, se=s) ~ 1",), {}, r"known_sd\(y, sd\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    arguments, options, words = REFUSED[name]
    with pytest.raises(SpecificationError, match=words):
        Model(*arguments, **options)


ELSEWHERE = [
    "REML", "method", "nAGQ", "data", "random", "groups", "re_formula", "vc_formula", "correlation", "dispformula",
    "offset", "subset", "contrasts", "control", "na_action", "dropna", "prior", "pweights", "cov_struct", "noncentered",
    "criterion", "chains", "trials", "size", "censored", "event", "metric", "dispersion", "base", "points", "intpoints",
    "fweights", "frequency", "iter", "warmup", "burnin", "mcmcsize", "nchains", "rseed", "adapt_delta", "thin",
]  # fmt: skip


@pytest.mark.parametrize("keyword", ELSEWHERE)
def test_keywords_of_other_systems_name_ours(keyword):
    with pytest.raises(SpecificationError, match=f"no option `{keyword}`: ") as caught:
        Model("y ~ x", **{keyword: 1})
    assert "did you mean" not in str(caught.value)


def test_misspelt_keyword():
    with pytest.raises(SpecificationError, match="did you mean `family`"):
        Model("y ~ x", famly="gaussian")
    with pytest.raises(SpecificationError, match="there are family, link, covariance"):
        Model("y ~ x", zzz=1)


def test_formula_errors_pass_through():
    with pytest.raises(FormulaError):
        Model("y ~ (")


def test_repr_of_options_of_the_family():
    text = repr(Model("Surv(t, d) ~ x", family=Weibull(metric="time"), frequencies="f"))
    assert text == "Model('Surv(t, d) ~ 1 + x', family=Weibull(metric='time'), frequencies='f')"
    assert eval(text) == Model("Surv(t, d) ~ x", family=Weibull("time"), frequencies="f")
    assert eval(text) != Model("Surv(t, d) ~ x", family="weibull", frequencies="f")
    assert repr(Model("Surv(t, d) ~ x", family="Weibull")) == "Model('Surv(t, d) ~ 1 + x', family='weibull')"
    text = repr(Model("k ~ x + (x |p| g)", family="poisson", link="sqrt"))
    assert text == "Model('k ~ 1 + x + (1 + x |p| g)', family='poisson', link='sqrt')"
    assert eval(text) == Model("k ~ x + (x |p| g)", family="poisson", link="sqrt")


def test_repr_says_what_was_asked_for():
    assert repr(Model("y ~ x")) == "Model('y ~ 1 + x', family='gaussian')"
    text = repr(Model(TEXT, covariance={"school": "identity"}, weights="w", na="raise", priors="flat"))
    assert text == (
        "Model('y ~ 1 + x + (1 + x | school) + (0 + z || school:class)', family='gaussian', "
        "covariance={'(1 + x | school)': 'identity'}, weights='w', priors='flat', na='raise')"
    )
    assert eval(text) == Model(TEXT, covariance={"school": "identity"}, weights="w", na="raise", priors="flat")


@pytest.mark.parametrize(("name", "first"), [("logit", "bernoulli"), ("Probit", "bernoulli"), ("log", "poisson")])
def test_a_link_given_as_a_family_is_told(name, first):
    with pytest.raises(SpecificationError, match=f'give `family="{first}", link="{name.lower()}"`'):
        Model("y ~ x", family=name)


def test_weights_of_proportions_are_numbers_of_trials():
    with pytest.raises(SpecificationError, match=r"`p\(success, n\)`"):
        Model("k / n ~ x", family="binomial", weights="n")
