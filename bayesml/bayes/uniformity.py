"""Whether ranks are uniform: a chi-square test, and a band that holds for the whole distribution function at once."""

import functools

import numpy as np

from bayesml.results.prior_draws import scipy_stats

FEWEST_A_BIN = 5
MOST_BINS = 20


def smallest_tail(ranks: np.ndarray, values: int) -> np.ndarray:
    """The most extreme two-sided binomial probability of the distribution function of ranks.

    Parameters
    ----------
    ranks : ndarray of int, shape (n, ...)
        From 0 to `values` - 1.
    values : int

    Returns
    -------
    ndarray, shape (...)

    References
    ----------
    Säilynoja, Bürkner and Vehtari (2022), Statistics and Computing 32:32, section 2 and, for `coverage`, algorithm 1.
    """
    n = len(ranks)
    flat = ranks.reshape(n, -1)
    at = flat + values * np.arange(flat.shape[1])
    counts = np.bincount(at.ravel(), minlength=values * flat.shape[1]).reshape(-1, values).cumsum(axis=1)[:, :-1]
    tails = tail_table(n, values)[counts, np.arange(values - 1)]
    return tails.min(axis=1).reshape(ranks.shape[1:])


@functools.lru_cache(maxsize=8)
def tail_table(n: int, values: int) -> np.ndarray:
    """Two-sided probability of as extreme a count up to each rank, (n + 1, values - 1), under uniformity."""
    binom = scipy_stats().binom
    counts = np.arange(n + 1)[:, None]
    share = np.arange(1, values) / values
    table: np.ndarray = 2.0 * np.minimum(binom.cdf(counts, n, share), binom.sf(counts - 1, n, share))
    return table


@functools.lru_cache(maxsize=10_000)
def coverage(n: int, values: int, limit: float) -> float:
    """Probability that n uniform ranks have no tail as small as a limit, exactly.

    Ranks are looked at from 0 upwards: given c of them up to rank z, the number at z + 1 is binomial among the n - c
    that are left.
    """
    table = tail_table(n, values)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    counts, probability = np.array([0]), np.array([1.0])
    for z in range(values - 1):
        own = np.flatnonzero(table[:, z] > limit)
        left, more = n - counts[:, None], own[None, :] - counts[:, None]
        possible = (more >= 0) & (more <= left)
        more = np.where(possible, more, 0)
        share = 1.0 / (values - z)
        log_pmf = (
            log_factorial[left] - log_factorial[more] - log_factorial[left - more] + more * np.log(share)
            + (left - more) * np.log1p(-share)
        )  # fmt: skip
        probability = probability @ np.where(possible, np.exp(log_pmf), 0.0)
        counts = own
    return float(probability.sum())


def band_p(ranks: np.ndarray, values: int) -> np.ndarray:
    """Probability that the distribution function of n uniform ranks leaves uniformity as far.

    Parameters
    ----------
    ranks : ndarray of int, shape (n, ...)
    values : int

    Returns
    -------
    ndarray, shape (...)
        Right to about 1e-12.
    """
    tails = np.asarray(smallest_tail(ranks, values))
    found = [max(0.0, 1.0 - coverage(len(ranks), values, tail * (1.0 + 1e-9))) for tail in tails.ravel()]
    return np.reshape(found, tails.shape)


@functools.lru_cache(maxsize=64)
def tail_limit(n: int, values: int, content: float) -> float:
    """The tail such that n uniform ranks have none as small with a probability of `content`, or a little more."""
    low, high = 1e-12, 1.0 - content
    for _ in range(30):
        middle = np.sqrt(low * high)
        if coverage(n, values, float(middle)) >= content:
            low = middle
        else:
            high = middle
    return float(low)


def band(n: int, values: int, content: float) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper limits (values - 1,) of the distribution function, all held at once with a probability."""
    inside = tail_table(n, values) > tail_limit(n, values, content)
    counts = np.arange(n + 1)[:, None]
    return np.where(inside, counts, n).min(axis=0) / n, np.where(inside, counts, 0).max(axis=0) / n


def bins(n: int, values: int) -> np.ndarray:
    """Edges of bins of ranks, so that five or more are expected in each; at most 20."""
    count = max(2, min(MOST_BINS, values, n // FEWEST_A_BIN))
    return np.unique(np.round(np.linspace(0, values, count + 1)).astype(int))


def chi_square(ranks: np.ndarray, values: int) -> tuple[np.ndarray, np.ndarray]:
    """Pearson's statistic of the ranks (n, k) in `bins`, and its p value, each (k,)."""
    edges = bins(len(ranks), values)
    expected = len(ranks) * np.diff(edges) / values
    counts = np.stack([np.histogram(column, edges - 0.5)[0] for column in ranks.T], axis=0)
    statistic = np.sum((counts - expected) ** 2 / expected, axis=1)
    return statistic, scipy_stats().chi2.sf(statistic, len(expected) - 1)


def holm(p: np.ndarray) -> np.ndarray:
    """P values adjusted for as many tests as there are (Holm 1979)."""
    order = np.argsort(p)
    adjusted = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    out = np.empty(len(p))
    out[order] = np.minimum(adjusted, 1.0)
    return out
