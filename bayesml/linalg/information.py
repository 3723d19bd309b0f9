"""Average information: second derivatives of the likelihood without a trace.

For directions dG_i of the covariances, with working variates ``f_i = Z dG_i a``, the matrix
``f_i'P f_j`` replaces the trace in the Hessian (Gilmour, Thompson and Cullis 1995, Biometrics 51,
eq. 8). Everything is computed from cross-products: ``w'Z'PZw = w'Aw - (Aw)'C(Aw)``.
"""

import numpy as np
from scipy.linalg import solve_triangular

from bayesml.linalg.border import multiply_transposed
from bayesml.linalg.elimination import kernel


@kernel
def residual_effects(lam_start, q, chain_start, parent, ptr, idx, up, off, rows, solution, modes, out):
    """``a = Z'W(residual)`` of each node of the chain, from block rows as elimination left them."""
    depths = len(chain_start) - 1
    anc = np.zeros(depths + 1, np.int64)
    for d in range(depths - 1, -1, -1):
        anc[d] = anc[d + 1] + q[d]
    start_of = np.zeros(depths + 1, np.int64)
    for d in range(depths):
        start_of[d + 1] = start_of[d] + (chain_start[d + 1] - chain_start[d]) * q[d]
    for d in range(depths):
        n = q[d]
        for i in range(chain_start[d], chain_start[d + 1]):
            width = anc[d] + ptr[i + 1] - ptr[i]
            here = start_of[d] + (i - chain_start[d]) * n
            for a in range(n):
                base = off[i] + a * width
                t = 0.0
                for j in range(ptr[i], ptr[i + 1]):
                    t -= rows[base + anc[d] + j - ptr[i]] * solution[idx[j]]
                node = i
                for e in range(d, depths):
                    mine = anc[d] - anc[e]
                    where = start_of[e] + (node - chain_start[e]) * q[e]
                    for c in range(q[e]):
                        t -= rows[base + mine + c] * modes[where + c]
                    node = parent[node]
                out[here + a] = t


@kernel
def cross_multiply(q, chain_start, parent, ptr, idx, up, off, rows, S, m, w, v, tw, tv):
    """``A [w; v]`` against all effects and X, from the raw cross-products.

    Parameters
    ----------
    w, v : ndarray (chain effects, k), (m, k)
    tw, tv : ndarray (chain effects, k), (M, k)
        Out, zero before.
    """
    depths = len(chain_start) - 1
    count = w.shape[1]
    anc = np.zeros(depths + 1, np.int64)
    for d in range(depths - 1, -1, -1):
        anc[d] = anc[d + 1] + q[d]
    start_of = np.zeros(depths + 1, np.int64)
    for d in range(depths):
        start_of[d + 1] = start_of[d] + (chain_start[d + 1] - chain_start[d]) * q[d]
    for d in range(depths):
        n = q[d]
        for i in range(chain_start[d], chain_start[d + 1]):
            width = anc[d] + ptr[i + 1] - ptr[i]
            here = start_of[d] + (i - chain_start[d]) * n
            for a in range(n):
                base = off[i] + a * width
                for j in range(ptr[i], ptr[i + 1]):
                    s = rows[base + anc[d] + j - ptr[i]]
                    c = idx[j]
                    for k in range(count):
                        tv[c, k] += s * w[here + a, k]
                    if c < m:
                        for k in range(count):
                            tw[here + a, k] += s * v[c, k]
                node = i
                for e in range(d, depths):
                    mine = anc[d] - anc[e]
                    where = start_of[e] + (node - chain_start[e]) * q[e]
                    for c in range(q[e]):
                        s = rows[base + mine + c]
                        for k in range(count):
                            tw[here + a, k] += s * w[where + c, k]
                        if e > d:
                            for k in range(count):
                                tw[where + c, k] += s * w[here + a, k]
                    node = parent[node]
    for i in range(len(S)):
        for j in range(min(i + 1, m)):
            s = S[i, j]
            for k in range(count):
                tv[i, k] += s * v[j, k]
            if i < m and i != j:
                for k in range(count):
                    tv[j, k] += s * v[i, k]


@kernel
def eliminate_vectors(q, chain_start, parent, ptr, idx, up, off, rows, K, k_start, tw, tv, gram):
    """Forward elimination of right-hand sides: adds ``t'Kt`` of every node to `gram`; `tw`, `tv` are overwritten."""
    depths = len(chain_start) - 1
    count = tw.shape[1]
    limit = len(tv)
    anc = np.zeros(depths + 1, np.int64)
    for d in range(depths - 1, -1, -1):
        anc[d] = anc[d + 1] + q[d]
    start_of = np.zeros(depths + 1, np.int64)
    for d in range(depths):
        start_of[d + 1] = start_of[d] + (chain_start[d + 1] - chain_start[d]) * q[d]
    q_max = 1
    for d in range(depths):
        q_max = max(q_max, q[d])
    kt = np.empty((q_max, count))
    for d in range(depths):
        n = q[d]
        for i in range(chain_start[d], chain_start[d + 1]):
            width = anc[d] + ptr[i + 1] - ptr[i]
            here = start_of[d] + (i - chain_start[d]) * n
            for a in range(n):
                for k in range(count):
                    t = 0.0
                    for b in range(n):
                        t += K[k_start[i] + a * n + b] * tw[here + b, k]
                    kt[a, k] = t
                for k in range(count):
                    for j in range(count):
                        gram[k, j] += kt[a, k] * tw[here + a, j]
            for a in range(n):
                base = off[i] + a * width
                for j in range(ptr[i], ptr[i + 1]):
                    c = idx[j]
                    if c < limit:
                        s = rows[base + anc[d] + j - ptr[i]]
                        for k in range(count):
                            tv[c, k] -= s * kt[a, k]
                node = i
                for e in range(d + 1, depths):
                    node = parent[node]
                    mine = anc[d] - anc[e]
                    where = start_of[e] + (node - chain_start[e]) * q[e]
                    for c in range(q[e]):
                        s = rows[base + mine + c]
                        for k in range(count):
                            tw[where + c, k] -= s * kt[a, k]


def working_products(layout, raw_rows, raw_S, evaluation, w, v) -> np.ndarray:
    """``f_i'P f_j`` (k, k) of working variates ``f = Z [w; v]``; P has the coefficients projected out.

    Parameters
    ----------
    raw_rows, raw_S
        Cross-products before elimination.
    evaluation : Evaluation
    w, v : ndarray (chain effects, k), (m, k)
    """
    m, count = layout.border, w.shape[1]
    tw, tv = np.zeros_like(w), np.zeros((layout.size, count))
    chain = (layout.q, layout.chain_start, layout.parent, layout.ptr, layout.idx, layout.up, layout.off)
    cross_multiply(*chain, raw_rows, raw_S, m, w, v, tw, tv)
    products = w.T @ tw + v.T @ tv[:m]
    gram = np.zeros((count, count))
    tv = np.ascontiguousarray(tv[:-1])
    eliminate_vectors(*chain, evaluation.rows, evaluation.K, layout.k_start, tw, tv, gram)
    if len(tv):
        multiply_transposed(tv, evaluation.lam, layout.lam_start, layout.q, layout.chain, layout.border_start)
        half = solve_triangular(evaluation.H[:-1, :-1], tv, lower=True, check_finite=False)
        gram += half.T @ half
    return products - gram
