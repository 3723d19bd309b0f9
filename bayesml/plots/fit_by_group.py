"""Small multiples: the data of each level of a grouping factor with its own and the population line."""

import math
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bayesml.design.addresses import within_predictor
from bayesml.design.arrays import Design, RandomColumns
from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.plots.colours import CONDITIONAL, POINTS, POPULATION
from bayesml.post.predict import predict
from bayesml.results.base import Result

MOST_PANELS = 24
JITTER = 0.04
"""Half of the width over which responses 0 and 1 are scattered, so that equal ones do not hide each other."""


def fit_by_group(
    result: Result,
    x: str | None = None,
    group: str | None = None,
    levels: Sequence[object] | None = None,
    columns: int | None = None,
    outcome: str | None = None,
) -> Figure:
    """Return a figure with one panel for each level: data, conditional line and population line.

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

    Returns
    -------
    matplotlib.figure.Figure
        One panel a level, titled by the user's own label; all share their axes.

    Raises
    ------
    SpecificationError
        The model has no random term, or no column to draw against.
    ColumnNotFound
        There is no such column, grouping factor, level or category.

    Examples
    --------
    >>> import bayesml as bml
    >>> fit = bml.fit("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))
    >>> figure = bml.plots.fit_by_group(fit, x="Days")
    """
    term = random_term(result.design, group)
    name = x or default_column(result.design, term)
    horizontal = column(result.design, name)
    drawn = drawn_outcome(result.design, outcome)
    conditional, population, observed = lines(result, drawn)
    shown = chosen_levels(term, levels)
    across = columns or math.ceil(math.sqrt(1.5 * len(shown)))
    down = math.ceil(len(shown) / across)
    figure, panels = plt.subplots(
        down,
        across,
        figsize=(1.5 * across + 0.6, 1.5 * down + 0.9),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axes, level in zip(panels.flat, shown, strict=False):
        rows = np.flatnonzero(term.codes == level)
        rows = rows[np.argsort(horizontal[rows], kind="stable")]
        draw_panel(axes, horizontal[rows], observed[rows], conditional[rows], population[rows])
        axes.set_title(term.level_labels[level], fontsize="small", pad=3)
    empty_below(panels, len(shown))
    figure.supxlabel(name, fontsize="medium")
    response = result.design.response_name
    figure.supylabel(response if drawn is None else f"probability of {response} = {drawn}", fontsize="medium")
    handles, _ = panels.flat[0].get_legend_handles_labels()
    panels.flat[0].xaxis.set_major_locator(
        MaxNLocator(nbins=4, integer=bool(np.all(horizontal == np.rint(horizontal))))
    )
    count = len(term.levels)
    title = term.group if len(shown) == count else f"{len(shown)} of {count} levels of {term.group}"
    figure.legend(handles=handles, title=title, loc="outside upper center", ncols=3, frameon=False, fontsize="small")
    return figure


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


def lines(result: Result, outcome: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Conditional values, those of the population, and the data, (n,) each."""
    options: dict[str, Any] = {} if outcome is None else {"kind": "probability", "outcome": outcome}
    population = predict(result, ranef="zero", se=False, **options)["estimate"].to_numpy()
    if outcome is None:
        conditional, observed = result.fitted.to_numpy(), result.observed.to_numpy()
    else:
        conditional = result.fitted[outcome].to_numpy()
        observed = (result.observed == outcome).to_numpy(float)
    return conditional, population, scattered(observed)


def scattered(values: np.ndarray) -> np.ndarray:
    """Values of 0 and 1, moved up and down; others as they are."""
    if not np.isin(values, (0.0, 1.0)).all():
        return values
    return values + np.random.default_rng(0).uniform(-JITTER, JITTER, len(values))


def draw_panel(axes: Axes, x: np.ndarray, y: np.ndarray, conditional: np.ndarray, population: np.ndarray) -> None:
    """Points and the two lines of one level."""
    axes.plot(x, y, label="data", **POINTS)
    axes.plot(*averaged(x, population), label="population", **POPULATION)
    axes.plot(*averaged(x, conditional), label="conditional", **CONDITIONAL)
    axes.tick_params(labelsize="x-small", length=2)
    axes.spines[["top", "right"]].set_visible(False)


def averaged(x: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different x in order, and the mean of the values at each."""
    places, of = np.unique(x, return_inverse=True)
    return places, np.bincount(of, values) / np.bincount(of)


def empty_below(panels: np.ndarray, used: int) -> None:
    """Hide the panels that no level fills, and label the axis of the panels above them."""
    across = panels.shape[1]
    for position, axes in enumerate(panels.flat):
        if position >= used:
            axes.set_visible(False)
            if position >= across:
                panels.flat[position - across].tick_params(labelbottom=True)


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
