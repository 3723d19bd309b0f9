"""Draws of one posterior as weighted draws of another: Pareto-smoothed importance sampling, by ArviZ."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log10, nan

import numpy as np
from arviz_stats.base import array_stats
from scipy.special import logsumexp

from bayesml.results.diagnostics import ess

FEWEST_DISTINCT = 5
"""Different ratios below which there is no tail to smooth."""


@dataclass(frozen=True, eq=False)
class Weights:
    """Importance weights of draws.

    Parameters
    ----------
    values : ndarray, shape (chain, draw)
        Sum to one.
    pareto_k : float
        Shape of the generalised Pareto distribution of the largest ratios; NaN where they do not vary.
    """

    values: np.ndarray
    pareto_k: float

    @property
    def sample_size(self) -> float:
        """How many equally weighted draws have the same variance: 1 / sum of squares (Kish)."""
        return float(1.0 / np.sum(self.values**2)) if self.values.any() else 0.0

    def size_for(self, draws: np.ndarray) -> float:
        """How many equally weighted independent draws give the mean of these draws the same variance.

        Smaller than `sample_size` where the large weights stand at extreme values, as in the tail of a wider prior.
        """
        mean, sd = self.moments(draws)
        if sd == 0.0:
            return self.sample_size
        return float(sd**2 / np.sum((self.values * (draws - mean)) ** 2))

    @property
    def reliable(self) -> bool:
        """Whether the Pareto k is below the limit for as many draws."""
        return bool(self.values.any()) and not self.pareto_k >= pareto_limit(self.values.size)

    def moments(self, draws: np.ndarray) -> tuple[float, float]:
        """Weighted mean and standard deviation of draws (chain, draw)."""
        mean = float(np.sum(self.values * draws))
        return mean, float(np.sqrt(np.sum(self.values * (draws - mean) ** 2)))

    def quantiles(self, draws: np.ndarray, probabilities: Sequence[float]) -> np.ndarray:
        """Weighted quantiles of draws (chain, draw)."""
        order = self.order_of(draws)
        weights = self.values.ravel()[order]
        middle = np.cumsum(weights) - 0.5 * weights
        return np.interp(probabilities, middle, draws.ravel()[order])

    @staticmethod
    def order_of(draws: np.ndarray) -> np.ndarray:
        """Places of the draws from the smallest to the largest."""
        return np.argsort(draws, axis=None, kind="stable")

    @cached_property
    def uniform(self) -> bool:
        """Whether all draws weigh the same."""
        return bool(np.ptp(self.values) == 0.0)


def smoothed_weights(log_ratios: np.ndarray) -> Weights:
    """Pareto-smoothed weights.

    Parameters
    ----------
    log_ratios : ndarray, shape (chain, draw)
        Log density of the wanted posterior over that of the one that was sampled, to a constant; -inf where the wanted
        one has no density.

    References
    ----------
    Vehtari, Simpson, Gelman, Yao and Gabry (2024), Pareto smoothed importance sampling, JMLR 25.
    """
    finite = np.isfinite(log_ratios)
    if not finite.any():
        return Weights(np.zeros(log_ratios.shape), nan)
    largest = np.max(log_ratios[finite])
    if np.ptp(log_ratios[finite]) <= 1e-10 * (1.0 + abs(largest)) or finite.sum() < FEWEST_DISTINCT:
        return Weights(finite / finite.sum(), nan)
    ratios = np.where(finite, log_ratios - largest, -1e3)
    log_weights, k = smoothed_ratios(ratios)
    weights = np.where(finite, np.exp(log_weights), 0.0)
    return Weights(weights / weights.sum(), k)


def smoothed_ratios(log_ratios: np.ndarray) -> tuple[np.ndarray, float]:
    """Logarithms of Pareto-smoothed weights that sum to one, and Pareto k.

    Draws of chains that stood still may all have the largest ratio: there is no tail then that could be smoothed, and k
    is infinite; 0 where all ratios are equal.

    Parameters
    ----------
    log_ratios : ndarray, shape (chain, draw)
        Finite.
    """
    efficiency = relative_efficiency(np.exp(log_ratios - log_ratios.max()))
    try:
        log_weights, k = array_stats.psislw(-log_ratios, r_eff=efficiency, axis=(0, 1))
    except ValueError:  # ArviZ: all tail values are the same
        return log_ratios - logsumexp(log_ratios), 0.0 if np.ptp(log_ratios) == 0.0 else np.inf
    return log_weights, float(k)


def relative_efficiency(ratios: np.ndarray) -> float:
    """Effective draws of the mean ratio for each draw, at most one."""
    found = float(ess(ratios, "mean")) / ratios.size
    return min(found, 1.0) if np.isfinite(found) and found > 0 else 1.0


def pareto_limit(draws: int) -> float:
    """Largest Pareto k at which as many draws give reliable weighted averages: 0.7 from 2200 draws on."""
    return min(1.0 - 1.0 / log10(draws), 0.7)


def power_sensitivity(draws: np.ndarray, lower: Weights, upper: Weights, alphas: tuple[float, float]) -> float:
    """Gradient of the cumulative Jensen–Shannon distance in the logarithm (base 2) of the power, by ArviZ."""
    if np.ptp(draws) == 0.0 or (lower.uniform and upper.uniform):
        return 0.0
    return float(array_stats.power_scale_sense(draws, lower.values, upper.values, *alphas, chain_axis=0, draw_axis=1))
