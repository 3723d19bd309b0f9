"""Models as mathematics: reviewed snapshots."""

import pytest

from bayesml.distributions import Normal
from bayesml.syntax.model import Model

PLAIN = {
    "y ~ 1": ["y[i] = beta0 + e[i]", "e[i] ~ N(0, sigma^2)"],
    "Reaction ~ Days + (Days | Subject)": [
        "Reaction[i] = beta0 + beta1 Days[i] + b0[Subject[i]] + b1[Subject[i]] Days[i] + e[i]",
        "(b0, b1) ~ N(0, G)   for each level of Subject; unstructured",
        "e[i] ~ N(0, sigma^2)",
    ],
    "known_sd(y, se) ~ 1 + (1 | school)": [
        "y[i] = beta0 + b0[school[i]] + e[i]",
        "b0 ~ N(0, sd(school)^2)   for each level of school",
        "e[i] ~ N(0, se[i]^2)",
    ],
    "log(y) ~ 0 + f*log(x + 1) + offset(u) + (1 | a/b) + (x || c)": [
        "log(y[i]) = beta0 f[i] + beta1 log(x[i] + 1) + beta2 f[i] * log(x[i] + 1) + u[i]"
        " + b1_0[a[i]] + b2_0[a:b[i]] + b3_0[c[i]] + b3_1[c[i]] x[i] + e[i]",
        "b1_0 ~ N(0, sd(a)^2)   for each level of a",
        "b2_0 ~ N(0, sd(a:b)^2)   for each level of a:b",
        "(b3_0, b3_1) ~ N(0, G3)   for each level of c; independent",
        "e[i] ~ N(0, sigma^2)",
    ],
    "y ~ `a b` + I(`a b`^2 / x)": [
        "y[i] = beta0 + beta1 a b[i] + beta2 I(`a b`[i]^2/x[i]) + e[i]",
        "e[i] ~ N(0, sigma^2)",
    ],
}


@pytest.mark.parametrize("formula", PLAIN)
def test_plain_text(formula):
    assert str(Model(formula)).splitlines() == PLAIN[formula]


def test_weights_and_priors():
    model = Model("y ~ x", weights="w", priors={"x": Normal(0, 2)})
    assert str(model).splitlines()[1:] == ["e[i] ~ N(0, sigma^2 / w[i])", "x ~ Normal(0, 2)"]


def test_latex():
    model = Model("y_1 ~ x + (x | g)")
    assert model.latex() == (
        r"\begin{aligned}"
        r"\text{y\_1}_{i} &= \beta_{0} + \beta_{1} \text{x}_{i} + b_{0, \text{g}[i]} + b_{1, \text{g}[i]} \text{x}_{i}"
        r" + \varepsilon_{i} \\ "
        r"(b_{0}, b_{1}) &\sim \mathcal{N}\left(0, G_{\text{g}}\right) \quad "
        r"\text{for each level of g; unstructured} \\ "
        r"\varepsilon_{i} &\sim \mathcal{N}\left(0, \sigma^2\right)"
        r"\end{aligned}"
    )
    assert model._repr_latex_() == f"$${model.latex()}$$"


FAMILIES = {
    "bernoulli": (
        "answer ~ x + (x | g)", {},
        [
            "logit(P(answer[i] = 1)) = beta0 + beta1 x[i] + b0[g[i]] + b1[g[i]] x[i]",
            "(b0, b1) ~ N(0, G)   for each level of g; unstructured",
        ],
    ),
    "binomial": (
        "cbind(k, n - k) ~ x", {"link": "probit"},
        ["probit(p[i]) = beta0 + beta1 x[i]", "k[i] ~ binomial(n[i], p[i])"],
    ),
    "poisson": (
        "count ~ x", {"exposure": "e", "frequencies": "f"},
        [
            "log(mu[i]) = beta0 + beta1 x[i] + log(e[i])",
            "count[i] ~ poisson(mu[i])",
            "f[i] rows equal to row i are counted",
        ],
    ),
    "negative_binomial": (
        "count ~ 1", {}, ["log(mu[i]) = beta0", "count[i] ~ negative_binomial(mu[i], alpha, dispersion mean)"],
    ),
    "gamma": (
        "y ~ x", {"weights": "w"}, ["log(mu[i]) = beta0 + beta1 x[i]", "y[i] ~ gamma(mu[i], sigma / sqrt(w[i]))"],
    ),
    "student_t": ("known_sd(y, se) ~ 1", {}, ["mu[i] = beta0", "y[i] ~ student_t(mu[i], se[i], nu)"]),
    "weibull": (
        "Surv(start, stop, died) ~ x", {},
        [
            "log(mu[i]) = beta0 + beta1 x[i]",
            "stop[i] ~ weibull(mu[i], shape, metric hazard)",
            "stop[i] is only known to be longer where died[i] is 0; the row was seen because the time is longer than "
            "start[i]",
        ],
    ),
    "gaussian": (
        "interval(lo, hi) ~ x", {},
        ["y[i] = beta0 + beta1 x[i] + e[i]", "e[i] ~ N(0, sigma^2)", "y is only known to lie between lo[i] and hi[i]"],
    ),
    "cumulative": (
        "rating ~ temp + (1 | judge)", {},
        [
            "logit(P(rating[i] <= k)) = cut[k] - (beta0 temp[i] + b0[judge[i]])",
            "b0 ~ N(0, sd(judge)^2)   for each level of judge",
        ],
    ),
    "categorical": (
        "choice ~ x + (1 | id) + (x |p| g) + shared(1 | h)", {},
        [
            "log(P(choice[i] = k) / P(choice[i] = base)) = beta0[k] + beta1[k] x[i] + b1_0[id[i], k]"
            " + b2_0[g[i], k] + b2_1[g[i], k] x[i] + b3_0[h[i]]",
            "b1_0[k] ~ N(0, sd(id)^2)   for each level of id and each category k",
            "(b2_0[k], b2_1[k]) ~ N(0, G2)   for each level of g, all categories k together; unstructured",
            "b3_0 ~ N(0, sd(h)^2)   for each level of h",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_every_kind_of_outcome(family):
    formula, options, lines = FAMILIES[family]
    model = Model(formula, family=family, **options)
    assert str(model).splitlines() == lines
    check_balance(model.latex())


LIMITS = {
    "tobit(y) ~ 1": "y[i] is only known to be at most 0 where it reaches it",
    "tobit(y, None, top) ~ 1": "y[i] is only known to be at least top[i] where it reaches it",
    "tobit(y, 0, 3) ~ 1": "y[i] is only known to be at most 0 where it reaches it, at least 3 where it reaches it",
    "censored(log(y), s) ~ 1": "log(y[i]) is only known to be larger where s[i] is 1, smaller where it is -1",
    "Surv(time, died == 2) ~ 1": "time[i] is only known to be longer where died[i] == 2 is 0",
}


@pytest.mark.parametrize("formula", LIMITS)
def test_what_is_known_of_a_row(formula):
    assert str(Model(formula)).splitlines()[-1] == LIMITS[formula]
    check_balance(Model(formula).latex())


@pytest.mark.parametrize("formula", PLAIN)
def test_latex_is_balanced(formula):
    check_balance(Model(formula).latex())


def check_balance(text):
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert text.count("&") == text.count(r"\\") + 1
