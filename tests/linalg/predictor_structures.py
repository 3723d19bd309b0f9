"""Random designs with several predictors, and the dense algebra of ``I + Lambda'Z'WZLambda`` on them."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bayesml.linalg.laplace import LaplaceSystem
from tests.linalg.structures import Case, cases


@dataclass(frozen=True, eq=False)
class WorkingModel:
    """A system with matrices W of its rows, in the rows' order of the system.

    Parameters
    ----------
    case : Case
        Its design enters K predictors.
    system : LaplaceSystem
    W : ndarray (n, K, K)
        Positive semidefinite.
    """

    case: Case
    system: LaplaceSystem
    W: np.ndarray

    @property
    def roots(self) -> list[np.ndarray]:
        """Square roots on the accumulated columns."""
        terms = self.system.columns.terms
        return [np.linalg.solve(T, root) for T, root in zip(terms, self.case.roots, strict=True)]

    @cached_property
    def lam(self) -> np.ndarray:
        return self.system.assembled(self.roots)

    @cached_property
    def factor_roots(self) -> list[np.ndarray]:
        """Lambda of each factor of the layout."""
        lay = self.system.layout
        return [self.lam[lay.lam_start[f] : lay.lam_start[f + 1]].reshape(q, q) for f, q in enumerate(map(int, lay.q))]

    @cached_property
    def Z(self) -> np.ndarray:
        """Dense (n K, effects), effects by level of every factor."""
        system = self.system
        n, K = len(system.codes), system.K
        out = np.zeros((n, K, system.n_effects))
        c = 0
        for f, q in enumerate(map(int, system.layout.q)):
            for a in range(q):
                k = system.columns.z_of[c]
                for i in range(n):
                    at = system.start[f] + system.codes[i, f] * q + a
                    out[i, slice(None) if k == K else k, at] += system.columns.Z[i, c]
                c += 1
        return out.reshape(n * K, -1)

    @cached_property
    def Lambda(self) -> np.ndarray:
        """Dense (effects, effects)."""
        out = np.zeros((self.system.n_effects, self.system.n_effects))
        for f, root in enumerate(self.factor_roots):
            q = len(root)
            for level in range(self.system.layout.factors[f].levels):
                at = slice(self.system.start[f] + level * q, self.system.start[f] + (level + 1) * q)
                out[at, at] = root
        return out

    @cached_property
    def ZWZ(self) -> np.ndarray:
        n, K = self.W.shape[:2]
        W = np.zeros((n * K, n * K))
        for i in range(n):
            W[i * K : (i + 1) * K, i * K : (i + 1) * K] = self.W[i]
        return self.Z.T @ W @ self.Z

    @cached_property
    def inner(self) -> np.ndarray:
        """``I + Lambda'Z'WZLambda``."""
        return np.eye(len(self.ZWZ)) + self.Lambda.T @ self.ZWZ @ self.Lambda

    @cached_property
    def covariance(self) -> np.ndarray:
        """Of the effects given the rows, ``(Z'WZ + G^-1)^-1``."""
        return self.Lambda @ np.linalg.solve(self.inner, self.Lambda.T)


@st.composite
def working_models(draw: Any, K: int | None = None) -> WorkingModel:
    """Random terms on nested and crossed factors, each column in one of K predictors or in all, at any edge."""
    case = draw(cases(largest=18, moderate=True))
    K = K or draw(st.integers(1, 3), label="predictors")
    rng, design = case.rng, case.design
    random = tuple(replace(t, predictors=tuple(map(int, rng.integers(-1, K, len(t.names))))) for t in design.random)
    if K == 1:
        random = design.random
    p = len(design.coefficients)
    design = replace(
        design,
        random=random,
        weights=None,
        predictors=tuple(f"eta{k}" for k in range(K)),
        fixed_predictors=tuple(map(int, rng.integers(0, K, p))),
    )
    system = LaplaceSystem.of(design, lambda order: None)
    A = rng.normal(size=(design.n, K, K)) * 10.0 ** rng.uniform(-2.0, 1.0, (design.n, 1, 1))
    return WorkingModel(replace_design(case, design), system, A @ A.transpose(0, 2, 1))


def replace_design(case: Case, design: Any) -> Case:
    return Case(design, case.roots, case.sigma, case.rng)
