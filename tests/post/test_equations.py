"""The model in mathematics: every parameter and label is there, and no label is read as mathematics."""

import xml.etree.ElementTree as ET
from html import unescape

import pytest

import bayesml as bml
from bayesml.errors import SpecificationError
from tests.posteriors import sleepstudy


def equations(formula, data, priors=False, **options):
    return bml.equations(bml.fit(formula, bml.datasets.load(data), **options), priors=priors)


def test_a_linear_model():
    lines = equations("Reaction ~ Days + (Days | Subject)", "sleepstudy").latex.split(r" \\ ")
    assert lines[0] == r"\begin{aligned}\text{Reaction}_i &\sim \operatorname{Normal}(\eta_i, \sigma^2)"
    assert lines[1] == (
        r"\eta_i &= \beta_{0} + \beta_{1} \, \text{Days}_i + b_{0,\text{Subject}[i]} + b_{1,\text{Subject}[i]} "
        r"\, \text{Days}_i"
    )


def test_independent_columns_have_no_correlation():
    assert r"\rho" not in equations("Reaction ~ Days + (Days || Subject)", "sleepstudy").latex
    assert r"\rho" in equations("Reaction ~ Days + (Days | Subject)", "sleepstudy").latex


def test_a_link_trials_and_several_lines():
    latex = equations("cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp", family="binomial").latex
    assert r"\operatorname{Binomial}(n_i, \mu_i)" in latex
    assert r"\operatorname{logit}(\mu_i) &= \eta_i" in latex
    assert r"& \quad + b_{0,\text{herd}[i]}" in latex


def test_ordered_and_unordered_categories():
    ordered = equations("rating ~ temp + (1 | judge)", "wine", family="cumulative").latex
    assert r"\operatorname{logit}\left(\Pr(\text{rating}_i \le k)\right) &= \text{cut}_{k} - \eta_i" in ordered
    unordered = equations("resp ~ Gender + (1 | id)", "verbagg", family="categorical").latex
    assert r"\eta_{\text{perhaps},i}" in unordered and r"\Pr(\text{resp}_i = \text{no})" in unordered


def test_priors_stand_in_the_equations_of_a_posterior():
    post = sleepstudy()
    assert r"\sigma &\sim \text{HalfStudentT(4, 56.172)}" in bml.equations(post).latex
    assert "HalfStudentT" not in bml.equations(post, priors=False).latex


def test_labels_are_text():
    data = bml.datasets.load("sleepstudy").rename(columns={"Days": r"a_b<&^{1}", "Subject": "S$"})
    found = bml.equations(bml.fit(r"Reaction ~ `a_b<&^{1}` + (1 | `S$`)", data))
    assert r"\text{a\_b\textless{}\&\textasciicircum{}\{1\}}" in found.latex
    table = ET.fromstring(found.to_mathml())
    texts = [unescape(element.text or "") for element in table.iter() if element.tag.endswith("mtext")]
    assert r"a_b<&^{1}" in texts and "S$" in texts


def test_weights_divide_the_variance():
    data = bml.datasets.load("sleepstudy").assign(w=2.0)
    latex = bml.equations(bml.fit("Reaction ~ Days + (1 | Subject)", data, weights="w")).latex
    assert r"\left(\sigma w_i^{-1/2}\right)^2" in latex


def test_other_values_are_refused():
    with pytest.raises(SpecificationError, match="result of `fit` or `sample`"):
        bml.equations("y ~ x")
