"""A likelihood with its random effects integrated out, of all parameters: what Laplace and quadrature share.

The unknowns besides the square roots are the coefficients on the accumulated columns and the free ancillary parameters,
unconstrained. Square roots are on the accumulated columns.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from bayesml.covariance import Covariance
from bayesml.design.arrays import Design
from bayesml.estimators.ascent import Local, Point
from bayesml.estimators.held import Held
from bayesml.families.ancillary import jacobian, natural, unconstrained
from bayesml.graphs.roles import Graph
from bayesml.linalg.laplace import MODE_TOLERANCE, Gradient, IndefiniteError, LaplaceSystem

FAR = 1e-2  # change of a parameter, relative where it is large, from one evaluation to the next: modes are then rough
ROUGH = 1e-10  # decrement at a rough mode
FINE = 1e-20  # at those of the short steps of differences, whose last digits are what is wanted
CLOSE = 1e-4
REFRESHED = 5  # steps after which the information of the coefficients is computed anew; secants correct it in between


class LogPriorFunction(Protocol):
    """Log prior of natural parameters, with its gradient in coefficients, square roots and ancillary parameters."""

    def __call__(
        self, beta: np.ndarray, roots: Sequence[np.ndarray], values: np.ndarray
    ) -> tuple[float, np.ndarray, Sequence[np.ndarray], np.ndarray]: ...


class Ancillaries:
    """Ancillary parameters of a graph, of which some may be held.

    Parameters
    ----------
    graph : Graph
    """

    def __init__(self, graph: Graph):
        self.all = graph.ancillary
        values = [graph.held.get(ancillary.name, np.nan) for ancillary in self.all]
        self.free = np.isnan(values)
        self.held = np.where(self.free, [ancillary.start for ancillary in self.all], values)

    @property
    def n_free(self) -> int:
        """Number of free parameters."""
        return int(self.free.sum())

    def phi(self, free: np.ndarray) -> np.ndarray:
        """All unconstrained values (a,), from those that are free."""
        if self.free.all():
            return free
        out = unconstrained(self.all, self.held)
        out[self.free] = free
        return out

    def natural(self, phi: np.ndarray) -> np.ndarray:
        """Natural values."""
        return np.array(natural(self.all, list(phi), np), float)

    def jacobian(self, values: np.ndarray) -> np.ndarray:
        """Derivatives of natural values in the free unconstrained ones, (a, free)."""
        return jacobian(self.all, list(values))[:, self.free]


class IntegratedLikelihood:
    """Log likelihood, or log posterior, of square roots, coefficients and ancillary parameters.

    Parameters
    ----------
    system : LaplaceSystem
    ancillaries : Ancillaries
    held : Held
    log_prior : callable, optional
    """

    def __init__(
        self, system: LaplaceSystem, ancillaries: Ancillaries, held: Held, log_prior: LogPriorFunction | None = None
    ):
        self.system, self.ancillaries, self.held, self.log_prior = system, ancillaries, held, log_prior
        self.p = len(system.columns.coefficients)
        self.maps = system.columns.terms
        self.constant_roots = [np.linalg.solve(T, t.root) for T, t in zip(self.maps, held.terms, strict=True)]

    def unpack(self, extra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients on the accumulated columns, and all unconstrained ancillary parameters."""
        return extra[: self.p], self.ancillaries.phi(extra[self.p :])

    def relative_roots(self, roots: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Square roots with what is held."""
        return [root + held for root, held in zip(roots, self.constant_roots, strict=True)]

    def natural_roots(self, roots: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Lambda of each term on the user's columns, what is held included."""
        return [T @ root for T, root in zip(self.maps, self.relative_roots(roots), strict=True)]

    def beta(self, extra: np.ndarray) -> np.ndarray:
        """Free coefficients of the user's columns."""
        return self.system.columns.coefficients @ extra[: self.p]

    def integral(self, roots: Sequence[np.ndarray], beta: np.ndarray, phi: np.ndarray) -> tuple[float, Gradient, Any]:
        """Log likelihood, its derivatives, and a state for `curvature`; `IndefiniteError` where there is none."""
        raise NotImplementedError

    def __call__(self, roots: Sequence[np.ndarray], extra: np.ndarray) -> Local:
        """Value and derivatives; minus infinity where the integral fails."""
        relative = self.relative_roots(roots)
        beta, phi = self.unpack(extra)
        try:
            value, gradient, state = self.integral(relative, beta, phi)
        except IndefiniteError:
            return Local(-np.inf, [np.zeros_like(root) for root in roots], np.zeros_like(extra))
        root_slopes = [2.0 * g @ held for g, held in zip(gradient.slopes, self.constant_roots, strict=True)]
        extras = np.concatenate([gradient.beta, gradient.phi[self.ancillaries.free]])
        if self.log_prior is not None:
            natural_roots = [T @ root for T, root in zip(self.maps, relative, strict=True)]
            values = self.ancillaries.natural(phi)
            prior, by_beta, by_root, by_value = self.log_prior(self.beta(extra), natural_roots, values)
            value += prior
            extras[: self.p] += self.system.columns.coefficients.T @ by_beta
            extras[self.p :] += self.ancillaries.jacobian(values).T @ by_value
            root_slopes = [g + T.T @ r for g, T, r in zip(root_slopes, self.maps, by_root, strict=True)]
        return Local(float(value), list(gradient.slopes), extras, state, root_slopes)

    def curvature(self, local: Local, changes: Sequence[Sequence[np.ndarray]]) -> np.ndarray | None:
        """Approximate second derivatives in changes dG of the terms and in the further parameters."""
        return None

    def moments(self, point: Point) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Means (levels, q) and covariances (levels, q, q) of the effects of each term: quadratures know them."""
        raise NotImplementedError

    def prior_density(self, point: Point) -> float:
        """Log prior; 0 without one."""
        if self.log_prior is None:
            return 0.0
        values = self.ancillaries.natural(self.ancillaries.phi(point.extra[self.p :]))
        return self.log_prior(self.beta(point.extra), self.natural_roots(point.roots), values)[0]

    def log_likelihood(self, point: Point) -> float:
        """The value without the prior."""
        return point.value - self.prior_density(point)


class LaplaceLikelihood(IntegratedLikelihood):
    """Laplace's approximation; remembers the last mode, from which the next search starts."""

    latest: np.ndarray | None = None
    place: np.ndarray | None = None
    information: np.ndarray | None = None
    age = 0

    def integral(self, roots: Sequence[np.ndarray], beta: np.ndarray, phi: np.ndarray) -> tuple[float, Gradient, Any]:
        system = self.system
        lam = system.assembled(roots)
        here = np.concatenate([lam, beta, phi])
        # a long step is judged by a value that changes much: its mode needs few digits
        step = np.zeros(1) if self.place is None else np.abs(here - self.place) / np.maximum(1.0, np.abs(here))
        moved = float(step.max(initial=0.0))
        tolerance = ROUGH if moved > FAR else MODE_TOLERANCE if moved > CLOSE else FINE
        try:
            mode = system.mode(lam, beta, phi, self.latest, tolerance)
        except IndefiniteError:
            if self.latest is None:
                raise
            mode = system.mode(lam, beta, phi, None, tolerance)
        gradient = system.gradient(mode)
        self.latest, self.place = mode.c, here
        # no more of the rows than `curvature` needs, as several points are held at once
        return mode.value, gradient, (mode.third.d2.copy(), mode.factored, gradient.D)

    def curvature(self, local: Local, changes: Sequence[Sequence[np.ndarray]]) -> np.ndarray | None:
        """Minus the information of the linear model that the working responses follow; none of ancillary parameters."""
        d2, factored, by_term = local.state
        k = sum(map(len, changes))
        H = np.zeros((k + len(local.extra), k + len(local.extra)))
        at = 0
        for own, D, levels in zip(changes, by_term, self.levels, strict=True):
            average = D / levels
            products = [dG @ average for dG in own]
            for i, a in enumerate(products):
                for j, b in enumerate(products):
                    H[at + i, at + j] = -0.5 * levels * float(np.sum(a * b.T))
            at += len(own)
        if self.information is None or self.age >= REFRESHED:
            self.information, self.age = self.system.coefficient_information(d2, factored), 0
        self.age += 1
        H[k : k + self.p, k : k + self.p] = -self.information
        for a in range(k + self.p, len(H)):
            H[a, a] = -max(1.0, 0.1 * self.system.rows_counted)
        return H

    @property
    def levels(self) -> list[int]:
        """Levels of each term."""
        factors = self.system.layout.factors
        return [factors[f].levels for f, *_ in self.system.layout.term_table]


def starting_covariances(
    objective: LaplaceLikelihood, design: Design, structures: Sequence[Covariance], beta: np.ndarray, phi: np.ndarray
) -> list[np.ndarray]:
    """Covariances that the scores of the levels have where there are no effects, by moments: a start, inside."""
    zero = [np.zeros((len(term.names), len(term.names))) for term in design.random]
    gradient = objective.integral(zero, beta, phi)[1]
    largest = max(2.0, 3.0 / objective.system.columns.unit) ** 2
    out = []
    for slope, D, levels in zip(gradient.slopes, gradient.D, objective.levels, strict=True):
        average = D / levels
        values, vectors = np.linalg.eigh(average)
        inverse = (vectors / np.maximum(values, 1e-10 * values[-1])) @ vectors.T
        G = inverse @ (2.0 * slope / levels) @ inverse
        values, vectors = np.linalg.eigh(G)
        # a quarter of the information of a level at least, and at most effects of size two, or of three on predictors
        least = 0.25 / max(float(np.trace(average)) / len(average), 1.0)
        out.append((vectors * np.clip(values, least, largest)) @ vectors.T)
    objective.latest = None
    return out
