"""`loo`: expected log predictive density by leaving out rows or groups."""

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, Literal

import numpy as np
import pandas as pd

from bayesml.bayes.evidence import require_posterior
from bayesml.bayes.importance import pareto_limit
from bayesml.bayes.left_out import by_importance, refitted
from bayesml.bayes.units import ROW, units_of
from bayesml.errors import SpecificationError
from bayesml.results.bayesian import BayesianResult
from bayesml.tables.table import Column, Row, Section, Table

WORST_SHOWN = 5
FEWEST_DRAWS = 100


@dataclass(frozen=True, eq=False, repr=False)
class Loo:
    """Expected log predictive density (elpd) of units, each predicted from all others.

    Parameters
    ----------
    result : BayesianResult
    unit : str
        ``"row"``, or the grouping factor whose levels were left out.
    pointwise : DataFrame
        One row a unit, indexed by the index of the data or by the levels: `elpd`, its Monte-Carlo error `mcse`,
        `p_loo`, `pareto_k` of the importance weights, and `refitted`, whether it was sampled without instead; with
        frequencies `count`, how many rows each stands for.
    draws : int
        Posterior draws that were used.
    mcse : float
        Monte-Carlo error of `elpd`: how much it would change with other draws.
    density : str
        What density was averaged, in words.
    problems : tuple of str
        What did not go well in sampling again.

    Attributes
    ----------
    elpd : float
        ``sum_i log p(y_i | y_-i)``; larger is better.
    se : float
        Standard error of `elpd` as an estimate for new data of this kind: ``sqrt(n var(elpd_i))``.
    p_loo : float
        Effective number of parameters: by how much the data are predicted better when they are among what is known.
    good_k : float
        Pareto k above which importance sampling is not reliable with so many draws; 0.7 at most.
    """

    result: BayesianResult
    unit: str
    pointwise: pd.DataFrame
    draws: int
    mcse: float
    density: str
    problems: tuple[str, ...] = ()

    @property
    def counts(self) -> np.ndarray:
        """How many units each line of `pointwise` stands for."""
        if "count" in self.pointwise:
            return self.pointwise["count"].to_numpy()
        return np.ones(len(self.pointwise))

    @property
    def elpd(self) -> float:
        """Sum over the units."""
        return float(np.sum(self.counts * self.pointwise["elpd"]))

    @property
    def se(self) -> float:
        """Standard error of the sum over units of this kind."""
        n, elpd = self.counts.sum(), self.pointwise["elpd"].to_numpy()
        mean = np.average(elpd, weights=self.counts)
        return float(np.sqrt(n * np.average((elpd - mean) ** 2, weights=self.counts)))

    @property
    def p_loo(self) -> float:
        """Effective number of parameters."""
        return float(np.sum(self.counts * self.pointwise["p_loo"]))

    @property
    def good_k(self) -> float:
        """Limit of Pareto k."""
        return pareto_limit(self.draws)

    @property
    def pareto_k(self) -> pd.Series:
        """Pareto k of each unit."""
        return self.pointwise["pareto_k"]

    @property
    def bad(self) -> pd.Index:
        """Units whose Pareto k is above the limit, and that were not sampled without."""
        return self.pointwise.index[~(self.pointwise["pareto_k"] <= self.good_k) & ~self.pointwise["refitted"]]

    @cached_property
    def k_counts(self) -> pd.DataFrame:
        """Units by Pareto k: `count` and `share`; good, bad, very bad and sampled without instead."""
        k = self.pointwise["pareto_k"].where(~self.pointwise["refitted"])
        parts = {
            f"good (k <= {self.good_k:.2g})": k <= self.good_k,
            f"bad ({self.good_k:.2g} < k <= 1)": (k > self.good_k) & (k <= 1),
            "very bad (k > 1)": k > 1,
            "sampled again": self.pointwise["refitted"],
        }
        rows = {name: (int(which.sum()), float(which.mean())) for name, which in parts.items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=["count", "share"])

    @property
    def advice(self) -> str:
        """What to make of the Pareto k."""
        if not len(self.bad):
            return "All Pareto k are good: the elpd is reliable."
        shown = ", ".join(map(str, self.bad[:WORST_SHOWN])) + (", …" if len(self.bad) > WORST_SHOWN else "")
        what = "rows" if self.unit == ROW else f"levels of {self.unit}"
        return (
            f"Pareto k is above {self.good_k:.2g} for {len(self.bad)} {what} ({shown}): the posterior without them is "
            "too far from the one with them, and their elpd is too high as a rule. Sample without them: a larger "
            "`refits=`, or `exact=True`. Many of them say that the model does not fit."
        )

    @property
    def table(self) -> Table:
        """Estimates and the counts of Pareto k."""
        numbers = Section(
            "", (Column("estimate", decimals=1), Column("SE", decimals=1)),
            (Row("elpd_loo", (self.elpd, self.se)), Row("p_loo", (self.p_loo, None))),
        )  # fmt: skip
        rows = tuple(
            Row(str(name), (int(own["count"]), 100 * own["share"])) for name, own in self.k_counts.iterrows()
            if own["count"]
        )  # fmt: skip
        ks = Section("Pareto k", (Column("count", "count"), Column("%", decimals=1)), rows)
        what = "Rows left out" if self.unit == ROW else f"Levels of {self.unit} left out"
        notes = (
            f"{what} one by one; {self.density}. {self.draws} draws, Monte-Carlo error of elpd_loo {self.mcse:.2g}.",
            self.advice, *self.problems,
        )  # fmt: skip
        facts = (("Units", str(int(self.counts.sum()))),)
        return Table("Leave-one-out", self.result.formula, facts, (numbers, ks), notes)

    def __repr__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table.to_html()

    def to_arviz(self) -> Any:
        """The numbers as ArviZ's `ELPDDataLOO`; as ArviZ has it, what was sampled without has a Pareto k of 0."""
        stats, xarray = import_module("arviz_stats.utils"), import_module("xarray")
        dim = "obs" if self.unit == ROW else self.unit
        repeats = self.counts.astype(int)

        def array(values: np.ndarray) -> Any:
            return xarray.DataArray(np.repeat(values, repeats), dims=[dim])

        own = self.pointwise
        return stats.ELPDDataLOO(
            elpd=self.elpd, se=self.se, p=self.p_loo, n_samples=self.draws, n_data_points=int(repeats.sum()),
            scale="log", warning=bool(len(self.bad)), good_k=self.good_k, elpd_i=array(own["elpd"].to_numpy()),
            pareto_k=array(own["pareto_k"].where(~own["refitted"], 0.0).to_numpy()),
            p_loo_i=array(own["p_loo"].to_numpy()),
        )  # fmt: skip


