"""Kernels over rows for models whose rows enter through their predictors: predictors, cross-products, row variances.

A row has K predictors. Column c of `Z` enters the predictor `of[c]`; K stands for all of them. The columns of Z are
those of the grouping factors in the order of the layout. Effects of all factors lie behind one another in one array,
`start[f] + level * q[f]` being the first of a level.
"""

import numpy as np

from bayesml.linalg.border import cholesky_lower
from bayesml.linalg.crossproducts import find
from bayesml.linalg.elimination import kernel


@kernel
def border_places(codes, q, chain_start, ptr, idx, border_start, place):
    """Place of each row's border effects in the list of its finest node, of the first column of each factor."""
    depths = len(chain_start) - 1
    for i in range(len(codes)):
        node = codes[i, 0]
        for f in range(len(border_start) - 1):
            column = border_start[f] + codes[i, depths + f] * q[depths + f]
            place[i, f] = find(idx, ptr[node], ptr[node + 1], column)


@kernel
def add_effects(eta, Z, codes, of, q, start, b):
    """Add Z b to the predictors eta (n, K)."""
    n, K = eta.shape
    for i in range(n):
        c = 0
        for f in range(len(q)):
            at = start[f] + codes[i, f] * q[f]
            for a in range(q[f]):
                t = Z[i, c] * b[at + a]
                if of[c] < K:
                    eta[i, of[c]] += t
                else:
                    for k in range(K):
                        eta[i, k] += t
                c += 1


@kernel
def level_sums(r, Z, codes, of, q, start, out):
    """Add Z'r to `out`, r (n, K) on the predictors, out by level of every factor."""
    n, K = r.shape
    for i in range(n):
        total = 0.0
        for k in range(K):
            total += r[i, k]
        c = 0
        for f in range(len(q)):
            at = start[f] + codes[i, f] * q[f]
            for a in range(q[f]):
                out[at + a] += Z[i, c] * (r[i, of[c]] if of[c] < K else total)
                c += 1


@kernel
def accumulate_weighted(Z, codes, of, d2, places, q, chain_start, parent, ptr, up, off, border_start, rows, S):
    """Add Z'WZ to the block rows and the lower triangle of the border, W = -d2 (n, K, K)."""
    n, K = d2.shape[0], d2.shape[1]
    depths = len(chain_start) - 1
    factors = len(border_start) - 1
    anc = np.zeros(depths + 1, np.int64)
    for d in range(depths - 1, -1, -1):
        anc[d] = anc[d + 1] + q[d]
    chain_width = anc[0]
    Q = len(of)
    W = np.zeros((K + 1, K + 1))
    M = np.zeros((Q, Q))
    column = np.empty(factors, np.int64)
    place = np.empty(factors, np.int64)
    for i in range(n):
        if K == 1:
            w = -d2[i, 0, 0]
            for a in range(Q):
                t = w * Z[i, a]
                for b in range(Q):
                    M[a, b] += t * Z[i, b]
        else:
            W[K, K] = 0.0
            for k in range(K):
                W[k, K] = 0.0
                for l in range(K):
                    W[k, l] = -d2[i, k, l]
                    W[k, K] -= d2[i, k, l]
                W[K, k] = W[k, K]
                W[K, K] += W[k, K]
            for a in range(Q):
                for b in range(Q):
                    M[a, b] += Z[i, a] * Z[i, b] * W[of[a], of[b]]
        # without a border, the rows of a finest group that lie together are added to it as one
        if factors == 0 and i + 1 < n and codes[i + 1, 0] == codes[i, 0]:
            continue
        for f in range(factors):
            column[f] = border_start[f] + codes[i, depths + f] * q[depths + f]
        node = codes[i, 0] if depths else 0
        own = 0
        for d in range(depths):
            if d == 0:
                for f in range(factors):
                    place[f] = places[i, f]
            nb = ptr[node + 1] - ptr[node]
            width = anc[d] + nb
            for a in range(q[d]):
                at = off[node] + a * width
                for j in range(anc[d]):
                    rows[at + j] += M[own + a, own + j]
                at += anc[d]
                c = chain_width
                for f in range(factors):
                    for b in range(q[depths + f]):
                        rows[at + place[f] + b] += M[own + a, c]
                        c += 1
            own += q[d]
            if d + 1 < depths:
                for f in range(factors):
                    place[f] = up[ptr[node] + place[f]]
                node = parent[node]
        c = chain_width
        for f in range(factors):
            for a in range(q[depths + f]):
                row = column[f] + a
                e = chain_width
                for g in range(factors):
                    for b in range(q[depths + g]):
                        if column[g] + b <= row:
                            S[row, column[g] + b] += M[c, e]
                        e += 1
                c += 1
        for a in range(Q):
            for b in range(Q):
                M[a, b] = 0.0


