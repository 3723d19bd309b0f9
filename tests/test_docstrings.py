"""Examples in docstrings run and show what comes out."""

import doctest
import pickle
import pkgutil
from functools import cache
from importlib import import_module

import matplotlib.pyplot as plt
import pytest

import bayesml


def modules_with_examples() -> list[str]:
    names = [module.name for module in pkgutil.walk_packages(bayesml.__path__, "bayesml.")]
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [name for name in names if any(test.examples for test in finder.find(import_module(name)))]


SAMPLE = bayesml.sample


@cache
def sampled(call: bytes):
    """The posterior of a call: many examples begin with the same one."""
    arguments, options = pickle.loads(call)
    return SAMPLE(*arguments, **options)


@pytest.fixture
def shared_posteriors(monkeypatch):
    monkeypatch.setattr(bayesml, "sample", lambda *arguments, **options: sampled(pickle.dumps((arguments, options))))


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples(name, shared_posteriors):
    result = doctest.testmod(import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    plt.close("all")
    assert result.failed == 0


def test_the_verbs_have_examples():
    verbs = (
        "calibrate", "compare_engines", "posterior_predictive", "quantile_residuals", "r2",
        "fit", "sample", "predict", "icc", "lrtest", "wald_test", "ranef", "hypothesis", "side_by_side",
        "laplace_error", "sensitivity", "prior_grid", "elicit", "prior_predictive",
    )  # fmt: skip
    assert [name for name in verbs if ">>>" not in getattr(bayesml, name).__doc__] == []
