"""`icc`: intraclass correlations."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayesml.design.addresses import not_found, reversed_group
from bayesml.design.arrays import Design, RandomColumns
from bayesml.design.nested import nested_chain
from bayesml.errors import RefusedTest, SpecificationError
from bayesml.post.draw_summary import summarise_draws
from bayesml.results.base import Result
from bayesml.results.intervals import interval
from bayesml.results.likelihood import LikelihoodResult
from bayesml.results.posterior import term_covariance
from bayesml.syntax.address import split_outside
from bayesml.tables.noted import NotedFrame

TOTAL = "total"


def icc(
    result: Result, group: str | None = None, at: Mapping[str, Any] | None = None, ci_prob: float = 0.95
) -> pd.DataFrame:
    """Intraclass correlations: shares of the variance that lie between the levels of grouping factors.

    For factor k with covariance G_k, at random covariates z, ``z'G_k z / (sum_l z'G_l z + level-1 variance)``.

    Parameters
    ----------
    result : LikelihoodResult or BayesianResult
    group : str, optional
        Only this row: a grouping factor, ``"total"``, or a cumulative one such as ``"class|school"``.
    at : dict, optional
        Values of the covariates that have random effects, `{"Days": 5}` or `{"Machine": "B"}`. Default: zero, as
        in Stata, so that only intercepts count; the result says so.
    ci_prob : float, default 0.95
        Content of the intervals: on the logit scale for fits, equal-tailed for posteriors.

    Returns
    -------
    DataFrame
        Columns `estimate se lower upper`. Rows: each grouping factor by itself; for nested factors also
        cumulative ones, `class|school`, the correlation of two rows of the same class; `total`, all factors together.
        Where a variance is 0 on its boundary its own correlation has NaN for `se` and interval, and it counts as
        known in the others. Where the maximum is not unique, shares that take part in that have NaN too.

    Raises
    ------
    RefusedTest
        Without random effects; where `at` must give the level of a factor; where each row has its own residual sd;
        for families without level-1 variance.
    ColumnNotFound
        No such grouping factor, or no random covariate of the name in `at`.
    SpecificationError
        A level in `at` that the factor does not have.

    Examples
    --------
    >>> import bayesml as bml
    >>> fit = bml.fit("Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff"))
    >>> round(float(bml.icc(fit).loc["Batch", "estimate"]), 4)
    0.4185
    """
    design = result.design
    check(result)
    at = dict(at or {})
    rows = share_rows(design)
    used = {name for term in design.random for name in covariates(term)}
    unknown = [name for name in at if name not in used]
    if unknown:
        raise not_found("random covariate", unknown[0], used)
    refuse_unknown_levels(design, at)
    z = [covariate_values(term, at) for term in design.random]
    if group is not None:
        name = next((n for n in (group, reversed_group(group)) if n in rows), None)
        if name is None:
            raise not_found("intraclass correlation", group, rows)
        rows = {name: rows[name]}
    table = (
        likelihood_icc(result, rows, z, ci_prob)
        if isinstance(result, LikelihoodResult)
        else posterior_icc(result, rows, z, ci_prob)
    )
    table.index = pd.Index(list(rows), name="level")
    return NotedFrame(table, notes(result, at))


def check(result: Result) -> None:
    """Refuse models in which the ratio means nothing."""
    if not result.design.random:
        raise RefusedTest("The model has no random effects, so there is no intraclass correlation.")
    if not result.sigma_free:
        raise RefusedTest(
            "Each row has its own known residual sd, so the level-1 variance differs between rows: there is no single "
            "intraclass correlation."
        )
    if result.model.family.latent_variance(result.model.link, result.sigma) is None:
        raise RefusedTest("This family and link have no level-1 variance on the latent scale.")


def share_rows(design: Design) -> dict[str, list[int]]:
    """For each row of the table, the terms whose variance is counted."""
    groups = list(dict.fromkeys(term.group for term in design.random))
    members = {group: [k for k, term in enumerate(design.random) if term.group == group] for group in groups}
    chain = nested_chain(design)
    rows = {group: members[group] for group in (chain or groups)}
    for depth in range(2, len(chain) + 1):
        name = "|".join(own_name(group, chain) for group in reversed(chain[:depth]))
        rows[name] = [k for group in chain[:depth] for k in members[group]]
    return rows | {TOTAL: [k for group in groups for k in members[group]]}


def own_name(group: str, chain: list[str]) -> str:
    """`class` of `school:class` where the coarser factors are named by themselves."""
    coarser = {
        part
        for other in chain
        if other != group and set(other.split(":")) < set(group.split(":"))
        for part in other.split(":")
    }
    return ":".join(part for part in group.split(":") if part not in coarser)


def covariates(term: RandomColumns) -> set[str]:
    """Names that `at` may give for the columns of a term: columns, their parts, factors."""
    names = {name for name in term.names if name != "Intercept"}
    parts = {part for name in names for part in split_outside(name, ":")}
    return names | parts | {part.split("[")[0] for part in parts if part.endswith("]")}


def covariate_values(term: RandomColumns, at: dict[str, Any]) -> np.ndarray:
    """Values z of the columns of a term; covariates not in `at` are 0.

    Raises
    ------
    RefusedTest
        Each row has one of several effects, such as those of ``(0 + f | g)``, and `at` does not say which.
    """
    z = np.array([column_value(name, at) for name in term.names])
    columns = zip(term.names, term.columns, strict=True)
    one_of = [j for j, (_, column) in enumerate(columns) if column is not None and np.isin(column, (0.0, 1.0)).all()]
    undecided = "Intercept" not in term.names and one_of and not z[one_of].any()
    if undecided and (term.Z[:, one_of].sum(axis=1) == 1.0).all():
        names = [term.names[j] for j in one_of]
        factors = dict.fromkeys(part.split("[")[0] for name in names for part in split_outside(name, ":"))
        given = ", ".join(f'"{factor}": level' for factor in factors)
        raise RefusedTest(
            f"Each row has one of the random effects {', '.join(names)} of `{term.group}`: say which by "
            f"`at={{{given}}}`."
        )
    return z


def column_value(name: str, at: dict[str, Any]) -> float:
    """Value of one column: a product of its parts, `Days` or an indicator `Machine[B]`."""
    if name == "Intercept":
        return 1.0
    value = 1.0
    for part in [name] if name in at else split_outside(name, ":"):
        factor, _, level = part.partition("[")
        if part in at:
            value *= number(part, at[part])
        elif level and factor in at:
            value *= float(str(at[factor]) == level[:-1])
        else:
            return 0.0
    return value


def refuse_unknown_levels(design: Design, at: dict[str, Any]) -> None:
    """Refuse values of factors that are none of their levels."""
    for name, value in at.items():
        levels = [str(level) for level in design.state.learned.levels.get(name, ())]
        if levels and str(value) not in levels:
            shown = ", ".join(levels[:10]) + (", ..." if len(levels) > 10 else "")
            raise SpecificationError(f"`{name}` has no level {str(value)!r}; it has {shown}.")


def number(name: str, value: Any) -> float:
    """A value of `at` as a number."""
    if isinstance(value, str):
        raise SpecificationError(f'`at={{"{name}": "{value}"}}`: `{name}` is a number; give a number.')
    return float(value)


def likelihood_icc(
    result: LikelihoodResult, rows: dict[str, list[int]], z: list[np.ndarray], ci_prob: float
) -> pd.DataFrame:
    """Estimates with standard errors by the delta method and limits on the logit scale."""
    estimates = result.variances
    variances = np.array([zk @ G @ zk for zk, G in zip(z, result.solution.covariances, strict=True)])
    level1 = result.model.family.latent_variance(result.model.link, result.sigma)
    total = variances.sum() + level1
    names, vcov = estimates.parameters.names, estimates.parameters.vcov
    free = ~np.isnan(np.diag(vcov))
    # Derivatives of each term's variance and of the total to every variance parameter.
    slopes = np.zeros((len(z), len(names)))
    for a, name in enumerate(names):
        if name != "sigma2":
            k, i, j = name
            slopes[k, a] = z[k] @ estimates.direction(k, i, j) @ z[k]
    total_slope = slopes.sum(axis=0) + np.array([name == "sigma2" for name in names], float)
    out = []
    for members in rows.values():
        share = variances[members].sum() / total
        slope = (slopes[members].sum(axis=0) - share * total_slope) / total
        undetermined = share <= 0 or (bool(result.status.not_unique) and slope[~free].any())
        se = np.nan if undetermined else float(np.sqrt(slope[free] @ vcov[np.ix_(free, free)] @ slope[free]))
        lower, upper = interval(share, se, ci_prob, "logit")
        out.append((share, se, float(lower), float(upper)))
    return pd.DataFrame(out, columns=["estimate", "se", "lower", "upper"])


def posterior_icc(result: Any, rows: dict[str, list[int]], z: list[np.ndarray], ci_prob: float) -> pd.DataFrame:
    """Medians, sds and quantiles of the draws of each ratio."""
    post = result.posterior
    covariances = [term_covariance(*parts) for parts in zip(result.design.random, post.sds, post.corrs, strict=True)]
    variances = [np.einsum("i,cdij,j->cd", zk, G, zk).ravel() for zk, G in zip(z, covariances, strict=True)]
    sigma = post.sigma.ravel()
    level1 = np.array([result.model.family.latent_variance(result.model.link, s) for s in sigma])
    total = np.sum(variances, axis=0) + level1
    shares = np.stack([np.sum([variances[k] for k in members], axis=0) / total for members in rows.values()], axis=1)
    return summarise_draws(shares, ci_prob)


def notes(result: Result, at: dict[str, Any]) -> list[str]:
    """What the reader must know."""
    out = []
    columns = {name for term in result.design.random for name in term.names if column_value(name, at) == 0}
    if at:
        out.append(f"At {', '.join(f'{name} = {value}' for name, value in at.items())}.")
    if columns:
        out.append(f"Effects of {', '.join(sorted(columns))} do not count: these random covariates are taken at 0.")
    if result.design.weights is not None:
        out.append("Level-1 variance: that of a row with weight 1.")
    return out
