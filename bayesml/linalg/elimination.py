"""Elimination of nested random effects in small independent blocks, and the sweep back.

The normal equations of a linear multilevel model have one block row for each level of the
grouping factors of a *chain* of nested factors (finest first) and one dense *border*: the random
effects of all other factors, the columns of X, and y last. With A = Z'WZ (and its rows against
X and y), G = Lambda Lambda' and everything relative to sigma²,

    K = (A + G^-1)^-1 = Lambda (Lambda'A Lambda + I)^-1 Lambda'

is all that is needed of a block, and it exists for singular G. Eliminating a block subtracts
``A_R0 K A_0R`` from what remains. On the way back, with C the covariance of the remaining
effects, ``Q = A_0R C A_R0`` gives the block's own part of Z'PZ,

    M = (A - AKA) - (I - AK) Q (I - KA),

which is the derivative of the log determinant in G. No inverse of G appears anywhere.

Kernels are explicit loops over flat arrays, so that one machine code serves every model:

====================  =====================================================================
`q` (F,)              columns of each factor, chain factors first
`chain_start` (r+1,)  first node of each depth of the chain; nodes of depth 0 are the finest
`parent` (N,)         node of the next depth that contains a node, -1 at the top
`ptr`, `idx`          border columns that a node touches: ``idx[ptr[i]:ptr[i + 1]]``, sorted
`up`                  position of each of these columns in the parent's list
`off` (N+1,)          start of a node's block row in `rows`: q x (own, ancestors, border), row-major
`border_start` (B+1,) first border column of each factor outside the chain; the last is m, where X begins
`lam`                 the q x q matrices Lambda of all factors, row-major, concatenated
====================  =====================================================================
"""

from math import log, sqrt

import numpy as np
from numba import njit

