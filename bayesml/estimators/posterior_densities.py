"""The density of data and parameters on the unconstrained scale, not normalised: what bridge sampling integrates."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayesml.estimators.group_densities import QuadratureDensities, coarsest, enough_points
from bayesml.estimators.unconstrained import Unconstrained
from bayesml.graphs.roles import Graph
from bayesml.graphs.transforms import marginalise
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.linalg.marginal_values import log_densities
from bayesml.results.effects import flat_roots
from bayesml.results.posterior import Posterior, flat_draws, term_roots
from bayesml.results.predictive import log_likelihood

POINTS_TO_SETTLE = 4


@dataclass(frozen=True, eq=False)
class PosteriorDensity:
    """``p(y | theta) p(theta)`` of coordinates, what is not among theta integrated out.

    Parameters
    ----------
    graph : Graph
    draws : Posterior
    """

    graph: Graph
    draws: Posterior

    @cached_property
    def coordinates(self) -> Unconstrained:
        """Those of the parameters."""
        return Unconstrained(self.graph, self.draws)

    @property
    def integral(self) -> str:
        """How the rest is integrated out, in words."""
        raise NotImplementedError

    @property
    def error(self) -> float:
        """How far the logarithm may be off for that reason."""
        return 0.0

    @property
    def expensive(self) -> bool:
        """Whether a point takes as long as many rows of arithmetic."""
        return False

    @property
    def work(self) -> int:
        """Rows of arithmetic that a point takes, about."""
        return self.graph.design.n

    def points(self, draws: Posterior) -> np.ndarray:
        """Coordinates (chain, draw, d) of draws."""
        return self.coordinates.of(draws)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Log density (S,) at points (S, d)."""
        posterior, jacobian = self.coordinates.posterior(x)
        return np.asarray(self.likelihood(posterior) + self.coordinates.log_prior(posterior) + jacobian)

    def likelihood(self, posterior: Posterior) -> np.ndarray:
        """Log likelihood (S,) of the parameters."""
        raise NotImplementedError


class ExactDensity(PosteriorDensity):
    """Of linear models: random effects, and coefficients with normal priors, are integrated out exactly."""

    @property
    def integral(self) -> str:
        return "random effects and coefficients with normal priors integrated out exactly"

    @cached_property
    def system(self) -> GaussianSystem:
        """Cross-products."""
        return GaussianSystem.of(self.graph.design, self.graph.coefficient_rows[0])

    def likelihood(self, posterior: Posterior) -> np.ndarray:
        given, prior_mean, prior_precision = self.graph.coefficient_rows
        return log_densities(
            self.system, flat_roots(self.graph.design, posterior), posterior.sigma.ravel(),
            flat_draws(posterior.beta), given, prior_mean, prior_precision,
        )  # fmt: skip


class RowsDensity(PosteriorDensity):
    """Of models without random effects."""

    @property
    def integral(self) -> str:
        return "nothing integrated out beforehand"

    def likelihood(self, posterior: Posterior) -> np.ndarray:
        return np.asarray(log_likelihood(self.graph, posterior, ()).sum(axis=-1)[0])


class IntegratedDensity(PosteriorDensity):
    """Of models with nested factors whose integrals are not exact: by quadrature, with enough nodes."""

    @cached_property
    def _settled(self) -> tuple[QuadratureDensities, float]:
        S = self.draws.sigma.size
        few = np.unique(np.linspace(0, S - 1, POINTS_TO_SETTLE).astype(int))
        at, _ = self.coordinates.posterior(self.points(self.draws).reshape(S, -1)[few])
        return enough_points(self.graph, at)

    @property
    def integral(self) -> str:
        points = self._settled[0].points
        return f"random effects integrated out by adaptive quadrature, {points} nodes a dimension"

    @property
    def error(self) -> float:
        return self._settled[1]

    @property
    def expensive(self) -> bool:
        return True

    @property
    def work(self) -> int:
        return self.graph.design.n * self._settled[0].nodes

    def likelihood(self, posterior: Posterior) -> np.ndarray:
        return self._settled[0].at(posterior).sum(axis=1)


class JointDensity(PosteriorDensity):
    """Of models with crossed factors: standardised random effects u, b = Lambda u, are coordinates too."""

    @property
    def integral(self) -> str:
        return "random effects among the parameters"

    def points(self, draws: Posterior) -> np.ndarray:
        assert draws.effects is not None
        parts = [self.coordinates.of(draws)]
        for term, sds, corrs, b in zip(self.graph.design.random, draws.sds, draws.corrs, draws.effects, strict=True):
            root = term_roots(term, sds, corrs)
            u = np.linalg.solve(root[:, :, None], b[..., None])[..., 0]
            parts.append(u.reshape(*draws.shape, -1))
        return np.concatenate(parts, axis=-1)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        at = self.coordinates.size
        posterior, jacobian = self.coordinates.posterior(x[:, :at])
        total = self.coordinates.log_prior(posterior) + jacobian
        effects = []
        for term, sds, corrs in zip(self.graph.design.random, posterior.sds, posterior.corrs, strict=True):
            J, q = len(term.levels), len(term.names)
            u = x[:, at : at + J * q]
            at += J * q
            total = total - 0.5 * np.sum(u**2, axis=1) - 0.5 * J * q * np.log(2 * np.pi)
            effects.append((u.reshape(-1, J, q) @ np.swapaxes(term_roots(term, sds, corrs)[0], 1, 2))[None])
        rows = log_likelihood(self.graph, replace(posterior, effects=tuple(effects)), tuple(effects))
        return np.asarray(total + rows.sum(axis=-1)[0])


def density_of(graph: Graph, draws: Posterior) -> PosteriorDensity:
    """The density with as much integrated out as can be."""
    if graph.exact:
        return ExactDensity(marginalise(graph, "random and beta"), draws)
    if not graph.design.random:
        return RowsDensity(graph, draws)
    return (JointDensity if coarsest(graph.design) is None else IntegratedDensity)(graph, draws)
