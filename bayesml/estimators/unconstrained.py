"""Parameters as unconstrained coordinates: the map from posterior draws, its inverse, and the log prior there.

Nothing is compiled and nothing of the sampler is needed, so that results read from a file have coordinates too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, lgamma

import numpy as np

from bayesml.distributions import Distribution
from bayesml.graphs.dimensions import ordered_parameters
from bayesml.graphs.natural import CovarianceParameters
from bayesml.graphs.roles import Graph, RandomRole
from bayesml.results.log_prior_draws import log_prior_draws
from bayesml.results.posterior import Posterior, flat_draws, term_roots
from bayesml.results.prior_draws import scipy_stats

ORDER_GRID = 4001


@dataclass(frozen=True)
class Interval:
    """The map between an open interval and the real line: identity, logarithm of a distance, or logit.

    Parameters
    ----------
    lower, upper : float
    """

    lower: float
    upper: float

    def unconstrained(self, value: np.ndarray) -> np.ndarray:
        """Coordinates of values."""
        with np.errstate(divide="ignore"):
            if self.lower > -inf and self.upper < inf:
                return np.log(value - self.lower) - np.log(self.upper - value)
            if self.lower > -inf:
                return np.log(value - self.lower)
            if self.upper < inf:
                return -np.log(self.upper - value)
        return np.asarray(value, float)

    def natural(self, x: np.ndarray) -> np.ndarray:
        """Values at coordinates."""
        if self.lower > -inf and self.upper < inf:
            return self.lower + (self.upper - self.lower) / (1.0 + np.exp(-x))
        if self.lower > -inf:
            return self.lower + np.exp(x)
        return self.upper - np.exp(-x) if self.upper < inf else x

    def log_jacobian(self, x: np.ndarray) -> np.ndarray:
        """Logarithm of the derivative of `natural`."""
        if self.lower > -inf and self.upper < inf:
            return np.log(self.upper - self.lower) - np.logaddexp(0.0, x) - np.logaddexp(0.0, -x)
        if self.lower > -inf:
            return x
        return -x if self.upper < inf else np.zeros_like(x)


@dataclass(frozen=True, eq=False)
class Unconstrained:
    """Coordinates of the free parameters of a graph: coefficients, sds, correlations, parameters of the family.

    Parameters
    ----------
    graph : Graph
        Coefficients that it integrates out (`graph.integrated_beta`) have no coordinates.
    constants : Posterior
        Any draws of the graph: values of what is held are read from them.

    Notes
    -----
    Each coordinate is that of the parameter by the support of its prior. Several correlations of a term enter as
    partial correlations; the Jacobian of the matrix in these is ``prod (1 - p_ij²)^((q - 2 - j) / 2)``, j from 0.
    """

    graph: Graph
    constants: Posterior

    # -- what there is -------------------------------------------------------------------------------

    @cached_property
    def coefficients(self) -> np.ndarray:
        """Places of the coefficients that have coordinates."""
        free = [prior.fixed is None for prior in self.graph.priors.coefficients]
        return np.flatnonzero(np.array(free, bool) & ~self.graph.integrated_beta)

    @cached_property
    def sds(self) -> list[np.ndarray]:
        """Places of the free standard deviations of each term."""
        return [
            np.flatnonzero([prior.fixed is None for prior in term.sds]).astype(int) for term in self.graph.priors.terms
        ]

    @cached_property
    def correlated(self) -> list[bool]:
        """Whether the correlations of each term are free."""
        return [
            len(term.partials) > 0 and all(prior.fixed is None for prior in term.partials)
            for term in self.graph.priors.terms
        ]

    @cached_property
    def sigma_free(self) -> bool:
        """Whether sigma has a coordinate."""
        sigma = self.graph.priors.sigma
        return sigma is not None and sigma.fixed is None

    @cached_property
    def others(self) -> list[int]:
        """Places of the free parameters of the family besides sigma that are in no order."""
        ordered = {name for names in ordered_parameters(self.graph).values() for name in names}
        return [
            i
            for i, (name, prior) in enumerate(self.graph.priors.ancillary.items())
            if prior.fixed is None and name not in ordered
        ]

    @cached_property
    def ordered(self) -> list[list[int]]:
        """Places of those in order, a list for each that are ordered together."""
        names = list(self.graph.priors.ancillary)
        found = [[names.index(name) for name in own] for own in ordered_parameters(self.graph).values()]
        priors = list(self.graph.priors.ancillary.values())
        return [places for places in found if priors[places[0]].fixed is None]

    @property
    def size(self) -> int:
        """Number of coordinates."""
        correlations = sum(
            len(t.partials) for t, free in zip(self.graph.priors.terms, self.correlated, strict=True) if free
        )
        ordered = sum(map(len, self.ordered))
        return (
            len(self.coefficients)
            + sum(map(len, self.sds))
            + correlations
            + self.sigma_free
            + len(self.others)
            + ordered
        )

    # -- maps ----------------------------------------------------------------------------------------

    def of(self, posterior: Posterior) -> np.ndarray:
        """Coordinates (chain, draw, d) of draws."""
        priors = self.graph.priors
        parts = [
            self._forward([priors.coefficients[j] for j in self.coefficients], posterior.beta[..., self.coefficients])
        ]
        for k, (role, term) in enumerate(zip(self.graph.random, priors.terms, strict=True)):
            own = self.sds[k]
            parts.append(self._forward([term.sds[i] for i in own], posterior.sds[k][..., own]))
            if self.correlated[k]:
                parts.append(self._forward(term.partials, partials_of(role, posterior.corrs[k])))
        if self.sigma_free:
            assert priors.sigma is not None
            parts.append(self._forward([priors.sigma], posterior.sigma[..., None]))
        ancillary = list(priors.ancillary.values())
        if self.others:
            parts.append(self._forward([ancillary[i] for i in self.others], posterior.ancillary[..., self.others]))
        for places in self.ordered:
            values = posterior.ancillary[..., places]
            parts += [values[..., :1], np.log(np.diff(values, axis=-1))]
        return np.concatenate(parts, axis=-1)

    @staticmethod
    def _forward(priors: Sequence[Distribution], values: np.ndarray) -> np.ndarray:
        columns = [Interval(*prior.support).unconstrained(values[..., i]) for i, prior in enumerate(priors)]
        return np.stack(columns, axis=-1) if columns else np.empty((*values.shape[:-1], 0))

    def posterior(self, x: np.ndarray) -> tuple[Posterior, np.ndarray]:
        """Natural parameters at points (S, d), as draws in one chain, and the log Jacobian (S,) there."""
        priors, parameters, S = self.graph.priors, CovarianceParameters(self.graph), len(x)
        jacobian, at = np.zeros(S), 0

        def taken(own: Sequence[Distribution]) -> Iterator[np.ndarray]:
            nonlocal at
            for prior in own:
                interval = Interval(*prior.support)
                jacobian[:] += interval.log_jacobian(x[:, at])
                at += 1
                yield interval.natural(x[:, at - 1])

        def held(array: np.ndarray) -> np.ndarray:
            return np.broadcast_to(array[0, 0], (S, *array.shape[2:])).copy()

        constants = self.constants
        beta = held(constants.beta)
        for j, values in zip(
            self.coefficients, taken([priors.coefficients[j] for j in self.coefficients]), strict=True
        ):
            beta[:, j] = values
        sds, corrs = [], []
        for k, (role, term) in enumerate(zip(self.graph.random, priors.terms, strict=True)):
            own = held(constants.sds[k])
            for i, values in zip(self.sds[k], taken([term.sds[i] for i in self.sds[k]]), strict=True):
                own[:, i] = values
            sds.append(own[None])
            if not self.correlated[k]:
                corrs.append(held(constants.corrs[k])[None])
                continue
            partials = np.stack(list(taken(term.partials)), axis=-1)
            jacobian += matrix_jacobian(role, partials)
            lower, width = parameters.bounds
            start = int(parameters.layout[k, 4])
            unit = np.zeros((S, lower.size))
            part = slice(start, start + partials.shape[-1])
            unit[:, part] = (partials - lower[part]) / width[part]
            corrs.append(parameters.correlations(unit, k)[None])
        sigma = held(constants.sigma)
        if self.sigma_free:
            assert priors.sigma is not None
            sigma = next(taken([priors.sigma]))
        ancillary = held(constants.ancillary) if constants.ancillary.size else np.empty((S, 0))
        own_priors = list(priors.ancillary.values())
        for i, values in zip(self.others, taken([own_priors[i] for i in self.others]), strict=True):
            ancillary[:, i] = values
        for places in self.ordered:
            gaps = x[:, at + 1 : at + len(places)]
            ancillary[:, places] = x[:, [at]] + np.concatenate(
                [np.zeros((S, 1)), np.cumsum(np.exp(gaps), axis=1)], axis=1
            )
            jacobian += gaps.sum(axis=1)
            at += len(places)
        found = Posterior(
            beta=beta[None], sds=tuple(sds), corrs=tuple(corrs), sigma=sigma[None], stats={},
            parametrisation=constants.parametrisation, seed=constants.seed, ancillary=ancillary[None],
        )  # fmt: skip
        return found, jacobian

    def log_prior(self, posterior: Posterior) -> np.ndarray:
        """Log prior (S,) of the parameters with coordinates, natural scale, normalised: also where some are ordered."""
        densities = log_prior_draws(self.graph, posterior)
        integrated = [name for name, out in zip(self.graph.fixed, self.graph.integrated_beta, strict=True) if out]
        with np.errstate(all="ignore"):
            total = sum((v for address, v in densities.items() if address not in integrated), np.zeros(posterior.shape))
        return flat_draws(total) - self.log_probability_of_order

    @cached_property
    def log_probability_of_order(self) -> float:
        """Log probability that parameters in order are so when drawn independently: what normalises their prior."""
        priors = list(self.graph.priors.ancillary.values())
        return sum(log_probability_of_order([priors[i] for i in places]) for places in self.ordered)


def partials_of(role: RandomRole, corrs: np.ndarray) -> np.ndarray:
    """Partial correlations (..., r) of a term from its correlations, in the order of `tril_indices(q, -1)`."""
    if role.n_correlations == 1:
        return corrs
    ones = np.ones((*corrs.shape[:-1], role.q))
    C = term_roots(role.columns, ones, corrs)
    left, out = np.ones_like(ones), np.zeros_like(C)
    for j in range(role.q):
        out[..., j] = C[..., j] / np.sqrt(np.maximum(left, 1e-300))
        left = left - C[..., j] ** 2
    rows, columns = np.tril_indices(role.q, -1)
    return out[..., rows, columns]


def matrix_jacobian(role: RandomRole, partials: np.ndarray) -> np.ndarray:
    """Log Jacobian (...) of the correlations in the partial ones."""
    if role.n_correlations == 1:
        return np.zeros(partials.shape[:-1])
    power = (role.q - 2 - np.tril_indices(role.q, -1)[1]) / 2.0
    return np.sum(power * np.log1p(-(partials**2)), axis=-1)


def log_probability_of_order(priors: Sequence[Distribution]) -> float:
    """Log probability that independent values come in increasing order: 1/K! where they have one distribution.

    Otherwise ``F_k(x) = ∫ f_k F_{k-1}`` by the trapezoidal rule.
    """
    if len(set(priors)) == 1:
        return -lgamma(len(priors) + 1.0)
    ends = [prior.scipy(scipy_stats()).ppf([1e-10, 1 - 1e-10]) for prior in priors]
    grid = np.linspace(min(e[0] for e in ends), max(e[1] for e in ends), ORDER_GRID * len(priors))
    below = np.ones_like(grid)
    for prior in priors:
        with np.errstate(all="ignore"):
            density = np.nan_to_num(np.exp(prior.scipy(scipy_stats()).logpdf(grid))) * below
        steps = 0.5 * (density[1:] + density[:-1]) * np.diff(grid)
        below = np.concatenate([[0.0], np.cumsum(steps)])
    return float(np.log(below[-1]))
