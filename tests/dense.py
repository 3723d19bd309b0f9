"""A linear multilevel model by dense linear algebra: the reference that the kernels are compared with.

::

    y = X beta + sum_k Z_k b_k + e,   b_k ~ N(0, I x G_k),   e ~ N(0, sigma² W^-1),
    V = sum_k Z_k (I x G_k) Z_k' + sigma² W^-1

Written from the textbook in entries of V (Searle, Casella & McCulloch 1992, ch. 6) and without a line of
the package's algebra. Numbers are floats, or decimals with 50 digits where an error of the reference
must not be taken for one of the kernel.
"""

from collections.abc import Sequence
from decimal import Decimal, getcontext
from functools import cached_property
from typing import Any

import numpy as np

getcontext().prec = 50
LOG_2PI = float(np.log(2.0 * np.pi))


def as_decimals(values: Any) -> np.ndarray:
    """The same numbers, exactly, as decimals."""
    values = np.asarray(values)
    if values.dtype == object:
        return values
    return np.array([Decimal(float(v)) for v in values.ravel()], object).reshape(values.shape)


def as_floats(values: Any) -> Any:
    """Nearest floats."""
    return np.asarray(values).astype(float) if np.ndim(values) else float(values)


def lower_triangle(V: np.ndarray) -> np.ndarray:
    """Cholesky factor of decimals."""
    n = len(V)
    L = np.full((n, n), Decimal(0), object)
    for j in range(n):
        rest = V[j:, j] - (L[j:, :j] @ L[j, :j] if j else 0)
        L[j, j] = rest[0].sqrt()
        L[j + 1 :, j] = rest[1:] / L[j, j]
    return L


def inverse_and_logdet(V: np.ndarray) -> tuple[np.ndarray, Any]:
    """V^-1 and log |V| of a positive definite matrix."""
    n = len(V)
    if not n:
        return V, 0
    if V.dtype != object:
        return np.linalg.inv(V), np.linalg.slogdet(V)[1]
    L = lower_triangle(V)
    R = np.full((n, n), Decimal(0), object)
    for i in range(n):
        row = np.full(n, Decimal(0), object)
        row[i] = Decimal(1)
        R[i] = (row - (L[i, :i] @ R[:i] if i else 0)) / L[i, i]
    return R.T @ R, 2 * sum(d.ln() for d in np.diag(L))


class Dense:
    """Arrays of a design, dense.

    Parameters
    ----------
    design : Design
    exact : bool
        50 digits instead of floating point.
    """

    def __init__(self, design: Any, exact: bool = True):
        self.number = as_decimals if exact else np.asarray
        self.exact = exact
        weights, offset = design.precision_weights, design.offset
        self.n, self.p = design.nobs, len(design.fixed_columns)
        self.y = self.number(design.y) - (0 if offset is None else self.number(offset))
        self.X = self.number(design.X)
        self.inverse_weights = 1 / self.number(np.ones(self.n) if weights is None else weights)
        self.codes = [term.codes for term in design.random]
        self.levels = [len(term.levels) for term in design.random]
        self.Z = [self.number(term.Z) for term in design.random]
        self.same = [np.equal.outer(codes, codes).astype(object if exact else float) for codes in self.codes]

    def at(self, G: Sequence[np.ndarray], sigma: Any = 1.0, **coefficients: Any) -> "At":
        """The model at covariances G of its terms and a residual sd; further arguments as of `At`."""
        return At(self, [self.number(g) for g in G], self.number(sigma)[()], **coefficients)

    def loglik(self, G: Sequence[np.ndarray], sigma: Any, criterion: str) -> Any:
        """Log likelihood with the coefficients maximised ("ml") or integrated ("reml")."""
        at = self.at(G, sigma)
        return at.value if criterion == "reml" else at.maximised

    def profiled(self, relative: Sequence[np.ndarray], criterion: str) -> tuple[Any, Any]:
        """Log likelihood of G / sigma² at the best sigma, and that sigma²."""
        at = self.at(relative, 1.0)
        nu = self.n - (self.p if criterion == "reml" else 0)
        s2 = at.quadratic / nu
        value = at.logdet + (at.logdet_flat if criterion == "reml" else 0) + nu * self.log(s2) + nu
        return -(value + nu * self.number(LOG_2PI)[()]) / 2, s2

    def log(self, x: Any) -> Any:
        return x.ln() if self.exact else np.log(x)


