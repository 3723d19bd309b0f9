"""Residuals: whether they are normal, and whether they depend on anything."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from scipy import special

from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.plots.colours import BLUE, GREY, REFERENCE, VERMILLION
from bayesml.plots.fit_by_group import column
from bayesml.plots.panels import few_ticks, folded, notes, panel_grid, plain, shortened
from bayesml.plots.predictive_check import grouping
from bayesml.post.options import one_of
from bayesml.post.quantile_residuals import drawn_fitted, quantile_residuals
from bayesml.results.base import Result, require_result
from bayesml.results.intervals import normal_quantile
from bayesml.results.sections import percent

KINDS = {
    "quantile": "quantile residual",
    "pearson": "Pearson residual",
    "response": "response minus fitted",
}
BAND: dict[str, Any] = {"color": GREY, "alpha": 0.22, "linewidth": 0}
MEAN: dict[str, Any] = {"color": VERMILLION, "linewidth": 1.6, "marker": "o", "markersize": 3.5, "linestyle": "-"}
FEWEST_A_BIN, MOST_BINS = 15, 20
MOST_LABELS = 24
SKEWED = 30.0
"""Ratio of the largest to the smallest fitted value from which on their axis is logarithmic."""
SIMULATIONS, LARGEST = 1000, 1500
"""Of the band of a QQ plot: simulated sets, and the number of residuals from which on its level is not found anew."""


def residuals(
    result: Result,
    kind: str = "quantile",
    against: str | Sequence[Any] | None = "fitted",
    group: str | Sequence[Any] | None = None,
    ranef: str = "conditional",
    at: str = "draw",
    ci_prob: float = 0.95,
    random_seed: int | None = None,
) -> Figure:
    """Return a figure of residuals: against normal quantiles, against fitted values or a column, and by level.

    Parameters
    ----------
    result : LikelihoodResult or BayesianResult
    kind : {"quantile", "pearson", "response"}
        ``"quantile"``: randomised quantile residuals, which are standard normal under the model in every family; see
        `bml.quantile_residuals`. ``"pearson"``: over the standard deviation of a response. ``"response"``: response
        minus fitted. The last two are normal in linear models only, and are not there for categories.
    against : str, sequence or None
        The horizontal axis of the second panel: `"fitted"` (of ordered categories their linear predictor, of unordered
        ones the place of the row), the address of a column of the model, or values for the rows of the fit. None
        leaves the panel out.
    group : str or sequence, optional
        A grouping factor, or labels of the rows of the fit: a third panel with the mean of each level.
    ranef, at
        Of quantile residuals: what is done with the random effects; see `bml.quantile_residuals`.
    ci_prob : float, default 0.95
        Content of the bands.
    random_seed : int, optional
        Of quantile residuals. Default: follows from the seed of the sampling; of a fit always the same.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    SpecificationError
        Unknown options, Pearson or response residuals of categories.
    ColumnNotFound
        There is no such column or grouping factor.

    Notes
    -----
    The band of the first panel holds for all quantile residuals at once, by simulation; p is that of Kolmogorov and
    Smirnov's test. In the second panel lines are means of residuals of neighbouring rows, and the band is where each of
    them lies with probability `ci_prob` under the model (of kinds that are not standardised: by their own sd). A mean
    that bends tells of a wrong function of the column; points that spread out, of a wrong variance. Residuals at one
    draw stand against fitted values at the same draw, of which they are independent under the model.

    References
    ----------
    Dunn and Smyth (1996), Randomized quantile residuals, J. Comput. Graph. Stat. 5, 236. Aldor-Noiman et al. (2013),
    The power to see: a new graphical test of normality, The American Statistician 67, 249.

    Examples
    --------
    >>> import bayesml as bml
    >>> fit = bml.fit("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))
    >>> figure = bml.plots.residuals(fit)
    >>> figure = bml.plots.residuals(fit, against="Days", group="Subject")
    """
    require_result(result, "plots.residuals")
    one_of("kind", kind, KINDS)
    z = normal_quantile(ci_prob)
    values = residuals_of(result, kind, ranef, at, random_seed)
    exact = kind == "quantile"
    spread = 1.0 if exact else float(np.std(values, ddof=1))
    drawn = exact and ranef == "conditional" and at == "draw"
    found = None if against is None else horizontal(result, against, drawn, random_seed)
    levels = None if group is None else grouping(result, group)
    count = 1 + (found is not None) + (levels is not None)
    figure, panels = panel_grid(count, count, size=(3.5, 3.1))
    draw_normal(panels[0], values, spread, exact, ci_prob)
    panels[0].set_ylabel(KINDS[kind])
    if found is not None:
        draw_against(panels[1], found[1], values, spread, z)
        if against == "fitted" and found[1].min() > 0 and found[1].max() > SKEWED * found[1].min():
            panels[1].set_xscale("log")
            panels[1].xaxis.set_major_locator(LogLocator(10, (1.0, 3.0), numticks=8))
            panels[1].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            panels[1].xaxis.set_minor_formatter(NullFormatter())
        panels[1].set_xlabel(folded(found[0], 34))
    if levels is not None:
        draw_levels(panels[-1], *levels, values, spread, z)
    for axes in panels:
        plain(axes)
        few_ticks(axes, None, 6)
    told = f"Bands: {percent(ci_prob)} under the model."
    notes(figure, told, what_was_taken(result, ranef, at) if exact else "")
    return figure


def residuals_of(result: Result, kind: str, ranef: str, at: str, random_seed: int | None) -> np.ndarray:
    """Residuals (n,)."""
    if kind == "quantile":
        return quantile_residuals(result, ranef, at, random_seed=random_seed).to_numpy()
    if result.design.categories:
        raise SpecificationError(
            f'`{result.design.response_name}` is a category and has no `kind="{kind}"`: ask for `kind="quantile"`.'
        )
    return (result.residuals if kind == "response" else result.standardized_residuals).to_numpy()


def what_was_taken(result: Result, ranef: str, at: str) -> str:
    """What the quantile residuals are given."""
    if ranef != "conditional":
        return f'Random effects: "{ranef}".'
    posterior = result.kind == "bayesian"
    if at == "draw":
        return "At one draw of the posterior." if posterior else "Random effects drawn given the data."
    return "Averaged over the posterior." if posterior else "At the conditional modes."


def horizontal(
    result: Result, against: str | Sequence[Any], drawn: bool, random_seed: int | None
) -> tuple[str, np.ndarray]:
    """Label and values (n,) of a horizontal axis; fitted values are those at the draw that residuals are taken at."""
    design = result.design
    if not isinstance(against, str):
        if len(against) != design.n:
            raise SpecificationError(f"`against` has {len(against)} values; the fit used {design.n} rows.")
        return str(getattr(against, "name", None) or "given values"), np.asarray(against, float)
    if against != "fitted":
        try:
            return against, column(design, against)
        except ColumnNotFound as error:
            raise ColumnNotFound(f'{error}, or "fitted"; values for the rows can be given too.') from None
    if len(design.predictors) > 1:
        return "place of the row", np.arange(design.n, dtype=float)
    name = "linear predictor" if design.categories else "fitted"
    if drawn:
        return f"{name}, at the same draw", drawn_fitted(result, random_seed)
    return name, np.asarray(result.fitted_predictors if design.categories else result.fitted)


# -- panels ----------------------------------------------------------------------------------------


def draw_points(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Points that stay readable when they are many."""
    n = len(x)
    axes.plot(
        x, y, color=BLUE, marker="o", linestyle="none", markeredgewidth=0, markersize=4 if n < 400 else 2.5,
        alpha=0.7 if n < 400 else max(0.12, min(0.5, 400 / n)), rasterized=n > 5000,
    )  # fmt: skip


def draw_normal(axes: Axes, values: np.ndarray, spread: float, exact: bool, ci_prob: float) -> None:
    """Residuals against normal quantiles, with their line and its band."""
    n = len(values)
    expected = special.ndtri((np.arange(1, n + 1) - 0.375) / (n + 0.25))
    if exact:
        lower, upper = normal_band(n, ci_prob)
        axes.fill_between(expected, lower, upper, **BAND)
    axes.plot(expected[[0, -1]], spread * expected[[0, -1]], **REFERENCE)
    draw_points(axes, expected, np.sort(values))
    axes.set_xlabel("normal quantile")
    if exact:
        axes.set_title(f"Kolmogorov–Smirnov p = {normal_p(values):.3f}", fontsize="small", pad=4)


def draw_against(axes: Axes, x: np.ndarray, values: np.ndarray, spread: float, z: float) -> None:
    """Residuals against something, means of neighbours, and where these lie under the model."""
    draw_points(axes, x, values)
    axes.axhline(0.0, **REFERENCE)
    codes = bins_of(x)
    counts = np.bincount(codes)
    places, means = np.bincount(codes, x) / counts, np.bincount(codes, values) / counts
    half = z * spread / np.sqrt(counts)
    if len(places) > 1:
        axes.fill_between(places, -half, half, **BAND)
    axes.plot(places, means, **MEAN)
    outside = int((np.abs(means) > half).sum())
    axes.set_title(f"means: {outside} of {len(means)} outside the band", fontsize="small", pad=4)


def draw_levels(
    axes: Axes, codes: np.ndarray, labels: list[str], name: str, values: np.ndarray, spread: float, z: float
) -> None:
    """Mean residual of each level, in order, and where it lies under the model."""
    counts = np.bincount(codes, minlength=len(labels))
    means = np.bincount(codes, values, len(labels)) / counts
    order = np.argsort(means, kind="stable")
    half = (z * spread / np.sqrt(counts))[order]
    places = np.arange(len(order))
    few = len(labels) <= MOST_LABELS
    axes.vlines(places, -half, half, color=GREY, alpha=0.45, linewidth=max(0.5, min(5.0, 110 / len(labels))))
    axes.axhline(0.0, **REFERENCE)
    axes.plot(places, means[order], color=VERMILLION, marker="o", linestyle="none", markersize=4.5 if few else 2.5)
    if few:
        upright: dict[str, Any] = {"rotation": 90} if len(labels) > 6 or max(map(len, labels)) > 4 else {}
        axes.set_xticks(places, [shortened(labels[i]) for i in order], fontsize="x-small", **upright)
    else:
        axes.set_xticks([])
    axes.set_xlabel(name if few else f"{len(labels)} levels of {name}, in order")
    outside = int((np.abs(means[order]) > half).sum())
    axes.set_title(f"means: {outside} of {len(labels)} outside", fontsize="small", pad=4)


# -- numbers ---------------------------------------------------------------------------------------


def bins_of(x: np.ndarray) -> np.ndarray:
    """Codes of neighbouring rows: equal values where they are few, else as many rows a bin, at most 20 bins."""
    different, codes = np.unique(x, return_inverse=True)
    if len(different) <= MOST_BINS:
        return codes
    count = max(1, min(MOST_BINS, len(x) // FEWEST_A_BIN))
    ends = np.unique(np.quantile(x, np.linspace(0, 1, count + 1)[1:-1]))
    found = np.searchsorted(ends, x, side="right")
    return pd.factorize(found, sort=True)[0]


def normal_p(values: np.ndarray) -> float:
    """P value of Kolmogorov and Smirnov's test that values are standard normal, with Stephens's correction."""
    u, n = special.ndtr(np.sort(values)), len(values)
    distance = max((np.arange(1, n + 1) / n - u).max(), (u - np.arange(n) / n).max())
    root = np.sqrt(n)
    return float(special.kolmogorov((root + 0.12 + 0.11 / root) * distance))


def normal_band(n: int, content: float) -> tuple[np.ndarray, np.ndarray]:
    """Limits (n,) of sorted standard normal values, all held at once with a probability.

    Each order statistic of uniform values is a beta variable; all limits have the same tail.
    """
    tail = local_tail(min(n, LARGEST), content)
    i = np.arange(1, n + 1)
    lower, upper = (special.betaincinv(i, n - i + 1.0, p) for p in (tail, 1.0 - tail))
    return special.ndtri(lower), special.ndtri(upper)


@functools.lru_cache(maxsize=64)
def local_tail(n: int, content: float) -> float:
    """The tail that the most extreme of n order statistics has with probability 1 - content, by simulation."""
    rng = np.random.default_rng(n)
    i = np.arange(1, n + 1)
    smallest = np.empty(SIMULATIONS)
    for s in range(SIMULATIONS):
        p = special.betainc(i, n - i + 1.0, np.sort(rng.random(n)))
        smallest[s] = min(p.min(), 1.0 - p.max())
    return float(np.quantile(smallest, 1.0 - content))
