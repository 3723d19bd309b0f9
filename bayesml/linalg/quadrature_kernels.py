"""Kernels of quadrature over nested grouping factors.

Rows are sorted, so that the rows of each level of each factor, and the levels inside a level of a coarser factor, lie
side by side. Depth 0 is the finest factor. A *tile* is the data set once more, at other effects of coarser factors;
arrays have the tiles first. The system of depth d has the effects of depths 0 … d, those of coarser depths being given:

====================  ========================================================================
`q` (D,)              effects a level of each factor
`at` (D + 1,)         first column of each factor in `zt`; the system of depth d has the first ``at[d + 1]``
`start` (D + 1,)      first effect of each factor in a tile of `u`
`place` (D + 1,)      first entry of each factor in `child` and `finest`
`child`               first child of each level, and the end: a row at depth 0, else a level of the depth below
`finest`              first level of depth 0 in each level, and the end
`up` (D, J_0)         level of each depth that holds a level of depth 0
`zt` (n, K, Q)        columns Z Lambda of all factors on the K predictors
`fac`                 factor of a system: for each level q x (own, coarser) numbers, Cholesky factor L of its block and
                      ``S^-1 C``, the block across; ``fstart[e] + level q[e] width`` is the first
====================  ========================================================================
"""

from math import exp, log, sqrt

import numpy as np

from bayesml.linalg.elimination import inner, kernel

SQRT2 = sqrt(2.0)
HALF_LOG_PI = 0.5 * log(np.pi)


@kernel
def add_effects(d, q, at, start, place, child, finest, up, zt, u, eta):
    """Add the effects of depths 0 … d to the predictors eta (tiles, n, K)."""
    tiles, n, K = eta.shape
    levels = place[1] - place[0] - 1
    for t in range(tiles):
        for j in range(levels):
            for i in range(child[j], child[j + 1]):
                for k in range(K):
                    s = 0.0
                    for e in range(d + 1):
                        own = start[e] + up[e, j] * q[e]
                        for a in range(q[e]):
                            s += zt[i, k, at[e] + a] * u[t, own + a]
                    eta[t, i, k] += s


@kernel
def group_values(d, q, start, place, finest, child, values, u, out):
    """Log density of the rows and effects of each level of depth d, (tiles, levels): sum of `values` minus u'u/2."""
    tiles = len(values)
    groups = place[d + 1] - place[d] - 1
    for t in range(tiles):
        for g in range(groups):
            low, high = finest[place[d] + g], finest[place[d] + g + 1]
            s = 0.0
            for i in range(child[low], child[high]):
                s += values[t, i]
            first, last = g, g + 1
            for e in range(d, -1, -1):
                for c in range(start[e] + first * q[e], start[e] + last * q[e]):
                    s -= 0.5 * u[t, c] * u[t, c]
                if e > 0:
                    first, last = child[place[e] + first], child[place[e] + last]
            out[t, g] = s


@inner
def eliminate(e, d, q, at, front, fac, base, ridge):
    """Eliminate a level's own block of a front; False where it is not positive definite."""
    own, first, width = q[e], at[e], at[d + 1] - at[e]
    F = front[e]
    for a in range(own):
        for b in range(a + 1):
            s = F[first + a, first + b]
            if a == b:
                s += 1.0 + ridge
            for c in range(b):
                s -= fac[base + a * width + c] * fac[base + b * width + c]
            if a == b:
                if not s > 0.0:
                    return False
                fac[base + a * width + a] = sqrt(s)
            else:
                fac[base + a * width + b] = s / fac[base + b * width + b]
                fac[base + b * width + a] = 0.0
    for c in range(own, width):
        for a in range(own):
            s = F[first + a, first + c]
            for b in range(a):
                s -= fac[base + a * width + b] * fac[base + b * width + c]
            fac[base + a * width + c] = s / fac[base + a * width + a]
        for a in range(own - 1, -1, -1):
            s = fac[base + a * width + c]
            for b in range(a + 1, own):
                s -= fac[base + b * width + a] * fac[base + b * width + c]
            fac[base + a * width + c] = s / fac[base + a * width + a]
    if e < d:
        for a in range(own, width):
            for b in range(own, width):
                s = F[first + a, first + b]
                for c in range(own):
                    s -= F[first + c, first + a] * fac[base + c * width + b]
                front[e + 1, first + a, first + b] += s
    for a in range(width):
        for b in range(width):
            F[first + a, first + b] = 0.0
    return True


