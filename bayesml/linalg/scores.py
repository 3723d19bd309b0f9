"""Scores: derivatives of the log density of each independent group of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.errors import RefusedTest
from bayesml.linalg.elimination import sweep_back
from bayesml.linalg.gaussian import GaussianSystem


@dataclass(frozen=True, eq=False)
class Scores:
    """Derivatives by top-level group, one row each; their sums are the gradient.

    Parameters
    ----------
    beta : ndarray (groups, p)
    covariances : tuple of ndarray (groups, q, q)
        In the entries of G of each random term, taken as independent: symmetric matrices.
    sigma : ndarray (groups,)
        At fixed G.
    """

    beta: np.ndarray
    covariances: tuple[np.ndarray, ...]
    sigma: np.ndarray


def scores(system: GaussianSystem, design: Any, roots: Sequence[np.ndarray], sigma: float, beta: np.ndarray) -> Scores:
    """Scores of the marginal log density, random effects integrated out, at any parameters.

    Parameters
    ----------
    system : GaussianSystem
    design : Design
        The one that the system was built from.
    roots : sequence of ndarray (q, q)
        Square roots Lambda of the covariances, natural scale.
    sigma : float
    beta : ndarray (p,)

    Raises
    ------
    RefusedTest
        Grouping factors are crossed, or there are none: no groups of rows are independent.
    """
    lay, p = system.layout, system.coefficients
    if lay.border or not lay.chain:
        raise RefusedTest(
            "Scores by group need grouping factors that are nested in one another: rows of crossed groups all depend "
            "on each other."
        )
    top = lay.factors[lay.chain - 1]
    groups = top.levels
    terms = system.scaling.terms
    relative = [np.linalg.solve(T, root) / sigma for T, root in zip(terms, roots, strict=True)]
    blocks = level_information(system, relative)
    lam = np.concatenate([np.asarray(root, float).ravel() for root in roots])
    given, nothing = np.ones(p, np.int64), np.zeros(p)
    _, effects = system.draw(lam[None], np.array([sigma]), beta[None], given, nothing, nothing, None)
    residual = design.y - design.X @ beta
    if design.offset is not None:
        residual = residual - design.offset
    for term, b in zip(design.random, effects, strict=True):
        residual = residual - np.einsum("ij,ij->i", term.Z, b[0][term.codes])
    weights = np.ones(len(residual)) if design.row_weights is None else design.row_weights
    v = weights * residual / sigma**2  # V^-1 (y - X beta)
    trace = np.bincount(top.codes, design.frequencies, groups).astype(float)
    covariances = []
    for k, (term, T) in enumerate(zip(design.random, terms, strict=True)):
        group_of_level = np.empty(len(term.levels), np.int64)
        group_of_level[term.codes] = top.codes
        a = sums(term.Z * v[:, None], term.codes, len(term.levels))
        inverse = np.linalg.inv(T)
        information = inverse.T @ blocks[k] @ inverse / sigma**2
        by_level = 0.5 * (a[:, :, None] * a[:, None, :] - information)
        covariances.append(sums(by_level, group_of_level, groups))
        explained = np.einsum("ab,jab->j", relative[k] @ relative[k].T, blocks[k])
        trace -= sums(explained, group_of_level, groups)
    by_sigma = sigma * sums(v**2 / weights, top.codes, groups) - trace / sigma
    return Scores(sums(design.X * v[:, None], top.codes, groups), tuple(covariances), by_sigma)


def level_information(system: GaussianSystem, relative: Sequence[np.ndarray]) -> list[np.ndarray]:
    """``Z_j'V^-1 Z_j`` of each level, for unit sigma on the accumulated columns, (levels, q, q) a term."""
    lay = system.layout
    e = system.evaluate(relative, integrated=False)
    own = np.empty(2 * lay.k_start[-1])
    sweep_back(
        lay.lam_start, lay.q, lay.chain_start, lay.parent, lay.ptr, lay.idx, lay.up, lay.off, e.rows, e.K, lay.k_start,
        e.C, 0, e.solution, np.zeros(lay.lam_start[-1]), np.zeros(lay.lam_start[-1]),
        np.empty(system.chain_effects), own,
    )  # fmt: skip
    out = []
    for f, at, width, _ in system.term_table:
        factor = lay.factors[f]
        start = lay.k_start[-1] + lay.k_start[lay.chain_start[f]]
        blocks = own[start : start + factor.levels * factor.q**2].reshape(-1, factor.q, factor.q)
        out.append(blocks[:, at : at + width, at : at + width])
    return out


def sums(values: np.ndarray, codes: np.ndarray, groups: int) -> np.ndarray:
    """Sums of rows by group, (groups, ...)."""
    out = np.zeros((groups, *values.shape[1:]))
    np.add.at(out, codes, values)
    return out