@kernel
def row_variances(Z, codes, of, K, places, q, chain_start, parent, ptr, up, off, border_start, cov, C, out):
    """Covariance (n, K, K) of the random part of each row's predictors, from the covariances of its effects."""
    depths = len(chain_start) - 1
    factors = len(border_start) - 1
    anc = np.zeros(depths + 1, np.int64)
    for d in range(depths - 1, -1, -1):
        anc[d] = anc[d + 1] + q[d]
    chain_width = anc[0]
    Q = len(of)
    V = np.zeros((Q, Q))
    U = np.zeros((K + 1, K + 1))
    column = np.empty(factors, np.int64)
    place = np.empty(factors, np.int64)
    for i in range(len(Z)):
        for f in range(factors):
            column[f] = border_start[f] + codes[i, depths + f] * q[depths + f]
        node = codes[i, 0] if depths else 0
        own = 0
        for d in range(depths):
            if d == 0:
                for f in range(factors):
                    place[f] = places[i, f]
            width = anc[d] + ptr[node + 1] - ptr[node]
            for a in range(q[d]):
                at = off[node] + a * width
                for j in range(anc[d]):
                    V[own + a, own + j] = cov[at + j]
                    V[own + j, own + a] = cov[at + j]
                at += anc[d]
                c = chain_width
                for f in range(factors):
                    for b in range(q[depths + f]):
                        t = cov[at + place[f] + b]
                        V[own + a, c] = t
                        V[c, own + a] = t
                        c += 1
            own += q[d]
            if d + 1 < depths:
                for f in range(factors):
                    place[f] = up[ptr[node] + place[f]]
                node = parent[node]
        c = chain_width
        for f in range(factors):
            for a in range(q[depths + f]):
                e = chain_width
                for g in range(factors):
                    for b in range(q[depths + g]):
                        V[c, e] = C[column[f] + a, column[g] + b]
                        e += 1
                c += 1
        if K == 1:
            t = 0.0
            for a in range(Q):
                s = 0.0
                for b in range(Q):
                    s += V[a, b] * Z[i, b]
                t += Z[i, a] * s
            out[i, 0, 0] = t
            continue
        for k in range(K + 1):
            for l in range(K + 1):
                U[k, l] = 0.0
        for a in range(Q):
            for b in range(Q):
                U[of[a], of[b]] += Z[i, a] * V[a, b] * Z[i, b]
        for k in range(K):
            for l in range(K):
                out[i, k, l] = U[k, l] + U[K, l] + U[k, K] + U[K, K]


@kernel
def solve_chain(rhs, start, q, chain_start, parent, ptr, idx, off, rows, K, k_start, border):
    """Eliminate the chain from a right-hand side (by level, changed in place): what is left for the border is added."""
    depths = len(chain_start) - 1
    anc = np.zeros(depths + 1, np.int64)
    q_max = 1
    for d in range(depths - 1, -1, -1):
        anc[d] = anc[d + 1] + q[d]
        q_max = max(q_max, q[d])
    t = np.empty(q_max)
    m = len(border)
    for d in range(depths):
        n = q[d]
        for i in range(chain_start[d], chain_start[d + 1]):
            here = start[d] + (i - chain_start[d]) * n
            for a in range(n):
                s = 0.0
                for k in range(n):
                    s += K[k_start[i] + a * n + k] * rhs[here + k]
                t[a] = s
            width = anc[d] + ptr[i + 1] - ptr[i]
            node = i
            for e in range(d + 1, depths):
                node = parent[node]
                mine = n + anc[d + 1] - anc[e]
                above = start[e] + (node - chain_start[e]) * q[e]
                for c in range(q[e]):
                    for a in range(n):
                        rhs[above + c] -= rows[off[i] + a * width + mine + c] * t[a]
            for j in range(ptr[i], ptr[i + 1]):
                if idx[j] < m:
                    for a in range(n):
                        border[idx[j]] -= rows[off[i] + a * width + anc[d] + j - ptr[i]] * t[a]


