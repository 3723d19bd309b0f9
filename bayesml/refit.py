"""`refit`: one model, other responses."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayesml.design.addresses import covariance_addresses
from bayesml.errors import DataError, SpecificationError
from bayesml.estimators.gaussian import estimate
from bayesml.estimators.gaussian_solution import JointSolution
from bayesml.estimators.refits import refit_many
from bayesml.graphs.roles import build_graph
from bayesml.linalg.threads import one_blas_thread
from bayesml.results.likelihood import LikelihoodResult


def refit(result: LikelihoodResult, Y: Any) -> LikelihoodResult | pd.DataFrame:
    """Fits of the same model, by the same criterion, to one response or to many.

    What depends on the design alone is reused, so hundreds of refits a second are possible: for the
    bootstrap, power and calibration.

    Parameters
    ----------
    result : LikelihoodResult
    Y : array-like, shape (n,) or (n, R)
        New responses, on the scale of the formula's left side; n is the number of rows used, or of the
        rows that were given (those that were dropped are then ignored).

    Returns
    -------
    LikelihoodResult or DataFrame
        For one response a result like any other. For a matrix, or a frame, one row a response (indexed by the
        columns of the frame): estimates by address (coefficients, `sd(...)`, `corr(...)`, `sigma`), `loglik` and
        `converged`. A correlation is NaN where one of its sds is 0.

    Raises
    ------
    DataError
        Wrong number of rows, or values that are not finite.

    Notes
    -----
    Every one of many responses is climbed from the estimates of `result`. Where a likelihood has two maxima
    (rare: few groups, weak variances) that may be the lower one; a single response is tried from several starts.

    Examples
    --------
    >>> import bayesml as bml, numpy as np
    >>> fit = bml.fit("Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff"))
    >>> bml.refit(fit, fit.design.y[:, None] + np.array([0.0, 10.0])).Intercept.round(1).tolist()
    [1527.5, 1537.5]
    """
    if not isinstance(result, LikelihoodResult):
        raise SpecificationError(f"`refit` takes the result of `fit`, not {type(result).__name__}.")
    labels = Y.columns if isinstance(Y, pd.DataFrame) else None
    values = responses(result, Y)
    if values.ndim == 1:
        design = replace(result.design, y=values)
        return estimate(build_graph(result.model, design), result.criterion)
    if isinstance(result.solution, JointSolution):
        raise SpecificationError(
            'Many responses at once are refitted by "ml" or "reml" with free covariances; '
            "refit this model one response at a time."
        )
    with one_blas_thread():
        fits = refit_many(result.solution, values)
    columns: dict[str, np.ndarray] = dict(zip(result.design.coefficients, fits.beta.T, strict=True))
    for address in covariance_addresses(result.design):
        G = fits.covariances[address.term]
        sds = np.sqrt(G[:, address.column, address.column])
        if address.kind == "corr":
            with np.errstate(invalid="ignore", divide="ignore"):
                other = np.sqrt(G[:, address.other, address.other])
                columns[address.text] = G[:, address.column, address.other] / (sds * other)
        else:
            columns[address.text] = sds
    if result.solution.sigma_free:
        columns["sigma"] = fits.sigma
    index = pd.RangeIndex(values.shape[1], name="response") if labels is None else labels
    return pd.DataFrame(columns | {"loglik": fits.loglik, "converged": fits.converged}, index=index)


def responses(result: LikelihoodResult, Y: Any) -> np.ndarray:
    """The responses at the rows used, checked."""
    values = np.asarray(Y, float)
    n, given = result.nobs, int(result.design.rows[-1]) + 1
    if values.ndim not in (1, 2) or len(values) < n:
        raise DataError(f"`Y` has shape {values.shape}; give one response of {n} rows, or {n} rows and a column each.")
    if len(values) != n:
        if len(values) < given:
            raise DataError(f"`Y` has {len(values)} rows; the fit used {n} rows of at least {given} that were given.")
        values = values[result.design.rows]
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).any(axis=tuple(range(1, values.ndim))).sum())
        raise DataError(f"`Y` is missing or infinite in {bad} rows that the fit used.")
    return values