@kernel
def factor(d, q, at, place, child, finest, up, fstart, zt, d2, held, fac):
    """Factor ``I - sum z~ d2 z~'`` of each system of depth d in `fac` (tiles, size).

    Where one is not positive definite its L starts with NaN if `held`; else a ridge is added that makes it so.
    """
    tiles, n, K = d2.shape[:3]
    m = at[d + 1]
    front = np.zeros((d + 1, m, m))
    wz = np.empty((K, m))
    groups = place[d + 1] - place[d] - 1
    for t in range(tiles):
        for g in range(groups):
            ridge = 0.0
            for _ in range(60):
                good = True
                j = finest[place[d] + g]
                while good and j < finest[place[d] + g + 1]:
                    for i in range(child[j], child[j + 1]):
                        for a in range(m):
                            for k in range(K):
                                s = 0.0
                                for l in range(K):
                                    s -= d2[t, i, k, l] * zt[i, l, a]
                                wz[k, a] = s
                        for a in range(m):
                            for b in range(m):
                                s = 0.0
                                for k in range(K):
                                    s += zt[i, k, a] * wz[k, b]
                                front[0, a, b] += s
                    e, level = 0, j
                    while True:
                        base = fstart[e] + level * q[e] * (m - at[e])
                        good = eliminate(e, d, q, at, front, fac[t], base, ridge)
                        if not good or e == d:
                            break
                        above = up[e + 1, j]
                        if child[place[e + 1] + above + 1] != level + 1:
                            break
                        e, level = e + 1, above
                    j += 1
                if good:
                    break
                front[:] = 0.0
                if held:
                    base = fstart[d] + g * q[d] * q[d]
                    fac[t, base] = np.nan
                    break
                ridge = max(4.0 * ridge, 1.0)


@kernel
def add_level_sums(d, q, at, start, place, child, up, zt, r, out):
    """Add the sums of z~ r of each level of depths 0 … d to `out` (tiles, effects), r (tiles, n, K)."""
    tiles, n, K = r.shape
    m = at[d + 1]
    s = np.empty(m)
    for t in range(tiles):
        for j in range(place[1] - place[0] - 1):
            s[:] = 0.0
            for i in range(child[j], child[j + 1]):
                for k in range(K):
                    for a in range(m):
                        s[a] += zt[i, k, a] * r[t, i, k]
            for e in range(d + 1):
                own = start[e] + up[e, j] * q[e]
                for a in range(q[e]):
                    out[t, own + a] += s[at[e] + a]


@kernel
def solve(d, q, at, start, place, finest, up, fstart, fac, x):
    """Solve each system of depth d in place: x (tiles, effects) is the right side, then the solution."""
    m = at[d + 1]
    for t in range(len(x)):
        for e in range(d):
            width = m - at[e]
            for j in range(place[e + 1] - place[e] - 1):
                base = fstart[e] + j * q[e] * width
                own = start[e] + j * q[e]
                leaf = finest[place[e] + j]
                for f in range(e + 1, d + 1):
                    other = start[f] + up[f, leaf] * q[f]
                    for c in range(q[f]):
                        s = 0.0
                        for a in range(q[e]):
                            s += fac[t, base + a * width + at[f] - at[e] + c] * x[t, own + a]
                        x[t, other + c] -= s
        for e in range(d, -1, -1):
            width = m - at[e]
            for j in range(place[e + 1] - place[e] - 1):
                base = fstart[e] + j * q[e] * width
                own = start[e] + j * q[e]
                for a in range(q[e]):
                    s = x[t, own + a]
                    for b in range(a):
                        s -= fac[t, base + a * width + b] * x[t, own + b]
                    x[t, own + a] = s / fac[t, base + a * width + a]
                for a in range(q[e] - 1, -1, -1):
                    s = x[t, own + a]
                    for b in range(a + 1, q[e]):
                        s -= fac[t, base + b * width + a] * x[t, own + b]
                    x[t, own + a] = s / fac[t, base + a * width + a]
                leaf = finest[place[e] + j]
                for f in range(e + 1, d + 1):
                    other = start[f] + up[f, leaf] * q[f]
                    for c in range(q[f]):
                        for a in range(q[e]):
                            x[t, own + a] -= fac[t, base + a * width + at[f] - at[e] + c] * x[t, other + c]


