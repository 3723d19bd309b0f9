import warnings

import numpy as np
import pytest

import bayesml as bml
from bayesml.design.build import build_design
from bayesml.errors import DataNote
from bayesml.post.nesting import random_null, spans
from bayesml.results.chibar2 import ChiBarSquare

TABLE = bml.datasets.load("machines")


def design(random: str, covariance=None):
    with warnings.catch_warnings():
        # `||` with a factor differs from lme4, which is told.
        warnings.simplefilter("ignore", DataNote)
        return build_design(bml.Model(f"score ~ 1 + {random}", covariance=covariance), TABLE)


@pytest.mark.parametrize(
    ("small", "big", "expected"),
    [
        (("(1 | Worker)", None), ("(1 | Worker) + (1 | Worker:Machine)", None), ChiBarSquare.half(0)),
        (("(1 | Worker)", None), ("(1 | Worker)", None), ChiBarSquare.chi2(0)),
        (("(0 + Machine | Worker)", "identity"), ("(0 + Machine | Worker)", "independent"), ChiBarSquare.chi2(2)),
        (("(0 + Machine | Worker)", "identity"), ("(0 + Machine | Worker)", "exchangeable"), ChiBarSquare.chi2(1)),
        (("(0 + Machine | Worker)", "exchangeable"), ("(0 + Machine | Worker)", "unstructured"), ChiBarSquare.chi2(4)),
        (("(0 + Machine | Worker)", "independent"), ("(0 + Machine | Worker)", "unstructured"), ChiBarSquare.chi2(3)),
        (("(1 | Worker)", None), ("(1 + Machine | Worker)", None), ChiBarSquare.chi2(5, conservative=True)),
        (("(1 | Worker)", None), ("(1 + Machine || Worker)", None), ChiBarSquare.chi2(2, conservative=True)),
    ],
)
def test_random_parts(small, big, expected):
    assert random_null(design(*small), design(*big)) == expected


@pytest.mark.parametrize(
    ("small", "big"),
    [
        (("(0 + Machine | Worker)", "exchangeable"), ("(0 + Machine | Worker)", "independent")),
        (("(1 | Worker:Machine)", None), ("(0 + Machine | Worker)", None)),
        (("(1 | Worker) + (1 | Worker:Machine)", None), ("(1 | Worker)", None)),
    ],
)
def test_random_parts_that_are_not_nested(small, big):
    assert random_null(design(*small), design(*big)) is None


def test_spans(rng):
    X = np.column_stack([np.ones(50), rng.normal(size=(50, 2))])
    assert spans(X, X[:, :2] + 3)
    assert not spans(X, np.column_stack([X, rng.normal(size=50)]))
    assert spans(X, np.zeros((50, 0)))
    assert not spans(np.zeros((50, 0)), X)


def test_spans_keep_their_digits_far_from_the_origin(rng):
    x, z = rng.normal(size=50) + 1e8, rng.normal(size=50)
    one = np.ones(50)
    assert not spans(np.column_stack([one, z]), np.column_stack([one, x]))
    assert spans(np.column_stack([one, x, z]), np.column_stack([one, x - 1e8]))
