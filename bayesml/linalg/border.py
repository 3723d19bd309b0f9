"""The dense border: random effects of crossed factors, coefficients and response in one Cholesky factor.

Two implementations of one interface: explicit loops for small borders and for use inside a
sampler's machine code, LAPACK for large ones.
"""

from math import log, sqrt

import numpy as np
from scipy.linalg import blas, lapack, solve_triangular

from bayesml.linalg.elimination import inner, kernel

LOOPS_UP_TO = 96  # rows of the border above which LAPACK is faster than loops
SMALLEST_INVERTIBLE = 1e-4  # of Lambda² x cross-product: below, I - H^-1 loses digits and the products are formed


@inner
def scales(size, lam, lam_start, q, chain_factors, border_start):
    """Lambda of the factors with one column as a diagonal, 1 elsewhere."""
    scale = np.ones(size)
    for f in range(len(border_start) - 1):
        if q[chain_factors + f] == 1:
            scale[border_start[f] : border_start[f + 1]] = lam[lam_start[chain_factors + f]]
    return scale


@kernel
def scale_border(S, H, lam, lam_start, q, chain_factors, border_start):
    """H = Lambda'S Lambda + I on the random effects, Lambda'S against X and y; lower triangles."""
    size = len(S)
    factors = len(border_start) - 1
    scale = scales(size, lam, lam_start, q, chain_factors, border_start)
    for i in range(size):
        for j in range(i + 1):
            H[i, j] = S[i, j] * scale[i] * scale[j]
    for f in range(factors):
        n = q[chain_factors + f]
        at = lam_start[chain_factors + f]
        row = np.empty(n)
        for start in range(border_start[f], border_start[f + 1], n):
            if n > 1:
                for a in range(n):  # the block's upper triangle is needed while it is multiplied
                    for b in range(a):
                        H[start + b, start + a] = H[start + a, start + b]
                for j in range(start + n):
                    for a in range(n):
                        row[a] = H[start + a, j]
                    for a in range(n):
                        t = 0.0
                        for k in range(n):
                            t += lam[at + k * n + a] * row[k]
                        H[start + a, j] = t
                for i in range(start, size):
                    for a in range(n):
                        row[a] = H[i, start + a]
                    for a in range(n):
                        t = 0.0
                        for k in range(n):
                            t += row[k] * lam[at + k * n + a]
                        H[i, start + a] = t
            for a in range(n):
                H[start + a, start + a] += 1.0


@inner
def cholesky_lower(H):
    """Cholesky factor in the lower triangle, in place; NaN where H is not positive definite."""
    n = len(H)
    for i in range(n):
        for j in range(i + 1):
            t = H[i, j]
            for k in range(j):
                t -= H[i, k] * H[j, k]
            if i == j:
                H[i, i] = sqrt(t) if t > 0.0 else np.nan
            else:
                H[i, j] = t / H[j, j]


@inner
def invert_factor(L, size, C):
    """C = (LL')^-1 of the leading `size` rows, full."""
    R = np.zeros((size, size))
    for c in range(size):
        R[c, c] = 1.0 / L[c, c]
        for a in range(c + 1, size):
            t = 0.0
            for k in range(c, a):
                t -= L[a, k] * R[k, c]
            R[a, c] = t / L[a, a]
    for a in range(size):
        for b in range(a + 1):
            t = 0.0
            for k in range(a, size):
                t += R[k, a] * R[k, b]
            C[a, b] = t
            C[b, a] = t