@kernel
def decrements(d, q, start, place, child, gradient, step, out):
    """Largest gain that a Newton step of each level of depth d promises: gradient'step by level (tiles, levels)."""
    groups = place[d + 1] - place[d] - 1
    for t in range(len(step)):
        for g in range(groups):
            s = 0.0
            first, last = g, g + 1
            for e in range(d, -1, -1):
                for c in range(start[e] + first * q[e], start[e] + last * q[e]):
                    s += gradient[t, c] * step[t, c]
                if e > 0:
                    first, last = child[place[e] + first], child[place[e] + last]
            out[t, g] = s


@kernel
def responses(d, q, at, start, place, finest, up, fstart, fac, E):
    """How the joint mode of each finer effect follows the effects of depth d: E (tiles, effects, q[d])."""
    m, n = at[d + 1], q[d]
    for t in range(len(E)):
        for j in range(place[d + 1] - place[d] - 1):
            for a in range(n):
                for b in range(n):
                    E[t, start[d] + j * n + a, b] = 1.0 if a == b else 0.0
        for e in range(d - 1, -1, -1):
            width = m - at[e]
            for j in range(place[e + 1] - place[e] - 1):
                base = fstart[e] + j * q[e] * width
                leaf = finest[place[e] + j]
                for a in range(q[e]):
                    for b in range(n):
                        s = 0.0
                        for f in range(e + 1, d + 1):
                            other = start[f] + up[f, leaf] * q[f]
                            for c in range(q[f]):
                                s -= fac[t, base + a * width + at[f] - at[e] + c] * E[t, other + c, b]
                        E[t, start[e] + j * q[e] + a, b] = s


@kernel
def scales(d, q, place, fstart, fac, V, logdet):
    """V = L^-T (tiles, levels, q, q) of the blocks of depth d, and log|V| (tiles, levels)."""
    n = q[d]
    for t in range(len(V)):
        for j in range(place[d + 1] - place[d] - 1):
            base = fstart[d] + j * n * n
            s = 0.0
            for a in range(n):
                s -= log(fac[t, base + a * n + a])
            logdet[t, j] = s
            for c in range(n):
                for a in range(n):
                    if a < c:
                        V[t, j, c, a] = 0.0
                        continue
                    x = 1.0 if a == c else 0.0
                    for k in range(c, a):
                        x -= fac[t, base + a * n + k] * V[t, j, c, k]
                    V[t, j, c, a] = x / fac[t, base + a * n + a]


@kernel
def at_nodes(d, at, place, finest, child, zt, eta, centre, V, z, u, out):
    """Nodes u (tiles, nodes, levels, q) of depth d, and the predictors there, out (tiles, nodes, n, K)."""
    tiles, n, K = eta.shape
    q = z.shape[1]
    for t in range(tiles):
        for k in range(len(z)):
            for j in range(place[d + 1] - place[d] - 1):
                for a in range(q):
                    s = 0.0
                    for b in range(q):
                        s += V[t, j, a, b] * z[k, b]
                    u[t, k, j, a] = centre[t, j, a] + SQRT2 * s
                low, high = finest[place[d] + j], finest[place[d] + j + 1]
                for i in range(child[low], child[high]):
                    for l in range(K):
                        s = eta[t, i, l]
                        for a in range(q):
                            s += zt[i, l, at[d] + a] * u[t, k, j, a]
                        out[t, k, i, l] = s


