"""Draws of chosen parameters, under their addresses, and what is known of how they mixed."""

import numpy as np

from bayesml.bayes.quantities import quantity_draws
from bayesml.errors import SpecificationError
from bayesml.results import diagnostics
from bayesml.results.base import Result, require_result
from bayesml.results.bayesian import BayesianResult
from bayesml.results.selection import Wanted

CANDIDATES = 100
"""Of so many parameters R-hat is computed at once."""


def require_draws(result: Result, what: str) -> BayesianResult:
    """The result, which must be a posterior.

    Raises
    ------
    SpecificationError
        It is a likelihood fit, of which there are no draws.
    """
    require_result(result, f"plots.{what}")
    if not isinstance(result, BayesianResult):
        raise SpecificationError(
            f"plots.{what}() draws a posterior; a fit by {result.kind} has none. Sample the model with `bml.sample`, "
            "or look at the fit with plots.forest(), plots.ranef(), plots.fit_by_group() or plots.residuals()."
        )
    return result


def shown_draws(
    result: BayesianResult, parameters: Wanted, limit: int, *, worst: bool = False
) -> tuple[dict[str, np.ndarray], str]:
    """Draws of the parameters asked for, at most `limit` of them, and a sentence that tells what is left out.

    Parameters
    ----------
    result : BayesianResult
    parameters : str or sequence of str, optional
    limit : int
    worst : bool, default False
        Whether those with the largest R-hat stay where there are more, the largest first; else the first ones do.
    """
    found = quantity_draws(result, parameters)
    kept, why = list(found), ""
    if len(found) > at_least_one(limit):
        if worst:
            kept, why = by_rhat(found, limit), ", those with the largest R-hat"
        kept = kept[:limit]
    return {address: found[address] for address in kept}, left_out(len(kept), len(found), why)


def at_least_one(limit: int) -> int:
    """The limit, which must be a number of panels."""
    if isinstance(limit, bool) or not isinstance(limit, int | np.integer) or limit < 1:
        raise SpecificationError(f"`limit={limit!r}`: give the largest number of parameters to show, 1 or more.")
    return int(limit)


def left_out(shown: int, count: int, why: str = "") -> str:
    """What is said of parameters that there is no room for; nothing if there are none."""
    if shown == count:
        return ""
    return f"Shown are {shown} of {count} parameters{why}; choose others by `parameters=`, more by `limit=`."


def by_rhat(draws: dict[str, np.ndarray], limit: int) -> list[str]:
    """The addresses with the largest R-hat, the largest first; with one chain, as they stand.

    Of hundreds of parameters R-hat takes a second: it is computed of those that a quick look finds suspicious.
    """
    stacked, names = np.stack(list(draws.values()), axis=-1), np.array(list(draws))
    most = max(CANDIDATES, 5 * limit)
    if len(names) > most:
        kept = np.sort(np.argsort(-quick_rhat(stacked), kind="stable")[:most])
        stacked, names = stacked[..., kept], names[kept]
    rhat = np.nan_to_num(diagnostics.rhat(stacked), nan=-np.inf)
    return [str(name) for name in names[np.argsort(-rhat, kind="stable")[:limit]]]


def quick_rhat(draws: np.ndarray) -> np.ndarray:
    """About R-hat: that of split chains of winsorised draws or of their distance from the median, the larger one."""
    low, middle, high = np.quantile(draws, [0.02, 0.5, 0.98], axis=(0, 1))
    values = np.clip(draws, low, high)
    half = draws.shape[1] // 2
    out = np.zeros(draws.shape[2])
    for own in (values, np.abs(values - middle)):
        split = np.concatenate([own[:, :half], own[:, -half:]])
        within, between = split.var(axis=1).mean(axis=0), split.mean(axis=1).var(axis=0)
        out = np.fmax(out, between / np.where(within > 0, within, np.inf))
    return out


def mixing_texts(draws: dict[str, np.ndarray]) -> dict[str, str]:
    """R-hat and effective sample sizes of each parameter, in words."""
    stacked = np.stack(list(draws.values()), axis=-1)
    rhat, bulk, tail = diagnostics.rhat(stacked), diagnostics.ess(stacked), diagnostics.ess(stacked, "tail")
    texts = {}
    for i, address in enumerate(draws):
        if not np.isfinite(bulk[i]):
            texts[address] = "does not vary" if np.ptp(stacked[..., i]) == 0 else ""
        else:
            first = f"R-hat {rhat[i]:.3f}, " if np.isfinite(rhat[i]) else ""
            texts[address] = f"{first}ESS {bulk[i]:.0f}, tail {tail[i]:.0f}"
    return texts
