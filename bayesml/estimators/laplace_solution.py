"""The numbers of a fit whose random effects were integrated out approximately, on the scale of the user's columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayesml.covariance.unstructured import semidefinite_cholesky
from bayesml.design.arrays import Design
from bayesml.estimators.ascent import Ascent, Optimum
from bayesml.estimators.held import Held
from bayesml.estimators.integrated import IntegratedLikelihood
from bayesml.estimators.maximum import ALONG, Maximum
from bayesml.estimators.quadrature import QuadratureRule
from bayesml.linalg.laplace import LaplaceSystem, Mode, times
from bayesml.results.solution import VarianceParameters

AT_END = 1e-6  # information on the logarithm of a parameter, below which it ran to 0 or to infinity
MODE_STEP = 1e-3  # of differences of the modes, in standard errors


@dataclass(frozen=True, eq=False)
class LaplaceSolution(Maximum):
    """A `bayesml.results.solution.Solution`.

    Parameters
    ----------
    design : Design
        Without the coefficients that are held.
    system : LaplaceSystem
    objective : IntegratedLikelihood
    ascent : Ascent
    optimum : Optimum
    criterion : "ml" or "map"
    held : Held
    integration : str
    loglik_without_random : float
    scale_parameter : str or None
        The ancillary parameter that is the residual scale.
    place : ndarray of int64 (n,) or None
        Row of `design` of each row of the data, where equal rows were collapsed.
    rule : QuadratureRule or None
        None for Laplace's approximation.
    shift : ndarray (p,) or None
        What was taken from the columns of `design` and `system`, where cut points take it up: those of the system are
        the cut points less ``shift'beta``.
    """

    design: Design
    system: LaplaceSystem
    objective: IntegratedLikelihood
    ascent: Ascent
    optimum: Optimum
    criterion: str
    held: Held
    integration: str
    loglik_without_random: float
    scale_parameter: str | None
    place: np.ndarray | None = None
    rule: QuadratureRule | None = None
    shift: np.ndarray | None = None

    # -- estimates --------------------------------------------------------------------------------

    @property
    def loglik(self) -> float:
        """Log likelihood, without a prior."""
        return float(self.objective.log_likelihood(self.optimum.point))

    @cached_property
    def roots(self) -> list[np.ndarray]:
        """Square roots on the accumulated columns."""
        return self.objective.relative_roots(self.optimum.point.roots)

    @cached_property
    def covariances(self) -> tuple[np.ndarray, ...]:
        natural = self.objective.natural_roots(self.optimum.point.roots)
        return tuple(root @ root.T for root in natural)

    @cached_property
    def parameters(self) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients on the accumulated columns, and unconstrained ancillary parameters."""
        return self.objective.unpack(self.optimum.point.extra)

    @cached_property
    def beta(self) -> np.ndarray:
        out = self.held.values.copy()
        out[self.held.free] = self.objective.beta(self.optimum.point.extra)
        return out

    @cached_property
    def ancillary_values(self) -> np.ndarray:
        """Natural values of all ancillary parameters (a,), held ones included."""
        ancillaries = self.objective.ancillaries
        return ancillaries.natural(self.parameters[1]) + self.ordered * self.moved_by

    @property
    def ordered(self) -> np.ndarray:
        """Which ancillary parameters are cut points, bool (a,)."""
        return np.array([own.domain == "ordered" for own in self.objective.ancillaries.all], bool)

    @property
    def moved_by(self) -> float:
        """What cut points and linear predictors lie above those of the system."""
        return 0.0 if self.shift is None else float(self.shift @ self.beta[self.held.free])

    @cached_property
    def scale_place(self) -> int | None:
        """Place of the scale parameter among the ancillary ones; None without one."""
        names = [ancillary.name for ancillary in self.objective.ancillaries.all]
        return names.index(self.scale_parameter) if self.scale_parameter in names else None

    @property
    def sigma(self) -> float:
        """The scale parameter; 1 without one."""
        return 1.0 if self.scale_place is None else float(self.ancillary_values[self.scale_place])

    @property
    def sigma_free(self) -> bool:
        """Whether the scale parameter was estimated."""
        return self.scale_place is not None and bool(self.objective.ancillaries.free[self.scale_place])

    @cached_property
    def places_at_end(self) -> tuple[int, ...]:
        """Free ancillary parameters that ran to 0 or to infinity: a factor of e no longer changes the likelihood."""
        ancillaries = self.objective.ancillaries
        free = [int(a) for a in np.flatnonzero(ancillaries.free)]
        if not any(ancillaries.all[a].domain == "positive" for a in free):
            return ()
        curvature = np.abs(np.diag(self.hessian)[self.beta_part.stop :])
        return tuple(
            a
            for a, own in zip(free, curvature, strict=True)
            if ancillaries.all[a].domain == "positive" and own < AT_END
        )

    @property
    def ends(self) -> tuple[str, ...]:
        return tuple(self.objective.ancillaries.all[a].name for a in self.places_at_end)

    @property
    def n_parameters(self) -> int:
        covariances = sum(map(self.n_free, range(len(self.held.terms))))
        return int(self.held.free.sum()) + covariances + self.objective.ancillaries.n_free

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of the fit."""
        if self.place is None:
            return ()
        return (
            f"Rows equal in everything were counted: {self.design.n} different ones of {len(self.place)}; AIC, BIC and "
            "the number of rows are those of all.",
        )

    # -- the mode of the random effects -----------------------------------------------------------

    @cached_property
    def mode(self) -> Mode:
        """The conditional mode at the estimates."""
        return self.system.mode(self.system.assembled(self.roots), *self.parameters)

    def natural_effects(self, b: np.ndarray) -> tuple[np.ndarray, ...]:
        """Effects by level of every factor on the user's columns, (levels, q) a term."""
        return tuple(own @ T.T for own, T in zip(self.system.by_term(b), self.objective.maps, strict=True))

    def modes(self) -> tuple[np.ndarray, ...]:
        return self.natural_effects(self.mode.b)

    def means(self) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]] | None:
        """Means and sds (levels, q) of the effects given y, by the nodes of a quadrature; None without one."""
        if self.rule is None:
            return None
        means, covariances = self.objective.moments(self.optimum.point)
        return tuple(means), tuple(np.sqrt(np.einsum("jii->ji", own)) for own in covariances)

    def modes_at(self, covariances: Sequence[np.ndarray], sigma: float) -> tuple[np.ndarray, ...]:
        """Modes at other covariances (and scale parameter), the coefficients at their optimum there."""
        roots = [
            np.linalg.solve(T, semidefinite_cholesky(G)) for T, G in zip(self.objective.maps, covariances, strict=True)
        ]
        beta, phi = self.parameters
        if self.scale_place is not None:
            phi = phi.copy()
            phi[self.scale_place] = np.log(sigma)
        lam = self.system.assembled(roots)
        for _ in range(20):
            mode = self.system.mode(lam, beta, phi)
            information = self.system.coefficient_information(mode.third.d2, mode.factored)
            step = np.linalg.solve(information, self.system.gradient(mode).beta)
            beta = beta + step
            if np.abs(step).max(initial=0.0) < 1e-9:
                break
        return self.natural_effects(self.system.mode(lam, beta, phi).b)

    def conditional_covariance(self) -> tuple[np.ndarray, ...]:
        blocks = self.system.level_covariances(self.mode.factored)
        return tuple(T @ own @ T.T for own, T in zip(blocks, self.objective.maps, strict=True))

    def comparative_covariance(self) -> tuple[np.ndarray, ...]:
        # with the other parameters known, so that what estimating them adds is never negative
        V = np.linalg.inv(-self.hessian[self.beta_part, self.beta_part])
        return tuple(
            own + np.einsum("ljp,pr,lkr->ljk", J, V, J)
            for own, J in zip(self.conditional_covariance(), self.mode_slopes, strict=True)
        )

    def full_covariance(self) -> tuple[np.ndarray, ...]:
        """Covariance of b - b_hat with all parameters estimated, (levels, q, q) a term; NaN where one has no sd.

        The conditional covariance plus D V D', D the derivatives of the modes in all unknowns, by central differences.
        """
        own = self.conditional_covariance()
        if self.boundary or self.information[1].size:
            return tuple(np.full_like(blocks, np.nan) for blocks in own)
        V = self.inverse_information
        if not len(V):
            return own
        steps = MODE_STEP * np.sqrt(np.diag(V))
        columns = [
            [(a - b) / (2.0 * np.abs(step).max()) for a, b in zip(self.moved(step), self.moved(-step), strict=True)]
            for step in np.diag(steps)
        ]
        out = []
        for k, blocks in enumerate(own):
            D = np.stack([column[k] for column in columns], axis=-1)
            out.append(blocks + np.einsum("ljp,pr,lkr->ljk", D, V, D))
        return tuple(out)

    def moved(self, step: np.ndarray) -> tuple[np.ndarray, ...]:
        """Modes where the unknowns are moved from the estimates."""
        point = self.optimum.point.at(self.optimum.point.vector + step)
        roots = self.objective.relative_roots(point.roots)
        mode = self.system.mode(self.system.assembled(roots), *self.objective.unpack(point.extra), self.mode.c)
        return self.natural_effects(mode.b)

    @cached_property
    def mode_slopes(self) -> tuple[np.ndarray, ...]:
        """Derivatives of the modes in the coefficients on the accumulated columns, (levels, q, p) a term."""
        system, p = self.system, self.objective.p
        d2 = system.weighted(self.mode.third.d2)
        columns = []
        for j in range(p):
            x = system.columns.predictors_of(np.eye(p)[j])
            b, _ = system.solve(self.mode.factored, system.sums(times(d2, x)))
            columns.append(self.natural_effects(b))
        return tuple(
            np.stack([column[k] for column in columns], axis=-1)
            if columns
            else np.zeros((len(term.levels), len(term.names), 0))
            for k, term in enumerate(self.design.random)
        )

    @cached_property
    def ancillary_slopes(self) -> tuple[np.ndarray, ...]:
        """Derivatives of the modes in the unconstrained ancillary parameters, (levels, q, a) a term, by differences."""
        first, unknowns = self.beta_part.stop, len(self.inverse_information)
        columns = []
        for u in range(first, unknowns):
            step = np.zeros(unknowns)
            step[u] = MODE_STEP * (np.sqrt(self.inverse_information[u, u]) or 1.0)
            ahead, behind = self.moved(step), self.moved(-step)
            columns.append([(a - b) / (2.0 * step[u]) for a, b in zip(ahead, behind, strict=True)])
        return tuple(
            np.stack([column[k] for column in columns], axis=-1)
            if columns
            else np.zeros((len(term.levels), len(term.names), 0))
            for k, term in enumerate(self.design.random)
        )

    def linear_variance(self, X: np.ndarray, random: tuple[tuple[np.ndarray, np.ndarray], ...]) -> np.ndarray:
        if self.shift is not None:  # cut points stand for the intercept: modes move with them
            return self.joint_variance(X, random, np.zeros((len(X), len(self.variance_rows[0]))))
        accumulated = self.with_modes(X[:, self.held.free] @ self.system.columns.coefficients, random, self.mode_slopes)
        V = self.inverse_information[self.beta_part, self.beta_part]
        return self.given_parameters(random) + np.einsum("mp,pr,mr->m", accumulated, V, accumulated)

    def joint_variance(
        self, X: np.ndarray, random: tuple[tuple[np.ndarray, np.ndarray], ...], own: np.ndarray
    ) -> np.ndarray:
        D = own @ np.nan_to_num(self.variance_rows[2])
        part = self.beta_part
        D[:, part] += self.with_modes(X[:, self.held.free] @ self.system.columns.coefficients, random, self.mode_slopes)
        D[:, part.stop :] = self.with_modes(D[:, part.stop :], random, self.ancillary_slopes)
        return self.given_parameters(random) + np.einsum("mu,uv,mv->m", D, self.inverse_information, D)

    def with_modes(
        self, D: np.ndarray, random: tuple[tuple[np.ndarray, np.ndarray], ...], slopes: tuple[np.ndarray, ...]
    ) -> np.ndarray:
        """Derivatives (rows, u) of combinations, with those by way of the modes added."""
        total = D.copy()
        for (codes, Z), J in zip(random, slopes, strict=True):
            here = np.flatnonzero(codes >= 0)
            total[here] += np.einsum("mq,mqp->mp", Z[here], J[codes[here]])
        return total

    def given_parameters(self, random: tuple[tuple[np.ndarray, np.ndarray], ...]) -> np.ndarray | float:
        """Variance (rows,) of ``z'b`` given y at fixed parameters."""
        return self.system.combination_variances(self.mode.factored, random) if random else 0.0

    def fitted(self) -> np.ndarray:
        """Linear predictors at the modes, (n,), or (n, K) of several."""
        eta = np.empty_like(self.mode.eta)
        eta[self.system.order] = self.mode.eta
        if self.place is not None:
            eta = eta[self.place]
        eta = eta + self.moved_by
        return eta[:, 0] if self.system.K == 1 else eta

    # -- standard errors --------------------------------------------------------------------------

    @cached_property
    def inverse_information(self) -> np.ndarray:
        """Inverse observed information of all unknowns, across flat directions."""
        return self.information[0]

    @property
    def beta_part(self) -> slice:
        """Place of the coefficients among the unknowns."""
        first = sum(len(theta) for _, theta in self.optimum.point.charts)
        return slice(first, first + self.objective.p)

    @cached_property
    def beta_jacobian(self) -> np.ndarray:
        """Derivatives of all coefficients in the unknowns, (p, unknowns)."""
        out = np.zeros((len(self.held.free), len(self.inverse_information)))
        out[self.held.free, self.beta_part] = self.system.columns.coefficients
        return out

    @cached_property
    def vcov_beta(self) -> np.ndarray:
        return self.beta_jacobian @ self.inverse_information @ self.beta_jacobian.T

    @cached_property
    def variance_rows(self) -> tuple[tuple[Any, ...], np.ndarray, np.ndarray]:
        """Names, estimates and derivatives in the unknowns of variances, covariances and ancillary parameters."""
        unknowns = len(self.inverse_information)
        names: list[Any] = []
        estimates: list[float] = []
        rows: list[np.ndarray] = []
        natural, start = self.objective.natural_roots(self.optimum.point.roots), 0
        for k, (G, (basis, _)) in enumerate(zip(self.covariances, self.optimum.point.charts, strict=True)):
            T, root = self.objective.maps[k], natural[k]
            changes = [T @ B @ root.T + root @ B.T @ T.T for B in basis]
            for i, j in self.free_entries(k):
                own = np.array([change[i, j] for change in changes])
                row = np.zeros(unknowns)
                row[start : start + len(basis)] = own
                if len(basis) < self.n_free(k) and (G[i, i] <= 0.0 or G[j, j] <= 0.0 or not own.any()):
                    row[:] = np.nan
                names.append((k, i, j))
                estimates.append(float(G[i, j]))
                rows.append(row)
            start += len(basis)
        ancillaries = self.objective.ancillaries
        slopes = ancillaries.jacobian(self.ancillary_values)
        for a in self.ancillary_order:
            row = np.zeros(unknowns)
            value = float(self.ancillary_values[a])
            row[self.beta_part.stop :] = slopes[a] * (2.0 * value if a == self.scale_place else 1.0)
            if self.shift is not None and self.ordered[a]:
                row[self.beta_part] = self.shift @ self.system.columns.coefficients
            if a in self.places_at_end:
                row[:] = np.nan
            names.append("sigma2" if a == self.scale_place else ("ancillary", a))
            estimates.append(value**2 if a == self.scale_place else value)
            rows.append(row)
        return tuple(names), np.array(estimates), np.array(rows).reshape(len(rows), unknowns)

    @property
    def ancillary_order(self) -> list[int]:
        """Free ancillary parameters, the scale first."""
        free = [int(a) for a in np.flatnonzero(self.objective.ancillaries.free)]
        return sorted(free, key=lambda a: a != self.scale_place)

    def variance_parameters(self) -> VarianceParameters:
        """Delta method from the unknowns of the face; NaN on the boundary and along flat directions."""
        names, estimates, J = self.variance_rows
        flat = self.information[1]
        J = J.copy()
        J[np.abs(J @ flat).max(axis=1, initial=0.0) > ALONG * np.linalg.norm(J, axis=1)] = np.nan
        return VarianceParameters(names, estimates, J @ self.inverse_information @ J.T)

    def cross_covariance(self) -> np.ndarray:
        """Covariance of all coefficients with the parameters of `variance_parameters`, (p, v)."""
        return self.beta_jacobian @ self.inverse_information @ self.variance_rows[2].T