@kernel
def finer_starts(d, q, start, place, finest, up, mode, E, nodes, out):
    """Where the modes of depths below d are about, at each node: out (tiles, nodes, effects)."""
    n = q[d]
    for t in range(len(out)):
        for k in range(out.shape[1]):
            for e in range(d):
                for j in range(place[e + 1] - place[e] - 1):
                    group = up[d, finest[place[e] + j]]
                    own = start[d] + group * n
                    for a in range(start[e] + j * q[e], start[e] + (j + 1) * q[e]):
                        s = mode[t, a]
                        for b in range(n):
                            s += E[t, a, b] * (nodes[t, k, group, b] - mode[t, own + b])
                        out[t, k, a] = s


@kernel
def collect(
    d, at, place, finest, child, Z, values, slopes, more, u, z, log_weights, top, total, s, zs, sz, zz, by_row, sums
):
    """Add a block of nodes to the weighted sums of each level of depth d, weights relative to exp(top).

    Parameters
    ----------
    values : ndarray (tiles, nodes, children)
        Log densities or log integrals.
    slopes : ndarray (tiles, nodes, n, K)
        Their derivatives in the predictors of the rows.
    more : ndarray (m, tiles, nodes, children)
        Further derivatives.
    s, zs, sz, zz : ndarray
        Sums of Z'slopes (tiles, levels, q), of z, of (Z'slopes) z' (tiles, levels, q, q), of z z'.
    by_row : ndarray (tiles, n, K)
        Sums of `slopes`.
    sums : ndarray (>= m, tiles, levels)
        Sums of `more`.
    """
    tiles, nodes, n, K = slopes.shape
    m, q = len(more), z.shape[1]
    value = np.empty(nodes)
    score = np.empty(q)
    for t in range(tiles):
        for j in range(place[d + 1] - place[d] - 1):
            low, high = child[place[d] + j], child[place[d] + j + 1]
            row, end = child[finest[place[d] + j]], child[finest[place[d] + j + 1]]
            best = top[t, j]
            for k in range(nodes):
                v = log_weights[k]
                for c in range(low, high):
                    v += values[t, k, c]
                for a in range(q):
                    v -= 0.5 * u[t, k, j, a] * u[t, k, j, a]
                value[k] = v
                if v != v or v > best:
                    best = v
            if best != best or best == -np.inf:
                top[t, j] = best
                continue
            if best > top[t, j]:
                shrink = exp(top[t, j] - best)
                total[t, j] *= shrink
                for a in range(q):
                    s[t, j, a] *= shrink
                    zs[t, j, a] *= shrink
                    for b in range(q):
                        sz[t, j, a, b] *= shrink
                        zz[t, j, a, b] *= shrink
                for i in range(row, end):
                    for l in range(K):
                        by_row[t, i, l] *= shrink
                for r in range(m):
                    sums[r, t, j] *= shrink
                top[t, j] = best
            for k in range(nodes):
                p = exp(value[k] - best)
                if p == 0.0:
                    continue
                total[t, j] += p
                score[:] = 0.0
                for i in range(row, end):
                    for l in range(K):
                        x = p * slopes[t, k, i, l]
                        by_row[t, i, l] += x
                        for a in range(q):
                            score[a] += Z[i, l, at[d] + a] * x
                for a in range(q):
                    s[t, j, a] += score[a]
                    zs[t, j, a] += p * z[k, a]
                    for b in range(q):
                        sz[t, j, a, b] += score[a] * z[k, b]
                        zz[t, j, a, b] += p * z[k, a] * z[k, b]
                for r in range(m):
                    x = 0.0
                    for c in range(low, high):
                        x += more[r, t, k, c]
                    sums[r, t, j] += p * x


