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


@pytest.mark.parametrize("formula", PLAIN)
def test_latex_is_balanced(formula):
    text = Model(formula).latex()
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert text.count("&") == text.count(r"\\") + 1