kernel = njit(cache=True, error_model="numpy", nogil=True, no_cfunc_wrapper=True)
inner = njit(cache=True, error_model="numpy", nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
"""For kernels that only others call: they compile faster without a way in from Python."""


@inner
def block_factor(A, width, start, q, lam, lam_at, T, L):
    """T = L^-1 Lambda' with LL' = Lambda'A Lambda + I, A the first q columns of a block row; returns log|LL'|.

    L[0, 0] is NaN afterwards if the block is not positive definite.
    """
    for a in range(q):
        for b in range(a + 1):
            t = 0.0
            for i in range(q):
                s = 0.0
                for j in range(q):
                    s += A[start + i * width + j] * lam[lam_at + j * q + b]
                t += lam[lam_at + i * q + a] * s
            if a == b:
                t += 1.0
            for k in range(b):
                t -= L[a, k] * L[b, k]
            if a == b:
                L[a, a] = sqrt(t)
            else:
                L[a, b] = t / L[b, b]
    logdet = 0.0
    for a in range(q):
        logdet += 2.0 * log(L[a, a])
    for c in range(q):
        for a in range(q):
            t = lam[lam_at + c * q + a]
            for k in range(a):
                t -= L[a, k] * T[k, c]
            T[a, c] = t / L[a, a]
    return logdet


@kernel
def eliminate(lam, lam_start, q, chain_start, parent, ptr, idx, up, off, rows, K, k_start, S):
    """Eliminate all nodes of the chain: `rows` and `S` are updated in place, K is filled.

    Parameters
    ----------
    rows : ndarray
        In: block rows of the cross-products. Out: the block rows as each node saw them when it was
        eliminated, with the effects of all finer nodes integrated out.
    K : ndarray
        Out: ``Lambda (Lambda'A Lambda + I)^-1 Lambda'`` of each node, from ``k_start[i]`` on.
    S : ndarray (M, M)
        Lower triangle of the border. In: cross-products. Out: the Schur complement.

    Returns
    -------
    float
        log |Lambda'A Lambda + I| summed over the nodes.
    """
    depths = len(chain_start) - 1
    q_max, w_max = 1, 1
    for d in range(depths):
        q_max = max(q_max, q[d])
    for i in range(len(parent)):
        w_max = max(w_max, ptr[i + 1] - ptr[i])
    anc = np.zeros(depths + 1, np.int64)
    for d in range(depths - 1, -1, -1):
        anc[d] = anc[d + 1] + q[d]
    w_max += anc[0]
    L = np.empty((q_max, q_max))
    T = np.empty((q_max, q_max))
    Y = np.empty((q_max, w_max))
    place = np.empty(w_max, np.int64)
    logdet = 0.0
    for d in range(depths):
        n = q[d]
        for i in range(chain_start[d], chain_start[d + 1]):
            nb = ptr[i + 1] - ptr[i]
            width = anc[d] + nb
            at = off[i]
            logdet += block_factor(rows, width, at, n, lam, lam_start[d], T, L)
            for a in range(n):
                for b in range(n):
                    t = 0.0
                    for k in range(n):
                        t += T[k, a] * T[k, b]
                    K[k_start[i] + a * n + b] = t
                for c in range(n, width):
                    t = 0.0
                    for k in range(n):
                        t += T[a, k] * rows[at + k * width + c]
                    Y[a, c] = t
            # ancestors: their own block row, columns aligned up to the border
            for t in range(nb):
                place[t] = t
            node = i
            for e in range(d + 1, depths):
                for t in range(nb):
                    place[t] = up[ptr[node] + place[t]]
                node = parent[node]
                mine = n + anc[d + 1] - anc[e]
                w_node = anc[e] + ptr[node + 1] - ptr[node]
                for c in range(q[e]):
                    base = off[node] + c * w_node
                    for j in range(anc[e]):
                        t = 0.0
                        for k in range(n):
                            t += Y[k, mine + c] * Y[k, mine + j]
                        rows[base + j] -= t
                    for j in range(nb):
                        t = 0.0
                        for k in range(n):
                            t += Y[k, mine + c] * Y[k, anc[d] + j]
                        rows[base + anc[e] + place[j]] -= t
            first = ptr[i]
            for a in range(nb):
                row = idx[first + a]
                for k in range(n):
                    t = Y[k, anc[d] + a]
                    if t != 0.0:
                        for b in range(a + 1):
                            S[row, idx[first + b]] -= t * Y[k, anc[d] + b]
    return logdet


@kernel
def sweep_back(
    lam_start, q, chain_start, parent, ptr, idx, up, off, rows, K, k_start, C, limit, solution, D, E, modes, own
):
    """Conditional modes, and the derivatives of log determinant and residual sum of squares in G.

    Parameters
    ----------
    rows, K
        As `eliminate` left them.
    C : ndarray (limit, limit)
        Relative covariance of the border's effects, full; columns of the border from `limit` on are fixed.
    solution : ndarray (M,)
        Border effects and coefficients; -1 in the place of y.
    D, E : ndarray
        Out, added to: sums over levels of ``Z'PZ`` and ``a a'``, ``a = Z'W(residual)``, at ``lam_start``.
    modes : ndarray
        Out: the modes b of the chain's nodes, concatenated by node.
    own : ndarray
        Out: the relative covariance of the effects of each node, from ``k_start[i]`` on, and after all
        of them ``Z'PZ`` of each node; not computed when its length is 0.
    """
    depths = len(chain_start) - 1
    nodes = len(parent)
    q_max, w_max = 1, 1
    for d in range(depths):
        q_max = max(q_max, q[d])
    for i in range(nodes):
        w_max = max(w_max, ptr[i + 1] - ptr[i])
    anc = np.zeros(depths + 1, np.int64)
    for d in range(depths - 1, -1, -1):
        anc[d] = anc[d + 1] + q[d]
    w_max += anc[0]
    mode_start = np.empty(depths + 1, np.int64)
    mode_start[0] = 0
    for d in range(depths):
        mode_start[d + 1] = mode_start[d] + (chain_start[d + 1] - chain_start[d]) * q[d]
    first_kept = off[chain_start[1]] if depths > 1 else 0
    kept = np.empty((off[nodes] - first_kept) if depths > 1 else 0)  # covariance rows of the nodes that are ancestors
    W = np.empty((q_max, w_max))
    R = np.empty((w_max, w_max))
    Q = np.empty((q_max, q_max))
    P = np.empty((q_max, q_max))
    t0 = np.empty(q_max)
    b0 = np.empty(q_max)
    place = np.empty(w_max, np.int64)
    for d in range(depths - 1, -1, -1):
        n = q[d]
        at_d = lam_start[d]
        for i in range(chain_start[d], chain_start[d + 1]):
            nb = ptr[i + 1] - ptr[i]
            first = ptr[i]
            width = anc[d] + nb
            at = off[i]
            kat = k_start[i]
            # modes
            for a in range(n):
                t = 0.0
                for j in range(nb):
                    t -= rows[at + a * width + anc[d] + j] * solution[idx[first + j]]
                node = i
                for e in range(d + 1, depths):
                    node = parent[node]
                    mine = n + anc[d + 1] - anc[e]
                    where = mode_start[e] + (node - chain_start[e]) * q[e]
                    for c in range(q[e]):
                        t -= rows[at + a * width + mine + c] * modes[where + c]
                t0[a] = t
            here = mode_start[d] + (i - chain_start[d]) * n
            for a in range(n):
                t = 0.0
                for k in range(n):
                    t += K[kat + a * n + k] * t0[k]
                b0[a] = t
                modes[here + a] = t
            for a in range(n):
                t = t0[a]
                for k in range(n):
                    t -= rows[at + a * width + k] * b0[k]
                P[0, a] = t
            for a in range(n):
                for b in range(n):
                    E[at_d + a * n + b] += P[0, a] * P[0, b]
            # C_RR on what the node touches, ancestors first; W = C_RR A_R0 and Q = A_0R C_RR A_R0
            free = 0
            while free < nb and idx[first + free] < limit:
                free += 1
            across = anc[d] - n
            for j in range(free):
                row = idx[first + j]
                for k in range(free):
                    R[across + j, across + k] = C[row, idx[first + k]]
                place[j] = j
            node = i
            for e in range(d + 1, depths):
                for j in range(free):
                    place[j] = up[ptr[node] + place[j]]
                node = parent[node]
                mine = anc[d + 1] - anc[e]
                for c in range(q[e]):
                    base = off[node] - first_kept + c * (anc[e] + ptr[node + 1] - ptr[node])
                    for j in range(anc[e]):
                        R[mine + c, mine + j] = kept[base + j]
                        R[mine + j, mine + c] = kept[base + j]
                    for j in range(free):
                        R[mine + c, across + j] = kept[base + anc[e] + place[j]]
                        R[across + j, mine + c] = kept[base + anc[e] + place[j]]
            for a in range(n):
                for c in range(across + free):
                    t = 0.0
                    for k in range(across + free):
                        t += R[c, k] * rows[at + a * width + n + k]
                    W[a, c] = t
                for b in range(a + 1):
                    t = 0.0
                    for c in range(across + free):
                        t += rows[at + b * width + n + c] * W[a, c]
                    Q[a, b] = t
                    Q[b, a] = t
            # P = I - A K, then M = P A - P Q P'
            for a in range(n):
                for b in range(n):
                    t = 1.0 if a == b else 0.0
                    for k in range(n):
                        t -= rows[at + a * width + k] * K[kat + k * n + b]
                    P[a, b] = t
            for a in range(n):
                for b in range(n):
                    t = 0.0
                    for k in range(n):
                        s = rows[at + k * width + b]
                        for j in range(n):
                            s -= Q[k, j] * P[b, j]
                        t += P[a, k] * s
                    D[at_d + a * n + b] += t
                    if len(own):
                        own[k_start[nodes] + kat + a * n + b] = t
            if len(own) or d > 0:
                for a in range(n):
                    for b in range(n):
                        t = K[kat + a * n + b]
                        for k in range(n):
                            for j in range(n):
                                t += K[kat + a * n + k] * Q[k, j] * K[kat + j * n + b]
                        if len(own):
                            own[kat + a * n + b] = t
                        if d > 0:
                            kept[at - first_kept + a * width + b] = t
            if d > 0:
                for a in range(n):
                    for c in range(across + free):
                        t = 0.0
                        for k in range(n):
                            t -= K[kat + a * n + k] * W[k, c]
                        kept[at - first_kept + a * width + n + c] = t
