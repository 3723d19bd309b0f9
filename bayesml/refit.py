"""`refit`: one model, other responses."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayesml.design.addresses import covariance_addresses
from bayesml.design.arrays import Design
from bayesml.errors import DataError, SpecificationError
from bayesml.estimators import gaussian, laplace
from bayesml.estimators.gaussian_solution import GaussianSolution, JointSolution
from bayesml.estimators.refits import refit_many
from bayesml.families import Family
from bayesml.graphs.roles import build_graph
from bayesml.linalg.threads import one_blas_thread
from bayesml.results.likelihood import LikelihoodResult
from bayesml.results.response_scale import trials_of


def refit(result: LikelihoodResult, Y: Any) -> LikelihoodResult | pd.DataFrame:
    """Fits of the same model, by the same criterion, to one response or to many.

    In a linear model what depends on the design alone is reused, so hundreds of refits a second are possible: for the
    bootstrap, power and calibration.

    Parameters
    ----------
    result : LikelihoodResult
    Y : array-like, shape (n,) or (n, R)
        New responses, on the scale of the formula's left side; n is the number of rows used, or of the
        rows that were given (those that were dropped are then ignored). Of trials the numbers of successes, of
        categories their labels.

    Returns
    -------
    LikelihoodResult or DataFrame
        For one response a result like any other. For a matrix, or a frame, one row a response (indexed by the
        columns of the frame): estimates by address (coefficients, `sd(...)`, `corr(...)`, `sigma`), `loglik` and
        `converged`. A correlation is NaN where one of its sds is 0.

    Raises
    ------
    DataError
        Wrong number of rows, or values that are not finite or that the family does not have.
    SpecificationError
        The response is more than one number a row, as a censored one is.

    Notes
    -----
    Of linear models every one of many responses is climbed from the estimates of `result`. Where a likelihood has two
    maxima (rare: few groups, weak variances) that may be the lower one; a single response is tried from several starts.
    Other models are fitted one by one, with the integral of `result`.

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
        return refit_one(result, values)
    if not isinstance(result.solution, GaussianSolution):
        return one_by_one(result, values, labels)
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
    return pd.DataFrame(columns | {"loglik": fits.loglik, "converged": fits.converged}, index=index_of(values, labels))


def index_of(values: np.ndarray, labels: pd.Index | None) -> pd.Index:
    """Labels of the responses, or their numbers."""
    return pd.RangeIndex(values.shape[1], name="response") if labels is None else labels


def refit_one(result: LikelihoodResult, y: np.ndarray) -> LikelihoodResult:
    """The fit to one response, by the same criterion and integral."""
    design = replace(result.design, y=y, response={**result.design.response, "y": y})
    graph = build_graph(result.model, design)
    if isinstance(result.solution, GaussianSolution):
        return gaussian.estimate(graph, result.criterion)
    return laplace.estimate(graph, result.criterion, rule=result.solution.rule)


def one_by_one(result: LikelihoodResult, values: np.ndarray, labels: pd.Index | None) -> pd.DataFrame:
    """The table of many fits that have no shared kernel."""
    rows = []
    for y in values.T:
        fit = refit_one(result, y)
        rows.append({**fit.parameters["estimate"], "loglik": fit.loglik, "converged": fit.converged})
    return pd.DataFrame(rows, index=index_of(values, labels))


def responses(result: LikelihoodResult, Y: Any) -> np.ndarray:
    """The responses at the rows used, checked."""
    design = result.design
    if set(design.response) - {"y", "trials"}:
        raise SpecificationError(
            f"The response `{design.response_name}` is more than one number a row: fit the model to the new data."
        )
    values = codes(design, Y) if design.categories else numbers(Y, result.model.family)
    n, given = design.n, int(design.rows[-1]) + 1
    if values.ndim not in (1, 2) or len(values) < n:
        raise DataError(f"`Y` has shape {values.shape}; give one response of {n} rows, or {n} rows and a column each.")
    if len(values) != n:
        if len(values) < given:
            raise DataError(f"`Y` has {len(values)} rows; the fit used {n} rows of at least {given} that were given.")
        values = values[design.rows]
    refuse_rows(~np.isfinite(values), "is missing or infinite")
    trials = trials_of(design)
    if trials is not None:
        bound = trials if values.ndim == 1 else trials[:, None]
        refuse_rows((values < 0) | (values > bound) | (values % 1 != 0), "is no number of successes among the trials")
    elif not design.categories:
        refuse_rows(~result.model.family.allows(values), f"is not allowed ({result.model.family.allowed})")
    return values


def numbers(Y: Any, family: Family) -> np.ndarray:
    """Responses as floats; a `DataError` for text."""
    try:
        return np.asarray(Y, float)
    except (TypeError, ValueError):
        advice = " Of two levels give 0 and 1." if family.reads_two_levels else ""
        raise DataError(f"`Y` holds text or categories; the {family.name} family needs numbers.{advice}") from None


def codes(design: Design, Y: Any) -> np.ndarray:
    """Codes of categories given by their labels."""
    labels = np.asarray(Y, object)
    flat = pd.Index(design.categories).get_indexer([str(label) for label in labels.ravel()]).reshape(labels.shape)
    refuse_rows(flat < 0, f"is none of the categories {', '.join(design.categories)}")
    return flat.astype(float)


def refuse_rows(wrong: np.ndarray, what: str) -> None:
    """An error that counts the rows with values that cannot be."""
    if wrong.any():
        bad = int(wrong.any(axis=tuple(range(1, wrong.ndim))).sum())
        raise DataError(f"`Y` {what} in {bad} rows that the fit used.")
