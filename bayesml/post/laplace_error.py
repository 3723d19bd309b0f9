"""`laplace_error`: how wrong Laplace's approximation of the likelihood is."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from bayesml.errors import RefusedTest, SpecificationError
from bayesml.estimators.laplace_ratios import laplace_ratios, laplace_system
from bayesml.results.likelihood import LikelihoodResult
from bayesml.tables.table import Column, Row, Section, Table

UNRELIABLE = 0.7  # of Pareto's k, from which importance ratios tell little
MANY = 0.1  # of the groups
NOTABLE = 0.05  # of the log likelihood a group, from which estimates may move
WORST = 5  # groups in the table


@dataclass(frozen=True, repr=False, eq=False)
class LaplaceError:
    """Result of `laplace_error`.

    Attributes
    ----------
    laplace : float
        Laplace's log likelihood at the estimates.
    corrected : float
        The same with the importance ratios of each group: the log likelihood itself, but for `error`.
    error : float
        Monte-Carlo standard error of `corrected`.
    groups : DataFrame
        Over the levels of the coarsest grouping factor: `laplace`, `correction`, `error`, `pareto_k`.
    advice : str
    """

    laplace: float
    corrected: float
    error: float
    groups: pd.DataFrame
    advice: str

    @property
    def correction(self) -> float:
        """`corrected` less `laplace`."""
        return self.corrected - self.laplace

    @property
    def table(self) -> Table:
        """Log likelihoods, and the groups that are furthest from normal."""
        total = (
            Row("Laplace", (self.laplace, None)),
            Row("corrected", (self.corrected, self.error)),
            Row("difference", (self.correction, self.error)),
        )
        columns = (Column("log likelihood", decimals=4), Column("Monte-Carlo error", decimals=4))
        worst = self.groups.sort_values("pareto_k", ascending=False).head(WORST)
        by_group = (
            Column("correction", decimals=4),
            Column("Monte-Carlo error", decimals=4),
            Column("Pareto k", "ratio"),
        )
        rows = tuple(
            Row(str(level), (own["correction"], own["error"], own["pareto_k"])) for level, own in worst.iterrows()
        )
        return Table(
            "Error of Laplace's approximation",
            sections=(
                Section("Integral", columns, total),
                Section(f"{self.groups.index.name}: largest Pareto k", by_group, rows),
            ),
            notes=(self.advice,),
        )

    def __repr__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table.to_html()


def laplace_error(fit: LikelihoodResult, draws: int = 2000, random_seed: int | None = None) -> LaplaceError:
    """Log likelihood corrected by importance ratios against Laplace's Gaussian, with its Monte-Carlo error.

    Laplace's method takes the random effects u of each independent group j, given its rows, for normal, with the mode
    and the curvature of their joint log density f_j. With u_s drawn from that normal density g_j,

    ::

        log L_j = log Laplace_j + log mean_s [f_j(u_s) / g_j(u_s)],    ratios of 1 at the mode

    Parameters
    ----------
    fit : LikelihoodResult
        Of any integration: the error is that of Laplace's approximation at its estimates.
    draws : int, default 2000
        Draws a group, in pairs that mirror each other at the mode.
    random_seed : int, optional

    Returns
    -------
    LaplaceError
        `laplace`, `corrected`, `error`, `correction`, `groups` (with Pareto k of each group), `advice`.

    Raises
    ------
    RefusedTest
        The grouping factors are crossed, so that no groups are independent.
    SpecificationError
        A posterior; an integral that is exact; fewer than 100 draws.

    Notes
    -----
    The correction is of the log likelihood at these estimates; a correction that is the same everywhere would leave
    them as they are. Where Pareto's k of a group exceeds 0.7 the tails of its effects are so heavy that its own
    correction and error are uncertain; where that is so in many groups, or k exceeds 1, trust neither and use
    quadrature.

    References
    ----------
    Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, JMLR 25(72).

    Examples
    --------
    >>> import bayesml as bml
    >>> fit = bml.fit("y ~ lbase + (1 | subject)", bml.datasets.load("epil"), family="poisson")
    >>> bml.laplace_error(fit, random_seed=1).error < 0.05
    True
    """
    if not isinstance(fit, LikelihoodResult):
        raise SpecificationError("`laplace_error` takes a fit: a posterior by NUTS has no approximate integral.")
    if fit.linear or not fit.design.random:
        raise SpecificationError(
            "The likelihood of this model is exact: nothing was approximated"
            + (
                ", as there are no random effects."
                if not fit.design.random
                else " in integrating its random effects out."
            )
        )
    if draws < 100:
        raise SpecificationError(f"`draws={draws}`: at least 100 are needed to judge the ratios; 2000 is the default.")
    graph = fit.graph
    system = laplace_system(graph)
    if system.layout.border:
        groups = dict.fromkeys(term.group for term in fit.design.random)
        raise RefusedTest(
            f"The grouping factors {', '.join(groups)} are crossed: all their effects depend on each other, and there "
            "are no independent groups to correct one by one. Compare with the joint posterior, `bml.sample`."
        )
    found = laplace_ratios(
        graph,
        system,
        np.asarray(fit.solution.beta),
        fit.solution.covariances,
        np.asarray(fit.solution.ancillary_values, float),
        draws,
        np.random.default_rng(random_seed),
    )
    top = fit.design.random[system.layout.factors[-1].terms[0]]
    groups_found = corrections(found.laplace, found.log_ratios)
    groups_found.index = pd.Index(top.level_labels, name=top.group)
    laplace = float(found.laplace.sum())
    corrected = laplace + float(groups_found["correction"].sum())
    error = float(np.sqrt((groups_found["error"] ** 2).sum()))
    return LaplaceError(laplace, corrected, error, groups_found, advice(groups_found, error))


def corrections(laplace: np.ndarray, log_ratios: np.ndarray) -> pd.DataFrame:
    """Correction of each group with its Monte-Carlo error and Pareto's k."""
    half = len(log_ratios) // 2
    largest = log_ratios.max(axis=0)
    ratios = np.exp(log_ratios - largest)
    pairs = 0.5 * (ratios[:half] + ratios[half:])
    mean = pairs.mean(axis=0)
    return pd.DataFrame(
        {
            "laplace": laplace,
            "correction": np.log(mean) + largest,
            "error": pairs.std(axis=0, ddof=1) / mean / np.sqrt(half),
            "pareto_k": _arviz().psislw(np.ascontiguousarray(-log_ratios.T), axis=-1)[1],
        }
    )


