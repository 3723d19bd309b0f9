"""Variances of linear combinations of coefficients and random effects, estimated jointly."""

import numpy as np
from scipy.linalg import solve_triangular

from bayesml.linalg.border import multiply_transposed
from bayesml.linalg.elimination import kernel


@kernel
def eliminate_combinations(nodes, values, q, chain_start, parent, ptr, idx, up, off, rows, K, k_start, variance, border):
    """Eliminate the chain's part of combinations v'b: add ``v'Kv`` to `variance`, pass ``-A_R0 K v`` on.

    Parameters
    ----------
    nodes : ndarray of int64 (rows, depths)
        Node of each depth that a combination names, -1 where none.
    values : ndarray (rows, sum of q)
        The coefficients v of these nodes' effects.
    border : ndarray (rows, m + p)
        In: coefficients of the border's effects. Out: with what elimination adds.
    """
    depths = len(chain_start) - 1
    anc = np.zeros(depths + 1, np.int64)
    for d in range(depths - 1, -1, -1):
        anc[d] = anc[d + 1] + q[d]
    slots = depths * (depths + 1)
    active = np.empty(slots, np.int64)
    q_max = 1
    for d in range(depths):
        q_max = max(q_max, q[d])
    vectors = np.empty((slots, q_max))
    kv = np.empty(q_max)
    limit = border.shape[1]
    for i in range(len(nodes)):
        count, at = 0, 0
        for d in range(depths):
            if nodes[i, d] >= 0:
                active[count] = nodes[i, d]
                for a in range(q[d]):
                    vectors[count, a] = values[i, at + a]
                count += 1
            at += q[d]
        for d in range(depths):
            n = q[d]
            s = 0
            while s < count:
                node = active[s]
                if not (chain_start[d] <= node < chain_start[d + 1]):
                    s += 1
                    continue
                for a in range(n):
                    t = 0.0
                    for b in range(n):
                        t += K[k_start[node] + a * n + b] * vectors[s, b]
                    kv[a] = t
                    variance[i] += vectors[s, a] * t
                width = anc[d] + ptr[node + 1] - ptr[node]
                for j in range(ptr[node], ptr[node + 1]):
                    if idx[j] < limit:
                        for a in range(n):
                            border[i, idx[j]] -= rows[off[node] + a * width + anc[d] + j - ptr[node]] * kv[a]
                above = node
                for e in range(d + 1, depths):
                    above = parent[above]
                    mine = n + anc[d + 1] - anc[e]
                    place = -1
                    for r in range(count):
                        if active[r] == above:
                            place = r
                    if place < 0:
                        place = count
                        active[count] = above
                        for c in range(q[e]):
                            vectors[count, c] = 0.0
                        count += 1
                    for c in range(q[e]):
                        for a in range(n):
                            vectors[place, c] -= rows[off[node] + a * width + mine + c] * kv[a]
                active[s] = -1  # done
                s += 1


def combination_variances(layout, lam, rows, K, H, nodes, values, border) -> np.ndarray:
    """Relative variance (rows,) of combinations of effects and coefficients; `border` is overwritten.

    Parameters
    ----------
    layout, lam, rows, K, H
        As an evaluation left them.
    nodes, values, border
        As in `eliminate_combinations`.
    """
    variance = np.zeros(len(border))
    if layout.chain:
        eliminate_combinations(
            nodes, values, layout.q, layout.chain_start, layout.parent, layout.ptr, layout.idx, layout.up, layout.off,
            rows, K, layout.k_start, variance, border,
        )  # fmt: skip
    size = border.shape[1]
    if size:
        columns = np.ascontiguousarray(border.T)
        multiply_transposed(columns, lam, layout.lam_start, layout.q, layout.chain, layout.border_start)
        half = solve_triangular(H[:size, :size], columns, lower=True, check_finite=False)
        variance += np.einsum("ij,ij->j", half, half)
    return variance
