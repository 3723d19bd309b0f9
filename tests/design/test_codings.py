"""Properties of the codings, whatever the number of levels."""

import numpy as np
import pandas as pd
import pytest

from bayesml.design.codings import contrasts, indicators
from bayesml.spec.expressions import Call
from bayesml.spec.functions import CODINGS


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("count", [2, 3, 4, 7, 30])
def test_span_and_labels(coding, count):
    levels = pd.Index([f"level {i}" for i in range(count)])
    made = contrasts(levels, Call(coding), "f")
    assert len(set(made.labels)) == count - 1
    codes = np.arange(count)
    X = np.column_stack([np.ones(count), *(made.column(j, codes) for j in range(count - 1))])
    assert np.linalg.matrix_rank(X) == count
    if coding in ("Sum", "Helmert", "Poly", "Simple"):
        np.testing.assert_allclose(X[:, 1:].sum(0), 0, atol=1e-12)
    if coding in ("Helmert", "Poly"):
        gram = X[:, 1:].T @ X[:, 1:]
        np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-10)


def test_unseen_codes_give_nan():
    coding = contrasts(pd.Index(["a", "b", "c"]), Call("Sum"), "f")
    np.testing.assert_array_equal(coding.column(0, np.array([0, -1, 2])), [1, np.nan, -1])
    np.testing.assert_array_equal(indicators(pd.Index(["a", "b"])).column(1, np.array([1, -1])), [1, np.nan])
