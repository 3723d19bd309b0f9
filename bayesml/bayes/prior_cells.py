"""Cells of a grid of priors: a graph with numbers for each, checked before anything is sampled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from os import PathLike
from typing import Any

import numpy as np

from bayesml.distributions import Distribution
from bayesml.errors import NotIdentified, SpecificationError
from bayesml.estimators.nuts import refuse_flat_separation
from bayesml.graphs.prior_numbers import meanings
from bayesml.graphs.propriety import require_proper
from bayesml.graphs.roles import Graph, build_graph
from bayesml.results.bayesian import BayesianResult
from bayesml.results.log_prior_draws import log_prior_draws
from bayesml.spec.priors import Priors
from bayesml.syntax.address import canonical

SETS = "priors"
"""The key of a grid under which prior sets stand."""

Choice = Distribution | str | PathLike[str] | Priors
Grid = Mapping[str, Choice | Sequence[Choice]]


@dataclass(frozen=True, eq=False)
class Cell:
    """One choice of priors.

    Parameters
    ----------
    label : str
        `sd(Days | Subject) ~ HalfNormal(5)`, `flat`.
    graph : Graph
        With the priors as numbers.
    """

    label: str
    graph: Graph

    @cached_property
    def priors(self) -> dict[str, Distribution]:
        """The prior of each parameter, by address."""
        return dict(self.graph.priors.items())

    def same_as(self, other: "Cell") -> bool:
        """Whether all parameters have the same priors."""
        own, others = (
            (cell.coefficients, cell.terms, cell.sigma, cell.ancillary)
            for cell in (self.graph.priors, other.graph.priors)
        )
        return own == others

    def require_proper(self) -> None:
        """Refuse an improper posterior, naming the cell."""
        try:
            require_proper(self.graph)
            refuse_flat_separation(self.graph)
        except NotIdentified as error:
            raise NotIdentified(f"Of the priors, `{self.label}` cannot be sampled. {error}") from None

    def log_ratios(self, base: "Cell", result: BayesianResult) -> np.ndarray | None:
        """Log of the density of these priors over that of others at draws under the others, (chain, draw).

        -inf outside the support of these; None where the others leave out values that these allow, or parameters are
        held in one only: no draw of the others stands for those values.
        """
        if not all(covers(base.priors[address], own) for address, own in self.priors.items()):
            return None
        with np.errstate(invalid="ignore", divide="ignore"):
            ratios = log_prior_of(self.graph, result) - log_prior_of(base.graph, result)
        for address, prior in self.priors.items():
            if prior.fixed is None:
                lower, upper = prior.support
                draws = result.draws(address)
                ratios = np.where((draws < lower) | (draws > upper), -np.inf, ratios)
        return ratios


def log_prior_of(graph: Graph, result: BayesianResult) -> np.ndarray:
    """Log prior of all parameters together at draws, (chain, draw)."""
    return sum(log_prior_draws(graph, result.posterior).values(), np.zeros(result.posterior.shape))


def covers(base: Distribution, other: Distribution) -> bool:
    """Whether draws under a prior reach all values that another allows."""
    if base.fixed is not None or other.fixed is not None:
        return base.fixed == other.fixed
    return base.support[0] <= other.support[0] and other.support[1] <= base.support[1]


def cells_of(base: Graph, grid: Grid, cross: bool) -> list[Cell]:
    """The cells of a grid, in order.

    Parameters
    ----------
    base : Graph
        With the model's own priors, which hold for what the grid does not name.
    grid : mapping
        From addresses to distributions, and from ``"priors"`` to prior sets.
    cross : bool
        Every choice with every other; else one at a time.

    Raises
    ------
    ColumnNotFound
        No parameter is called so.
    SpecificationError
        An empty grid, or a prior that its parameter cannot have.
    """
    if not isinstance(grid, Mapping) or not grid:
        raise SpecificationError(
            'A grid of priors is a dict from addresses to lists of distributions, as in {"sd(Days | Subject)": '
            f'[HalfNormal(5), HalfCauchy(25)]}}, and from "priors" to names of prior sets; given was {grid!r}.'
        )
    choices = [[(key, choice) for choice in listed(key, values)] for key, values in grid.items()]
    chosen = list(product(*choices)) if cross else [(choice,) for own in choices for choice in own]
    found: dict[str, Cell] = {}
    for own in chosen:
        cell = cell_of(base, dict(own))
        found.setdefault(cell.label, cell)
    return list(found.values())


def listed(key: str, values: Any) -> list[Choice]:
    """The choices under a key as a list."""
    single = isinstance(values, Distribution | str | PathLike | Priors)
    found = [values] if single else list(values) if isinstance(values, Sequence) else []
    if not found:
        what = "names of prior sets" if key == SETS else "distributions, such as HalfNormal(5)"
        raise SpecificationError(f"`{key}`: give a list of {what}, not {values!r}.")
    return found


def cell_of(base: Graph, chosen: Mapping[str, Choice]) -> Cell:
    """The cell of one choice for each of some keys."""
    priors, labels = base.model.priors, []
    if SETS in chosen:
        of = Priors.of(chosen[SETS])  # type: ignore[arg-type]
        priors = replace(of, given=tuple((dict(priors.given) | dict(of.given)).items()))
        labels.append(str(of))
    own, of_groups = meanings(base.design, base.random, base.ancillary)
    given: dict[str, Any] = {own.get(canonical(key), (key,))[0]: prior for key, prior in priors.given}
    for key, prior in chosen.items():
        if key == SETS:
            continue
        named = own.get(canonical(key)) or of_groups.get(canonical(key)) or (key,)
        # what is said of single parameters goes before what is said of a group: so each is named
        given |= dict.fromkeys(named, prior)
        labels.append(f"{key} ~ {prior}")
    model = replace(base.model, priors=replace(priors, given=tuple(given.items())))
    graph = build_graph(model, base.design)
    _ = graph.priors
    return Cell(", ".join(labels), graph)
