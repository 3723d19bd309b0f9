"""Covariances from the sums of squares between levels: where an ascent starts."""

import numpy as np

from bayesml.linalg.gaussian import GaussianSystem


def moments(system: GaussianSystem) -> list[np.ndarray]:
    """Covariances of the terms relative to sigma², from the sums of squares between levels: a place to start from.

    With t = Z_j'y and A = Z_j'Z_j of level j, ``E tt' = sigma² A + A G A`` when other terms are left out; their
    variances and sigma² add up to that of y, which is 1 on the accumulated scale.
    """
    squares, sums, widths = [], [], []
    for k in range(len(system.term_table)):
        t, A = level_products(system, k)
        J, total = len(t), A.sum(0)
        unequal = J * np.sum(np.trace(A, axis1=1, axis2=2) ** 2) / max(np.trace(total) ** 2, 1e-300)
        M = np.linalg.pinv(total / J, hermitian=True) / np.sqrt(J * unequal)
        squares.append(M @ (t.T @ t) @ M)
        sums.append(M @ total @ M)
        widths.append(len(total))
    left = 1.0 - sum(map(np.trace, squares))
    sigma2 = min(max(left / max(1.0 - sum(map(np.trace, sums)), 0.1), 0.05), 1.0)
    out = []
    for square, part, width in zip(squares, sums, widths, strict=True):
        values, vectors = np.linalg.eigh(square / sigma2 - part)
        out.append((vectors * np.clip(values, 0.01 / width, 100.0)) @ vectors.T)
    return out


def level_products(system: GaussianSystem, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Z'y (J, q) and Z'Z (J, q, q) of each level of term k, from the cross-products."""
    lay = system.layout
    f, first, width, _ = system.term_table[k]
    count, q = lay.factors[f].levels, int(lay.q[f])
    own = np.arange(first, first + width)
    if f < lay.chain:
        nodes = slice(lay.chain_start[f], lay.chain_start[f + 1])
        across = np.diff(lay.off)[nodes] // q
        start = lay.off[:-1][nodes][:, None] + own * across[:, None]
        return system.rows[start + across[:, None] - 1], system.rows[start[:, :, None] + own]
    start = lay.border_start[f - lay.chain] + np.arange(count)[:, None] * q + own
    A = system.S[start[:, :, None], start[:, None, :]]
    lower = np.tril(np.ones((width, width), bool))
    return system.S[-1, start], np.where(lower, A, A.transpose(0, 2, 1))
