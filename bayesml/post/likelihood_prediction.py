"""Predictions from the estimates of a fit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bayesml.families.ancillary import Ancillary
from bayesml.linalg.normal_average import NormalRule, average, covariance_roots, rule_for
from bayesml.post.prediction_rows import PredictionRows
from bayesml.post.request import Request
from bayesml.post.row_predictors import (
    between,
    combined_rows,
    fixed_predictors,
    random_masks,
    random_predictors,
)
from bayesml.results.intervals import interval, normal_quantile
from bayesml.results.likelihood import LikelihoodResult
from bayesml.results.response_scale import family_parameters

BLOCK_ROWS = 4096
"""Rows at a time: each needs a row of all coefficients and effects of crossed factors."""
STEP = 1e-5
"""Of central differences of first derivatives, in units of a predictor."""
SECOND_STEP = 1e-3
SIMULATIONS = 4000
"""New responses of a row whose quantiles are a prediction interval."""

Values = Sequence[float]
Response = Callable[[np.ndarray, Values], np.ndarray]
"""The quantity, (m,) or (m, C), as a function of the linear predictors (m, K) and the parameters of the family."""


def predict_by_estimates(result: LikelihoodResult, rows: PredictionRows, request: Request) -> dict[str, np.ndarray]:
    """`estimate se lower upper`, or one column for each of several values; what was not asked for is left out."""
    solution, design, quantity = result.solution, result.design, request.quantity
    eta = fixed_predictors(design, rows, solution.beta)
    if request.conditional:
        eta = eta + random_predictors(design, rows, solution.modes())
    if request.draw_new:
        eta = eta + random_predictors(design, rows, drawn_effects(result, rows, request.rng), unseen=True)
    spread = between(design, rows, solution.covariances) if request.averaged else None
    response = response_of(result, rows, request, eta, spread)
    estimate = response(eta, result.ancillary_values)
    if quantity.columns:
        return dict(zip(quantity.columns, estimate.T, strict=True))
    if not request.with_se:
        return {"estimate": estimate}
    slopes = (
        Slopes.linear(len(eta), len(result.ancillary_values))
        if quantity.linear
        else Slopes.of(response, eta, result.ancillary_values, spread is not None, result.ancillaries)
    )
    single = len(design.predictors) == 1
    of_predictor = combination_variance(result, rows, request, np.ones_like(eta)) if single else 0.0
    variance = response_variance(result, rows, request, slopes, of_predictor)
    out = {"estimate": estimate, "se": np.sqrt(variance)}
    if request.interval is None:
        return out
    if request.interval == "prediction":
        lower, upper = prediction_limits(result, rows, request, eta, estimate, of_predictor)
    elif quantity.monotone and not slopes.by_values.any() and spread is None:
        half = normal_quantile(request.ci_prob) * np.sqrt(of_predictor)
        ends = [response(eta + move[:, None], result.ancillary_values) for move in (-half, half)]
        lower, upper = np.minimum(*ends), np.maximum(*ends)
    else:
        lower, upper = interval(estimate, out["se"], request.ci_prob, quantity.scale)
    return out | {"lower": lower, "upper": upper}


def response_of(
    result: LikelihoodResult, rows: PredictionRows, request: Request, eta: np.ndarray, spread: np.ndarray | None
) -> Response:
    """The quantity as a function of the predictors: as it is, or averaged over normal predictors with a covariance.

    The nodes of the average are chosen once, so that differences of averages are exact. All rows are moved alike.
    """
    quantity, scale, times = request.quantity, rows.scale_factor, rows.times

    def plain(etas: np.ndarray, values: Values) -> np.ndarray:
        return quantity.function(list(np.moveaxis(etas, -1, 0)), values, scale, times)

    if spread is None:
        return plain

    # Rows that differ in nothing have one average.
    known = [part[:, None] for part in (scale, times) if part is not None]
    alike = np.column_stack([eta, spread.reshape(len(eta), -1), *known])
    _, first, place = np.unique(alike, axis=0, return_index=True, return_inverse=True)

    def at_nodes(values: Values) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        def function(etas: np.ndarray, places: np.ndarray) -> np.ndarray:
            own = [None if part is None else part[first[places], None] for part in (scale, times)]
            return quantity.function(list(np.moveaxis(etas, -1, 0)), values, *own)

        return function

    roots = covariance_roots(spread[first])
    rule: NormalRule = rule_for(at_nodes(result.ancillary_values), eta[first], roots)
    return lambda etas, values: average(at_nodes(values), etas[first], roots, rule)[place]


@dataclass(frozen=True, eq=False)
class Slopes:
    """Derivatives of a quantity.

    Parameters
    ----------
    by_eta : ndarray (m, K)
    by_values : ndarray (m, a)
        In the parameters of the family, on natural scales.
    second : ndarray (m, K, K) or None
        Second derivatives in the predictors, whose halves are the derivatives of an average in their covariance.
    """

    by_eta: np.ndarray
    by_values: np.ndarray
    second: np.ndarray | None

    @classmethod
    def linear(cls, m: int, a: int) -> "Slopes":
        """Those of the only linear predictor itself."""
        return cls(np.ones((m, 1)), np.zeros((m, a)), None)

    @classmethod
    def of(
        cls, response: Response, eta: np.ndarray, values: Values, second: bool, ancillaries: Sequence[Ancillary]
    ) -> "Slopes":
        """By central differences."""
        K = eta.shape[1]
        unit = np.eye(K)
        by_eta = [(response(eta + STEP * e, values) - response(eta - STEP * e, values)) / (2 * STEP) for e in unit]
        by_values = []
        for a, (value, own) in enumerate(zip(values, ancillaries, strict=True)):
            # cut points lie on the scale of the predictor, wherever they are
            h = STEP * (1.0 if own.domain == "ordered" else max(abs(value), 1e-3))
            ends = [response(eta, [*values[:a], value + move, *values[a + 1 :]]) for move in (h, -h)]
            by_values.append((ends[0] - ends[1]) / (2 * h))
        hessian = None
        if second:
            hessian = np.empty((len(eta), K, K))
            for k in range(K):
                for l in range(k + 1):
                    up, cross = SECOND_STEP * (unit[k] + unit[l]) / 2, SECOND_STEP * (unit[k] - unit[l]) / 2
                    ends = [response(eta + move, values) for move in (up, -up, cross, -cross)]
                    hessian[:, k, l] = hessian[:, l, k] = (ends[0] + ends[1] - ends[2] - ends[3]) / SECOND_STEP**2
        stacked = np.stack(by_values, axis=-1) if by_values else np.zeros((len(eta), 0))
        return cls(np.stack(by_eta, axis=-1), stacked, hessian)


def response_variance(
    result: LikelihoodResult,
    rows: PredictionRows,
    request: Request,
    slopes: Slopes,
    spread_of_predictor: np.ndarray | float,
) -> np.ndarray:
    """Variance (m,) of a quantity by the delta method, `spread_of_predictor` that of the only linear predictor.

    Coefficients, conditional modes and parameters of the family count jointly, the modes moving with the others, and
    in averages variances of the random effects. Of what lies on its boundary nothing is known, so it counts as known.
    """
    if len(result.design.predictors) == 1:
        linear = slopes.by_eta[:, 0] ** 2 * spread_of_predictor
    else:
        linear = combination_variance(result, rows, request, slopes.by_eta)
    own = parameter_slopes(result, rows, slopes)
    if not own.any():
        return linear
    added = np.empty(len(own))
    for part in np.array_split(np.arange(len(own)), len(own) // BLOCK_ROWS + 1):
        X, random = combination(result, rows.take(part), request, slopes.by_eta[part])
        alone = result.solution.linear_variance(X, random)
        added[part] = result.solution.joint_variance(X, random, own[part]) - alone
    return np.maximum(linear + added, 0.0)


def parameter_slopes(result: LikelihoodResult, rows: PredictionRows, slopes: Slopes) -> np.ndarray:
    """Derivatives (m, v) in the parameters of `variance_parameters`."""
    estimates = result.variances
    masks = random_masks(result.design)
    out = np.zeros((len(slopes.by_eta), len(estimates.parameters.names)))
    for v, name in enumerate(estimates.parameters.names):
        match name:
            case (int(k), i, j):
                if slopes.second is not None:
                    z = rows.terms[k].Z[:, None, :] * masks[k]
                    change = np.einsum("mai,ij,mbj->mab", z, estimates.direction(k, i, j), z)
                    out[:, v] = 0.5 * np.einsum("mab,mab->m", slopes.second, change)
            case ("ancillary", a):
                out[:, v] = slopes.by_values[:, a]
            case _:
                a = estimates.ancillary_places[str(estimates.scale_parameter)]
                out[:, v] = slopes.by_values[:, a] / (2 * result.sigma)
    return out


def combination_variance(
    result: LikelihoodResult, rows: PredictionRows, request: Request, weights: np.ndarray
) -> np.ndarray:
    """Variance of ``sum_k weights_k eta_k``: of coefficients, or of coefficients and modes jointly.

    That of drawn effects is added. By the solution's own columns, not as x'Vx: far from the origin of a covariate that
    would lose all digits.
    """
    design, variances = result.design, []
    for part in np.array_split(np.arange(len(rows.X)), len(rows.X) // BLOCK_ROWS + 1):
        block = rows.take(part)
        variances.append(result.solution.linear_variance(*combination(result, block, request, weights[part])))
    variance = np.maximum(np.concatenate(variances), 0.0)
    if request.draw_new:
        for k, term in enumerate(rows.terms):
            alone = [G * (place == k) for place, G in enumerate(result.solution.covariances)]
            own = np.einsum("mk,mkl,ml->m", weights, between(design, rows, alone), weights)
            variance = variance + np.where(term.unseen >= 0, own, 0.0)
    return variance


def combination(
    result: LikelihoodResult, rows: PredictionRows, request: Request, weights: np.ndarray
) -> tuple[np.ndarray, tuple[tuple[np.ndarray, np.ndarray], ...]]:
    """Rows of X and of Z of ``sum_k weights_k eta_k``, without effects where they do not count."""
    X, random = combined_rows(result.design, rows, weights)
    if not request.conditional:
        none = np.full(len(weights), -1)
        random = tuple((none, np.zeros((len(weights), len(term.names)))) for term in result.design.random)
    return X, random


def prediction_limits(
    result: LikelihoodResult,
    rows: PredictionRows,
    request: Request,
    eta: np.ndarray,
    estimate: np.ndarray,
    of_predictor: np.ndarray | float,
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of a new response: normal where responses are, else quantiles of simulated ones.

    A row of a level taken at random has the variance between the levels too.
    """
    at_random = np.zeros(len(eta))
    if request.ranef == "marginal":
        at_random = between(result.design, rows, result.solution.covariances)[:, 0, 0]
    if result.model.family.exact_with(result.model.link):
        half = normal_quantile(request.ci_prob) * np.sqrt(
            of_predictor + at_random + rows.response_scale(result.sigma) ** 2
        )
        return estimate - half, estimate + half
    rows.refuse_unknown_rows()
    sd = np.sqrt(of_predictor + at_random)
    tails = (1 - request.ci_prob) / 2, (1 + request.ci_prob) / 2
    lower, upper = np.empty(len(eta)), np.empty(len(eta))
    for part in np.array_split(np.arange(len(eta)), len(eta) * SIMULATIONS // 4_000_000 + 1):
        drawn = eta[part, 0] + sd[part] * request.rng.standard_normal((SIMULATIONS, len(part)))
        own = rows.take(part)
        parameters = family_parameters(
            result.model, result.design.categories, [drawn], result.ancillary_values, own.scale_factor, own.trials
        )
        new = own.proportions(result.model.family.simulate(request.rng, parameters))
        # Quantiles of counts are counts.
        method: Literal["inverted_cdf", "linear"] = "inverted_cdf" if result.model.family.whole else "linear"
        lower[part], upper[part] = np.quantile(new, tails, axis=0, method=method)
    return lower, upper


def drawn_effects(result: LikelihoodResult, rows: PredictionRows, rng: np.random.Generator) -> list[np.ndarray]:
    """One draw of the effects of each unseen level, (levels, q) a term."""
    return [
        rng.multivariate_normal(np.zeros(len(G)), G, len(term.unseen_labels), method="eigh")
        if term.unseen_labels
        else np.zeros((0, len(G)))
        for term, G in zip(rows.terms, result.solution.covariances, strict=False)
    ]
