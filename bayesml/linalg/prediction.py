"""Variances of linear combinations of coefficients and random effects, estimated jointly."""

from collections.abc import Sequence

import numpy as np

from bayesml.linalg.elimination import kernel
from bayesml.linalg.layout import Layout


def named_effects(
    layout: Layout, maps: Sequence[np.ndarray], random: Sequence[tuple[np.ndarray, np.ndarray]], count: int, more: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Effects that combinations name, as `combination_variances` reads them, with room for `more` border columns.

    Parameters
    ----------
    layout : Layout
    maps : sequence of ndarray (q, q)
        T of each term, b = T b_hat.
    random : sequence of (codes (count,), Z (count, q))
        One a random term; -1 leaves the effect out.
    count, more : int

    Returns
    -------
    nodes, depth, values, columns, weights : ndarray
    """
    depths = layout.chain
    inside = [f for f, *_ in layout.term_table if f < depths]
    starts, slot = np.append(0, np.cumsum(layout.q[inside])), 0
    nodes, values = np.full((count, len(inside)), -1, np.int64), np.zeros((count, int(starts[-1])))
    outside = int(sum(width for f, _, width, _ in layout.term_table if f >= depths))
    columns, weights = np.full((count, outside + more), -1, np.int64), np.zeros((count, outside + more))
    entry = 0
    for (f, at, width, _), (codes, Z), T in zip(layout.term_table, random, maps, strict=True):
        here = np.flatnonzero(codes >= 0)
        moved = Z[here] @ T
        if f < depths:
            nodes[here, slot] = layout.chain_start[f] + codes[here]
            values[here, starts[slot] + at : starts[slot] + at + width] = moved
            slot += 1
        else:
            first = layout.border_start[f - depths] + codes[here] * layout.q[f] + at
            columns[here, entry : entry + width] = first[:, None] + np.arange(width)
            weights[here, entry : entry + width] = moved
            entry += width
    return nodes, np.array(inside, np.int64), values, columns, weights


@kernel
def combination_variances(
    nodes, depth, values, columns, weights, lam, lam_start, q, chain_start, parent, ptr, idx, off, border_start,
    rows, K, k_start, H, C, by_factor, variance,
):  # fmt: skip
    """Relative variance of ``v'b + x'beta`` for many combinations: ``v'Kv`` of each block, then the border's part.

    Parameters
    ----------
    nodes : ndarray of int64 (count, slots)
        Nodes that a combination names, one a term of the chain, -1 where none; two may be the same.
    depth : ndarray of int64 (slots,)
        Depth of each slot's nodes.
    values : ndarray (count, sum of q over the slots)
        The coefficients v of these nodes' effects.
    columns, weights : ndarray (count, entries)
        Border effects and coefficients that a combination names, and their weights; -1 where none.
    rows, K
        As `elimination.eliminate` left them.
    H, C : ndarray
        Cholesky factor of the border, and relative covariance of its effects and the coefficients, full.
    by_factor : bool
        Whether the border's part is ``|H^-1 Lambda'v|²``, which keeps all digits; else v'Cv, for large borders.
    variance : ndarray (count,)
        Out.
    """
    depths = len(chain_start) - 1
    anc = np.zeros(depths + 1, np.int64)
    for d in range(depths - 1, -1, -1):
        anc[d] = anc[d + 1] + q[d]
    slots = len(depth) * (depths + 1)
    active = np.empty(slots, np.int64)
    q_max = 1
    for d in range(depths):
        q_max = max(q_max, q[d])
    vectors = np.empty((slots, q_max))
    kv = np.empty(q_max)
    limit = len(C)
    border, half, touched = np.zeros(limit), np.empty(limit), np.empty(limit, np.int64)
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
        for slot in range(len(depth)):
            n = q[depth[slot]]
            if nodes[i, slot] >= 0:
                place = count
                for r in range(count):
                    if active[r] == nodes[i, slot]:
                        place = r
                if place == count:
                    active[count] = nodes[i, slot]
                    for a in range(n):
                        vectors[count, a] = 0.0
                    count += 1
                for a in range(n):
                    vectors[place, a] += values[i, at + a]
            at += n
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
        if by_factor:
            for f in range(len(border_start) - 1):
                n, at = q[depths + f], lam_start[depths + f]
                for start in range(border_start[f], border_start[f + 1], n):
                    for a in range(n):
                        t = 0.0
                        for b in range(n):
                            t += lam[at + b * n + a] * border[start + b]
                        half[start + a] = t
            for c in range(border_start[len(border_start) - 1], limit):
                half[c] = border[c]
            for c in range(limit):
                t = half[c]
                for k in range(c):
                    t -= H[c, k] * half[k]
                half[c] = t / H[c, c]
                total += half[c] ** 2
        else:
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
