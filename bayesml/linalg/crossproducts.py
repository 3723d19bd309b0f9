"""Accumulation of the cross-products of Z, X and y from batches of rows: one pass, blocks add."""

import numpy as np

from bayesml.linalg.elimination import inner, kernel


@inner
def find(idx, first, last, column):
    """Position of `column` in the sorted list ``idx[first:last]``, counted from `first`."""
    low, high = first, last - 1
    while low < high:
        middle = (low + high) // 2
        if idx[middle] < column:
            low = middle + 1
        else:
            high = middle
    return low - first


@kernel
def accumulate(block, codes, q, chain_start, parent, ptr, idx, up, off, border_start, coefficients, rows, S):
    """Add the cross-products of a batch of rows to `rows` and the lower triangle of `S`.

    Parameters
    ----------
    block : ndarray (batch, K)
        Columns of Z of every factor in the layout's order, X, y; already multiplied by the square root of the weight.
    codes : ndarray of int64 (batch, F)
        Level of each factor; for the first chain factor this is the node.
    """
    depths = len(chain_start) - 1
    factors = len(border_start) - 1
    m = border_start[factors]
    tail = coefficients + 1
    anc = np.zeros(depths + 1, np.int64)
    for d in range(depths - 1, -1, -1):
        anc[d] = anc[d + 1] + q[d]
    chain_width = anc[0]
    K = block.shape[1]
    x_at = K - tail
    column = np.empty(factors, np.int64)
    place = np.empty(factors, np.int64)
    for i in range(len(block)):
        for f in range(factors):
            column[f] = border_start[f] + codes[i, depths + f] * q[depths + f]
        node = codes[i, 0] if depths else 0
        own = 0
        for d in range(depths):
            for f in range(factors):
                if d == 0:
                    place[f] = find(idx, ptr[node], ptr[node + 1], column[f])
            nb = ptr[node + 1] - ptr[node]
            width = anc[d] + nb
            for a in range(q[d]):
                v = block[i, own + a]
                at = off[node] + a * width
                for j in range(anc[d]):
                    rows[at + j] += v * block[i, own + j]
                at += anc[d]
                c = chain_width
                for f in range(factors):
                    for b in range(q[depths + f]):
                        rows[at + place[f] + b] += v * block[i, c]
                        c += 1
                at += nb - tail
                for j in range(tail):
                    rows[at + j] += v * block[i, x_at + j]
            own += q[d]
            if d + 1 < depths:
                for f in range(factors):
                    place[f] = up[ptr[node] + place[f]]
                node = parent[node]
        c = chain_width
        for f in range(factors):
            for a in range(q[depths + f]):
                v = block[i, c]
                row = column[f] + a
                e = chain_width
                for g in range(factors):
                    for b in range(q[depths + g]):
                        if column[g] + b <= row:
                            S[row, column[g] + b] += v * block[i, e]
                        e += 1
                for j in range(tail):
                    S[m + j, row] += v * block[i, x_at + j]
                c += 1
        for j in range(tail):
            v = block[i, x_at + j]
            for k in range(j + 1):
                S[m + j, m + k] += v * block[i, x_at + k]
