"""Estimates and intervals of parameters, of one result or of several side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from bayesml.design.addresses import Address, within_predictor
from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.plots.colours import PALE, REFERENCE, marker_style
from bayesml.plots.draws import at_least_one, left_out
from bayesml.plots.intervals import address_intervals, interval_words
from bayesml.plots.panels import Plot, few_ticks, legend, notes, plain, row_label
from bayesml.results.base import Result, require_result
from bayesml.results.selection import Wanted, select

Rope = tuple[float, float] | Mapping[str, tuple[float, float]] | None

AROUND_ZERO = ("coefficient", "corr", "effect")
"""Kinds of parameters for which zero is a value to compare with."""
KINDS = {"coefficient": "Fixed effects", "sd": "Standard deviations", "sigma": "Standard deviations",
         "corr": "Correlations", "effect": "Random effects"}  # fmt: skip
MOST_DECIMALS, LARGEST_WHOLE = 6, 1e7
"""Numbers with more decimals, and larger ones, are written with exponents."""
NAME_WIDTH = 44
FAR = 15
"""An interval that goes so many times as far as the median one is cut off."""


def forest(
    results: Result | Mapping[str, Result],
    parameters: Wanted = None,
    ci_prob: float = 0.95,
    rope: Rope = None,
    limit: int = 40,
) -> Figure:
    """Return a figure of estimates and intervals, one line a parameter, of one result or of several.

    Parameters
    ----------
    results : LikelihoodResult or BayesianResult, or dict of them by name
        Those of a dict stand below each other on the line of each parameter that they have.
    parameters : str or sequence of str, optional
        Addresses (`Days`), groups of them (`sd(Subject)`, `b(Subject)`) and patterns (`b(Days | *)`, `*` for all but
        the random effects). Default: all but intercepts and random effects; intercepts, if there is nothing else.
    ci_prob : float, default 0.95
        Content of the intervals.
    rope : (lower, upper) or dict of them by address, optional
        Region of practical equivalence, shaded: one for all coefficients, or those of some parameters.
    limit : int, default 40
        Parameters at most; of more the first are shown, which the figure says.

    Returns
    -------
    matplotlib.figure.Figure
        Coefficients, standard deviations, correlations, parameters of the family and random effects in panels of their
        own, each with its own axis. The numbers of a single result stand on the right.

    Raises
    ------
    ColumnNotFound
        No result has such a parameter.
    SpecificationError
        There are no results; `ci_prob` is not between 0 and 1; or `rope` is not two numbers in order.

    Notes
    -----
    Posteriors: medians with equal-tailed intervals, the thick part holds 50%. Fits: estimates with confidence
    intervals, of sds on the log scale, of correlations on the atanh scale; without one for a parameter at its boundary
    or held fixed. Conditional modes of random effects ``± z sd``. An interval more than 15 times as long as the median
    one of its panel is cut off, with an arrow.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> slopes = bml.fit("Reaction ~ Days + (Days | Subject)", sleep)
    >>> intercepts = bml.fit("Reaction ~ Days + (1 | Subject)", sleep)
    >>> figure = bml.plots.forest({"slopes": slopes, "intercepts": intercepts}, rope=(-5, 5))
    """
    named = dict(results) if isinstance(results, Mapping) else {"": results}
    for result in named.values():
        require_result(result, "plots.forest")
    if not named:
        raise SpecificationError("plots.forest(): give a result, or a dict of results by name.")
    refuse_unknown(list(named.values()), parameters)
    found = {name: addresses_in(result, parameters) for name, result in named.items()}
    first_of = {address.text: address for own in found.values() for address in own}
    shown = list(first_of)[: at_least_one(limit)]
    regions = rope_regions(rope, [first_of[text] for text in shown])
    values = {}
    for name, result in named.items():
        own = [address for address in found[name] if address.text in shown]
        values[name] = dict(zip([a.text for a in own], address_intervals(result, own, ci_prob), strict=True))
    groups: dict[str, list[str]] = {}
    for text in shown:
        groups.setdefault(heading_of(first_of[text]), []).append(text)
    two_lines = any("\n" in row_label(text, NAME_WIDTH) for text in shown)
    step = max(0.21 + 0.1 * (len(named) - 1), 0.3 if two_lines else 0.0)
    sizes = [len(texts) * step + 0.35 for texts in groups.values()]
    figure, panels = plt.subplots(
        len(groups), 1, figsize=(6.4, sum(sizes) + 0.8), height_ratios=sizes, squeeze=False, layout="constrained",
        FigureClass=Plot,
    )  # fmt: skip
    for axes, (title, texts) in zip(panels[:, 0], groups.items(), strict=True):
        around_zero = first_of[texts[0]].kind in AROUND_ZERO
        draw_group(axes, texts, values, regions, around_zero)
        axes.set_title(title, fontsize="small", loc="left", pad=4, fontweight="bold")
    handles: list[Any] = [
        Line2D([], [], label=name, markersize=5, linewidth=1.2, **marker_style(i))
        for i, name in enumerate(named) if len(named) > 1
    ]  # fmt: skip
    if regions:
        handles.append(Patch(color=PALE, label="practical equivalence"))
    if handles:
        legend(figure, handles)
    words = interval_words(list(named.values()), ci_prob)
    notes(figure, f"{words[0].upper()}{words[1:]}.", left_out(len(shown), len(first_of)))
    return figure


def addresses_in(result: Result, wanted: Wanted) -> tuple[Address, ...]:
    """The parameters asked for that a result has; by default all but intercepts and random effects."""
    if wanted is None:
        everything = select(result)
        intercepts = [
            text for text in result.design.coefficients if within_predictor(text, result.design) == "Intercept"
        ]
        own = [address for address in everything if address.text not in intercepts]
        return tuple(own) if any(a.kind == "coefficient" for a in own) else everything
    known = [text for text in listed(wanted) if has(result, text)]
    return select(result, known) if known else ()


def listed(wanted: Wanted) -> list[str]:
    """What is asked for, as a list."""
    return [] if wanted is None else [wanted] if isinstance(wanted, str) else list(wanted)


def refuse_unknown(results: Sequence[Result], wanted: Wanted) -> None:
    """Refuse a text that means nothing in any of the results."""
    for text in listed(wanted):
        if not any(has(result, text) for result in results):
            select(results[0], text if not isinstance(text, str) else text.removeprefix("~"))


def has(result: Result, text: str) -> bool:
    """Whether a result has what a text means."""
    try:
        return bool(select(result, text.removeprefix("~") if isinstance(text, str) else [text]))
    except ColumnNotFound:
        return False


def heading_of(address: Address) -> str:
    """The panel that a parameter belongs to."""
    if address.kind in KINDS:
        return KINDS[address.kind]
    return "Cut points" if address.text.startswith("cut[") else "Parameters of the family"


def rope_regions(rope: Rope, addresses: Sequence[Address]) -> dict[str, tuple[float, float]]:
    """The region of practical equivalence of each parameter that has one."""
    if rope is None:
        return {}
    if isinstance(rope, Mapping):
        known = {address.text for address in addresses}
        if unknown := [name for name in rope if name not in known]:
            raise ColumnNotFound(
                f"`rope` is given for `{unknown[0]}`, which is not shown; there is {', '.join(known)}."
            )
        regions = dict(rope)
    else:
        regions = {address.text: rope for address in addresses if address.kind == "coefficient"}
    for region in regions.values():
        if np.shape(region) != (2,) or not region[0] < region[1]:
            raise SpecificationError(f"`rope={region!r}`: give its lower and its upper limit, two numbers in order.")
    return regions


def draw_group(
    axes: Axes,
    texts: list[str],
    values: dict[str, dict[str, np.ndarray]],
    regions: dict[str, tuple[float, float]],
    around_zero: bool,
) -> None:
    """The lines of a panel, the first on top; those of several results a little apart."""
    plain(axes)
    if around_zero:
        axes.axvline(0, zorder=0, **REFERENCE)
    spread = 0.62 * (1 - 1 / len(values))
    offsets = np.linspace(-spread / 2, spread / 2, len(values))
    for place, text in enumerate(texts):
        if text in regions:
            low, high = regions[text]
            axes.add_patch(Rectangle((low, place - 0.5), high - low, 1.0, color=PALE, linewidth=0, zorder=-1))
        for i, own in enumerate(values.values()):
            if text in own:
                draw_interval(axes, place + offsets[i], own[text], i)
    axes.set_yticks(range(len(texts)), [row_label(text, NAME_WIDTH) for text in texts], fontsize="small")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(texts) - 0.4, -0.6)
    limit_axis(axes, np.array([own[text] for own in values.values() for text in texts if text in own]), around_zero)
    few_ticks(axes, 6, None)
    if len(values) == 1:
        write_numbers(axes, [own[text] for own in values.values() for text in texts])


def limit_axis(axes: Axes, rows: np.ndarray, around_zero: bool) -> None:
    """An axis for all points and intervals but those that are far longer than most; arrows stand where these go on."""
    reach = np.abs(rows[:, 1:3] - rows[:, :1])
    usual = reach[np.isfinite(reach)]
    far = reach > FAR * np.median(usual) if len(usual) else np.zeros_like(reach, bool)
    ends = np.concatenate([rows[:, 0], rows[:, 1:3][~far], [0.0] * around_zero])
    low, high = np.nanmin(ends), np.nanmax(ends)
    pad = 0.04 * (high - low) or 1.0
    axes.set_xlim(low - pad, high + pad)
    for line in axes.get_lines():
        x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
        if line.get_gid() == "interval":
            for end, marker, edge in ((x.min(), "<", low - pad), (x.max(), ">", high + pad)):
                if (end - edge) * (1 if marker == ">" else -1) > 0:
                    axes.plot([edge], y[:1], marker=marker, color=line.get_color(), markersize=6, clip_on=False)


def draw_interval(axes: Axes, place: float, own: np.ndarray, i: int) -> None:
    """The point, the interval and its inner half."""
    style = marker_style(i)
    centre, lower, upper, inner_lower, inner_upper = own
    axes.plot(
        [lower, upper], [place, place], color=style["color"], linewidth=1.2, solid_capstyle="butt", gid="interval"
    )
    axes.plot([inner_lower, inner_upper], [place, place], color=style["color"], linewidth=3.2, solid_capstyle="butt")
    axes.plot([centre], [place], markersize=5, markeredgecolor="white", markeredgewidth=0.6, **style)


def write_numbers(axes: Axes, rows: list[np.ndarray]) -> None:
    """Points and limits as text at the right of each line."""
    right = axes.twinx()
    right.spines[:].set_visible(False)
    right.set_yticks(axes.get_yticks(), [numbers(row) for row in rows], fontsize="x-small")
    right.set_ylim(axes.get_ylim())
    right.tick_params(axis="y", length=0)


def numbers(own: np.ndarray) -> str:
    """`10.5 [7.4, 13.6]`, to two digits of half the interval's width; with exponents where these would be zeros."""
    centre, lower, upper = own[:3]
    width = (upper - lower) / 2
    if not np.isfinite(width) or width <= 0:
        return f"{centre:.4g}"
    places = 1 - int(np.floor(np.log10(width)))
    size = max(abs(centre), abs(lower), abs(upper))
    how = f".{max(places, 0)}f"
    if places > MOST_DECIMALS or size >= LARGEST_WHOLE:
        how = f".{int(np.clip(np.floor(np.log10(size)) + places, 1, 6))}e"
    return f"{centre:{how}} [{lower:{how}}, {upper:{how}}]".replace("-", "\N{MINUS SIGN}")
