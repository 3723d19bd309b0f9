"""`Graph`: the roles of a model on data, known before any expression is built."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import ModuleType
from typing import Any, Literal

import numpy as np

from bayesml.covariance import Covariance
from bayesml.design.arrays import Design, RandomColumns
from bayesml.families import Family
from bayesml.families.ancillary import Ancillary, natural
from bayesml.graphs.prior_numbers import ResolvedPriors, given_priors, resolve_priors
from bayesml.links import Link
from bayesml.responses import Response
from bayesml.spec.model import Model

Integrated = Literal["nothing", "random", "random and beta", "all"]


@dataclass(frozen=True, eq=False)
class RandomRole:
    """One random term: its effects b = Lambda u and the parameters of G = Lambda Lambda'.

    Parameters
    ----------
    columns : RandomColumns
        Level indices and the columns of Z.
    suffix : str
        What its variables end with, `sd_<suffix>`: the group, numbered where a group has several terms.
    """

    columns: RandomColumns
    suffix: str

    @property
    def covariance(self) -> Covariance:
        """Structure of G."""
        return self.columns.covariance

    @property
    def q(self) -> int:
        """Number of columns."""
        return len(self.columns.names)

    @property
    def n_sds(self) -> int:
        """Number of free standard deviations: one a column, or one for all."""
        return 1 if self.covariance.common_sd else self.q

    @property
    def n_correlations(self) -> int:
        """Number of free correlations."""
        if self.q == 1:
            return 0
        return {"none": 0, "one": 1, "all": self.q * (self.q - 1) // 2}[self.covariance.correlations]

    @property
    def pairs(self) -> tuple[str, ...]:
        """Labels `Intercept, Days` of the free correlations, in the order of `tril_indices(q, -1)`; "all" if common."""
        if self.covariance.correlations == "one":
            return ("all",) * self.n_correlations
        names = self.columns.names
        return tuple(f"{names[j]}, {names[i]}" for i, j in zip(*np.tril_indices(self.q, -1), strict=True))[
            : self.n_correlations
        ]

    @property
    def sd_labels(self) -> tuple[str, ...]:
        """Labels of the free standard deviations: the columns, or "all" where they share one."""
        return ("all",) if self.covariance.common_sd and self.q > 1 else self.columns.names


@dataclass(frozen=True, eq=False)
class Graph:
    """A model on data: what plays which part in its density.

    The log density is ``likelihood + prior``: the likelihood is that of the outcome and of the random effects
    given the parameters, the prior all else. The predictor ``eta = X beta + sum_k Z_k b_k + offset`` is linear in
    `fixed` and `random`.

    Parameters
    ----------
    model : Model
    design : Design
    random : tuple of RandomRole
        One a random term, in the order of the formula.
    integrated : {"nothing", "random", "random and beta", "all"}
        What has been integrated out of the density; `marginalise` changes it. Of the coefficients, those
        with normal or flat priors; "all", those with scale mixtures of normal priors too, given their scales.
    centred : tuple of bool
        For each term, whether b itself is the variable of the graph rather than the standardised effects u.
    numbers : ResolvedPriors, optional
        Priors resolved before, on these data or on others; `priors` resolves them anew where they are None.
    """

    model: Model
    design: Design
    random: tuple[RandomRole, ...]
    integrated: Integrated = "nothing"
    centred: tuple[bool, ...] = ()
    numbers: ResolvedPriors | None = None

    @property
    def family(self) -> Family:
        """Distribution of a response."""
        return self.model.family

    @property
    def link(self) -> Link:
        """Link of the mean to its predictor."""
        return self.model.link

    @property
    def response(self) -> Response:
        """What a row contributes."""
        return self.model.response

    @property
    def exact(self) -> bool:
        """Whether the random effects are integrated out exactly: normal responses that are seen as they are."""
        return self.family.exact_with(self.link) and not self.response.needs_tails

    @property
    def predictors(self) -> tuple[str, ...]:
        """Names of the linear predictors: that of the mean, or one a category beside the base."""
        return self.design.predictors

    @property
    def ancillary(self) -> tuple[Ancillary, ...]:
        """Parameters of the family besides its predictors, held or free; none that is known by row."""
        found = self.family.ancillary(self.design.categories)
        known = self.family.scale_parameter if self.response.fixes_scale else None
        return tuple(ancillary for ancillary in found if ancillary.name != known)

    def natural_ancillary(self, values: Sequence[Any], namespace: ModuleType) -> list[Any]:
        """Natural values of `ancillary` from unconstrained ones."""
        return natural(self.ancillary, values, namespace)

    @property
    def fixed(self) -> tuple[str, ...]:
        """Addresses of the coefficients beta, in the order of the columns of X."""
        return self.design.coefficients

    @property
    def scale_is_free(self) -> bool:
        """Whether the family has a scale parameter that is neither known by row nor held at a value."""
        return self.has_scale and self.fixed_sigma is None

    @property
    def has_scale(self) -> bool:
        """Whether the family has a scale parameter, free or held; no, where it is known by row."""
        return self.family.has_scale and not self.response.fixes_scale

    @property
    def residual_scale(self) -> np.ndarray | None:
        """Factor s of the standard deviation ``sigma s`` of each row (n,); None where all are one."""
        if self.design.known_sd is not None:
            return self.design.known_sd
        return None if self.design.weights is None else self.design.weights**-0.5

    @cached_property
    def priors(self) -> ResolvedPriors:
        """Every prior as a distribution with numbers; resolved when first asked for, as likelihood fits need none."""
        return self.numbers or resolve_priors(
            self.model.priors, self.design, self.random, self.family, self.link, self.ancillary
        )

    @cached_property
    def held(self) -> dict[str, float]:
        """Values at which parameters are held, by address: of `Fixed` priors only, so no prior set is read."""
        given = given_priors(self.model.priors, self.design, self.random, self.ancillary)
        return {address: prior.fixed for address, prior in given.items() if prior.fixed is not None}

    @property
    def fixed_sigma(self) -> float | None:
        """The value sigma is held at, or None."""
        return self.held.get("sigma")

    @cached_property
    def integrated_beta(self) -> np.ndarray:
        """Which coefficients are integrated out, bool (p,): those with a normal or flat prior, if any are."""
        rows = [prior.normal_row is not None for prior in self.priors.coefficients]
        return (np.array(rows, dtype=bool) & (self.integrated in ("random and beta", "all"))) | self.mixed_beta

    @cached_property
    def mixed_beta(self) -> np.ndarray:
        """Which coefficients are integrated out given the scales of their priors, bool (p,)."""
        rows = [prior.conditional_row is not None for prior in self.priors.coefficients]
        return np.array(rows, dtype=bool) & (self.integrated == "all")

    @property
    def coefficient_rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`given`, `prior_mean` and `prior_precision` of the coefficients, as `marginal_density` takes them."""
        found = [prior.normal_row or prior.conditional_row or (0.0, 0.0) for prior in self.priors.coefficients]
        rows = np.array(found).reshape(-1, 2)
        given = np.where(self.mixed_beta, -1, ~self.integrated_beta)
        return given.astype(np.int64), rows[:, 0].copy(), rows[:, 1].copy()

    def replace(self, **changes: Any) -> "Graph":
        """A graph that differs in some fields; priors that were resolved are kept, if model and design are."""
        if "priors" in self.__dict__ and not {"model", "design"} & set(changes):
            changes = {"numbers": self.priors} | changes
        return replace(self, **changes)


def build_graph(model: Model, design: Design, numbers: ResolvedPriors | None = None) -> Graph:
    """Roles of a model on data, without importing PyTensor.

    Parameters
    ----------
    model : Model
    design : Design
        Of the same model.
    numbers : ResolvedPriors, optional
        Priors as numbers, if they were resolved before: refits, grids and simulations keep them.

    Returns
    -------
    Graph
    """
    suffixes = term_suffixes([columns.group for columns in design.random])
    random = tuple(RandomRole(columns, suffix) for columns, suffix in zip(design.random, suffixes, strict=True))
    return Graph(model, design, random, centred=(False,) * len(random), numbers=numbers)


def term_suffixes(groups: list[str]) -> list[str]:
    """Endings of the variables of each term: its group, `Subject_2` for the second term of `Subject`.

    Slashes, which would be paths in a stored result, become underscores.
    """
    suffixes: list[str] = []
    for group in groups:
        name, count = group.replace("/", "_"), 1
        suffix = name
        while suffix in suffixes:
            count += 1
            suffix = f"{name}_{count}"
        suffixes.append(suffix)
    return suffixes
