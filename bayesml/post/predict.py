"""`predict`: predictions for the rows of a fit or for new rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayesml.errors import SpecificationError
from bayesml.post.likelihood_prediction import predict_by_estimates
from bayesml.post.options import one_of, refuse_unknown
from bayesml.post.posterior_prediction import predict_by_draws
from bayesml.post.prediction_rows import prediction_rows, refuse_new_levels
from bayesml.post.quantities import quantity
from bayesml.post.request import Request
from bayesml.post.streams import PREDICTION_STREAM, stream
from bayesml.results.base import Result, require_result
from bayesml.results.intervals import normal_quantile
from bayesml.results.likelihood import LikelihoodResult

ELSEWHERE = {
    "re_form": 'it is called `ranef`: "conditional", or "zero" for lme4\'s `re.form = NA`',
    "re_formula": 'it is called `ranef`: "conditional", or "zero" for brms\' `re_formula = NA`',
    "allow_new_levels": 'it is called `new_levels`: "error", "zero" or "draw"',
    "sample_new_levels": 'it is `new_levels="draw"`',
    "type": 'it is called `kind`: "mean" (R\'s "response"), "linear", "probability", "survivor", "hazard", "median"',
    "se_fit": "it is called `se`",
    "level": "it is called `ci_prob`",
    "alpha": "give the content of the interval as `ci_prob`",
    "seed": "it is called `random_seed`",
    "data": "it is called `newdata`",
}
"""Keywords of other systems, and what they are called here."""


def predict(
    result: Result,
    newdata: Any = None,
    kind: str = "mean",
    ranef: str = "conditional",
    outcome: Any = None,
    times: Any = None,
    new_levels: str = "error",
    se: bool = True,
    interval: str | None = "confidence",
    ci_prob: float = 0.95,
    random_seed: int | None = None,
    **unknown: Any,
) -> pd.DataFrame:
    """Predictions with standard errors and intervals, for the rows of the fit or for new ones.

    Functions of the linear predictor ``x'beta + z'b``, without ``z'b`` or averaged over it, offsets added.

    Parameters
    ----------
    result : LikelihoodResult or BayesianResult
    newdata : data frame or dict of arrays, optional
        Default: the rows of the fit.
    kind : {"mean", "linear", "probability", "survivor", "hazard", "median"}
        ``"mean"``: of the response; of trials the probability of a success, of categories the probability of each.
        ``"linear"``: the linear predictor; one column each where there are several. ``"probability"``: of
        `outcome`. ``"survivor"``, ``"hazard"``: P(T > t) and the rate of events at t given T ≥ t, at `times`.
        ``"median"``: the median time. The last three are of exponential, weibull, lognormal, loglogistic and gamma
        responses, censored or not.
    ranef : {"conditional", "zero", "marginal"}
        ``"conditional"``: with the random effects of the row's levels. ``"zero"``: for a level whose effects are
        0. ``"marginal"``: averaged over the distribution of the random effects, for a level taken at random: in a
        linear model the same mean, in others not, as a mean of probabilities is not the probability of a mean.
        Averages of hazards and medians are averages over levels, not hazard or median of their mixture.
    outcome : label of a category, number, or a list of these
        Of ``"probability"``: a category, 0 or 1, or a count. Without it one column for each category. Of
        ``"linear"``, where there are several linear predictors: the category of one. With a list each row is repeated
        for each of them, the last level of the index.
    times : number or sequence of numbers
        Of ``"survivor"`` and ``"hazard"``; each row is repeated for each of them, the last level of the index.
    new_levels : {"error", "zero", "draw"}
        What conditional predictions do with levels that the fit has not seen: an error that names them; the
        population line, effect 0; or one draw of their effects, whose variance enters `se`.
    se : bool, default True
        False leaves out standard errors and intervals.
    interval : {"confidence", "prediction", None}
        Of the mean, or of one new response.
    ci_prob : float, default 0.95
        Content of the interval, equal-tailed.
    random_seed : int, optional
        Seed of draws: new levels, prediction intervals of a posterior, and those of fits that are not linear. Default
        of a posterior: follows from the seed of the sampling.

    Returns
    -------
    DataFrame
        `estimate se lower upper` on the index of `newdata`. A row with a missing value has NaN. Where there are
        several values a row, of all categories or of several linear predictors, one column each, without `se`; a list
        of outcomes gives each its `se` and interval.

        Fits: `se` by the delta method includes the uncertainty of coefficients and conditional modes jointly and of
        parameters of the family, at the estimated variances; of marginal predictions that of the variances too.
        Posteriors: mean, sd and quantiles of the draws.

    Notes
    -----
    Confidence limits of a fit are those of the linear predictor, mapped to the response, where it alone decides
    (``"mean"``, conditional or at zero). Elsewhere they are symmetric on the logit scale for
    probabilities, for the log of the cumulative hazard of survivor functions, on the log scale for what is positive.

    Prediction intervals are normal in linear models; else quantiles of 4000 simulated responses, of the normal
    distribution of the linear predictor and the family. Categories have none.

    Averages over random effects are trapezoidal rules with a relative error below 1e-8; from four correlated
    predictors on, quasi-random nodes with about 1e-4.

    Raises
    ------
    SpecificationError
        Unknown options; a quantity that the family does not have; a prediction interval for rows whose weight, known
        sd or number of trials is not given: in the columns of the formula, or trials in a column `trials`.
    DataError
        A level that the fit has not seen, with `new_levels="error"`.

    Examples
    --------
    >>> import bayesml as bml
    >>> fit = bml.fit("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))
    >>> new = {"Days": [0, 10], "Subject": ["308", "308"]}
    >>> bml.predict(fit, new, interval="prediction").shape
    (2, 4)
    """
    require_result(result, "predict")
    refuse_unknown("predict", unknown, ELSEWHERE)
    if isinstance(outcome, (list, tuple)):
        if random_seed is None and isinstance(result, LikelihoodResult):
            # all outcomes from the same draws; those of a posterior follow from its seed
            random_seed = int(np.random.default_rng().integers(2**63))
        options = dict(
            times=times, new_levels=new_levels, se=se, interval=interval, ci_prob=ci_prob, random_seed=random_seed
        )  # fmt: skip
        return by_outcome([predict(result, newdata, kind, ranef, own, **options) for own in outcome], outcome)
    wanted = quantity(result, kind, outcome, times)
    one_of("ranef", ranef, ["conditional", "zero", "marginal"])
    one_of("new_levels", new_levels, ["error", "zero", "draw"])
    one_of("interval", interval, ["confidence", "prediction", None])
    normal_quantile(ci_prob)
    interval = interval if se else None
    if interval == "prediction":
        refuse_prediction_interval(result, kind)
    rng = np.random.default_rng(random_seed)
    conditional = ranef == "conditional"
    own_stream = stream(result, random_seed, PREDICTION_STREAM)
    request = Request(wanted, ranef, conditional and new_levels == "draw", interval, ci_prob, se, rng, own_stream)
    between = request.averaged or (ranef == "marginal" and interval == "prediction")
    everything = prediction_rows(result, newdata, random=conditional or between, groups=conditional)
    if conditional and new_levels == "error":
        refuse_new_levels(result.design, everything)
    if wanted.times is not None:
        everything = everything.at_times(wanted.times)
    complete = everything.complete
    rows = everything if complete.all() else everything.take(np.flatnonzero(complete))
    by: Any = predict_by_estimates if isinstance(result, LikelihoodResult) else predict_by_draws
    values = by(result, rows, request)
    columns = pd.Index(list(values), name=wanted.outer or None)
    frame = pd.DataFrame(np.nan, index=everything.index, columns=columns)
    frame.iloc[np.flatnonzero(complete)] = np.column_stack([*values.values()])
    return frame


def by_outcome(frames: list[pd.DataFrame], outcomes: Sequence[Any]) -> pd.DataFrame:
    """Predictions of several outcomes: each row once for each of them, which is the last level of the index."""
    if not outcomes:
        raise SpecificationError("`outcome=[]` asks for nothing: give at least one.")
    index = frames[0].index
    levels = [np.repeat(index.get_level_values(i), len(frames)) for i in range(index.nlevels)]
    labels = np.tile(np.array(outcomes, dtype=object), len(index))
    interleaved = np.stack([frame.to_numpy() for frame in frames], axis=1).reshape(-1, frames[0].shape[1])
    names = [*index.names, "outcome"]
    return pd.DataFrame(
        interleaved, index=pd.MultiIndex.from_arrays([*levels, labels], names=names), columns=frames[0].columns
    )


def refuse_prediction_interval(result: Result, kind: str) -> None:
    """Refuse intervals of new responses where there are none."""
    design = result.design
    if design.categories:
        raise SpecificationError(
            f"`{design.response_name}` is a category, of which there is no interval; its probabilities say what a new "
            'response may be: `kind="probability"`.'
        )
    if kind not in ("mean", "linear") or (kind == "linear" and not result.model.family.exact_with(result.model.link)):
        raise SpecificationError(f'`interval="prediction"` is of a new response: it needs `kind="mean"`, not "{kind}".')
