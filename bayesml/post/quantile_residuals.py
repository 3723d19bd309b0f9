"""`quantile_residuals`: residuals that are standard normal under the model, in every family."""

import numpy as np
import pandas as pd
from scipy import special

from bayesml.post.options import one_of
from bayesml.post.plugin import as_draws
from bayesml.post.prediction_rows import prediction_rows
from bayesml.post.quantities import quantity
from bayesml.post.row_draws import Block, RowDraws
from bayesml.post.streams import RESIDUAL_STREAM, stream
from bayesml.results.base import Result, require_result
from bayesml.results.likelihood import LikelihoodResult

SIMULATIONS = 1000
"""Simulated responses a row, of families without an expression of their distribution function."""
DRAWS = 1000
"""Draws that averages are taken over."""
PLACE, SIMULATED = 3, 4
"""Streams: the place within an interval, and simulated responses."""
SMALLEST = 1e-16


def quantile_residuals(
    result: Result,
    ranef: str = "conditional",
    at: str = "draw",
    scale: str = "normal",
    random_seed: int | None = None,
) -> pd.Series:
    """Randomised quantile residuals: ``Phi^-1(u)``, u the probability of a response up to the one observed.

    For continuous responses ``u = F(y)``; for counts and categories u is uniform between ``F(y - 1)`` and ``F(y)``; for
    censored responses between the probabilities of the ends of what is known. If the model is true, u is uniform.

    Parameters
    ----------
    result : LikelihoodResult or BayesianResult
    ranef : {"conditional", "marginal", "zero"}
        F given the random effects of the row's level; averaged over the distribution of the random effects (residuals
        of one level are then correlated); or at effects 0, which is uniform only without random effects.
    at : {"draw", "estimate"}
        Where F is taken, with ``ranef="conditional"``. ``"draw"``: at one draw of everything that is not known; of a
        fit at the estimates, with random effects drawn given the data. Under the model such residuals are independent
        and standard normal, however many random effects there are. ``"estimate"``: averaged over the posterior, or at
        the estimates and conditional modes: without that draw's noise, but too small where levels have few rows, as
        the effects follow the data.
    scale : {"normal", "uniform"}
        Residuals, or u itself.
    random_seed : int, optional
        Default: follows from the seed of the sampling; of a fit always the same.

    Returns
    -------
    Series
        On the index of the data. At most 8.2 in size.

    Raises
    ------
    SpecificationError
        Unknown options.

    Notes
    -----
    Of unordered categories the order is that of their codes, base first. Families without a distribution function, such
    as one of your own, are simulated 1000 times.

    That a residual at one posterior draw has its exact distribution is because under the model that draw has the
    same joint distribution with the data as the true parameters have.

    References
    ----------
    Dunn and Smyth (1996), Randomized quantile residuals, J. Comput. Graph. Stat. 5, 236. Johnson (2004), A Bayesian
    chi-squared test for goodness-of-fit, Ann. Stat. 32, 2361.

    Examples
    --------
    >>> import bayesml as bml
    >>> fit = bml.fit("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))
    >>> residuals = bml.quantile_residuals(fit)
    >>> bool(residuals.abs().max() < 6)
    True
    """
    require_result(result, "quantile_residuals")
    one_of("ranef", ranef, ["conditional", "marginal", "zero"])
    one_of("at", at, ["draw", "estimate"])
    one_of("scale", scale, ["normal", "uniform"])
    seed = stream(result, random_seed, RESIDUAL_STREAM)
    lower, upper = bounds(result, ranef, at, seed)
    u = lower + (upper - lower) * np.random.default_rng([*seed, PLACE]).random(len(lower))
    values = u if scale == "uniform" else special.ndtri(np.clip(u, SMALLEST, 1.0 - SMALLEST))
    return pd.Series(values, index=result.design.index, name="quantile residual")


def bounds(result: Result, ranef: str, at: str, seed: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n,) between which that of each response lies."""
    conditional = ranef == "conditional"
    single = at == "draw" if conditional else ranef == "zero"
    if isinstance(result, LikelihoodResult):
        single = single or conditional
    drawn = as_draws(result, 1 if single else DRAWS, seed, modes=conditional and at == "estimate")
    rows = prediction_rows(result, None, random=ranef != "zero", groups=conditional)
    lower, upper = np.empty(len(rows.X)), np.empty(len(rows.X))
    arrays = dict(result.design.response) or {"y": result.design.y}
    for block in RowDraws(drawn, rows, ranef, False, seed).blocks():
        y = {name: array[block.part] for name, array in arrays.items()}
        found = result.model.response.probabilities(result.model.family, y, block.parameters)
        ends = (
            simulated(block, y["y"], seed) if found is None else [np.mean(np.atleast_2d(own), axis=0) for own in found]
        )
        lower[block.part], upper[block.part] = ends
    return lower, upper


def drawn_fitted(result: Result, random_seed: int | None = None) -> np.ndarray:
    """Fitted values (n,) at the draw that residuals are taken at; of ordered categories linear predictors.

    Under the model these residuals are independent of them, but not of fitted values that follow the data.
    """
    seed = stream(result, random_seed, RESIDUAL_STREAM)
    drawn = as_draws(result, 1, seed)
    wanted = quantity(drawn, "linear" if result.design.categories else "mean")
    rows = prediction_rows(result, None, random=True, groups=True)
    blocks = RowDraws(drawn, rows, "conditional", False, seed).blocks()
    return np.concatenate([np.atleast_2d(block.quantity(wanted))[0] for block in blocks])


def simulated(block: Block, y: np.ndarray, seed: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The same from simulated responses: shares below y and up to it, as if y were one more of them."""
    rng, parameters = np.random.default_rng([*seed, SIMULATED, block.part.start]), block.parameters
    family, draws = block.source.result.model.family, block.source.n_draws
    below, up_to, repeats = np.zeros(len(y)), np.zeros(len(y)), -(-SIMULATIONS // draws)
    for _ in range(repeats):
        new = np.broadcast_to(family.simulate(rng, parameters), (draws, len(y)))
        below += (new < y).sum(axis=0)
        up_to += (new <= y).sum(axis=0)
    count = repeats * draws + 1
    return below / count, (up_to + 1.0) / count
