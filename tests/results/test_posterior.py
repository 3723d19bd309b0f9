"""What follows from draws row by row."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bayesml.covariance import COVARIANCES
from bayesml.design.arrays import Design, RandomColumns
from bayesml.results.posterior import column_pairs, linear_predictors, row_blocks, term_covariance, term_roots


def term(structure: str, q: int, n: int = 6) -> RandomColumns:
    names = tuple(f"x{i}" for i in range(q))
    columns = (None, *(np.arange(n) + i for i in range(1, q)))
    return RandomColumns("g", pd.Index(["a", "b"]), np.arange(n) % 2, names, columns, COVARIANCES[structure])


def test_pairs_are_in_the_order_of_the_lower_triangle():
    rows, columns = np.tril_indices(4, -1)
    assert column_pairs(4) == list(zip(columns, rows, strict=True))


def test_covariance_of_free_sds_and_correlations():
    sds, corrs = np.array([[1.0, 2.0, 3.0]]), np.array([[0.1, 0.2, -0.3]])
    (G,) = term_covariance(term("unstructured", 3), sds, corrs)
    assert_allclose(G, [[1.0, 0.2, 0.6], [0.2, 4.0, -1.8], [0.6, -1.8, 9.0]])


def test_covariance_of_a_shared_sd_and_correlation():
    (G,) = term_covariance(term("exchangeable", 3), np.array([[2.0]]), np.array([[0.25]]))
    assert_allclose(G, 4.0 * (0.75 * np.eye(3) + 0.25))
    (G,) = term_covariance(term("identity", 3), np.array([[2.0]]), np.empty((1, 0)))
    assert_allclose(G, 4.0 * np.eye(3))


@pytest.mark.parametrize("corr", [[0.3, -0.2, 0.5], [1.0, 0.4, 0.4], [-1.0, 0.0, 0.0]])
@pytest.mark.parametrize("sd", [[1.0, 2.0, 0.5], [0.0, 2.0, 0.5]])
def test_roots_of_regular_and_singular_covariances(sd, corr):
    columns, sds, corrs = term("unstructured", 3), np.array([sd]), np.array([corr])
    L = term_roots(columns, sds, corrs)
    assert_allclose(L @ np.swapaxes(L, -1, -2), term_covariance(columns, sds, corrs), atol=1e-12)
    assert_allclose(L, np.tril(L))


def test_linear_predictor_is_the_sum_of_its_parts(rng):
    n, one, two = 6, term("unstructured", 2), term("independent", 1)
    design = Design(
        np.zeros(n), (None, np.arange(n) * 1.0), ("Intercept", "x"), {}, (one, two), pd.RangeIndex(n), np.arange(n),
        offset=np.arange(n) / 10,
    )  # fmt: skip
    beta, b, c = rng.normal(size=(4, 5, 2)), rng.normal(size=(4, 5, 2, 2)), rng.normal(size=(4, 5, 2, 1))
    eta = linear_predictors(design, beta, (b, c), slice(1, 5))[0]
    expected = design.offset + beta @ design.X.T
    expected += np.einsum("cdnq,nq->cdn", b[:, :, one.codes], one.Z) + c[:, :, two.codes, 0]
    assert_allclose(eta, expected[..., 1:5])


def test_blocks_cover_all_rows_once():
    rows = np.concatenate([np.arange(100)[part] for part in row_blocks(100, 1_000_000)])
    assert np.array_equal(rows, np.arange(100))
