"""What can be predicted of a response: functions of the linear predictors and of the parameters of the family."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayesml.errors import SpecificationError
from bayesml.post.options import one_of
from bayesml.results.base import Result
from bayesml.results.intervals import Scale
from bayesml.results.response_scale import family_parameters

KINDS = ("mean", "linear", "probability", "survivor", "hazard", "median")

Function = Callable[[Sequence[np.ndarray], Sequence[Any], Any, Any], np.ndarray]
"""Of linear predictors, natural values of the ancillary parameters, factor of the scale in each row, times."""


@dataclass(frozen=True, eq=False)
class Quantity:
    """Something to predict.

    Parameters
    ----------
    function : callable
        ``function(etas, values, scale, times)``: one array of the shape of the predictors; with `columns` their values
        along a last axis.
    columns : tuple of str
        Labels of several values a row; empty where there is one.
    scale : {"identity", "log", "logit", "loglog"}
        Scale on which limits are symmetric.
    monotone : bool
        Whether it is an increasing or decreasing function of the only linear predictor and of nothing else, so that
        limits of the predictor can be mapped to its own.
    linear : bool
        Whether it is the linear predictor itself.
    times : ndarray or None
        Times at which it is asked for.
    outer : str
        What the columns are, `"outcome"` or `"predictor"`.
    """

    function: Function
    columns: tuple[str, ...] = ()
    scale: Scale = "identity"
    monotone: bool = False
    linear: bool = False
    times: np.ndarray | None = field(default=None)
    outer: str = ""


def quantity(result: Result, kind: str, outcome: Any = None, times: Any = None) -> Quantity:
    """The quantity that is asked for.

    Raises
    ------
    SpecificationError
        The family has no such quantity, or what it needs was not given.
    """
    family, link, design = result.model.family, result.model.link, result.design
    one_of("kind", kind, KINDS)
    if times is not None and kind not in ("survivor", "hazard"):
        raise SpecificationError(f'`times` belongs to `kind="survivor"` and `kind="hazard"`, not to `kind="{kind}"`.')
    several = len(design.predictors) > 1
    if outcome is not None and kind != "probability" and not (kind == "linear" and several):
        raise SpecificationError(f'`outcome` belongs to `kind="probability"`, not to `kind="{kind}"`.')

    def parameters(etas: Sequence[np.ndarray], values: Sequence[Any], scale: Any = None) -> dict[str, Any]:
        return family_parameters(result.model, design.categories, etas, values, scale)

    if kind == "linear":
        if several and outcome is not None:
            one_of("outcome", str(outcome), design.predictors, ": there is no such linear predictor")
            own = design.predictors.index(str(outcome))
            return Quantity(lambda etas, *_: etas[own])
        if several:
            return Quantity(lambda etas, *_: np.stack(etas, axis=-1), design.predictors, outer="predictor")
        return Quantity(lambda etas, *_: etas[0], monotone=True, linear=True)
    if kind == "probability":
        return probability(result, parameters, outcome)
    if kind == "mean":
        if design.categories:
            return probability(result, parameters, None)
        low, high = family.support
        scale: Scale = "logit" if high == 1.0 else "log" if low == 0.0 else "identity"
        # A link onto the real line is the identity: the mean is the predictor itself.
        return Quantity(
            lambda etas, values, s, _: np.asarray(family.mean(parameters(etas, values, s))), scale=scale, monotone=True,
            linear=link.mean_support == (-np.inf, np.inf),
        )  # fmt: skip
    return of_times(result, parameters, kind, times)


def probability(result: Result, parameters: Callable[..., dict[str, Any]], outcome: Any) -> Quantity:
    """Probability of an outcome; of each category where none is given."""
    family, design = result.model.family, result.design
    if design.categories:
        if outcome is None:
            return Quantity(
                lambda etas, values, *_: family.mean(parameters(etas, values)), design.categories, "logit",
                outer="outcome",
            )  # fmt: skip
        labels = list(design.categories)
        if str(outcome) not in labels:
            raise SpecificationError(
                f"`{design.response_name}` has no category {outcome!r}; it has {', '.join(labels)}."
            )
        place = labels.index(str(outcome))
        return Quantity(lambda etas, values, *_: family.mean(parameters(etas, values))[..., place], scale="logit")
    if not family.whole:
        raise SpecificationError(
            f'`kind="probability"` is of outcomes that can be counted; the {family.name} family has '
            '`kind="mean"`' + (', `kind="survivor"` and `kind="median"`.' if has_times(family) else ".")
        )
    if family.support == (0.0, 1.0):
        if outcome not in (None, 0, 1):
            raise SpecificationError(f"`outcome={outcome!r}`: the outcomes of `{design.response_name}` are 0 and 1.")
        return Quantity(
            lambda etas, values, *_: (
                1.0 - family.mean(parameters(etas, values))
                if outcome is not None and not outcome
                else family.mean(parameters(etas, values))
            ),
            scale="logit",
            monotone=True,
        )
    if outcome is None:
        raise SpecificationError('`kind="probability"` of counts needs one: `outcome=0`.')
    value = float(outcome)
    if not family.allows(np.array([value]))[0]:
        raise SpecificationError(f"`outcome={outcome!r}`: the {family.name} family has {family.allowed}.")
    return Quantity(
        lambda etas, values, *_: np.exp(
            family.log_density(np.full(np.shape(etas[0]), value), parameters(etas, values), np)
        ),
        scale="logit",
    )


def has_times(family: Any) -> bool:
    """Whether a family is of continuous positive responses with a survivor function."""
    return family.outcome == "number" and not family.whole and family.support[0] == 0.0 and family.no_tails is None


def of_times(result: Result, parameters: Callable[..., dict[str, Any]], kind: str, times: Any) -> Quantity:
    """Survivor function, hazard and median of positive responses."""
    family = result.model.family
    if not (has_times(family) and family.support[1] == np.inf):
        raise SpecificationError(
            f'`kind="{kind}"` is of times: of the families exponential, weibull, lognormal, loglogistic and gamma, not '
            f"of {family.name}."
        )
    if kind == "median":
        return Quantity(lambda etas, values, s, _: family.quantile(0.5, parameters(etas, values, s)), scale="log")
    if times is None:
        raise SpecificationError(f'`kind="{kind}"` needs times: `times=[1, 2, 5]`.')
    at = np.atleast_1d(np.asarray(times, float))
    if at.ndim != 1 or not (at > 0).all() or not np.isfinite(at).all():
        raise SpecificationError("`times` must be numbers above 0.")

    def survivor(etas: Sequence[np.ndarray], values: Sequence[Any], scale: Any, t: Any) -> np.ndarray:
        return np.exp(family.log_survivor(t, parameters(etas, values, scale), np))

    def hazard(etas: Sequence[np.ndarray], values: Sequence[Any], scale: Any, t: Any) -> np.ndarray:
        own = parameters(etas, values, scale)
        return np.exp(family.log_density(t, own, np) - family.log_survivor(t, own, np))

    if kind == "survivor":
        return Quantity(survivor, scale="loglog", times=at)
    return Quantity(hazard, scale="log", times=at)
