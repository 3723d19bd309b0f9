"""Ranks that are uniform, and ranks that are not."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from bayesml.bayes.uniformity import band, band_p, bins, chi_square, coverage, holm, smallest_tail

VALUES = 100


def test_smallest_tail_is_the_most_extreme_binomial_probability(rng):
    ranks = rng.integers(8, size=(30, 3))
    for column, found in zip(ranks.T, smallest_tail(ranks, 8), strict=True):
        tails = []
        for z in range(7):
            count, share = int((column <= z).sum()), (z + 1) / 8
            tails.append(2 * min(stats.binom.cdf(count, 30, share), stats.binom.sf(count - 1, 30, share)))
        assert found == pytest.approx(min(tails), rel=1e-12)


def test_the_band_holds_as_a_whole_with_its_content(rng):
    lower, upper = band(80, VALUES, 0.9)
    ranks = rng.integers(VALUES, size=(80, 4000))
    share = np.stack([(ranks <= z).sum(axis=0) for z in range(VALUES - 1)]) / 80
    inside = ((share >= lower[:, None]) & (share <= upper[:, None])).all(axis=0)
    # counts are whole, so that the band holds a little more
    assert inside.mean() == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 4000))


def test_p_values_of_uniform_ranks_are_uniform_and_small_of_others(rng):
    p = band_p(rng.integers(VALUES, size=(60, 2000)), VALUES)
    assert np.mean(p <= 0.1) == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / 2000))
    assert (band_p(rng.integers(VALUES // 2, size=(60, 5)), VALUES) < 0.001).all()
    narrow = np.where(rng.random((60, 5)) < 0.5, 0, VALUES - 1)
    assert (band_p(narrow, VALUES) < 1e-9).all()


def test_coverage_is_the_share_of_all_sets_of_ranks_that_stay_inside():
    every = np.array(list(product(range(4), repeat=5))).T
    tails = smallest_tail(every, 4)
    for limit in (0.02, 0.1, 0.3, 0.9):
        assert coverage(5, 4, limit) == pytest.approx(np.mean(tails > limit), abs=1e-13)


def test_chi_square_is_pearsons_over_bins_with_five_expected(rng):
    ranks = rng.integers(VALUES, size=(83, 2))
    edges = bins(83, VALUES)
    assert (83 * np.diff(edges) / VALUES).min() >= 4.9
    statistic, p = chi_square(ranks, VALUES)
    for column, found, own in zip(ranks.T, statistic, p, strict=True):
        counts = np.histogram(column, edges - 0.5)[0]
        expected = stats.chisquare(counts, 83 * np.diff(edges) / VALUES)
        assert (found, own) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-12)


def test_holm_adjusts_as_published():
    # Holm (1979): p times the number of hypotheses left, never falling
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
