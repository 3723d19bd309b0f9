"""How well chains mixed: numbers for arrays of draws, and a verdict with advice.

R-hat, effective sample sizes and E-BFMI are ArviZ's. ArviZ takes a second to import, so that it is
loaded when the first of them is asked for.
"""

import functools
import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np

# Thresholds of Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), section 4, and of
# Betancourt (2016) for E-BFMI.
RHAT_LIMIT = 1.01
ESS_PER_CHAIN = 100
BFMI_LIMIT = 0.3


@functools.cache
def _arviz() -> Any:
    """ArviZ's functions of arrays."""
    return importlib.import_module("arviz_stats.base").array_stats


def rhat(draws: np.ndarray) -> np.ndarray:
    """Rank-normalised split R-hat; NaN with one chain, or for a quantity that does not vary.

    Parameters
    ----------
    draws : ndarray, shape (chain, draw, ...)

    Returns
    -------
    ndarray, shape (...)
    """
    return _of_varying(draws, lambda x: _arviz().rhat(x, chain_axis=0, draw_axis=1))


def ess(draws: np.ndarray, method: str = "bulk") -> np.ndarray:
    """Effective sample size; NaN for a quantity that does not vary.

    Parameters
    ----------
    draws : ndarray, shape (chain, draw, ...)
    method : {"bulk", "tail", "mean"}
        "tail" is the smaller one of the 5 % and 95 % quantiles.

    Returns
    -------
    ndarray, shape (...)
    """
    options = {"prob": (0.05, 0.95)} if method == "tail" else {}
    return _of_varying(draws, lambda x: _arviz().ess(x, chain_axis=0, draw_axis=1, method=method, **options))


def bfmi(energy: np.ndarray) -> np.ndarray:
    """Energy Bayesian fraction of missing information of each chain, (chain,), of energies (chain, draw)."""
    change = np.mean(np.diff(energy, axis=1) ** 2, axis=1)
    return change / np.var(energy, axis=1)


def mcse_of_mean(draws: np.ndarray) -> np.ndarray:
    """Monte-Carlo standard error of the mean; 0 for a quantity that does not vary.

    Parameters
    ----------
    draws : ndarray, shape (chain, draw, ...)

    Returns
    -------
    ndarray, shape (...)
    """
    return np.nan_to_num(np.std(draws, axis=(0, 1), ddof=1) / np.sqrt(ess(draws, "mean")))


def looks_unmixed(draws: np.ndarray) -> bool:
    """A quick look, without ArviZ: whether any split R-hat, not rank-normalised, is above the limit.

    Parameters
    ----------
    draws : ndarray, shape (chain, draw, ...)
    """
    half = draws.shape[1] // 2
    if half < 2:
        return True
    split = np.concatenate([draws[:, :half], draws[:, -half:]])
    within = split.var(axis=1, ddof=1).mean(axis=0)
    between = split.mean(axis=1).var(axis=0, ddof=1)
    return bool(np.any(between > (RHAT_LIMIT**2 - 1.0) * within))


def _of_varying(draws: np.ndarray, statistic: Any) -> np.ndarray:
    draws = np.asarray(draws, float)
    flat = draws.reshape(*draws.shape[:2], -1)
    out = np.full(flat.shape[2], np.nan)
    varies = np.ptp(flat, axis=(0, 1)) > 0.0
    if varies.any() and draws.shape[1] >= 4:
        out[varies] = statistic(flat[..., varies])
    return out.reshape(draws.shape[2:])


@dataclass(frozen=True)
class SamplerStatus:
    """How sampling ended.

    Parameters
    ----------
    rhat : float
        Largest R-hat of any sampled quantity; NaN with one chain.
    worst : str
        Its address.
    ess_bulk, ess_tail : float
        Smallest effective sample sizes.
    divergences : int
        After the warm-up.
    bfmi : float
        Smallest E-BFMI of a chain.
    chains, draws : int
        Kept.
    complete : bool
        False where sampling was interrupted, or a chain failed.
    failures : tuple of str
        Chains that were left out, where they failed and why.
    """

    rhat: float
    worst: str
    ess_bulk: float
    ess_tail: float
    divergences: int
    bfmi: float
    chains: int
    draws: int
    complete: bool = True
    failures: tuple[str, ...] = ()

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong and what to do about it; empty if nothing is."""
        needed = ESS_PER_CHAIN * self.chains
        found = {}
        for failure in self.failures:
            found[failure] = "it was left out; look at the prior and the scale of what is named"
        if not self.complete and not self.failures:
            found["sampling was interrupted"] = "the draws kept are valid; sample again for all of them"
        if self.divergences:
            found[f"{self.divergences} divergences"] = (
                "raise target_accept (0.95, 0.99), or give the standard deviations an informative prior"
            )
        if self.rhat > RHAT_LIMIT:
            found[f"R-hat {self.rhat:.3f} of {self.worst} is above {RHAT_LIMIT:.3f}"] = (
                "the chains disagree: raise tune, and look whether the data identify the parameter"
            )
        if min(self.ess_bulk, self.ess_tail) < needed:
            found[f"effective sample size {min(self.ess_bulk, self.ess_tail):.0f} is below {needed}"] = "raise draws"
        if self.bfmi < BFMI_LIMIT:
            found[f"E-BFMI {self.bfmi:.2f} is below {BFMI_LIMIT}"] = (
                "tails are explored slowly: raise tune, or give tighter priors to the standard deviations"
            )
        return found

    @property
    def converged(self) -> bool:
        """Whether there are no problems."""
        return not self.problems

    @property
    def advice(self) -> str:
        """Problems, and what to do, as one text; empty if there are none."""
        return "; ".join(f"{problem}: {remedy}" for problem, remedy in self.problems.items())

    def __str__(self) -> str:
        numbers = (
            f"{self.chains} chains of {self.draws} draws, R-hat at most {self.rhat:.3f}, effective sample size at "
            f"least {self.ess_bulk:.0f} (bulk) and {self.ess_tail:.0f} (tail), divergences {self.divergences}, "
            f"E-BFMI at least {self.bfmi:.2f}"
        )
        return f"{numbers}\n{self.advice}" if self.advice else numbers
