"""Small models of every family, link and response on factors of every structure, with data simulated from them."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bayesml.design.arrays import RandomColumns
from bayesml.design.build import build_design
from bayesml.errors import DataNote
from bayesml.estimators.held import hold
from bayesml.estimators.integrated import Ancillaries, LaplaceLikelihood
from bayesml.families import FAMILIES, Family
from bayesml.families.ancillary import unconstrained
from bayesml.graphs.derivatives import RowDerivatives
from bayesml.graphs.outcome import outcome_arrays, row_log_density
from bayesml.graphs.roles import Graph, build_graph
from bayesml.linalg.laplace import LaplaceSystem
from bayesml.links import LINKS
from bayesml.responses import PLAIN, RESPONSES, Response
from bayesml.syntax.model import Model
from tests.dense_glmm import DenseModel, Factor

CATEGORIES = ("a", "b", "c")

STRUCTURES = {
    "one group": "(1 | g)",
    "nested": "(1 | g / h)",
    "crossed": "(1 | g) + (1 | c)",
    "slope": "(x | g)",
    "slope and crossed": "(x || h) + (1 | c)",
    "rows": "(1 | h)",
    "one level": "(x | h)",
}
LEVELS = {"rows": np.arange, "one level": lambda n: np.zeros(n, np.int64)}
"""Structures with a level a row, and with one for all rows."""
SEVERAL = {
    "independent": "(1 | g)",
    "correlated": "(1 |p| g)",
    "shared": "shared(1 | g)",
    "shared and correlated": "shared(x | g) + (1 |p| c)",
    "nested": "(1 |p| g) + (1 |q| g:h)",
    "slope": "(x |p| g)",
    "crossed": "(1 | g) + shared(1 | c)",
}
EDGES = ("inside", "inside", "zero", "rank one", "tiny", "large")

# left sides by response, and the columns that they read
LEFT: dict[str | None, str] = {
    None: "y",
    "cbind": "cbind(y, failures)",
    "p": "p(y, trials)",
    "censored": "censored(y, status)",
    "interval": "interval(low, high)",
    "tobit": "tobit(y, lower=low_limit, upper=high_limit)",
    "Surv": "Surv(y, event)",
    "known_sd": "known_sd(y, known)",
}


@dataclass(frozen=True)
class Combination:
    """A family with its options, a link and a response."""

    family: Family
    link: str
    response: Response

    @property
    def several(self) -> bool:
        return len(self.family.predictors(self.categories)) > 1

    @property
    def categories(self) -> tuple[str, ...]:
        return () if self.family.outcome == "number" else CATEGORIES

    @property
    def name(self) -> str:
        options = "-".join(str(value) for value in vars(self.family).values() if value is not None)
        return "-".join(part for part in (self.family.name, options, self.link, self.response.name) if part)


def few_combinations() -> list[Combination]:
    """Of `combinations`, those with a family, a link or a response that none before has."""
    found: list[Combination] = []
    seen: set[Any] = set()
    for own in combinations():
        parts = {own.family, own.link, own.response}
        if not parts <= seen:
            found.append(own)
        seen |= parts
    return found


def combinations() -> Iterator[Combination]:
    """Every family with every link, and with every response that it can be combined with."""
    for family in FAMILIES.values():
        members = dict.fromkeys([family, *family.named().values()])
        for member in members:
            for link in member.links:
                yield Combination(member, link, PLAIN)
            for response in RESPONSES.values():
                if response.refusal(member) is None and (not response.fixes_scale or member.has_scale):
                    yield Combination(member, member.default_link, response)


@dataclass(frozen=True, eq=False)
class Instance:
    """A model on simulated data, with values of its parameters.

    Parameters
    ----------
    graph : Graph
    objective : LaplaceLikelihood
    roots : list of ndarray (q, q)
        Square roots on the accumulated columns.
    extra : ndarray
        Coefficients on the accumulated columns, unconstrained ancillary parameters.
    """

    graph: Graph
    objective: LaplaceLikelihood
    roots: list[np.ndarray]
    extra: np.ndarray

    @cached_property
    def dense(self) -> DenseModel:
        """The same model, written plainly."""
        design, objective = self.graph.design, self.objective
        beta, phi = objective.unpack(self.extra)
        values, n, K = list(objective.ancillaries.natural(phi)), design.n, len(design.predictors)
        arrays = outcome_arrays(self.graph)
        fixed = np.zeros((n, K)) if design.offset is None else np.tile(design.offset[:, None], K)
        natural = objective.beta(self.extra)
        for j, k in enumerate(design.fixed_predictors or np.zeros(len(natural), int)):
            fixed[:, k] += natural[j] * design.X[:, j]
        factors = []
        for term, root in zip(design.random, objective.natural_roots(self.roots), strict=True):
            Z = np.zeros((n, K, len(term.names)))
            for j, k in enumerate(term.predictors or np.zeros(len(term.names), int)):
                Z[:, slice(None) if k < 0 else k, j] = term.Z[:, [j]] if k < 0 else term.Z[:, j]
            factors.append(Factor(term.codes, Z, root))
        counts = np.ones(n) if design.frequencies is None else design.frequencies

        def log_density(eta, rows):
            own = {name: array[rows] for name, array in arrays.items()}
            with np.errstate(all="ignore"):
                return counts[rows] * row_log_density(self.graph, list(eta.T), values, own, np)

        return DenseModel(fixed, tuple(factors), log_density)


def instance(combination: Combination, structure: str, edge: str, seed: int, n: int = 24, **given: Any) -> Instance:
    """A model of a combination on simulated data; every third one has an offset, every other one frequencies."""
    rng = np.random.default_rng(seed)
    family, link = combination.family, LINKS[combination.link]
    low = link.mean_support[0] if np.isfinite(link.mean_support[0]) else family.support[0]
    positive = combination.link in ("identity", "inverse", "sqrt") and low >= 0
    random = (SEVERAL if combination.several else STRUCTURES)[structure]
    table = factors(n, rng)
    right = f"x + {random}"
    if seed % 3 == 0:
        table["offset_column"] = 0.3 * rng.normal(size=n)
        right += " + offset(offset_column)"
    options = dict(given)
    if seed % 2:
        table["count"] = rng.integers(1, 4, n).astype(float)
        options["frequencies"] = "count"
    values = values_of(family, combination.categories, rng)
    predictors = family.predictors(combination.categories)
    eta = [
        0.2 * rng.normal() + 0.3 * (table["x"] - table["x"].mean()).to_numpy() + 0.3 * rng.normal(size=6)[table["g"]]
        for _ in predictors
    ]
    if positive:
        eta = [2.5 + 0.3 * np.tanh(own) for own in eta]
    simulate(table, combination, eta, values, rng)
    formula = f"{LEFT[combination.response.name]} ~ {right}"
    model = Model(formula, family=family, link=combination.link, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataNote)  # of rows beyond a limit
        design = build_design(model, table)
    if structure in LEVELS:
        design = replace(design, random=tuple(with_levels(term, LEVELS[structure](n)) for term in design.random))
    return with_parameters(build_graph(model, design), edge, positive, values, rng)


def with_levels(term: RandomColumns, codes: np.ndarray) -> RandomColumns:
    """The same columns on other levels, such as fits refuse and likelihoods need not."""
    return replace(term, codes=codes, levels=pd.RangeIndex(codes.max() + 1))


def factors(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Covariate and factors: h nested in g, c crossed."""
    rows = np.arange(n)
    letters = np.array(list("uvw"))
    return pd.DataFrame(
        {
            "x": rng.normal(size=n) + rng.choice([0.0, 30.0]),
            "g": rows % 5,
            "h": rows % 10,
            "c": letters[rng.integers(0, 3, n)],
        }
    )