@kernel
def sweep_chain(rhs, start, q, chain_start, parent, ptr, idx, off, rows, K, k_start, border, b, c):
    """Solution b of the chain's effects given the border's, and c with b = G c; `rhs` as `solve_chain` left it."""
    depths = len(chain_start) - 1
    anc = np.zeros(depths + 1, np.int64)
    q_max = 1
    for d in range(depths - 1, -1, -1):
        anc[d] = anc[d + 1] + q[d]
        q_max = max(q_max, q[d])
    t0 = np.empty(q_max)
    m = len(border)
    for d in range(depths - 1, -1, -1):
        n = q[d]
        for i in range(chain_start[d], chain_start[d + 1]):
            here = start[d] + (i - chain_start[d]) * n
            width = anc[d] + ptr[i + 1] - ptr[i]
            for a in range(n):
                t = rhs[here + a]
                for j in range(ptr[i], ptr[i + 1]):
                    if idx[j] < m:
                        t -= rows[off[i] + a * width + anc[d] + j - ptr[i]] * border[idx[j]]
                node = i
                for e in range(d + 1, depths):
                    node = parent[node]
                    mine = n + anc[d + 1] - anc[e]
                    above = start[e] + (node - chain_start[e]) * q[e]
                    for k in range(q[e]):
                        t -= rows[off[i] + a * width + mine + k] * b[above + k]
                t0[a] = t
            for a in range(n):
                t = 0.0
                for k in range(n):
                    t += K[k_start[i] + a * n + k] * t0[k]
                b[here + a] = t
            for a in range(n):
                t = t0[a]
                for k in range(n):
                    t -= rows[off[i] + a * width + k] * b[here + k]
                c[here + a] = t


@kernel
def sweep_covariances(lam_start, q, chain_start, parent, ptr, idx, up, off, rows, K, k_start, C, cov, D):
    """Covariance of every chain node with itself, its ancestors and the border columns it touches; and Z'PZ.

    Parameters
    ----------
    rows, K
        As `elimination.eliminate` left them.
    C : ndarray (m, m)
        Covariance of the border's effects.
    cov : ndarray, as `rows`
        Out: in the places of `rows`; the last column, that of y, is not written.
    D : ndarray
        Out, added to: sums over levels of Z'PZ, at ``lam_start``.
    """
    depths = len(chain_start) - 1
    m = len(C)
    q_max, w_max = 1, 1
    for d in range(depths):
        q_max = max(q_max, q[d])
    for i in range(len(parent)):
        w_max = max(w_max, ptr[i + 1] - ptr[i])
    anc = np.zeros(depths + 1, np.int64)
    for d in range(depths - 1, -1, -1):
        anc[d] = anc[d + 1] + q[d]
    w_max += anc[0]
    W = np.empty((q_max, w_max))
    R = np.empty((w_max, w_max))
    Q = np.empty((q_max, q_max))
    P = np.empty((q_max, q_max))
    place = np.empty(w_max, np.int64)
    for d in range(depths - 1, -1, -1):
        n = q[d]
        for i in range(chain_start[d], chain_start[d + 1]):
            nb = ptr[i + 1] - ptr[i]
            first = ptr[i]
            width = anc[d] + nb
            at = off[i]
            kat = k_start[i]
            free = 0
            while free < nb and idx[first + free] < m:
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
                    base = off[node] + c * (anc[e] + ptr[node + 1] - ptr[node])
                    for j in range(anc[e]):
                        R[mine + c, mine + j] = cov[base + j]
                        R[mine + j, mine + c] = cov[base + j]
                    for j in range(free):
                        R[mine + c, across + j] = cov[base + anc[e] + place[j]]
                        R[across + j, mine + c] = cov[base + anc[e] + place[j]]
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
            # P = I - A K, then Z'PZ = P A - P Q P'
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
                    D[lam_start[d] + a * n + b] += t
                    t = K[kat + a * n + b]
                    for k in range(n):
                        for j in range(n):
                            t += K[kat + a * n + k] * Q[k, j] * K[kat + j * n + b]
                    cov[at + a * width + b] = t
                for c in range(across + free):
                    t = 0.0
                    for k in range(n):
                        t -= K[kat + a * n + k] * W[k, c]
                    cov[at + a * width + n + c] = t


@kernel
def factor_border(H):
    """Cholesky factor of H in its lower triangle, in place; log determinant, NaN where H is not positive definite."""
    cholesky_lower(H)
    logdet = 0.0
    for i in range(len(H)):
        logdet += 2.0 * np.log(H[i, i])
    return logdet