@kernel
def unscale(C, limit, lam, lam_start, q, chain_factors, border_start):
    """Lambda C Lambda' on the random effects, in place; full matrix."""
    scale = scales(limit, lam, lam_start, q, chain_factors, border_start)
    for i in range(limit):
        for j in range(limit):
            C[i, j] *= scale[i] * scale[j]
    for f in range(len(border_start) - 1):
        n = q[chain_factors + f]
        if n == 1:
            continue
        at = lam_start[chain_factors + f]
        row = np.empty(n)
        for start in range(border_start[f], border_start[f + 1], n):
            for j in range(limit):
                for a in range(n):
                    row[a] = C[start + a, j]
                for a in range(n):
                    t = 0.0
                    for k in range(n):
                        t += lam[at + a * n + k] * row[k]
                    C[start + a, j] = t
        for i in range(limit):
            for start in range(border_start[f], border_start[f + 1], n):
                for a in range(n):
                    row[a] = C[i, start + a]
                for a in range(n):
                    t = 0.0
                    for k in range(n):
                        t += row[k] * lam[at + a * n + k]
                    C[i, start + a] = t


@inner
def inverse_root(lam, at, n, out):
    """Lambda^-1 of one factor by Gauss-Jordan elimination; returns its squared norm, infinite if there is none."""
    work = np.empty((n, n))
    for a in range(n):
        for b in range(n):
            work[a, b] = lam[at + a * n + b]
            out[a, b] = 1.0 if a == b else 0.0
    for c in range(n):
        best = c
        for a in range(c + 1, n):
            if abs(work[a, c]) > abs(work[best, c]):
                best = a
        if work[best, c] == 0.0:
            return np.inf
        for b in range(n):
            work[c, b], work[best, b] = work[best, b], work[c, b]
            out[c, b], out[best, b] = out[best, b], out[c, b]
        pivot = work[c, c]
        for b in range(n):
            work[c, b] /= pivot
            out[c, b] /= pivot
        for a in range(n):
            t = work[a, c]
            if a != c and t != 0.0:
                for b in range(n):
                    work[a, b] -= t * work[c, b]
                    out[a, b] -= t * out[c, b]
    norm = 0.0
    for a in range(n):
        for b in range(n):
            norm += out[a, b] ** 2
    return norm


@kernel
def derivatives_from_inverse(S, V, standardised, lam, lam_start, q, chain_factors, border_start, D, E):
    """Derivatives of the factors whose Lambda is well invertible; returns which of them are.

    The sum of ``Z'PZ`` is ``Lambda^-T (I - V_jj) Lambda^-1`` with V = H^-1, that of ``a a'`` is
    ``Lambda^-T u u' Lambda^-1``: nothing cancels, however much larger the effects are than the residuals.

    Parameters
    ----------
    V : ndarray
        H^-1, lower triangle.
    standardised : ndarray (M,)
        Effects u, b = Lambda u.
    """
    factors = len(border_start) - 1
    done = np.zeros(factors, np.bool_)
    for f in range(factors):
        n, at = q[chain_factors + f], lam_start[chain_factors + f]
        start, stop = border_start[f], border_start[f + 1]
        inverse = np.empty((n, n))
        norm = inverse_root(lam, at, n, inverse)
        scale = 0.0
        for i in range(start, stop):
            scale += S[i, i] / (stop - start)
        if not scale > SMALLEST_INVERTIBLE * norm:
            continue
        done[f] = True
        T, U = np.zeros((n, n)), np.zeros((n, n))
        for j in range(start, stop, n):
            for a in range(n):
                for b in range(a + 1):
                    T[a, b] += (1.0 if a == b else 0.0) - V[j + a, j + b]
                    U[a, b] += standardised[j + a] * standardised[j + b]
        for a in range(n):
            for b in range(a):
                T[b, a] = T[a, b]
                U[b, a] = U[a, b]
        for a in range(n):
            for b in range(n):
                t, u = 0.0, 0.0
                for i in range(n):
                    for j in range(n):
                        w = inverse[i, a] * inverse[j, b]
                        t += w * T[i, j]
                        u += w * U[i, j]
                D[at + a * n + b] += t
                E[at + a * n + b] += u
    return done


