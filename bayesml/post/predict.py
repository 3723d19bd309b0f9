"""`predict`: predictions for the rows of a fit or for new rows."""

from typing import Any

import numpy as np
import pandas as pd

from bayesml.errors import SpecificationError
from bayesml.post.likelihood_prediction import predict_by_estimates
from bayesml.post.options import one_of, refuse_unknown
from bayesml.post.posterior_prediction import predict_by_draws
from bayesml.post.prediction_rows import prediction_rows, refuse_new_levels
from bayesml.results.base import Result
from bayesml.results.intervals import normal_quantile
from bayesml.results.likelihood import LikelihoodResult

ELSEWHERE = {
    "re_form": 'it is called `ranef`: "conditional", or "zero" for lme4\'s `re.form = NA`',
    "re_formula": 'it is called `ranef`: "conditional", or "zero" for brms\' `re_formula = NA`',
    "allow_new_levels": 'it is called `new_levels`: "error", "zero" or "draw"',
    "sample_new_levels": 'it is `new_levels="draw"`',
    "type": 'it is called `kind`: "mean" or "linear"',
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
    new_levels: str = "error",
    se: bool = True,
    interval: str | None = "confidence",
    ci_prob: float = 0.95,
    random_seed: int | None = None,
    **unknown: Any,
) -> pd.DataFrame:
    """Predictions with standard errors and intervals, for the rows of the fit or for new ones.

    ``x'beta + z'b`` for conditional predictions, ``x'beta`` otherwise, offsets added.

    Parameters
    ----------
    result : LikelihoodResult or BayesianResult
    newdata : data frame or dict of arrays, optional
        Default: the rows of the fit.
    kind : {"mean", "linear"}
        Mean of the response, or linear predictor; the same in a linear model.
    ranef : {"conditional", "zero", "marginal"}
        ``"conditional"``: with the random effects of the row's levels. ``"zero"``: for a level whose effects are
        0. ``"marginal"``: averaged over the distribution of the random effects: the same mean in a linear
        model, but the prediction interval is that of a row of a level taken at random.
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
        Seed of draws: new levels, and prediction intervals of a posterior.

    Returns
    -------
    DataFrame
        `estimate se lower upper` on the index of `newdata`. A row with a missing value has NaN.

        Fits: `se` includes the uncertainty of coefficients and conditional modes jointly, at the
        estimated variances. Posteriors: mean, sd and quantiles of the draws.

    Raises
    ------
    SpecificationError
        Unknown options; a prediction interval for rows whose weight or known sd is not given.
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
    refuse_unknown("predict", unknown, ELSEWHERE)
    one_of("kind", kind, ["mean", "linear"], " in a linear model")
    one_of("ranef", ranef, ["conditional", "zero", "marginal"])
    one_of("new_levels", new_levels, ["error", "zero", "draw"])
    one_of("interval", interval, ["confidence", "prediction", None])
    normal_quantile(ci_prob)
    interval = interval if se else None
    if not result.model.family.exact_with(result.model.link):
        raise SpecificationError("Predictions exist so far for models whose random effects are integrated out exactly.")
    conditional = ranef == "conditional"
    between = ranef == "marginal" and interval == "prediction"
    everything = prediction_rows(result.design, newdata, random=conditional or between, groups=conditional)
    if conditional and new_levels == "error":
        refuse_new_levels(result.design, everything)
    complete = everything.complete
    rows = everything if complete.all() else everything.take(np.flatnonzero(complete))
    rng = np.random.default_rng(random_seed)
    by: Any = predict_by_estimates if isinstance(result, LikelihoodResult) else predict_by_draws
    values = by(result, rows, conditional, new_levels == "draw", interval, ci_prob, rng, se)
    frame = pd.DataFrame(np.nan, index=everything.index, columns=[*values])
    frame.iloc[np.flatnonzero(complete)] = np.column_stack([*values.values()])
    return frame
