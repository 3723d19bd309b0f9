"""Log likelihoods of models with predictors, written plainly: what Laplace and quadrature are checked against.

Rows have K predictors, ``eta = fixed + sum_k Z_k Lambda_k u_k`` with u standard normal. A log density is a NumPy
function of predictors (m, K) and of the numbers (m,) of the rows that they are of; derivatives are taken by differences
of high order. Nothing is fast, nothing is shared with the package.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import logsumexp

# central differences of order 8
FIRST = np.array([1 / 280, -4 / 105, 1 / 5, -4 / 5, 0.0, 4 / 5, -1 / 5, 4 / 105, -1 / 280])
SECOND = np.array([-1 / 560, 8 / 315, -1 / 5, 8 / 5, -205 / 72, 8 / 5, -1 / 5, 8 / 315, -1 / 560])
STEPS = np.arange(-4, 5)
H = 0.04


@dataclass(frozen=True)
class Factor:
    """A grouping factor: codes (n,), columns Z (n, K, q) and Lambda (q, q)."""

    codes: np.ndarray
    Z: np.ndarray
    root: np.ndarray

    @property
    def scaled(self) -> np.ndarray:
        return self.Z @ self.root


@dataclass(frozen=True)
class DenseModel:
    """Predictors without random effects (n, K), factors (the coarsest first where they are nested), a log density."""

    fixed: np.ndarray
    factors: tuple[Factor, ...]
    log_density: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def derivatives(self, eta: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Log densities (m,) with gradients (m, K) and Hessians (m, K, K) in the predictors."""
        K = eta.shape[1]

        def along(direction):
            return np.array([self.log_density(eta + H * s * direction, rows) for s in STEPS])

        d1, d2 = np.empty((len(eta), K)), np.empty((len(eta), K, K))
        for k in range(K):
            values = along(np.eye(K)[k])
            d1[:, k], d2[:, k, k] = FIRST @ values / H, SECOND @ values / H**2
        for k in range(K):
            for j in range(k):
                both = SECOND @ along(np.eye(K)[k] + np.eye(K)[j]) / H**2
                d2[:, k, j] = d2[:, j, k] = 0.5 * (both - d2[:, k, k] - d2[:, j, j])
        return self.log_density(eta, rows), d1, d2

    def effects(self, rows: np.ndarray, factors: tuple[Factor, ...]) -> np.ndarray:
        """Columns (m, K, effects) of the standardised effects of the levels that the rows have."""
        columns = []
        for factor in factors:
            for level in np.unique(factor.codes[rows]):
                columns.append(factor.scaled[rows] * (factor.codes[rows] == level)[:, None, None])
        return np.concatenate(columns, axis=2)

    def mode(self, eta: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Log density of rows and effects at its mode, without the constant of the latter; the mode; the Hessian."""

        def parts(u):
            value, d1, d2 = self.derivatives(eta + columns @ u, rows)
            g = np.einsum("mke,mk->e", columns, d1) - u
            P = np.eye(len(u)) - np.einsum("mke,mkl,mlf->ef", columns, d2, columns)
            return value.sum() - 0.5 * u @ u, g, P

        u = np.zeros(columns.shape[2])
        value, g, P = parts(u)
        for _ in range(200):
            values, vectors = np.linalg.eigh(P)
            step = vectors @ ((vectors.T @ g) / np.abs(values))
            t = 1.0
            while True:
                new = parts(u + t * step)
                if new[0] >= value - 1e-12 * (1.0 + abs(value)) or t < 1e-10:
                    break
                t *= 0.5
            u, (value, g, P) = u + t * step, new
            if np.abs(step).max() < 1e-11:
                break
        return value, u, P

    def laplace(self) -> float:
        """Laplace's approximation, all effects at once."""
        rows = np.arange(len(self.fixed))
        if not self.factors:
            return float(self.log_density(self.fixed, rows).sum())
        value, _, P = self.mode(self.fixed, rows, self.effects(rows, self.factors))
        return float(value - 0.5 * np.linalg.slogdet(P)[1])

    def aghq(self, points: tuple[int, ...]) -> float:
        """Adaptive quadrature at modes and curvatures, points by level, the coarsest first."""
        return self.nested(self.fixed, np.arange(len(self.fixed)), self.factors, points)

    def ghq(self, points: tuple[int, ...]) -> float:
        """Quadrature that is not adapted."""
        return self.nested(self.fixed, np.arange(len(self.fixed)), self.factors, points, adaptive=False)

    def nested(self, eta, rows, factors, points, adaptive=True) -> float:
        """Log integral over the effects of these factors, coarsest first, of some rows at predictors `eta`."""
        if not factors:
            return float(self.log_density(eta, rows).sum())
        top, total = factors[0], 0.0
        z, w = np.polynomial.hermite.hermgauss(points[0])
        for level in np.unique(top.codes[rows]):
            own = top.codes[rows] == level
            part, base = rows[own], eta[own]
            q = top.Z.shape[2]
            u, L = np.zeros(q), np.eye(q)
            if adaptive:
                _, u, P = self.mode(base, part, self.effects(part, factors))
                L = np.linalg.cholesky(np.linalg.inv(np.linalg.inv(P)[:q, :q]))
            terms = []
            for index in product(range(points[0]), repeat=q):
                node = u[:q] + np.sqrt(2.0) * np.linalg.solve(L.T, z[list(index)])
                inner = self.nested(base + top.scaled[part] @ node, part, factors[1:], points[1:], adaptive)
                terms.append(np.log(w[list(index)]).sum() + (z[list(index)] ** 2).sum() + inner - 0.5 * node @ node)
            total += logsumexp(terms) - np.log(np.diag(L)).sum() - 0.5 * q * np.log(np.pi)
        return float(total)

    def brute(self, reach: float = 11.0, steps: tuple[int, ...] = (2001,)) -> float:
        """The integral itself by the trapezoidal rule, which converges geometrically; steps a dimension, by level."""
        return self.trapezoid(self.fixed[None], np.arange(len(self.fixed)), self.factors, reach, steps)[0]

    def trapezoid(self, eta, rows, factors, reach, steps) -> np.ndarray:
        """Log integrals (cases,) of some rows, predictors `eta` (cases, m, K)."""
        cases, m, K = eta.shape
        if not factors:
            return self.log_density(eta.reshape(-1, K), np.tile(rows, cases)).reshape(cases, m).sum(axis=1)
        top, total = factors[0], np.zeros(cases)
        q = top.Z.shape[2]
        grid = np.linspace(-reach, reach, steps[0])
        nodes = np.array(list(product(grid, repeat=q)))
        prior = -0.5 * (nodes**2).sum(axis=1) + q * np.log((grid[1] - grid[0]) / np.sqrt(2.0 * np.pi))
        near = prior > prior.max() - 0.5 * reach**2
        nodes, prior = nodes[near], prior[near]
        for level in np.unique(top.codes[rows]):
            own = top.codes[rows] == level
            shift = np.einsum("mkq,gq->gmk", top.scaled[rows[own]], nodes)
            for c in range(cases):
                inner = self.trapezoid(eta[c, own] + shift, rows[own], factors[1:], reach, steps[1:])
                total[c] += logsumexp(prior + inner)
        return total