@kernel
def finish(d, place, finest, child, centre, V, logdet, first, m, top, total, s, zs, sz, zz, by_row, sums, values):
    """Divide the sums by the total weight; log integrals; derivatives in Lambda at fixed nodes, from `first` on."""
    tiles, n, K = by_row.shape
    q = V.shape[3]
    for t in range(tiles):
        for j in range(place[d + 1] - place[d] - 1):
            values[t, j] = log(total[t, j]) + top[t, j] + logdet[t, j] - q * HALF_LOG_PI
            w = 1.0 / total[t, j]
            for i in range(child[finest[place[d] + j]], child[finest[place[d] + j + 1]]):
                for l in range(K):
                    by_row[t, i, l] *= w
            for r in range(m):
                sums[r, t, j] *= w
            for a in range(q):
                s[t, j, a] *= w
                zs[t, j, a] *= w
                for b in range(q):
                    sz[t, j, a, b] *= w
                    zz[t, j, a, b] *= w
            for a in range(q):
                for b in range(q):
                    x = s[t, j, a] * centre[t, j, b]
                    for c in range(q):
                        x += SQRT2 * sz[t, j, a, c] * V[t, j, b, c]
                    sums[first + a * q + b, t, j] = x


@kernel
def node_adjoints(d, start, place, lam, centre, V, s, zs, sz, zz, A, B):
    """Derivatives of the log integral in the modes of depth d, into A (tiles, effects), and in S, into B (q, q) each.

    ``S = L L'`` is the curvature at the mode that scales the nodes.
    """
    q = len(lam)
    M = np.empty((q, q))
    P = np.empty((q, q))
    for t in range(len(B)):
        for j in range(place[d + 1] - place[d] - 1):
            own = start[d] + j * q
            for a in range(q):
                x = -centre[t, j, a]
                for b in range(q):
                    x += lam[b, a] * s[t, j, b] - SQRT2 * V[t, j, a, b] * zs[t, j, b]
                A[t, own + a] = x
                for b in range(q):
                    x = -centre[t, j, a] * zs[t, j, b]
                    for c in range(q):
                        x += lam[c, a] * sz[t, j, c, b] - SQRT2 * V[t, j, a, c] * zz[t, j, c, b]
                    M[a, b] = SQRT2 * x
            # reverse rule of the Cholesky factor, L' times its adjoint being -(M'V + I)
            for a in range(q):
                for b in range(a + 1):
                    x = -1.0 if a == b else 0.0
                    for c in range(q):
                        x -= M[c, a] * V[t, j, c, b]
                    P[a, b] = x
                    P[b, a] = x
            for a in range(q):
                for b in range(q):
                    x = 0.0
                    for c in range(q):
                        y = 0.0
                        for e in range(q):
                            y += P[c, e] * V[t, j, b, e]
                        x += V[t, j, a, c] * y
                    B[t, j, a, b] = 0.5 * x


@kernel
def curvature_adjoints(d, q, at, start, place, child, up, zt, Z, d2, d3, d2_phi, E, B, first, r, sums):
    """What follows from the derivative B in the curvatures of depth d.

    Derivatives in the predictors at the mode, r (tiles, n, K), and, added to `sums`, in the ancillary parameters and,
    through z~, in Lambda (from `first[e]` on).
    """
    tiles, n, K = r.shape
    o = q[d]
    a_phi = len(d2_phi)
    rho = np.empty((o, K))
    Brho = np.empty((o, K))
    h = np.empty((K, K))
    c = np.empty((K, o))
    for t in range(tiles):
        for j in range(place[1] - place[0] - 1):
            g = up[d, j]
            for i in range(child[j], child[j + 1]):
                for a in range(o):
                    for k in range(K):
                        x = zt[i, k, at[d] + a]
                        for e in range(d):
                            own = start[e] + up[e, j] * q[e]
                            for b in range(q[e]):
                                x += E[t, own + b, a] * zt[i, k, at[e] + b]
                        rho[a, k] = x
                for a in range(o):
                    for k in range(K):
                        x = 0.0
                        for b in range(o):
                            x += B[t, g, a, b] * rho[b, k]
                        Brho[a, k] = x
                for k in range(K):
                    for l in range(K):
                        x = 0.0
                        for a in range(o):
                            x += rho[a, k] * Brho[a, l]
                        h[k, l] = x
                for k in range(K):
                    x = 0.0
                    for l in range(K):
                        for v in range(K):
                            x -= h[l, v] * d3[t, i, k, l, v]
                    r[t, i, k] = x
                for p in range(a_phi):
                    x = 0.0
                    for k in range(K):
                        for l in range(K):
                            x -= h[k, l] * d2_phi[p, t, i, k, l]
                    sums[p, t, g] += x
                # 2 W (B rho)', on the predictors
                for k in range(K):
                    for a in range(o):
                        x = 0.0
                        for l in range(K):
                            x -= 2.0 * d2[t, i, k, l] * Brho[a, l]
                        c[k, a] = x
                for e in range(d + 1):
                    own = start[e] + up[e, j] * q[e]
                    for b in range(q[e]):
                        for a in range(q[e]):
                            x = 0.0
                            for k in range(K):
                                y = 0.0
                                for v in range(o):
                                    y += c[k, v] * E[t, own + a, v]
                                x += Z[i, k, at[e] + b] * y
                            sums[first[e] + b * q[e] + a, t, g] += x