class At:
    """A dense model at its parameters. Coefficients are given, or integrated under a normal or a flat prior.

    Parameters
    ----------
    dense : Dense
    G : sequence of (q, q)
    sigma : number
    given : sequence of bool (p,), optional
        Coefficients with values in `beta`; the others are integrated out. None are given by default.
    beta, mean, precision : ndarray (p,), optional
        Values of what is given; normal prior of what is integrated, precision 0 (the default) for a flat one.
    """

    def __init__(self, dense: Dense, G, sigma, given=None, beta=None, mean=None, precision=None):
        number, p = dense.number, dense.p
        zeros = np.zeros(p)
        self.dense, self.G, self.sigma = dense, G, sigma
        self.given = np.zeros(p, bool) if given is None else np.asarray(given, bool)
        beta, mean, precision = (number(zeros if v is None else v) for v in (beta, mean, precision))
        self.proper = ~self.given & (precision > 0)
        self.flat = ~self.given & ~self.proper
        self.prior_mean, self.prior_variance = mean[self.proper], 1 / precision[self.proper]
        V = np.diag(sigma**2 * dense.inverse_weights)
        for same, Z, g in zip(dense.same, dense.Z, G, strict=True):
            V = V + same * (Z @ g @ Z.T)
        proper = dense.X[:, self.proper]
        self.V = V + (proper * self.prior_variance) @ proper.T if self.proper.any() else V
        self.W, self.logdet = inverse_and_logdet(self.V)
        self.r = dense.y - dense.X[:, self.given] @ beta[self.given] if self.given.any() else dense.y
        if self.proper.any():
            self.r = self.r - proper @ self.prior_mean
        self.X = dense.X[:, self.flat]
        self.WX = self.W @ self.X if self.flat.any() else dense.number(np.zeros((dense.n, 0)))
        information = self.X.T @ self.WX if self.flat.any() else dense.number(np.zeros((0, 0)))
        self.flat_covariance, self.logdet_flat = inverse_and_logdet(information)
        self.P = self.W - self.WX @ self.flat_covariance @ self.WX.T if self.flat.any() else self.W
        self.Pr = self.P @ self.r

    @property
    def quadratic(self) -> Any:
        """r'Pr, the penalised residual sum of squares over sigma²."""
        return self.r @ self.Pr

    @property
    def value(self) -> Any:
        """Log marginal density; flat coefficients integrated against Lebesgue measure."""
        constant = (self.dense.n - int(self.flat.sum())) * self.dense.number(LOG_2PI)[()]
        return -(constant + self.logdet + self.logdet_flat + self.quadratic) / 2

    @property
    def maximised(self) -> Any:
        """Log density with the flat coefficients at their maximum."""
        return -(self.dense.n * self.dense.number(LOG_2PI)[()] + self.logdet + self.quadratic) / 2

    def over_levels(self, k: int, M: np.ndarray) -> np.ndarray:
        """``sum_j Z_j'M Z_j`` over the levels of term k, (q, q)."""
        Z = self.dense.Z[k]
        return Z.T @ (self.dense.same[k] * M) @ Z

    def slope(self, k: int, integrated: bool = True) -> np.ndarray:
        """dl/dG_k (q, q); `integrated` as `value`, else as `maximised`."""
        return self.over_levels(k, np.outer(self.Pr, self.Pr) - (self.P if integrated else self.W)) / 2

    def slope_scale(self, k: int) -> np.ndarray:
        """Size of the two parts of which dl/dG_k is the difference, (q, q)."""
        parts = (self.over_levels(k, self.W), self.over_levels(k, np.outer(self.Pr, self.Pr)))
        return sum(outer_root(part) for part in parts)

    def rounding(self, k: int) -> np.ndarray:
        """What rounding of cross-products may do to dl/dG_k in saturated groups, (q, q).

        One unit in the last digit of ``Z_k'R^-1 Z_k`` times the square of the condition of V against R.
        """
        R = self.sigma**2 * self.dense.inverse_weights
        roots = np.sqrt(as_floats(R))
        condition = np.linalg.eigvalsh(as_floats(self.V) / np.outer(roots, roots))[-1]
        return np.finfo(float).eps * condition**2 * outer_root(self.over_levels(k, np.diag(1 / R)))

    @property
    def slope_sigma(self) -> Any:
        """dl/d sigma."""
        M = self.Pr**2 - np.diag(self.P)
        return self.sigma * (M @ self.dense.inverse_weights)

    @property
    def slope_beta(self) -> np.ndarray:
        """dl/d beta (p,), zero for what is integrated."""
        out = self.dense.number(np.zeros(self.dense.p)).copy()
        out[self.given] = self.dense.X[:, self.given].T @ self.Pr
        return out

    @cached_property
    def effects(self) -> np.ndarray:
        """Columns of all random effects, (n, total); by term, level, column."""
        dense, out = self.dense, []
        for Z, codes, levels in zip(dense.Z, dense.codes, dense.levels, strict=True):
            full = dense.number(np.zeros((dense.n, levels, Z.shape[1]))).copy()
            full[np.arange(dense.n), codes] = Z
            out.append(full.reshape(dense.n, -1))
        return np.hstack(out) if out else dense.number(np.zeros((dense.n, 0)))

    def times_prior(self, U: np.ndarray) -> np.ndarray:
        """U Gamma, Gamma the prior covariance of the random effects, level by level."""
        out, at = U.copy(), 0
        for g, levels in zip(self.G, self.dense.levels, strict=True):
            for _ in range(levels):
                out[:, at : at + len(g)] = U[:, at : at + len(g)] @ g
                at += len(g)
        return out

    @cached_property
    def beta(self) -> np.ndarray:
        """Conditional means of the integrated coefficients (p,); NaN for those given."""
        out = np.full(self.dense.p, np.nan)
        if self.flat.any():
            out[self.flat] = as_floats(self.flat_covariance @ (self.WX.T @ self.r))
        if self.proper.any():
            step = self.prior_variance * (self.dense.X[:, self.proper].T @ self.Pr)
            out[self.proper] = as_floats(self.prior_mean + step)
        return out

    @property
    def modes(self) -> list[np.ndarray]:
        """Conditional means of b, (levels, q) a term."""
        return self.by_term(as_floats(self.times_prior(self.effects).T @ self.Pr))

    def by_term(self, values: np.ndarray) -> list[np.ndarray]:
        out, at = [], 0
        for g, levels in zip(self.G, self.dense.levels, strict=True):
            out.append(values[at : at + levels * len(g)].reshape(levels, len(g)))
            at += levels * len(g)
        return out

    @cached_property
    def covariance(self) -> np.ndarray:
        """Covariance of (b, beta) given y, floats; rows of given coefficients are zero."""
        dense = self.dense
        size = self.effects.shape[1]
        U = np.hstack([self.effects, dense.X[:, self.proper]])
        prior = np.hstack([self.times_prior(self.effects), dense.X[:, self.proper] * self.prior_variance])
        gamma = dense.number(np.zeros((U.shape[1], U.shape[1]))).copy()
        at = 0
        for g, levels in zip(self.G, dense.levels, strict=True):
            for _ in range(levels):
                gamma[at : at + len(g), at : at + len(g)] = g
                at += len(g)
        gamma[range(size, U.shape[1]), range(size, U.shape[1])] = self.prior_variance
        out = np.zeros((size + dense.p, size + dense.p))
        place = np.concatenate([np.arange(size), size + np.flatnonzero(self.proper)])
        flat = size + np.flatnonzero(self.flat)
        if len(place):
            out[np.ix_(place, place)] = as_floats(gamma - prior.T @ self.P @ prior)
        if len(flat):
            out[np.ix_(flat, flat)] = as_floats(self.flat_covariance)
            if len(place):
                cross = as_floats(-self.flat_covariance @ (self.WX.T @ prior))
                out[np.ix_(flat, place)], out[np.ix_(place, flat)] = cross, cross.T
        return out

    @property
    def effect_covariances(self) -> list[np.ndarray]:
        """Own blocks of `covariance`, (levels, q, q) a term."""
        out, at = [], 0
        for g, levels in zip(self.G, self.dense.levels, strict=True):
            q = len(g)
            blocks = [
                self.covariance[at + j * q : at + (j + 1) * q, at + j * q : at + (j + 1) * q] for j in range(levels)
            ]
            out.append(np.array(blocks))
            at += levels * q
        return out

    def combination_variances(self, X: np.ndarray, random: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Variance of ``x'beta + sum_k z_k'b_k`` (rows,); a code of -1 leaves the effect out."""
        C = np.zeros((len(X), len(self.covariance)))
        C[:, len(C[0]) - self.dense.p :] = X
        at = 0
        for g, levels, (codes, Z) in zip(self.G, self.dense.levels, random, strict=True):
            for row, code in enumerate(codes):
                if code >= 0:
                    C[row, at + code * len(g) : at + (code + 1) * len(g)] = Z[row]
            at += levels * len(g)
        return np.einsum("ri,ij,rj->r", C, self.covariance, C)

    def working_products(self, changes: Sequence[Sequence[np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
        """``(Py)'V_i P V_j (Py)`` and ``(Py)'V_i (Py)`` for changes dG of the terms' covariances."""
        vectors = [
            (same * (Z @ self.dense.number(change) @ Z.T)) @ self.Pr
            for same, Z, directions in zip(self.dense.same, self.dense.Z, changes, strict=True)
            for change in directions
        ]
        F = np.array(vectors)
        return as_floats(F @ self.P @ F.T), as_floats(F @ self.Pr)


def near(found: Any, expected: Any, tolerance: Any) -> None:
    """Assert that all differences are within a tolerance of the same shape, or one that broadcasts; 0 is within 0."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    assert found.shape == expected.shape
    difference = np.abs(found - expected)
    allowed = np.broadcast_to(np.asarray(tolerance, float), difference.shape) + 1e-300
    worst = (difference / allowed).max(initial=0.0)
    assert (difference <= allowed).all(), f"off by {worst:.3g} times the tolerance:\n{found}\n{expected}"


def outer_root(M: np.ndarray) -> np.ndarray:
    """Bound of the entries of a positive semidefinite matrix by its diagonal."""
    d = np.sqrt(np.maximum(as_floats(np.diag(M)), 0.0))
    return np.outer(d, d)


def second_differences(function: Any, x: Sequence[float], step: str = "1e-15") -> np.ndarray:
    """Hessian of a function of decimals by central differences, to about 20 digits of 50."""
    x, h = as_decimals(np.asarray(x, float)), Decimal(step)
    steps = [np.array([h if j == i else Decimal(0) for j in range(len(x))], object) for i in range(len(x))]
    H = np.zeros((len(x), len(x)))
    for i, a in enumerate(steps):
        for j, b in enumerate(steps[: i + 1]):
            t = function(x + a + b) - function(x + a - b) - function(x - a + b) + function(x - a - b)
            H[i, j] = H[j, i] = float(t / (4 * h * h))
    return H
