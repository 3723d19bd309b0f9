"""`r2`: shares of the variance that a model explains, with and without its random effects."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesml.errors import RefusedTest, SpecificationError
from bayesml.post.draw_summary import summarise_draws
from bayesml.post.options import one_of
from bayesml.post.plugin import as_draws
from bayesml.post.prediction_rows import prediction_rows
from bayesml.post.quantities import Quantity, quantity
from bayesml.post.row_draws import Block, RowDraws, averaged
from bayesml.post.row_predictors import between, fixed_masks, fixed_predictors, random_masks
from bayesml.results.base import Result, require_result
from bayesml.results.intervals import interval, normal_quantile
from bayesml.results.likelihood import LikelihoodResult
from bayesml.results.posterior import flat_draws, row_blocks, term_covariance
from bayesml.results.response_scale import family_parameters, row_scale
from bayesml.tables.noted import NotedFrame

ROWS = ("marginal", "conditional")
STEP = 1e-4
"""Of differences in the parameters of a fit, in standard errors."""


def r2(
    result: Result,
    kind: str = "nakagawa",
    approximation: str | None = None,
    mean: float | None = None,
    ci_prob: float = 0.95,
) -> pd.DataFrame:
    """Marginal and conditional R²: shares of the variance explained by fixed effects, and by all effects.

    ``kind="nakagawa"``, on the scale of the linear predictor: with the variance of the fixed part over the rows
    ``f = var(x'beta)``, that of the random effects ``b = mean(z'Gz)`` summed over terms, and the level-1 variance e,
    marginal ``f / (f + b + e)`` and conditional ``(f + b) / (f + b + e)``.

    ``kind="bayes"``, on the scale of the response: ``var(mu) / (var(mu) + mean(var(y | mu)))`` with the means mu of
    the rows given their random effects; marginal with the means over levels, and the variance about these.

    Parameters
    ----------
    result : LikelihoodResult or BayesianResult
    kind : {"nakagawa", "bayes"}
    approximation : {"lognormal", "delta", "trigamma"}, optional
        Of the level-1 variance, where there is no latent one: of counts and gamma responses with the log link, where
        c² is their squared coefficient of variation, ``log(1 + c²)``, the default, c², or ``trigamma(1 / c²)``. Of
        other links ``"delta"``, the only one.
    mean : float, optional
        Mean response at which that variance is taken. Default: the average over rows of the mean over levels under the
        model. Nakagawa and others take that of the model without covariates.
    ci_prob : float, default 0.95
        Content of the intervals: on the logit scale for fits, equal-tailed for posteriors.

    Returns
    -------
    DataFrame
        Rows `marginal` and `conditional`, columns `estimate se lower upper`; with several linear predictors these rows
        for each of them. A posterior's are median, sd and quantiles of the ratio at each draw. Of fits `se` is by the
        delta method, parameters on their boundary counting as known; NaN for ``kind="bayes"``.

    Raises
    ------
    RefusedTest
        ``kind="bayes"`` of categories, which have no variance.
    SpecificationError
        Unknown options; an approximation that the link does not have; a mean for a model that has a latent variance.

    Notes
    -----
    The level-1 variance is sigma² of normal responses (its mean over the rows with weights or known sds), π²/3 of the
    logit link, 1 of probit, π²/6 of cloglog and loglog, for ordered and unordered categories too; of times the variance
    of the log time, or with hazards that of the log of the cumulative hazard. Offsets are known, and not explained.

    It is a share of variance in these data: more variation in x gives a larger R² with the same coefficients.

    References
    ----------
    Nakagawa, Johnson and Schielzeth (2017), J. R. Soc. Interface 14: 20170213. Johnson (2014), Methods Ecol. Evol. 5,
    944 (random slopes). Gelman, Goodrich, Gabry and Vehtari (2019), The American Statistician 73, 307.

    Examples
    --------
    >>> import bayesml as bml
    >>> fit = bml.fit("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))
    >>> bml.r2(fit)["estimate"].round(4).to_dict()
    {'marginal': 0.2787, 'conditional': 0.7992}
    """
    require_result(result, "r2")
    one_of("kind", kind, ["nakagawa", "bayes"])
    normal_quantile(ci_prob)
    if kind == "bayes":
        if approximation is not None or mean is not None:
            raise SpecificationError('`approximation` and `mean` belong to `kind="nakagawa"`.')
        return of_response(result, ci_prob)
    method = checked_approximation(result, approximation, mean)
    names = list(result.design.predictors)
    index = [row if len(names) == 1 else f"{name}: {row}" for name in names for row in ROWS]
    by: Any = of_fit if isinstance(result, LikelihoodResult) else of_posterior
    own = by(result, method, mean, ci_prob)
    own.index = pd.Index(index, name="r2")
    return NotedFrame(own, notes(result, method, mean))


def checked_approximation(result: Result, approximation: str | None, mean: float | None) -> str | None:
    """The approximation of the level-1 variance; None where there is a latent one."""
    family, link = result.model.family, result.model.link
    if family.latent_variance(link, result.sigma) is not None:
        if approximation is not None or mean is not None:
            raise SpecificationError(
                f"The {family.name} family with the {link.name} link has a latent level-1 variance: `approximation` "
                "and `mean` are for models without one, such as counts."
            )
        return None
    if approximation is not None:
        one_of("approximation", approximation, link.approximations, f" with the {link.name} link")
    return approximation or link.approximations[0]


def notes(result: Result, method: str | None, mean: float | None) -> list[str]:
    """What the reader must know."""
    out = []
    if method is not None:
        where = "the average mean over levels" if mean is None else f"mean {mean:g}"
        out.append(f"Level-1 variance: {method} approximation at {where}.")
    if row_scale(result.design) is not None:
        out.append("Level-1 variance: its mean over the rows.")
    return out


# -- on the scale of the predictor -----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Parameters:
    """Values of all parameters at several points, draws or others.

    Parameters
    ----------
    beta : ndarray (points, p)
    covariances : list of ndarray (points, q, q)
    values : list of ndarray (points, 1)
        Parameters of the family.
    sigma : ndarray (points,)
    """

    beta: np.ndarray
    covariances: list[np.ndarray]
    values: list[np.ndarray]
    sigma: np.ndarray


def shares(result: Result, at: Parameters, method: str | None, mean: float | None) -> np.ndarray:
    """Marginal and conditional R² of each predictor in turn, (points, 2 K)."""
    design = result.design
    counts = np.ones(design.n) if design.frequencies is None else design.frequencies
    total = counts.sum()
    centred = design.X - (counts @ design.X) / total
    S = (centred.T * counts) @ centred / (total - 1.0)
    level1 = level_one(result, at, method, mean)
    out = []
    for k, mask in enumerate(fixed_masks(design)):
        fixed = np.einsum("sp,pr,sr->s", at.beta * mask, S, at.beta * mask)
        random = np.zeros(len(at.beta))
        for term, G, own in zip(design.random, at.covariances, random_masks(design), strict=True):
            Z = term.Z * own[k]
            random += np.einsum("ij,sij->s", (Z.T * counts) @ Z / total, G)
        everything = fixed + random + level1
        out += [fixed / everything, (fixed + random) / everything]
    return np.stack(out, axis=1)


def level_one(result: Result, at: Parameters, method: str | None, mean: float | None) -> np.ndarray:
    """Level-1 variance on the scale of the predictor at each point, (points,)."""
    design, family, link = result.design, result.model.family, result.model.link
    if method is None:
        latent = np.array([family.latent_variance(link, sigma) for sigma in at.sigma], float)
        scale = row_scale(design)
        return latent if scale is None else latent * np.mean(scale**2)
    means = average_mean(result, at) if mean is None else np.full(len(at.beta), float(mean))
    low, high = family.support
    if mean is not None and not low < mean < high:
        raise SpecificationError(f"`mean={mean:g}`: the {family.name} family has means between {low:g} and {high:g}.")
    etas = [link.of(means, np)]
    values = [value[:, 0] for value in at.values]
    parameters = family_parameters(result.model, design.categories, etas, values)
    return np.broadcast_to(family.link_variance(link, parameters, method), means.shape)


def average_mean(result: Result, at: Parameters) -> np.ndarray:
    """Average over the rows of the mean over levels, (points,)."""
    design = result.design
    wanted, rows = quantity(result, "mean"), prediction_rows(result, None, random=True, groups=False)
    counts = np.ones(design.n) if design.frequencies is None else design.frequencies
    total = np.zeros(len(at.beta))
    for part in row_blocks(design.n, len(at.beta)):
        block = rows.take(np.arange(design.n)[part])
        eta = fixed_predictors(design, block, at.beta)
        S = between(design, block, at.covariances)
        total += averaged(block, wanted, eta, S, at.values) @ counts[part]
    return total / counts.sum()


def of_posterior(result: Any, method: str | None, mean: float | None, ci_prob: float) -> pd.DataFrame:
    """Summary of the ratio at each draw."""
    post = result.posterior
    at = Parameters(
        flat_draws(post.beta),
        [flat_draws(term_covariance(*own)) for own in zip(result.design.random, post.sds, post.corrs, strict=True)],
        [flat_draws(result.draws(name))[:, None] for name in result.ancillary],
        post.sigma.ravel(),
    )
    return summarise_draws(shares(result, at, method, mean), ci_prob)


def of_fit(result: LikelihoodResult, method: str | None, mean: float | None, ci_prob: float) -> pd.DataFrame:
    """Estimates, standard errors by the delta method, limits on the logit scale."""
    vcov = joint_vcov(result)
    size = len(vcov)
    steps = STEP * np.sqrt(np.diag(vcov))
    moves = np.vstack([np.zeros(size), np.diag(steps), -np.diag(steps)])
    found = shares(result, moved(result, moves), method, mean)
    free = steps > 0
    slopes = (found[1 : size + 1] - found[size + 1 :])[free] / (2.0 * steps[free])[:, None]
    variance = np.einsum("ar,ab,br->r", slopes, vcov[np.ix_(free, free)], slopes)
    se = np.where(found[0] > 0, np.sqrt(np.maximum(variance, 0.0)), np.nan)
    lower, upper = interval(found[0], se, ci_prob, "logit")
    return pd.DataFrame({"estimate": found[0], "se": se, "lower": lower, "upper": upper})


def joint_vcov(result: LikelihoodResult) -> np.ndarray:
    """Covariance matrix of coefficients and variance parameters; 0 of those that count as known."""
    solution, parameters = result.solution, result.variances.parameters
    cross = solution.cross_covariance()
    return np.nan_to_num(np.block([[solution.vcov_beta, cross], [cross.T, parameters.vcov]]))


def moved(result: LikelihoodResult, moves: np.ndarray) -> Parameters:
    """The parameters of a fit, moved by (points, p + v) in coefficients and variance parameters."""
    solution, estimates = result.solution, result.variances
    p, points = len(solution.beta), len(moves)
    covariances = [np.repeat(G[None], points, axis=0) for G in solution.covariances]
    values = [np.full((points, 1), float(value)) for value in result.ancillary_values]
    sigma = np.full(points, result.sigma)
    names = list(result.ancillary)
    for move, name in zip(moves[:, p:].T, estimates.parameters.names, strict=True):
        match name:
            case (int(k), i, j):
                covariances[k] += move[:, None, None] * estimates.direction(k, i, j)
            case ("ancillary", a):
                values[a] = values[a] + move[:, None]
            case _:
                sigma = np.sqrt(result.sigma2 + move)
                values[names.index(str(estimates.scale_parameter))] = sigma[:, None]
    return Parameters(solution.beta + moves[:, :p], covariances, values, sigma)


# -- on the scale of the response ------------------------------------------------------------------


def of_response(result: Result, ci_prob: float) -> pd.DataFrame:
    """Ratios of variances of means and of responses at each draw; of a fit at its estimates and modes."""
    design = result.design
    if design.categories:
        raise RefusedTest(f'`{design.response_name}` is a category, without a variance: take `kind="nakagawa"`.')
    fit = isinstance(result, LikelihoodResult)
    drawn = as_draws(result, 1, (0,), modes=True) if fit else result
    columns = []
    for ranef in ("marginal", "conditional"):
        rows = prediction_rows(result, None, random=True, groups=ranef == "conditional")
        source = RowDraws(drawn, rows, ranef, False, (0,))
        columns.append(explained(source, design.frequencies))
    draws = np.stack(columns, axis=1)
    if fit:
        frame = pd.DataFrame({"estimate": draws[0], "se": np.nan, "lower": np.nan, "upper": np.nan})
    else:
        frame = summarise_draws(draws, ci_prob)
    frame.index = pd.Index(ROWS, name="r2")
    told = ["Scale of the response."] + (["At the estimates and conditional modes."] if fit else [])
    return NotedFrame(frame, told)


def explained(source: RowDraws, frequencies: np.ndarray | None) -> np.ndarray:
    """Share of the variance of means at each draw, (draws,)."""
    family, n = source.result.model.family, len(source.rows.X)
    counts = np.ones(n) if frequencies is None else frequencies

    def moments(etas: Any, values: Any, scale: Any, times: Any) -> np.ndarray:
        parameters = family_parameters(source.result.model, (), etas, values, scale)
        mu, variance = np.asarray(family.mean(parameters)), np.asarray(family.variance(parameters))
        return np.stack(np.broadcast_arrays(mu, mu**2, variance), axis=-1)

    def of_block(block: Block) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean, variance about it that the levels have, and variance of a response given its level, (draws, m)."""
        if source.ranef == "marginal" and linear:
            levels = between(source.result.design, block.rows, source.covariances)[..., 0, 0]
            parameters = block.of_family(block.eta)
            return block.eta[..., 0], levels, np.asarray(family.variance(parameters))
        mu, square, variance = np.moveaxis(block.quantity(wanted), -1, 0)
        return mu, np.maximum(square - mu**2, 0.0), variance

    wanted, linear = Quantity(moments, ("mean", "square", "variance")), quantity(source.result, "mean").linear
    sums, squares, within = (np.zeros(source.n_draws) for _ in range(3))
    centre: np.ndarray | None = None
    for block in source.blocks():
        mu, levels, variance = of_block(block)
        weights, trials = counts[block.part], block.rows.trials
        centre = mu.mean(axis=1) if centre is None else centre
        sums += (mu - centre[:, None]) @ weights
        squares += (mu - centre[:, None]) ** 2 @ weights
        within += (levels + (variance if trials is None else variance / trials)) @ weights
    total = counts.sum()
    between_rows = (squares - sums**2 / total) / (total - 1.0)
    return between_rows / (between_rows + within / total)