@inner
def border_derivatives(S, C, limit, solution, lam_start, q, chain_factors, border_start, done, D, E):
    """Add the sums over levels of ``Z'PZ = S - S C S`` and ``a a'`` to D and E, for the factors that are not done."""
    factors = len(border_start) - 1
    size = len(S)
    for f in range(factors):
        if done[f]:
            continue
        n = q[chain_factors + f]
        at = lam_start[chain_factors + f]
        a0 = np.empty(n)
        SC = np.empty((n, limit))
        for start in range(border_start[f], border_start[f + 1], n):
            for a in range(n):
                i = start + a
                t = 0.0
                for j in range(size):
                    t -= (S[i, j] if j <= i else S[j, i]) * solution[j]
                a0[a] = t
                for c in range(limit):
                    s = 0.0
                    for k in range(limit):
                        s += (S[i, k] if k <= i else S[k, i]) * C[k, c]
                    SC[a, c] = s
            for a in range(n):
                for b in range(n):
                    i = start + a
                    j = start + b
                    t = S[i, j] if j <= i else S[j, i]
                    for k in range(limit):
                        t -= SC[a, k] * (S[j, k] if k <= j else S[k, j])
                    D[at + a * n + b] += t
                    E[at + a * n + b] += a0[a] * a0[b]


@kernel
def border_by_loops(S, lam, lam_start, q, chain_factors, border_start, integrated, H, C, solution, D, E):
    """Factor and solve the border. Returns log determinants of random effects and of X, and r².

    Parameters
    ----------
    S : ndarray (M, M)
        Schur complement, lower triangle; order random effects (m), X (p), y.
    integrated : int
        Number of leading border columns whose effects are integrated out: m for ML, m + p for REML.
    H : ndarray (M, M)
        Out: Cholesky factor, lower triangle.
    C : ndarray (integrated, integrated)
        Out: relative covariance of the integrated effects, full.
    solution : ndarray (M,)
        Out: random effects b and coefficients, -1 in the last place.
    """
    size = len(S)
    m = border_start[len(border_start) - 1]
    scale_border(S, H, lam, lam_start, q, chain_factors, border_start)
    cholesky_lower(H)
    logdet_u = 0.0
    for i in range(m):
        logdet_u += 2.0 * log(H[i, i])
    logdet_x = solve_factored(H, m, solution)
    invert_factor(H, integrated, C)
    done = derivatives_from_inverse(S, C, solution, lam, lam_start, q, chain_factors, border_start, D, E)
    effects_from_standardised(solution, lam, lam_start, q, chain_factors, border_start)
    unscale(C, integrated, lam, lam_start, q, chain_factors, border_start)
    border_derivatives(S, C, integrated, solution, lam_start, q, chain_factors, border_start, done, D, E)
    return logdet_u, logdet_x, H[size - 1, size - 1] ** 2


@kernel
def border_of_coefficients(S, lam, lam_start, q, chain_factors, border_start, integrated, H, C, solution, D, E):
    """As `border_by_loops` where no random effects are left: little code, quickly compiled."""
    size = len(S)
    for i in range(size):
        for j in range(i + 1):
            H[i, j] = S[i, j]
    cholesky_lower(H)
    logdet_x = solve_factored(H, 0, solution)
    invert_factor(H, integrated, C)
    return 0.0, logdet_x, H[size - 1, size - 1] ** 2


@inner
def solve_factored(H, m, solution):
    """Solution of the normal equations with y as their last row, -1 in its place; log determinant of rows from m on."""
    size = len(H)
    logdet = 0.0
    for i in range(m, size - 1):
        logdet += 2.0 * log(H[i, i])
    solution[size - 1] = -1.0
    for i in range(size - 2, -1, -1):
        t = H[size - 1, i]
        for k in range(i + 1, size - 1):
            t -= H[k, i] * solution[k]
        solution[i] = t / H[i, i]
    return logdet


@kernel
def effects_from_standardised(solution, lam, lam_start, q, chain_factors, border_start):
    """b = Lambda u on the random effects of the border, in place."""
    for f in range(len(border_start) - 1):
        n = q[chain_factors + f]
        at = lam_start[chain_factors + f]
        row = np.empty(n)
        for start in range(border_start[f], border_start[f + 1], n):
            for a in range(n):
                row[a] = solution[start + a]
            for a in range(n):
                t = 0.0
                for k in range(n):
                    t += lam[at + a * n + k] * row[k]
                solution[start + a] = t


