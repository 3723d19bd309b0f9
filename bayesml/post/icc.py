"""`icc`: intraclass correlations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesml.design.addresses import not_found, reversed_group, within_predictor
from bayesml.design.arrays import Design, RandomColumns
from bayesml.design.nested import nested_chain
from bayesml.errors import RefusedTest, SpecificationError
from bayesml.post.draw_summary import summarise_draws
from bayesml.results.base import Result, require_result
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

    For factor k with covariance G_k, at random covariates z, ``z'G_k z / (sum_l z'G_l z + level-1 variance)``, on the
    scale of the linear predictor. The level-1 variance is sigma² of normal responses, censored ones too, π²/3 of the
    logit link, 1 of probit, π²/6 of cloglog and loglog; ordered categories have that of their link.

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
        With several predictors these rows for each of them, `perhaps: school`: shares of the variance of the latent
        difference from the base.
        Where a variance is 0 on its boundary its own correlation has NaN for `se` and interval, and it counts as
        known in the others. Where the maximum is not unique, shares that take part in that have NaN too.

    Raises
    ------
    RefusedTest
        Without random effects; where `at` must give the level of a factor; where each row has its own residual sd;
        for families and links without level-1 variance, such as counts and the cauchit link.
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
    require_result(result, "icc")
    design = result.design
    check(result)
    at = dict(at or {})
    rows = share_rows(design)
    used = {name for term in design.random for name in covariates(plain_names(design, term))}
    unknown = [name for name in at if name not in used]
    if unknown:
        raise not_found("random covariate", unknown[0], used)
    refuse_unknown_levels(design, at)
    z = [covariate_values(term, plain_names(design, term), at) for term in design.random]
    shares = predictor_shares(design, rows, z)
    if group is not None:
        asked = {group, reversed_group(group)}
        chosen = [share for share in shares if share.name in asked or share.row in asked]
        if not chosen:
            raise not_found("intraclass correlation", group, [share.name for share in shares])
        shares = chosen
    by: Any = likelihood_icc if isinstance(result, LikelihoodResult) else posterior_icc
    table = by(result, shares, ci_prob)
    table.index = pd.Index([share.name for share in shares], name="level")
    return NotedFrame(table, notes(result, at))


def check(result: Result) -> None:
    """Refuse models in which the ratio means nothing."""
    if not result.design.random:
        raise RefusedTest("The model has no random effects, so there is no intraclass correlation.")
    if result.design.known_sd is not None:
        raise RefusedTest(
            "Each row has its own known residual sd, so the level-1 variance differs between rows: there is no single "
            "intraclass correlation."
        )
    family, link = result.model.family, result.model.link
    if family.latent_variance(link, result.sigma) is None:
        raise RefusedTest(
            f"The {family.name} family with the {link.name} link has no level-1 variance on the scale of the linear "
            "predictor, so there is no intraclass correlation there. There is one of normal responses, censored ones "
            "too, of binary, binomial and ordered ones with the logit, probit, cloglog or loglog link, of hazards. "
            "`varcorr` has the variances between the levels."
        )


@dataclass(frozen=True, eq=False)
class Share:
    """One intraclass correlation.

    Parameters
    ----------
    name : str
        Its row in the table.
    row : str
        The same without the linear predictor: `class|school`.
    members : list of int
        The random terms whose variance is counted.
    z : list of ndarray (q,)
        Random covariates of each term; zero for columns of other predictors.
    """

    name: str
    row: str
    members: list[int]
    z: list[np.ndarray]


def predictor_shares(design: Design, rows: dict[str, list[int]], z: list[np.ndarray]) -> list[Share]:
    """The rows of the table: those of each linear predictor, which has its own latent variance."""
    if len(design.predictors) == 1:
        return [Share(row, row, members, z) for row, members in rows.items()]
    out = []
    for place, predictor in enumerate(design.predictors):
        own = [zk * np.isin(np.array(term.predictors), (place, -1)) for term, zk in zip(design.random, z, strict=True)]
        for row, members in rows.items():
            if any(own[k].any() for k in members):
                out.append(Share(f"{predictor}: {row}", row, members, own))
    return out


def plain_names(design: Design, term: RandomColumns) -> tuple[str, ...]:
    """Names of the columns of a term without the linear predictor that they enter."""
    return tuple(within_predictor(name, design) for name in term.names)


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


def covariates(columns: tuple[str, ...]) -> set[str]:
    """Names that `at` may give for the columns of a term: columns, their parts, factors."""
    names = {name for name in columns if name != "Intercept"}
    parts = {part for name in names for part in split_outside(name, ":")}
    return names | parts | {part.split("[")[0] for part in parts if part.endswith("]")}


def covariate_values(term: RandomColumns, names: tuple[str, ...], at: dict[str, Any]) -> np.ndarray:
    """Values z of the columns of a term, named `names`; covariates not in `at` are 0.

    Raises
    ------
    RefusedTest
        Each row has one of several effects, such as those of ``(0 + f | g)``, and `at` does not say which.
    """
    z = np.array([column_value(name, at) for name in names])
    columns = zip(names, term.columns, strict=True)
    one_of = [j for j, (_, column) in enumerate(columns) if column is not None and np.isin(column, (0.0, 1.0)).all()]
    undecided = "Intercept" not in names and one_of and not z[one_of].any()
    if undecided and (term.Z[:, one_of].sum(axis=1) == 1.0).all():
        shown = [names[j] for j in one_of]
        factors = dict.fromkeys(part.split("[")[0] for name in shown for part in split_outside(name, ":"))
        given = ", ".join(f'"{factor}": level' for factor in factors)
        raise RefusedTest(
            f"Each row has one of the random effects {', '.join(shown)} of `{term.group}`: say which by "
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


def likelihood_icc(result: LikelihoodResult, shares: list[Share], ci_prob: float) -> pd.DataFrame:
    """Estimates with standard errors by the delta method and limits on the logit scale."""
    estimates = result.variances
    names, vcov = estimates.parameters.names, estimates.parameters.vcov
    free = ~np.isnan(np.diag(vcov))
    level1, level1_slope = level_one(result)
    out = []
    for own in shares:
        z = own.z
        variances = np.array([zk @ G @ zk for zk, G in zip(z, result.solution.covariances, strict=True)])
        total = variances.sum() + level1
        # Derivatives of each term's variance and of the total to every variance parameter.
        slopes = np.zeros((len(z), len(names)))
        for a, name in enumerate(names):
            match name:
                case (int(k), i, j):
                    slopes[k, a] = z[k] @ estimates.direction(k, i, j) @ z[k]
        total_slope = slopes.sum(axis=0) + np.array([level1_slope * (name == "sigma2") for name in names])
        share = variances[own.members].sum() / total
        slope = (slopes[own.members].sum(axis=0) - share * total_slope) / total
        undetermined = share <= 0 or (bool(result.status.not_unique) and slope[~free].any())
        se = np.nan if undetermined else float(np.sqrt(slope[free] @ vcov[np.ix_(free, free)] @ slope[free]))
        lower, upper = interval(share, se, ci_prob, "logit")
        out.append((share, se, float(lower), float(upper)))
    return pd.DataFrame(out, columns=["estimate", "se", "lower", "upper"])


def level_one(result: LikelihoodResult) -> tuple[float, float]:
    """Level-1 variance, and its derivative to sigma²: by differences, exact where it is a multiple of sigma²."""
    family, link, sigma2 = result.model.family, result.model.link, result.sigma2
    above, below = (family.latent_variance(link, np.sqrt(sigma2 * (1 + h))) for h in (0.01, -0.01))
    return float(family.latent_variance(link, result.sigma)), float(above - below) / (0.02 * sigma2)


def posterior_icc(result: Any, shares: list[Share], ci_prob: float) -> pd.DataFrame:
    """Medians, sds and quantiles of the draws of each ratio."""
    post = result.posterior
    covariances = [term_covariance(*parts) for parts in zip(result.design.random, post.sds, post.corrs, strict=True)]
    level1 = np.array([result.model.family.latent_variance(result.model.link, s) for s in post.sigma.ravel()])
    out = []
    for own in shares:
        variances = [np.einsum("i,cdij,j->cd", zk, G, zk).ravel() for zk, G in zip(own.z, covariances, strict=True)]
        out.append(np.sum([variances[k] for k in own.members], axis=0) / (np.sum(variances, axis=0) + level1))
    return summarise_draws(np.stack(out, axis=1), ci_prob)


def notes(result: Result, at: dict[str, Any]) -> list[str]:
    """What the reader must know."""
    out = []
    design = result.design
    columns = {name for term in design.random for name in plain_names(design, term) if column_value(name, at) == 0}
    if at:
        out.append(f"At {', '.join(f'{name} = {value}' for name, value in at.items())}.")
    if columns:
        out.append(f"Effects of {', '.join(sorted(columns))} do not count: these random covariates are taken at 0.")
    if result.design.weights is not None:
        out.append("Level-1 variance: that of a row with weight 1.")
    return out