def values_of(family: Family, categories: tuple[str, ...], rng: np.random.Generator) -> list[float]:
    """Natural ancillary parameters."""
    ancillaries = family.ancillary(categories)
    ordered = [own for own in ancillaries if own.domain == "ordered"]
    cuts = iter(np.linspace(-0.7, 0.8, len(ordered)) if ordered else [])
    sizes = {"nu": 6.0, "phi": 8.0}
    return [
        float(next(cuts)) if own.domain == "ordered" else sizes.get(own.key, 0.6) * float(rng.uniform(0.8, 1.25))
        for own in ancillaries
    ]


def simulate(table: pd.DataFrame, combination: Combination, eta: list, values: list, rng: np.random.Generator) -> None:
    """Add the columns of a response to a table."""
    family, n = combination.family, len(table)
    trials = rng.integers(3, 9, n).astype(float) if combination.response.counts_trials else None
    parameters = family.at(LINKS[combination.link], eta, values, np, combination.categories, None, trials)
    y = np.asarray(family.simulate(rng, parameters), float)
    if combination.categories:
        y[:3] = [0, 1, 2]
        table["y"] = pd.Categorical(
            [CATEGORIES[int(code)] for code in y], CATEGORIES, ordered=family.outcome == "ordered"
        )
        return
    table["y"] = y
    if trials is not None:
        table["trials"], table["failures"] = trials, trials - y
    spread = 0.3 * (np.abs(y) + 0.2)
    table["status"] = rng.integers(-1, 2, n)
    table["event"] = (rng.random(n) < 0.7).astype(int)
    table["known"] = rng.uniform(0.4, 1.2, n)
    # inside the support where that is of positive numbers
    table["low"], table["high"] = y - spread if family.support[0] < 0.0 else 0.7 * y, y + spread
    if family.whole:
        table["status"] = rng.integers(0, 2, n)
        table["low"], table["high"] = y - 1.0, y + rng.integers(1, 3, n)
    table.loc[:2, "low"] = np.nan
    table.loc[3:5, "high"] = np.nan
    table["low_limit"], table["high_limit"] = np.quantile(y, 0.2), np.quantile(y, 0.85)


