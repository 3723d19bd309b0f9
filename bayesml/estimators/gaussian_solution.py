"""The numbers of an exact Gaussian fit, on the scale of the user's columns; the costly ones when asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayesml.covariance.unstructured import semidefinite_cholesky
from bayesml.design.arrays import Design
from bayesml.estimators.ascent import Ascent, Optimum
from bayesml.estimators.held import Held
from bayesml.estimators.maximum import ALONG, Maximum
from bayesml.estimators.profiled import ProfiledLikelihood
from bayesml.linalg.gaussian import Evaluation, GaussianSystem
from bayesml.results.solution import VarianceParameters


@dataclass(frozen=True, eq=False)
class GaussianSolution(Maximum):
    """A `bayesml.results.solution.Solution`.

    Parameters
    ----------
    design : Design
    system : GaussianSystem
    objective : ProfiledLikelihood
    ascent : Ascent
    optimum : Optimum
    criterion : "ml" or "reml"
    known_sigma : float or None
    held : Held
        Coefficients and covariance parameters held at values; `design` and `system` are without these coefficients.
    """

    design: Design
    system: GaussianSystem
    objective: Any
    ascent: Ascent
    optimum: Optimum
    criterion: str
    known_sigma: float | None
    held: Held
    integration = "exact"

    @cached_property
    def roots(self) -> list[np.ndarray]:
        """Relative square roots on the accumulated columns."""
        return self.optimum.point.roots

    @cached_property
    def evaluation(self) -> Evaluation:
        """The normal equations solved at the optimum."""
        return self.system.evaluate(self.roots, self.objective.integrated)

    @cached_property
    def other_evaluation(self) -> Evaluation:
        """The same with the coefficients treated the other way: integrated for ML, profiled for REML."""
        return self.system.evaluate(self.roots, not self.objective.integrated)

    @property
    def loglik(self) -> float:
        return float(self.optimum.point.value)

    @cached_property
    def loglik_without_random(self) -> float:
        return float(self.objective([np.zeros_like(root) for root in self.roots], np.empty(0)).value)

    @property
    def sigma_free(self) -> bool:
        return self.known_sigma is None

    @cached_property
    def sigma(self) -> float:
        if self.known_sigma is not None:
            return float(self.known_sigma)
        relative = self.objective.relative_sigma2(self.evaluation.r2)
        return float(np.sqrt(relative)) * self.system.scaling.y_scale

    @property
    def ancillary_values(self) -> tuple[float, ...]:
        """sigma, unless each row's is known."""
        return () if self.design.known_sd is not None else (self.sigma,)

    def cross_covariance(self) -> np.ndarray:
        """Covariance of the coefficients with the variance parameters: zero."""
        return np.zeros((len(self.held.values), len(self.variance_parameters().names)))

    @cached_property
    def beta(self) -> np.ndarray:
        out = self.held.values.copy()
        out[self.held.free] = self.free_beta
        return out

    @cached_property
    def vcov_beta(self) -> np.ndarray:
        free = self.held.free
        out = np.zeros((len(free), len(free)))
        out[np.ix_(free, free)] = self.vcov_free_beta
        return out

    @cached_property
    def free_beta(self) -> np.ndarray:
        """Coefficients that are not held."""
        return self.system.coefficients_from(self.evaluation)

    @cached_property
    def vcov_free_beta(self) -> np.ndarray:
        """(X'V^-1 X)^-1."""
        return self.sigma**2 * self.system.coefficient_covariance(self.evaluation)

    @cached_property
    def covariances(self) -> tuple[np.ndarray, ...]:
        out = []
        for root, T in zip(self.roots, self.system.scaling.terms, strict=True):
            scaled = self.sigma * (T @ root)
            out.append(scaled @ scaled.T)
        return tuple(out)

    @property
    def n_parameters(self) -> int:
        return len(self.free_beta) + sum(map(self.n_free, range(len(self.held.terms)))) + self.sigma_free

    def modes(self) -> tuple[np.ndarray, ...]:
        e = self.evaluation
        return self.system.effects_by_term(e.modes, e.solution[: self.system.layout.border])

    def means(self) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]] | None:
        """Means and sds (levels, q) of the effects given y: the modes."""
        sds = tuple(np.sqrt(np.einsum("jii->ji", own)) for own in self.conditional_covariance())
        return self.modes(), sds

    def modes_at(self, covariances: Sequence[np.ndarray], sigma: float) -> tuple[np.ndarray, ...]:
        T = self.system.scaling.terms
        roots = [np.linalg.solve(t, semidefinite_cholesky(G) / sigma) for t, G in zip(T, covariances, strict=True)]
        e = self.system.evaluate(roots, self.objective.integrated)
        return self.system.effects_by_term(e.modes, e.solution[: self.system.layout.border])

    def effect_covariances(self, integrated: bool) -> tuple[np.ndarray, ...]:
        """Covariance of b given y, with the coefficients known or estimated."""
        e = self.evaluation if integrated == self.objective.integrated else self.other_evaluation
        return tuple(self.sigma**2 * block for block in self.system.effect_covariances(e, integrated))

    def conditional_covariance(self) -> tuple[np.ndarray, ...]:
        return self.effect_covariances(False)

    def comparative_covariance(self) -> tuple[np.ndarray, ...]:
        return self.effect_covariances(True)

    def linear_variance(self, X: np.ndarray, random: tuple[tuple[np.ndarray, np.ndarray], ...]) -> np.ndarray:
        e = self.evaluation if self.objective.integrated else self.other_evaluation
        return self.sigma**2 * self.system.combination_variances(e, X[:, self.held.free], random)

    def joint_variance(
        self, X: np.ndarray, random: tuple[tuple[np.ndarray, np.ndarray], ...], own: np.ndarray
    ) -> np.ndarray:
        vcov = np.nan_to_num(self.variance_parameters().vcov)
        return self.linear_variance(X, random) + np.einsum("mv,vw,mw->m", own, vcov, own)

    def fitted(self) -> np.ndarray:
        design = self.design
        out = design.X @ self.free_beta
        if design.offset is not None:
            out += design.offset
        for term, b in zip(design.random, self.modes(), strict=True):
            for column, effects in zip(term.columns, b.T, strict=True):
                values = effects[term.codes]
                out += values if column is None else values * column
        return out

    def variance_parameters(self) -> VarianceParameters:
        """Delta method from the unknowns of the face; exact information because the gradient is zero there."""
        cov, flat = self.covariance_of_unknowns()
        tau = len(cov) - 1
        names: list[Any] = []
        estimates, rows = [], []
        start = 0
        for k, (G, (basis, _)) in enumerate(zip(self.covariances, self.optimum.point.charts, strict=True)):
            changes, by_scale = self.changes(k, basis)
            for i, j in self.free_entries(k):
                own = np.array([change[i, j] for change in changes])
                row = np.zeros(len(cov))
                row[start : start + len(basis)] = own
                row[tau] = by_scale[i, j]
                if len(basis) < self.n_free(k) and (G[i, i] <= 0.0 or G[j, j] <= 0.0 or not own.any()):
                    row[:] = np.nan
                names.append((k, i, j))
                estimates.append(G[i, j])
                rows.append(row)
            start += len(basis)
        if self.sigma_free:
            row = np.zeros(len(cov))
            row[tau] = self.sigma**2
            names.append("sigma2")
            estimates.append(self.sigma**2)
            rows.append(row)
        J = np.array(rows).reshape(len(rows), len(cov))
        J[np.abs(J @ flat).max(axis=1, initial=0.0) > ALONG * np.linalg.norm(J, axis=1)] = np.nan
        return VarianceParameters(tuple(names), np.array(estimates), J @ cov @ J.T)

    def changes(self, k: int, basis: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Derivatives of G_k in the unknowns of its chart, and in log sigma²."""
        T, root = self.system.scaling.terms[k], self.roots[k]
        return [self.sigma**2 * T @ (B @ root.T + root @ B.T) @ T.T for B in basis], self.covariances[k]

    def covariance_of_unknowns(self) -> tuple[np.ndarray, np.ndarray]:
        """Inverse information of (theta, log sigma²), and directions in them along which it is zero, in columns."""
        point = self.optimum.point
        size = len(point.vector)
        out = np.zeros((size + 1, size + 1))
        theta, directions = self.information
        flat = np.vstack([directions, np.zeros((1, directions.shape[1]))])
        out[:size, :size] = theta
        if self.sigma_free:
            s2 = self.objective.relative_sigma2(self.evaluation.r2)
            cross = np.concatenate(
                [
                    np.tensordot(basis, E @ root, 2) / s2
                    for (basis, _), E, root in zip(point.charts, self.evaluation.E, self.roots, strict=True)
                ]
                or [np.empty(0)]
            )
            own = self.objective.nu / 2.0
            out[size, :size] = out[:size, size] = -(theta @ cross) / own
            out[size, size] = 1.0 / own + cross @ theta @ cross / own**2
            flat[size] = -(cross @ directions) / own
        return out, flat


@dataclass(frozen=True, eq=False)
class JointSolution(GaussianSolution):
    """The numbers of a maximum over all parameters at once: a posterior mode, or with parameters held."""

    @cached_property
    def natural(self) -> tuple[float, np.ndarray]:
        """sigma and the coefficients, as the ascent ended."""
        return self.objective.unpack(self.optimum.point.extra)

    @cached_property
    def sigma(self) -> float:
        return self.natural[0]

    @cached_property
    def roots(self) -> list[np.ndarray]:
        """Relative square roots on the accumulated columns."""
        natural = self.objective.natural_roots(self.optimum.point.roots)
        terms = self.system.scaling.terms
        return [np.linalg.solve(T, root) / self.sigma for T, root in zip(terms, natural, strict=True)]

    @property
    def loglik(self) -> float:
        return float(self.objective.log_likelihood(self.optimum.point))

    @cached_property
    def loglik_without_random(self) -> float:
        free = ProfiledLikelihood(self.system, self.objective.integrated, self.known_sigma)
        return float(free([np.zeros_like(root) for root in self.roots], np.empty(0)).value)

    @cached_property
    def free_beta(self) -> np.ndarray:
        return super().free_beta if self.objective.integrated else self.natural[1]

    @cached_property
    def vcov_free_beta(self) -> np.ndarray:
        if self.objective.log_prior is None:
            return super().vcov_free_beta
        order, B = self.system.order, self.system.scaling.coefficients
        first = len(self.inverse_information) - len(order)
        out = np.empty((len(order), len(order)))
        out[np.ix_(order, order)] = B @ self.inverse_information[first:, first:] @ B.T
        return out

    @cached_property
    def inverse_information(self) -> np.ndarray:
        """Inverse of minus the Hessian in all unknowns."""
        return self.information[0]

    def modes(self) -> tuple[np.ndarray, ...]:
        if self.objective.integrated:
            return super().modes()
        natural = self.objective.natural_roots(self.optimum.point.roots)
        lam = np.concatenate([root.ravel() for root in natural]) if natural else np.empty(0)
        o = self.objective
        _, effects = self.system.draw(
            lam[None], np.array([self.sigma]), self.free_beta[None], o.given, o.nothing, o.nothing, None
        )
        return tuple(effect[0] for effect in effects)

    def changes(self, k: int, basis: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Derivatives of G_k in the unknowns of its chart; sigma does not move it."""
        T, root = self.objective.maps[k], self.objective.natural_roots(self.optimum.point.roots)[k]
        return [T @ B @ root.T + root @ B.T @ T.T for B in basis], np.zeros_like(root)

    def covariance_of_unknowns(self) -> tuple[np.ndarray, np.ndarray]:
        """Inverse information of (theta, log sigma²), and directions in them along which it is zero, in columns."""
        theta = sum(len(theta) for _, theta in self.optimum.point.charts)
        out = np.zeros((theta + 1, theta + 1))
        keep = theta + self.sigma_free
        out[:keep, :keep] = self.inverse_information[:keep, :keep]
        directions = self.information[1]
        flat = np.zeros((theta + 1, directions.shape[1]))
        flat[:keep] = directions[:keep]
        out[theta] *= 2.0
        out[:, theta] *= 2.0
        flat[theta] *= 2.0
        return out, flat
