"""`prior_table`: every prior of a model as numbers, and what it implies, before anything runs."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from bayesml.distributions import Distribution
from bayesml.graphs.of_data import PriorsLike, graph_of
from bayesml.graphs.prior_scales import PriorScales
from bayesml.graphs.roles import Graph
from bayesml.results.sections import percent
from bayesml.spec.model import Model


def prior_table(
    model: str | Model, data: Any, priors: PriorsLike = None, ci_prob: float = 0.95, **keywords: Any
) -> pd.DataFrame:
    """Every prior of a model on data, resolved to numbers.

    Parameters
    ----------
    model : str or Model
        A formula, or a model.
    data : DataFrame, pyarrow.Table or dict of arrays
    priors : str, path or dict, optional
        Name of a prior set, path of a file of one's own (`"my_priors.toml"`), or priors by address; those of the model
        where it is not given.
    ci_prob : float, default 0.95
        Content of the equal-tailed intervals.
    **keywords
        Options of `Model`, where a formula is given.

    Returns
    -------
    DataFrame
        One row a parameter, indexed by its address:

        ============ =========================================================================================
        prior        the distribution with its numbers, in the units of the parameter; of a covariance matrix
                     with a prior as a whole that prior, and the margin of the parameter after it
        source       the prior set or the user's file that the prior comes from, or "given"
        scale        the natural scale of the parameter on these data: sd(y) of intercept and sigma,
                     sd(y) / sd(x) of slopes, sd(y) / sd(z) of random effects' sds, 1 of correlations and of
                     parameters without a unit; with a link such as the logit 1 stands for sd(y)
        mean, sd     of the prior; NaN where it has none or is improper, inf where infinite
        lower, upper its equal-tailed interval
        implies      the interval in words, in units of the response's sd or of the link
        ============ =========================================================================================

    Examples
    --------
    >>> import bayesml as bml
    >>> table = bml.prior_table("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))
    >>> table.loc["Days", "prior"]
    'Normal(0, 48.892)'
    """
    return table_of(graph_of(model, data, priors, **keywords), ci_prob)


def table_of(graph: Graph, ci_prob: float = 0.95) -> pd.DataFrame:
    """The table of `prior_table`, of a graph."""
    scales = natural_scales(graph)
    rows = []
    for address, prior in graph.priors.items():
        scale, unit = scales[address]
        numbers = summary(marginal_of(graph, address, prior), ci_prob)
        words = implication(prior, numbers, scale, unit, ci_prob)
        rows.append((graph.priors.written(address, prior), graph.priors.source(address), scale, *numbers, words))
    index = pd.Index([address for address, _ in graph.priors.items()], name="parameter")
    columns = ["prior", "source", "scale", "mean", "sd", "lower", "upper", "implies"]
    return pd.DataFrame(rows, index=index, columns=columns)


def natural_scales(graph: Graph) -> dict[str, tuple[float, str]]:
    """Scale of each parameter on the data, and what it is."""
    priors, scales = graph.priors, PriorScales(graph.design, graph.family, graph.link)
    response = f"sd({graph.design.response_name})"
    size, unit = scales.spread_of_predictor, response if scales.on_response_scale else f"units of the {graph.link.name}"
    units = {"residual_sd": (scales.spread_of_response, response), "cutpoint": (size, unit)}
    found = {parameter.name: units.get(parameter.prior, (1.0, "")) for parameter in graph.ancillary}
    for j, address in enumerate(priors.addresses):
        sd = 0.0 if scales.is_intercept(j) else scales.moments[j][1]
        found[address] = (size / sd, f"{unit} per sd({address})") if sd > 0 else (size, unit)
    for k, (role, term) in enumerate(zip(graph.random, priors.terms, strict=True)):
        for i, address in enumerate(term.sd_addresses):
            shared = len(term.sds) < role.q
            column = "the columns" if shared else role.columns.names[i]
            plain = role.columns.columns[i] is None and not shared
            found[address] = (size, unit) if plain else (size * scales.column_factor(k, i), f"{unit} per sd({column})")
        found |= dict.fromkeys(term.corr_addresses, (1.0, ""))
    return found


def marginal_of(graph: Graph, address: str, prior: Distribution) -> Distribution:
    """The distribution of one parameter; of a correlation, its margin under the prior of the matrix."""
    for role, term in zip(graph.random, graph.priors.terms, strict=True):
        if address in term.corr_addresses and prior.fixed is None and term.covariance is None:
            margins = prior.partial_correlations(role.q, role.covariance.common_sd)
            assert margins is not None
            # the first partial correlation is a correlation itself, and all have the same margin
            return margins[0]
    return prior


def summary(prior: Distribution, ci_prob: float) -> tuple[float, float, float, float]:
    """Mean, sd and the ends of the equal-tailed interval; NaN of improper priors."""
    form = prior.scipy(stats)
    if form is None:
        return (np.nan,) * 4
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        # moments of a log-normal of large sigma are beyond what numbers hold
        lower, upper = form.ppf([(1 - ci_prob) / 2, (1 + ci_prob) / 2])
        return float(form.mean()), float(form.std()), float(lower), float(upper)


def implication(
    prior: Distribution, numbers: tuple[float, float, float, float], scale: float, unit: str, ci_prob: float
) -> str:
    """The interval of a prior in words."""
    _, _, lower, upper = numbers
    if prior.fixed is not None:
        return f"held at {prior.fixed:g}"
    if prior.improper:
        return "flat: any value is as likely as any other"
    content = percent(ci_prob)
    if not unit:
        return f"{content} between {plain_number(lower)} and {plain_number(upper)}"
    if not np.isfinite(scale) or scale == 0:
        return f"{content} between {lower:.3g} and {upper:.3g}"
    if prior.support[0] >= 0:
        return f"{content} between {lower / scale:.2g} and {upper / scale:.2g} {unit}"
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    return f"{content} within {middle:.4g} ± {half / scale:.2g} {unit}"


def plain_number(x: float) -> str:
    """Two decimals; two digits of what is very small or large."""
    return f"{x:.2f}" if x == 0 or 0.01 <= abs(x) < 1e4 else f"{x:.2g}"