@kernel
def mode_adjoints(d, q, at, start, place, child, up, zt, Z, d1, d2, d1_phi, mode, lam, first, r, by_row, sums):
    """What follows from the move of the joint mode, added to `by_row` and `sums` together with r.

    `lam` (tiles, effects) is the adjoint of the equations of the mode.
    """
    tiles, n, K = r.shape
    a_phi = len(d1_phi)
    along = np.empty(K)
    for t in range(tiles):
        for j in range(place[1] - place[0] - 1):
            g = up[d, j]
            for i in range(child[j], child[j + 1]):
                for k in range(K):
                    x = 0.0
                    for e in range(d + 1):
                        own = start[e] + up[e, j] * q[e]
                        for a in range(q[e]):
                            x += zt[i, k, at[e] + a] * lam[t, own + a]
                    along[k] = x
                for k in range(K):
                    x = r[t, i, k]
                    for l in range(K):
                        x += d2[t, i, k, l] * along[l]
                    r[t, i, k] = x
                    by_row[t, i, k] += x
                for p in range(a_phi):
                    x = 0.0
                    for k in range(K):
                        x += d1_phi[p, t, i, k] * along[k]
                    sums[p, t, g] += x
                for e in range(d + 1):
                    own = start[e] + up[e, j] * q[e]
                    for b in range(q[e]):
                        x = 0.0
                        y = 0.0
                        for k in range(K):
                            x += Z[i, k, at[e] + b] * r[t, i, k]
                            y += Z[i, k, at[e] + b] * d1[t, i, k]
                        for a in range(q[e]):
                            sums[first[e] + b * q[e] + a, t, g] += x * mode[t, own + a] + y * lam[t, own + a]


@kernel
def normal_draws(d, q, at, start, place, finest, up, fstart, fac, x):
    """Draws with the curvatures of depth d as precisions, in place of standard normal x (draws, effects).

    ``fac`` (size,) is the factor of one tile.
    """
    m = at[d + 1]
    for t in range(len(x)):
        for e in range(d, -1, -1):
            width = m - at[e]
            for j in range(place[e + 1] - place[e] - 1):
                base = fstart[e] + j * q[e] * width
                own = start[e] + j * q[e]
                for a in range(q[e] - 1, -1, -1):
                    s = x[t, own + a]
                    for b in range(a + 1, q[e]):
                        s -= fac[base + b * width + a] * x[t, own + b]
                    x[t, own + a] = s / fac[base + a * width + a]
                leaf = finest[place[e] + j]
                for f in range(e + 1, d + 1):
                    other = start[f] + up[f, leaf] * q[f]
                    for c in range(q[f]):
                        for a in range(q[e]):
                            x[t, own + a] -= fac[base + a * width + at[f] - at[e] + c] * x[t, other + c]


@kernel
def log_pivots(d, q, at, start, place, fstart, finest, up, fac, out):
    """Log determinant of L of each level of depth d, everything inside included: out (levels,); `fac` (size,)."""
    out[:] = 0.0
    for e in range(d + 1):
        width = at[d + 1] - at[e]
        for j in range(place[e + 1] - place[e] - 1):
            g = up[d, finest[place[e] + j]]
            for a in range(q[e]):
                out[g] += log(fac[fstart[e] + j * q[e] * width + a * width + a])
