"""The verb `graph`: on the user's data, and with PyMC's own tools."""

import numpy as np
import pymc as pm
import pytest

from bayesml.datasets import load
from bayesml.distributions import Fixed
from bayesml.errors import NotIdentified, SpecificationError
from bayesml.graphs.plain_model import graph
from bayesml.syntax.model import Model

FORMULA = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleepstudy():
    return load("sleepstudy")


def test_labels_are_the_users(sleepstudy):
    model = graph(FORMULA, sleepstudy)
    assert isinstance(model, pm.Model)
    assert list(model.coords["coef"]) == ["Intercept", "Days"]
    assert "308" in model.coords["Subject"]
    assert list(model.coords["Subject_pair"]) == ["Intercept, Days"]


def test_drawing_shows_the_named_variables(sleepstudy):
    source = pm.model_to_graphviz(graph(FORMULA, sleepstudy)).source
    for name in ("beta", "sd_Subject", "corr_Subject", "b_Subject", "sigma", "mu", "Subject (18) x Subject_term (2)"):
        assert name in source


def test_options_and_priors(sleepstudy):
    model = graph(FORMULA, sleepstudy, priors={"sigma": Fixed(30)}, covariance="independent")
    assert "corr_Subject" not in model.named_vars
    assert "sigma" in {v.name for v in model.deterministics}
    written = Model(FORMULA, covariance="independent")
    assert "corr_Subject" not in graph(written, sleepstudy).named_vars
    with pytest.raises(SpecificationError):
        graph(FORMULA, sleepstudy, REML=True)
    with pytest.raises(SpecificationError):
        graph(written, sleepstudy, covariance="identity")


def test_improper_posteriors_are_refused(sleepstudy):
    two = sleepstudy[sleepstudy["Subject"].isin(["308", "309"])]
    with pytest.raises(NotIdentified, match="2 levels"):
        graph(FORMULA, two, priors="flat")


def test_pymc_samples_it(sleepstudy):
    """Means of the fixed effects are those of REML, within half a standard error."""
    model = graph("Reaction ~ Days + (1 | Subject)", sleepstudy)
    drawn = pm.sample(300, tune=300, chains=2, cores=1, model=model, random_seed=3, progressbar=False)
    error = (drawn["posterior"]["beta"].mean(("chain", "draw")) - [251.4, 10.47]) / [9.7, 0.80]
    assert float(np.abs(error).max()) < 0.5
    assert int(drawn["sample_stats"]["diverging"].sum()) == 0
