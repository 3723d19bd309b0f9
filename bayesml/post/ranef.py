"""`ranef`: random effects with the standard deviation that is asked for."""

from typing import Any

import numpy as np
import pandas as pd

from bayesml.errors import SpecificationError
from bayesml.post.options import one_of
from bayesml.results.base import GroupDict, Result, effect_frames, require_result
from bayesml.results.likelihood import LikelihoodResult, block_sds

STEP = 1e-4


def ranef(result: Result, kind: str | None = None, se: str | None = None) -> GroupDict:
    """Random effects of every level with their standard deviations.

    Parameters
    ----------
    result : LikelihoodResult or BayesianResult
    kind : {"mode", "mean", "median"}, optional
        Fits: conditional ``"mode"`` (default) or ``"mean"``, of the effects given y at the estimates. In a linear
        model they are the same; else means, with their own sds, need a fit by quadrature. Posteriors:
        ``"median"`` (default, as in all tables) or ``"mean"`` of the draws; means where all draws would be too large.
    se : {"conditional", "comparative", "full"}, optional
        What the standard deviation takes into account. Fits: ``"conditional"`` (default, lme4's), b given y
        with all parameters fixed; ``"comparative"``, coefficients estimated too: sd(b-hat - b), Stata's
        `reses`; ``"full"``, variance parameters too, by the delta method (parameters of a family other than its scale
        count as known). A posterior has only ``"full"``, its draws.

    Returns
    -------
    dict of DataFrame
        By grouping factor: levels × two outer columns, the kind and `se`, over the columns of the terms.
        NaN in `se` under ``"full"`` where a variance parameter is on its boundary.

    Raises
    ------
    SpecificationError
        Unknown or impossible `kind` or `se`; means of a fit by Laplace's approximation.

    Examples
    --------
    >>> import bayesml as bml
    >>> fit = bml.fit("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))
    >>> bml.ranef(fit, se="comparative")["Subject"]["se"].shape
    (18, 2)
    """
    require_result(result, "ranef")
    if isinstance(result, LikelihoodResult):
        kind, se = kind or "mode", se or "conditional"
        one_of("kind", kind, ["mode", "mean"])
        one_of("se", se, ["conditional", "comparative", "full"])
        effects, sds = likelihood_effects(result, kind, se)
    else:
        kind = kind or "median"
        one_of("kind", kind, ["median", "mean"], " for a posterior")
        one_of("se", se or "full", ["full"], " for a posterior: its draws carry all uncertainty")
        effects, sds = posterior_effects(result, kind), result.effect_sds()
    centres, errors = effect_frames(result.design, effects), effect_frames(result.design, sds)
    return GroupDict(
        {group: pd.concat([centres[group], errors[group]], axis=1, keys=[kind, "se"]) for group in centres}
    )


def posterior_effects(result: Any, kind: str) -> tuple[np.ndarray, ...]:
    """Medians or means of the draws of each term, (J, q)."""
    if kind == "median" or not result.effects_fit:
        return result.effect_arrays()
    return tuple(b.mean(axis=(0, 1)) for b in result.effects)


def likelihood_effects(
    result: LikelihoodResult, kind: str, se: str
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Modes or means of each term with their standard deviations, (J, q) each."""
    around_modes = likelihood_sds(result, se)
    if kind == "mode" or result.linear or not result.design.random:
        return result.effect_arrays(), around_modes
    known = result.solution.means()
    if known is None:
        raise SpecificationError(
            "Conditional means need quadrature, as Laplace's approximation knows the modes alone: fit by "
            '`integration="aghq"`, or ask for `"mode"`.'
        )
    means, sds = known
    if se == "conditional":
        return means, sds
    # What estimating the parameters adds is that of the modes.
    modes = zip(sds, around_modes, likelihood_sds(result, "conditional"), strict=True)
    return means, tuple(np.sqrt(sd**2 + np.maximum(wide**2 - own**2, 0.0)) for sd, wide, own in modes)


def likelihood_sds(result: LikelihoodResult, se: str) -> tuple[np.ndarray, ...]:
    """Standard deviations (J, q) of each term."""
    if se == "conditional":
        return result.effect_sds()
    if se == "full" and not result.linear:
        return tuple(block_sds(blocks) for blocks in result.solution.full_covariance())
    comparative = tuple(block_sds(blocks) for blocks in result.solution.comparative_covariance())
    if se == "comparative":
        return comparative
    added = variance_of_estimating_variances(result)
    return tuple(np.sqrt(sd**2 + more) for sd, more in zip(comparative, added, strict=True))


def variance_of_estimating_variances(result: LikelihoodResult) -> tuple[np.ndarray, ...]:
    """Variance of each mode of a linear model through the estimated variance parameters, (J, q) of each term.

    D Cov D', D the derivatives of the modes (with the coefficients at their optimum) to variances and
    covariances, by central differences. Parameters on the boundary make it NaN.
    """
    parameters = result.variances.parameters
    used = [a for a, name in enumerate(parameters.names) if name == "sigma2" or name[0] != "ancillary"]
    names, vcov = [parameters.names[a] for a in used], parameters.vcov[np.ix_(used, used)]
    steps = STEP * np.sqrt(np.diag(vcov))
    if np.isnan(steps).any():
        return tuple(np.full((len(term.levels), len(term.names)), np.nan) for term in result.design.random)
    derivatives = [mode_derivatives(result, name, step) for name, step in zip(names, steps, strict=True)]
    by_term = [np.stack(own) for own in zip(*derivatives, strict=True)]
    return tuple(np.einsum("ajq,ac,cjq->jq", D, vcov, D) for D in by_term)


def mode_derivatives(result: LikelihoodResult, name: tuple[int, int, int] | str, step: float) -> list[np.ndarray]:
    """Derivatives of the modes of each term to one variance parameter."""
    ahead, behind = (result.solution.modes_at(*moved(result, name, h)) for h in (step, -step))
    return [(a - b) / (2 * step) for a, b in zip(ahead, behind, strict=True)]


def moved(
    result: LikelihoodResult, name: tuple[int, int, int] | str, step: float
) -> tuple[tuple[np.ndarray, ...], float]:
    """All G, and sigma, with one variance parameter moved."""
    covariances, sigma2 = list(result.solution.covariances), result.sigma2
    match name:
        case (k, i, j):
            covariances[k] = covariances[k] + step * result.variances.direction(k, i, j)
        case _:
            sigma2 += step
    return tuple(covariances), float(np.sqrt(sigma2))