def _arviz() -> Any:
    """ArviZ's functions of arrays, which are slow to import and needed here only."""
    return import_module("arviz_stats.base").array_stats


def advice(groups: pd.DataFrame, error: float) -> str:
    """What to do about it."""
    k = groups["pareto_k"]
    if (k > 1.0).any() or (k > UNRELIABLE).mean() > MANY:
        bad = groups.index[k > UNRELIABLE]
        shown = ", ".join(map(str, bad[:3])) + (", ..." if len(bad) > 3 else "")
        return (
            f"Pareto k exceeds {UNRELIABLE} in {len(bad)} of {len(groups)} groups ({shown}): their effects are too far "
            'from normal for the ratios to correct. Fit by quadrature, `integration="aghq"`.'
        )
    correction = float(groups["correction"].sum())
    per_group = abs(correction) / len(groups)
    if abs(correction) <= 2.0 * error:
        return "No error can be told from that of the draws."
    if per_group < NOTABLE:
        return (
            f"Laplace's log likelihood is off by {correction:.2g}, {per_group:.1g} a group: small; "
            '`integration="aghq"` removes it.'
        )
    return (
        f"Laplace's log likelihood is off by {correction:.2g}, {per_group:.1g} a group: variances and coefficients may "
        'move. Fit by quadrature, `integration="aghq"`.'
    )
