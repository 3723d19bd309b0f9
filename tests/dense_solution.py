"""A Gaussian multilevel model by dense linear algebra: slow, plain, and written without the package's kernels.

V = W^-1 sigma² + sum_k Z_k (I ⊗ G_k) Z_k'. Likelihood, gradient and Hessian are the textbook's
(Searle, Casella & McCulloch 1992, ch. 6), all in entries of V. Serves tests as a reference.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.optimize import minimize

from bayesml.design.arrays import Design


@dataclass(frozen=True)
class DenseCertificate:
    """How the dense fit ended."""

    converged: bool
    gradient_norm: float
    message: str = "the gradient is zero"
    hessian_eigenvalues: np.ndarray = field(default_factory=lambda: np.zeros(0))
    gain_left: float = 0.0
    boundary_eigenvalues: np.ndarray = field(default_factory=lambda: np.zeros(0))
    iterations: int = 1
    evaluations: int = 1
    advice: str = ""


@dataclass(frozen=True)
class DenseVarianceParameters:
    """Entries of G and sigma², their estimates and covariance."""

    names: tuple
    estimate: np.ndarray
    vcov: np.ndarray


class DenseSolution:
    """ML or REML of a design by dense algebra, with the attributes of `Solution`."""

    integration = "exact"

    def __init__(self, design: Design, criterion: str = "reml"):
        self.design, self.criterion = design, criterion
        self.sigma_free = design.known_sd is None
        self.X, self.y = design.X, design.y - (0 if design.offset is None else design.offset)
        weights = design.precision_weights
        self.residual = np.ones(len(self.y)) if weights is None else 1 / weights
        self.bases = [term.covariance.basis(len(term.names)) for term in design.random]
        self.indicators = [np.eye(len(term.levels))[term.codes] for term in design.random]
        self.columns = [term.Z for term in design.random]
        theta = self.maximise()
        self.covariances = tuple(L @ L.T for L in self.roots(theta))
        self.state = self.evaluate(self.V())
        self.loglik = self.state["loglik"]
        self.beta, self.vcov_beta = self.state["beta"], self.state["vcov"]
        self.n_parameters = len(self.beta) + len(theta)
        self.boundary = tuple(self.boundary_addresses())
        self.status = DenseCertificate(True, self.gradient_norm)

    # -- the likelihood --------------------------------------------------------------------

    def roots(self, theta):
        sizes = np.cumsum([len(b) for b in self.bases])
        parts = np.split(theta[: sizes[-1]] if len(sizes) else theta[:0], sizes[:-1])
        return [np.tensordot(part, basis, 1) for part, basis in zip(parts, self.bases, strict=True)]

    def variance(self, k, G):
        same = self.indicators[k] @ self.indicators[k].T
        return same * (self.columns[k] @ G @ self.columns[k].T)

    def evaluate(self, V):
        n, p = self.X.shape
        inverse = np.linalg.inv(V)
        information = self.X.T @ inverse @ self.X
        vcov = np.linalg.inv(information)
        beta = vcov @ self.X.T @ inverse @ self.y
        error = self.y - self.X @ beta
        P = inverse - inverse @ self.X @ vcov @ self.X.T @ inverse
        loglik = -0.5 * (n * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + error @ inverse @ error)
        if self.criterion == "reml":
            loglik += 0.5 * (p * np.log(2 * np.pi) - np.linalg.slogdet(information)[1])
        return {"loglik": loglik, "beta": beta, "vcov": vcov, "inverse": inverse, "P": P, "error": error}

    def derivative_matrix(self, state, change):
        """d loglik for a change of V."""
        M = state["P"] if self.criterion == "reml" else state["inverse"]
        Py = state["P"] @ self.y
        return -0.5 * np.sum(M * change) + 0.5 * Py @ change @ Py

    def objective(self, theta):
        roots, sigma = self.roots(theta), theta[-1] if self.sigma_free else 1.0
        V = np.diag(self.residual * sigma**2) + sum(self.variance(k, L @ L.T) for k, L in enumerate(roots))
        state = self.evaluate(V)
        gradient = []
        for k, (L, basis) in enumerate(zip(roots, self.bases, strict=True)):
            gradient += [self.derivative_matrix(state, self.variance(k, B @ L.T + L @ B.T)) for B in basis]
        if self.sigma_free:
            gradient.append(self.derivative_matrix(state, np.diag(2 * sigma * self.residual)))
        return -state["loglik"], -np.array(gradient)

    def maximise(self):
        scale = np.std(self.y - self.X @ np.linalg.lstsq(self.X, self.y)[0])
        start = [
            scale * t / max(np.std(Z[:, 0]) + abs(Z[:, 0].mean()), 1e-8)
            for basis, Z in zip(self.bases, self.columns, strict=True)
            for t in 0.5 * np.array([np.trace(b) > 0 for b in basis])
        ]
        start += [scale] if self.sigma_free else []
        theta = np.array(start)
        for _ in range(3):
            theta = minimize(self.objective, theta, jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 2000}).x
        signs = np.sign([np.trace(b) for basis in self.bases for b in basis] + [1.0])[: len(theta)]
        theta = np.where((signs > 0) & (np.abs(theta) < 1e-5 * scale), 0.0, theta)
        self.sigma = abs(float(theta[-1])) if self.sigma_free else 1.0
        self.gradient_norm = float(np.linalg.norm(self.objective(theta)[1]))
        return theta

    def V(self):
        return np.diag(self.residual * self.sigma**2) + sum(self.variance(k, G) for k, G in enumerate(self.covariances))

    @cached_property
    def loglik_without_random(self):
        """At the same criterion, with sigma at its own optimum."""
        n, p = self.X.shape
        state = self.evaluate(np.diag(self.residual))
        s2 = state["error"] @ state["inverse"] @ state["error"] / (n - p if self.criterion == "reml" else n)
        return self.evaluate(np.diag(self.residual * (s2 if self.sigma_free else 1.0)))["loglik"]

    def boundary_addresses(self):
        for term, G in zip(self.design.random, self.covariances, strict=True):
            for i, name in enumerate(term.names):
                if G[i, i] == 0:
                    yield f"sd({name} | {term.group})"

    # -- random effects --------------------------------------------------------------------

    def dense_Z(self, codes=None, columns=None):
        codes = [term.codes for term in self.design.random] if codes is None else codes
        columns = self.columns if columns is None else columns
        parts = []
        for term, code, Z in zip(self.design.random, codes, columns, strict=True):
            part = np.zeros((len(code), len(term.levels), Z.shape[1]))
            known = code >= 0
            part[np.flatnonzero(known), code[known]] = Z[known]
            parts.append(part.reshape(len(code), -1))
        return np.hstack(parts) if parts else np.zeros((len(self.y), 0))

    @cached_property
    def prior_covariance(self):
        blocks = [np.kron(np.eye(len(t.levels)), G) for t, G in zip(self.design.random, self.covariances, strict=True)]
        size = sum(map(len, blocks))
        full, at = np.zeros((size, size)), 0
        for block in blocks:
            full[at : at + len(block), at : at + len(block)] = block
            at += len(block)
        return full

    def split(self, vector):
        sizes = [len(t.levels) * len(t.names) for t in self.design.random]
        parts = np.split(vector, np.cumsum(sizes)[:-1])
        return tuple(
            part.reshape(len(t.levels), len(t.names)) for part, t in zip(parts, self.design.random, strict=True)
        )

    def split_blocks(self, matrix):
        out, at = [], 0
        for term in self.design.random:
            J, q = len(term.levels), len(term.names)
            block = matrix[at : at + J * q, at : at + J * q].reshape(J, q, J, q)
            out.append(block[range(J), :, range(J), :])
            at += J * q
        return tuple(out)

    def modes(self):
        G, Z = self.prior_covariance, self.dense_Z()
        return self.split(G @ Z.T @ self.state["inverse"] @ self.state["error"])

    def means(self):
        return self.modes(), tuple(np.sqrt(np.einsum("jii->ji", own)) for own in self.conditional_covariance())

    def conditional_covariance(self):
        G, Z = self.prior_covariance, self.dense_Z()
        return self.split_blocks(G - G @ Z.T @ self.state["inverse"] @ Z @ G)

    def comparative_covariance(self):
        return self.split_blocks(self.joint[len(self.beta) :, len(self.beta) :])

    @cached_property
    def joint(self):
        """Covariance of (beta-hat - beta, b-hat - b), in the form that needs no inverse of G."""
        G, Z, P = self.prior_covariance, self.dense_Z(), self.state["P"]
        A = G @ Z.T @ self.state["inverse"] @ self.X @ self.vcov_beta
        return np.block([[self.vcov_beta, -A.T], [-A, G - G @ Z.T @ P @ Z @ G]])

    def beta_modes_covariance(self):
        p = len(self.beta)
        cross, out, at = self.joint[p:, :p], [], 0
        for term in self.design.random:
            J, q = len(term.levels), len(term.names)
            out.append(cross[at : at + J * q].reshape(J, q, p))
            at += J * q
        return tuple(out)

    def linear_variance(self, X, random):
        rows = np.hstack([X, self.dense_Z([codes for codes, _ in random], [Z for _, Z in random])])
        return np.einsum("ni,ij,nj->n", rows, self.joint, rows)

    def fitted(self):
        eta = self.X @ self.beta + self.dense_Z() @ np.concatenate([m.ravel() for m in self.modes()] or [np.zeros(0)])
        return eta + (0 if self.design.offset is None else self.design.offset)

    @property
    def ancillary_values(self):
        return (self.sigma,) if self.sigma_free else ()

    def cross_covariance(self):
        return np.zeros((len(self.beta), len(self.variance_parameters().names)))

    # -- variances -------------------------------------------------------------------------

    def directions(self):
        """Name and derivative of V for each free entry of the covariances, sigma² last."""
        for k, (term, G) in enumerate(zip(self.design.random, self.covariances, strict=True)):
            q = len(G)
            if term.covariance.common_sd:
                yield (k, 0, 0), np.eye(q), G[0, 0]
                if term.covariance.correlations == "one" and q > 1:
                    yield (k, 1, 0), 1 - np.eye(q), G[1, 0]
                continue
            for i in range(q):
                for j in range(i + 1):
                    if i == j or term.covariance.correlations == "all":
                        E = np.zeros((q, q))
                        E[i, j] = E[j, i] = 1
                        yield (k, i, j), E, G[i, j]

    def variance_parameters(self):
        found = list(self.directions())
        names = [name for name, _, _ in found] + (["sigma2"] if self.sigma_free else [])
        estimate = np.array([value for *_, value in found] + ([self.sigma**2] if self.sigma_free else []))
        changes = [self.variance(name[0], E) for name, E, _ in found] + (
            [np.diag(self.residual)] if self.sigma_free else []
        )
        M = self.state["P"] if self.criterion == "reml" else self.state["inverse"]
        P, Py = self.state["P"], self.state["P"] @ self.y
        information = np.array(
            [[-0.5 * np.sum((M @ A) * (M @ B).T) + Py @ A @ P @ B @ Py for B in changes] for A in changes]
        )
        zero = {name[:2] for name, _, value in found if name != "sigma2" and name[1] == name[2] and value == 0}
        free = [name == "sigma2" or not ({(name[0], name[1]), (name[0], name[2])} & zero) for name in names]
        vcov = np.full(information.shape, np.nan)
        vcov[np.ix_(free, free)] = np.linalg.inv(information[np.ix_(free, free)])
        return DenseVarianceParameters(tuple(names), estimate, vcov)
