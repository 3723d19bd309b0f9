"""Small multiples: the data of each level of a grouping factor with its own and the population line."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from bayesml.design.addresses import within_predictor
from bayesml.design.arrays import Design, RandomColumns
from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.plots.colours import BAND, CONDITIONAL, POINTS, POPULATION
from bayesml.plots.panels import folded, legend, panel_grid, plain, shortened
from bayesml.post.likelihood_prediction import predict_by_estimates
from bayesml.post.posterior_prediction import predict_by_draws
from bayesml.post.prediction_rows import prediction_rows
from bayesml.post.quantities import quantity
from bayesml.post.request import Request
from bayesml.post.streams import stream
from bayesml.results.base import Result, require_result
from bayesml.results.intervals import normal_quantile
from bayesml.results.likelihood import LikelihoodResult
from bayesml.results.response_scale import trials_of
from bayesml.results.sections import percent

MOST_PANELS = 24
SIDES = ((4, 2.4), (12, 1.9), (math.inf, 1.5))
"""Up to so many panels have sides of so many inches."""
JITTER = 0.04
"""Half of the width over which responses 0 and 1 are scattered, so that equal ones do not hide each other."""


def fit_by_group(
    result: Result,
    x: str | None = None,
    group: str | None = None,
    levels: Sequence[object] | None = None,
    columns: int | None = None,
    outcome: str | None = None,
    ci_prob: float | None = 0.95,
) -> Figure:
    """Return a figure with one panel for each level: data, conditional line with its band, and population line.

    The conditional line uses the random effects of the level, ``X beta + Z b``; the population line
    sets them to zero, ``X beta``; both on the scale of the response: means, probabilities, of trials proportions. Lines
    join the values at the rows of the data, averaged over rows of the same `x`; where other columns change within a
    level, they have corners. Responses 0 and 1 are scattered a little up and down.

    Parameters
    ----------
    result : LikelihoodResult or BayesianResult
    x : str, optional
        Address of the column on the horizontal axis. Default: the first column with a random slope
        for this group, else the first coefficient that is a plain column.
    group : str, optional
        The grouping factor; default: that of the first random term.
    levels : sequence, optional
        Which levels, by their labels, in this order. Default: all, or the first 24.
    columns : int, optional
        Panels in a row.
    outcome : str, optional
        Of categories: whose probability is drawn, with 1 for the rows in which it was observed. Default: the last.
    ci_prob : float or None, default 0.95
        Content of the band around the conditional line: credible, or the confidence band of a fit at its estimated
        variances. None leaves it out.

    Returns
    -------
    matplotlib.figure.Figure
        One panel a level, titled by the user's own label; all share their axes.

    Raises
    ------
    SpecificationError
        The model has no random term, or no column to draw against; or `ci_prob` is not between 0 and 1.
    ColumnNotFound
        There is no such column, grouping factor, level or category.

    Notes
    -----
    The band is about the mean of the level, not about new responses: most points may lie outside it.

    Examples
    --------
    >>> import bayesml as bml
    >>> fit = bml.fit("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))
    >>> figure = bml.plots.fit_by_group(fit, x="Days")
    """
    require_result(result, "plots.fit_by_group")
    term = random_term(result.design, group)
    name = x or default_column(result.design, term)
    horizontal = column(result.design, name)
    drawn = drawn_outcome(result.design, outcome)
    shown = chosen_levels(term, levels)
    rows = [rows_of(term, level, horizontal) for level in shown]
    everything = lines(result, np.concatenate(rows), drawn, ci_prob)
    side = next(inches for most, inches in SIDES if len(shown) <= most)
    figure, panels = panel_grid(len(shown), columns, size=(side, side), sharex=True, sharey=True)
    start = 0
    for axes, level, own in zip(panels, shown, rows, strict=True):
        here = everything.iloc[start : start + len(own)]
        start += len(own)
        draw_panel(axes, horizontal[own], here)
        axes.set_title(folded(shortened(term.level_labels[level], 36), 18), fontsize="small", pad=3)
    figure.supxlabel(name, fontsize="medium")
    figure.supylabel(vertical_label(result, drawn), fontsize="medium")
    whole = bool(np.all(horizontal == np.rint(horizontal)))
    panels[0].xaxis.set_major_locator(MaxNLocator(nbins=4, integer=whole))
    panels[0].yaxis.set_major_locator(MaxNLocator(nbins=4))
    handles: list[Any] = [
        Line2D([], [], label=label, **style)
        for label, style in (("data", POINTS), ("conditional", CONDITIONAL), ("population", POPULATION))
    ]
    if ci_prob is not None:
        handles.append(Patch(label=f"{percent(ci_prob)} {interval_word(result)} band", **BAND))
    count = len(term.levels)
    title = term.group if len(shown) == count else f"{len(shown)} of {count} levels of {term.group}"
    legend(figure, handles, title)
    return figure


def rows_of(term: RandomColumns, level: int, horizontal: np.ndarray) -> np.ndarray:
    """Positions of the rows of a level, in the order of the horizontal axis."""
    rows = np.flatnonzero(term.codes == level)
    return rows[np.argsort(horizontal[rows], kind="stable")]


def vertical_label(result: Result, outcome: str | None) -> str:
    """What is drawn: the response, its proportion of the trials, or the probability of a category."""
    name = result.design.response_name
    if outcome is not None:
        return f"probability of {name} = {outcome}"
    return name if trials_of(result.design) is None else f"proportion, {name}"


def interval_word(result: Result) -> str:
    """`credible` or `confidence`."""
    return result.column_titles[2].removesuffix(" interval")


def drawn_outcome(design: Design, outcome: str | None) -> str | None:
    """The category whose probability is drawn; None where responses are numbers."""
    if not design.categories:
        if outcome is not None:
            raise SpecificationError(f"`{design.response_name}` has no categories: leave out `outcome`.")
        return None
    chosen = design.categories[-1] if outcome is None else str(outcome)
    if chosen not in design.categories:
        raise ColumnNotFound(
            f"`{design.response_name}` has no category {chosen!r}; it has {', '.join(design.categories)}"
        )
    return chosen


def lines(result: Result, rows: np.ndarray, outcome: str | None, ci_prob: float | None) -> pd.DataFrame:
    """`observed population conditional` and, with `ci_prob`, `lower upper` of the rows asked for."""
    frame = pd.DataFrame({"observed": scattered(observed_values(result, rows, outcome))})
    frame["population"] = of_rows(result, rows, outcome, "zero", None)["estimate"]
    own = of_rows(result, rows, outcome, "conditional", ci_prob)
    frame["conditional"] = own["estimate"]
    if ci_prob is not None:
        frame["lower"], frame["upper"] = own["lower"], own["upper"]
    return frame


def observed_values(result: Result, rows: np.ndarray, outcome: str | None) -> np.ndarray:
    """Responses of some rows; proportions of trials; 1 where a category was observed."""
    if outcome is None:
        return result.observed.to_numpy()[rows]
    return (result.observed == outcome).to_numpy(float)[rows]


def of_rows(
    result: Result, rows: np.ndarray, outcome: str | None, ranef: str, ci_prob: float | None
) -> dict[str, np.ndarray]:
    """What `predict` returns for some rows of the data."""
    wanted = quantity(result, "mean" if outcome is None else "probability", outcome)
    interval = None if ci_prob is None else "confidence"
    content = 0.95 if ci_prob is None else ci_prob
    normal_quantile(content)
    request = Request(
        wanted,
        ranef,
        False,
        interval,
        content,
        interval is not None,
        np.random.default_rng(0),
        stream(result, None, 60),
    )
    own = prediction_rows(result, None, random=ranef == "conditional", groups=ranef == "conditional").take(rows)
    by: Any = predict_by_estimates if isinstance(result, LikelihoodResult) else predict_by_draws
    values: dict[str, np.ndarray] = by(result, own, request)
    return values


def scattered(values: np.ndarray) -> np.ndarray:
    """Values of 0 and 1, moved up and down; others as they are."""
    if not np.isin(values, (0.0, 1.0)).all():
        return values
    return values + np.random.default_rng(0).uniform(-JITTER, JITTER, len(values))


def draw_panel(axes: Axes, x: np.ndarray, here: pd.DataFrame) -> None:
    """Points, band and the two lines of one level; bars and strokes where all its rows have the same x."""
    alone = len(set(x)) == 1
    stroke: dict[str, Any] = {"marker": "_", "markersize": 12, "markeredgewidth": 1.8} if alone else {}
    if "lower" in here:
        places, lower = averaged(x, here["lower"].to_numpy())
        upper = averaged(x, here["upper"].to_numpy())[1]
        if alone:
            axes.vlines(places, lower, upper, color=BAND["color"], alpha=BAND["alpha"], linewidth=8)
        else:
            axes.fill_between(places, lower, upper, **BAND)
    axes.plot(x, here["observed"], label="data", **POINTS)
    axes.plot(*averaged(x, here["population"].to_numpy()), label="population", **{**POPULATION, **stroke})
    axes.plot(*averaged(x, here["conditional"].to_numpy()), label="conditional", **{**CONDITIONAL, **stroke})
    plain(axes)
    axes.margins(x=0.1 if alone else 0.05)
    axes.tick_params(labelsize="x-small", length=2)


def averaged(x: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different x in order, and the mean of the values at each."""
    places, of = np.unique(x, return_inverse=True)
    return places, np.bincount(of, values) / np.bincount(of)


def random_term(design: Design, group: str | None) -> RandomColumns:
    """The first random term of a grouping factor."""
    if not design.random:
        raise SpecificationError("fit_by_group() draws a panel for each level: the model has no random term.")
    known = [term.group for term in design.random]
    if group is None:
        return design.random[0]
    if group not in known:
        raise ColumnNotFound(f"there is no grouping factor `{group}`; there is {', '.join(dict.fromkeys(known))}")
    return design.random[known.index(group)]


def default_column(design: Design, term: RandomColumns) -> str:
    """What to draw against: a column with a random slope, else the first plain column."""
    fixed = [within_predictor(name, design) for name in design.coefficients]
    candidates = [
        name for own in term.names if (name := within_predictor(own, design)) in fixed and name != "Intercept"
    ]
    candidates += [name for name in fixed if name != "Intercept" and "[" not in name and ":" not in name]
    if not candidates:
        raise SpecificationError("the model has no numeric column to draw against; give one as x=")
    return candidates[0]


def column(design: Design, name: str) -> np.ndarray:
    """Values of a column of X or Z, by its address."""
    sources = [(design.coefficients, design.fixed_columns), *((t.names, t.columns) for t in design.random)]
    for names, columns in sources:
        plain = [within_predictor(own, design) for own in names]
        for found in (names, plain):
            if name in found and (values := columns[found.index(name)]) is not None:
                return values
    known = [n for n in dict.fromkeys(within_predictor(own, design) for own in design.coefficients) if n != "Intercept"]
    raise ColumnNotFound(f"`{name}` is not a column of the model; there is {', '.join(known) or 'none'}")


def chosen_levels(term: RandomColumns, levels: Sequence[object] | None) -> list[int]:
    """Positions of the levels to draw."""
    if levels is None:
        return list(range(min(len(term.levels), MOST_PANELS)))
    labels = term.level_labels
    unknown = [str(level) for level in levels if str(level) not in labels]
    if unknown:
        raise ColumnNotFound(f"`{term.group}` has no level {', '.join(unknown)}; the first are {', '.join(labels[:5])}")
    return [labels.index(str(level)) for level in levels]