def loo(
    result: BayesianResult,
    unit: str = ROW,
    exact: Literal["auto"] | bool = "auto",
    refits: int = 20,
    progressbar: bool = True,
) -> Loo:
    """Expected log predictive density by leaving out one row, or one group, at a time.

    ``elpd = sum_i log p(y_i | y_-i)``. Draws of the posterior are weighted as if unit i had not been there
    (Pareto-smoothed importance sampling); units for which that is not reliable are sampled without.

    Parameters
    ----------
    result : BayesianResult
    unit : str, default "row"
        What is left out: ``"row"``; or the grouping factor whose levels are, ``"group"`` for the coarsest. It is the
        question: how well is another response of a known group predicted, or how well a new group?
    exact : {"auto", True, False}, default "auto"
        Units to sample without: those with a bad Pareto k, if they are not more than `refits`; all; none.
    refits : int, default 20
        Most samplings of ``exact="auto"``.
    progressbar : bool, default True
        Of these samplings.

    Returns
    -------
    Loo
        `elpd`, `se`, `p_loo`, `mcse`, `pointwise`, `pareto_k`, `advice`; `to_arviz()`.

    Raises
    ------
    RefusedTest
        Groups of crossed factors, or groups within others, which are not independent given the parameters.
    SpecificationError
        No posterior; other options.

    Notes
    -----
    Rows: in linear models the density of a row given all others and the parameters, the random effects integrated out
    exactly, so that only the parameters are reweighted and bad k are rare; in other models the density of a row given
    the random effects. Groups: the density of all rows of a group given the parameters, random effects integrated out,
    exactly or by adaptive quadrature. A row with `frequencies` counts as so many rows. With few groups `se` is itself
    uncertain. Where there are many draws for many rows, every so manieth is used, and the result says how many.

    References
    ----------
    Vehtari, Gelman and Gabry (2017), Practical Bayesian model evaluation using leave-one-out cross-validation and WAIC,
    Statistics and Computing 27:1413-1432. Merkle, Furr and Rabe-Hesketh (2019), Bayesian comparison of latent variable
    models: conditional versus marginal likelihoods, Psychometrika 84:802-829.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> found = bml.loo(post, progressbar=False)
    >>> round(found.elpd, -1), len(found.bad)
    (-860.0, 0)
    """
    require_posterior(result, "loo")
    if exact not in ("auto", True, False):
        raise SpecificationError(f'`exact={exact!r}`: give "auto", True or False.')
    units = units_of(result, unit)
    size = units.draws.sigma.size
    if size < FEWEST_DRAWS:
        raise SpecificationError(
            f"{size} draws are too few to judge importance weights by: take {FEWEST_DRAWS} or more."
        )
    limit = pareto_limit(size)
    found = by_importance(units, limit)
    chosen = to_refit(found.pareto_k, exact, refits, limit)
    if len(chosen):
        found = refitted(found, chosen, units, result.posterior, progressbar)
    columns = {
        "elpd": found.elpd, "mcse": found.mcse, "p_loo": found.lpd - found.elpd, "pareto_k": found.pareto_k,
        "refitted": found.refitted,
    }  # fmt: skip
    if units.counts is not None:
        columns["count"] = units.counts
    table = pd.DataFrame(columns, index=units.index)
    error = found.error(np.ones(len(table)) if units.counts is None else units.counts, limit)
    return Loo(result, units.name, table, size, error, units.density, found.problems)


def to_refit(pareto_k: np.ndarray, exact: Literal["auto"] | bool, refits: int, limit: float) -> np.ndarray:
    """Places of the units that are sampled without."""
    if exact is True:
        return np.arange(len(pareto_k))
    bad = np.flatnonzero(~(pareto_k <= limit))
    return bad if exact == "auto" and len(bad) <= refits else np.empty(0, int)
