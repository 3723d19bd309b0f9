"""Variances of linear combinations of coefficients and random effects, estimated jointly."""

import numpy as np

from bayesml.linalg.elimination import kernel


@kernel
def combination_variances(
    nodes, values, columns, weights, q, chain_start, parent, ptr, idx, off, rows, K, k_start, C, variance
):  # fmt: skip
    """Relative variance of ``v'b + x'beta`` for many combinations: ``v'Kv`` of each block, then C for the border.

    Parameters
    ----------
    nodes : ndarray of int64 (count, depths)
        Node of each depth that a combination names, -1 where none.
    values : ndarray (count, sum of q)
        The coefficients v of these nodes' effects.
    columns, weights : ndarray (count, entries)
        Border effects and coefficients that a combination names, and their weights; -1 where none.
    rows, K
        As `elimination.eliminate` left them.
    C : ndarray (limit, limit)
        Relative covariance of the border's effects and the coefficients, full.
    variance : ndarray (count,)
        Out.
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
    limit = len(C)
    border, touched = np.zeros(limit), np.empty(limit, np.int64)
    seen = np.zeros(limit, np.bool_)
    for i in range(len(nodes)):
        count, at, found, total = 0, 0, 0, 0.0
        for j in range(columns.shape[1]):
            c = columns[i, j]
            if c >= 0:
                if not seen[c]:
                    seen[c] = True
                    touched[found] = c
                    found += 1
                border[c] += weights[i, j]
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
                    total += vectors[s, a] * t
                width = anc[d] + ptr[node + 1] - ptr[node]
                for j in range(ptr[node], ptr[node + 1]):
                    c = idx[j]
                    if c < limit:
                        if not seen[c]:
                            seen[c] = True
                            touched[found] = c
                            found += 1
                        for a in range(n):
                            border[c] -= rows[off[node] + a * width + anc[d] + j - ptr[node]] * kv[a]
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
        for j in range(found):
            c = touched[j]
            t = 0.5 * C[c, c] * border[c]
            for k in range(j):
                t += C[c, touched[k]] * border[touched[k]]
            total += 2.0 * t * border[c]
        for j in range(found):
            border[touched[j]] = 0.0
            seen[touched[j]] = False
        variance[i] = total