@kernel
def fill_upper(C, size):
    """Copy the lower triangle of the leading `size` rows to the upper one."""
    for i in range(size):
        for j in range(i):
            C[j, i] = C[i, j]


def border_by_lapack(S, lam, lam_start, q, chain_factors, border_start, integrated, H, C, solution, D, E):
    """As `border_by_loops`, for large borders; used outside machine code."""
    m = int(border_start[-1])
    scale_border(S, H, lam, lam_start, q, chain_factors, border_start)
    L, info = lapack.dpotrf(H.T, lower=0, overwrite_a=1, clean=0)  # row-major lower is column-major upper
    if info:
        return np.nan, np.nan, np.nan
    pivots = np.log(np.diag(L))
    solution[:-1] = blas.dtrsv(L[:-1, :-1], L[:-1, -1])
    solution[-1] = -1.0
    if integrated:
        C[:] = L[:integrated, :integrated].T
        lapack.dpotri(C.T, lower=0, overwrite_c=1)  # in place: C is row-major
    done = derivatives_from_inverse(S, C, solution, lam, lam_start, q, chain_factors, border_start, D, E)
    effects_from_standardised(solution, lam, lam_start, q, chain_factors, border_start)
    for f in np.flatnonzero(~done):
        n, at = int(q[chain_factors + f]), int(lam_start[chain_factors + f])
        start, stop = int(border_start[f]), int(border_start[f + 1])
        SX = symmetric_columns(S, start, stop)
        rows = SX[:integrated].copy()
        multiply_transposed(rows, lam, lam_start, q, chain_factors, border_start)
        half = solve_triangular(L[:integrated, :integrated], rows, trans=1, lower=False, check_finite=False)
        blocks = half.T.reshape(-1, n, integrated)
        own = SX[start:stop].reshape(-1, n, (stop - start) // n, n)
        levels = np.arange((stop - start) // n)
        D[at : at + n * n] += (own[levels, :, levels, :].sum(0) - np.einsum("jar,jbr->ab", blocks, blocks)).ravel()
        a = -(SX.T @ solution).reshape(-1, n)
        E[at : at + n * n] += (a.T @ a).ravel()
    fill_upper(C, integrated)
    unscale(C, integrated, lam, lam_start, q, chain_factors, border_start)
    return 2.0 * pivots[:m].sum(), 2.0 * pivots[m:-1].sum(), L[-1, -1] ** 2


def symmetric_product(S, x):
    """The symmetric matrix whose lower triangle S holds, times x."""
    return blas.dsymv(1.0, S.T, x, lower=0)


def symmetric_columns(S, start, stop):
    """Columns start:stop of the symmetric matrix whose lower triangle S holds, shape (M, stop - start)."""
    out = np.empty((len(S), stop - start))
    out[:start] = S[start:stop, :start].T
    block = np.tril(S[start:stop, start:stop])
    out[start:stop] = block + np.tril(block, -1).T
    out[stop:] = S[stop:, start:stop]
    return out


def multiply_transposed(rows, lam, lam_start, q, chain_factors, border_start):
    """Lambda' on the rows that belong to random effects, in place."""
    for f in range(len(border_start) - 1):
        n, at = int(q[chain_factors + f]), int(lam_start[chain_factors + f])
        part = rows[border_start[f] : border_start[f + 1]]
        part[:] = np.einsum(
            "ka,jkc->jac", lam[at : at + n * n].reshape(n, n), part.reshape(-1, n, rows.shape[1])
        ).reshape(part.shape)


def border_for(effects, size):
    """The implementation for a border with this many random effects, and rows in all."""
    if size > LOOPS_UP_TO:
        return border_by_lapack
    return border_by_loops if effects else border_of_coefficients