def with_parameters(graph: Graph, edge: str, positive: bool, values: list[float], rng: np.random.Generator) -> Instance:
    """Values of the parameters near those that the data were simulated from."""
    design, held = hold(graph.design, graph.held)
    reduced = graph.replace(design=design)
    system = LaplaceSystem.of(design, lambda order: RowDerivatives(reduced, order))
    ancillaries = Ancillaries(graph)
    objective = LaplaceLikelihood(system, ancillaries, held)
    size = {"tiny": 1e-5, "large": 3.0}.get(edge, 0.6) * (0.15 if positive else 1.0)
    roots = []
    for term, T in zip(design.random, objective.maps, strict=True):
        q = len(term.names)
        root = size * np.tril(rng.uniform(0.5, 1.5, (q, q)) * rng.choice([-1.0, 1.0], (q, q)))
        if term.covariance.correlations == "none":
            root = np.diag(np.diag(root))
        if edge == "zero":
            root[:] = 0.0
        if edge == "rank one":
            root[:, 1:] = 0.0
        # slopes move the predictors as much as intercepts do
        root /= np.array([[1.0 if column is None else np.abs(column).mean()] for column in term.columns])
        roots.append(np.linalg.solve(T, root))
    means = [1.0 if column is None else column.mean() for column in design.fixed_columns]
    ones = np.array([column is None for column in design.fixed_columns])
    of = np.array(design.fixed_predictors or (0,) * len(ones))
    natural = np.where(ones, 2.5 if positive else 0.1, 0.1 * rng.normal(size=len(ones)))
    for j in np.flatnonzero(~ones):
        natural[ones & (of == of[j])] -= means[j] * natural[j]
    if graph.response.fixes_scale:
        values = values[1:]
    phi = unconstrained(graph.ancillary, values)[ancillaries.free]
    extra = np.concatenate([np.linalg.solve(system.columns.coefficients, natural), phi])
    return Instance(reduced, objective, roots, extra)
