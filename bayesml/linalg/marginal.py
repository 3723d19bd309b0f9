"""Marginal density at given parameters, and exact draws of what was integrated out.

Used by the sampler: parameters are on the natural scale, coefficients are given, or integrated
out under a normal or flat prior. Everything is explicit loops, callable from machine code.
The coefficients of a system are ordered: those integrated out first (`GaussianSystem.of(design, given)`).
"""

from math import exp, log, pi, sqrt

import numpy as np
from numba import types

from bayesml.linalg.border import border_by_loops, border_of_coefficients, effects_from_standardised
from bayesml.linalg.by_address import address_of, caller
from bayesml.linalg.elimination import eliminate, inner, kernel, sweep_back

VECTOR, MATRIX, INTEGERS, INTEGER = types.float64[::1], types.float64[:, ::1], types.int64[::1], types.int64
ELIMINATE = (VECTOR, *8 * (INTEGERS,), VECTOR, VECTOR, INTEGERS, MATRIX)
BORDER = (MATRIX, VECTOR, INTEGERS, INTEGERS, INTEGER, INTEGERS, INTEGER, MATRIX, MATRIX, VECTOR, VECTOR, VECTOR)
SWEEP_BACK = (*8 * (INTEGERS,), VECTOR, VECTOR, INTEGERS, MATRIX, INTEGER, *5 * (VECTOR,))
ARRAYS = (
    INTEGERS, types.int64[:, ::1], *10 * (INTEGERS,), VECTOR, MATRIX, VECTOR, MATRIX, MATRIX, VECTOR, VECTOR, INTEGERS,
)  # fmt: skip
"""Types of `GaussianSystem.arrays()`."""
PARAMETERS = (VECTOR, types.float64, VECTOR, INTEGERS, VECTOR, VECTOR)
"""Types of lam, sigma, beta, given, prior mean and precision."""
WHOLE = (*PARAMETERS, *ARRAYS)
LOGDETS = types.UniTuple(types.float64, 2)
SOLVED = types.Tuple((
    VECTOR, VECTOR, MATRIX, VECTOR, VECTOR, VECTOR, VECTOR, MATRIX, MATRIX, VECTOR, VECTOR, VECTOR,
    LOGDETS, types.float64, INTEGER, types.float64,
))  # fmt: skip
PARTS = types.Tuple((types.float64, VECTOR, VECTOR, types.float64, VECTOR))
DRAWS = (MATRIX, VECTOR, MATRIX, INTEGERS, VECTOR, VECTOR, *4 * (MATRIX,), *ARRAYS)
"""Types of what `draw_effects` takes."""

call_eliminate = caller(eliminate, ELIMINATE, types.float64)
call_border = caller(border_by_loops, BORDER, types.UniTuple(types.float64, 3))  # or the other of the same type
call_sweep_back = caller(sweep_back, SWEEP_BACK, types.none)


@kernel
def assemble(lam_terms, term_table, q, lam_start):
    """Square roots by factor (block diagonal in its terms) from those by term."""
    lam = np.zeros(lam_start[len(lam_start) - 1])
    for k in range(len(term_table)):
        f, at, width, start = term_table[k, 0], term_table[k, 1], term_table[k, 2], term_table[k, 3]
        for a in range(width):
            for b in range(width):
                lam[lam_start[f] + (at + a) * q[f] + at + b] = lam_terms[start + a * width + b]
    return lam


@inner
def relative_roots(lam, sigma, term_inverse, term_table):
    """``T^-1 Lambda / sigma`` of each term, flat: from the user's columns to the accumulated ones."""
    out = np.empty(len(lam))
    for k in range(len(term_table)):
        n, start = term_table[k, 2], term_table[k, 3]
        for a in range(n):
            for b in range(n):
                t = 0.0
                for i in range(n):
                    t += term_inverse[start + a * n + i] * lam[start + i * n + b]
                out[start + a * n + b] = t / sigma
    return out


@inner
def condition(S, m, p, first_given, beta_hat, s2, prior_precision, prior_gap, B):
    """Border with given coefficients moved into the response and prior rows added.

    Parameters
    ----------
    first_given : int
        Number of coefficients that are integrated out; the rest are given in `beta_hat`.
    s2 : float
        sigma² on the accumulated scale.
    prior_precision, prior_gap : ndarray (p,)
        Of the integrated coefficients; the gap is constant part minus prior mean.
    """
    size = m + first_given + 1
    out = np.empty((size, size))
    y = m + p
    for i in range(size - 1):
        for j in range(i + 1):
            out[i, j] = S[i, j]
    for j in range(size - 1):
        t = S[y, j]
        for g in range(m + first_given, m + p):
            t -= beta_hat[g - m] * S[g, j]
        out[size - 1, j] = t
    t = S[y, y]
    for g in range(m + first_given, m + p):
        t -= 2.0 * beta_hat[g - m] * S[y, g]
        for h in range(m + first_given, m + p):
            t += beta_hat[g - m] * beta_hat[h - m] * (S[g, h] if h <= g else S[h, g])
    out[size - 1, size - 1] = t
    for c in range(first_given):
        w = prior_precision[c] * s2
        if w > 0.0:
            for a in range(first_given):
                for b in range(a + 1):
                    out[m + a, m + b] += w * B[c, a] * B[c, b]
                out[size - 1, m + a] -= w * B[c, a] * prior_gap[c]
            out[size - 1, size - 1] += w * prior_gap[c] ** 2
    return out


@kernel
def solve_at(
    lam, sigma, beta, given, prior_mean, prior_precision,
    order, term_table, q, lam_start, chain_start, parent, ptr, idx, up, off, k_start, border_start,
    rows, S, term_inverse, B, B_inverse, constant, scalars, kernels,
):  # fmt: skip
    """Eliminate, condition and solve; returns everything that value, gradient and draws need."""
    p = len(order)
    y_scale = scalars[1]
    m = border_start[len(border_start) - 1]
    depths = len(chain_start) - 1
    first_given = p - p  # not the literal 0, for which callees would be compiled as well
    for j in range(p):
        if given[order[j]] <= 0:
            first_given += 1
    s2 = (sigma / y_scale) ** 2
    relative = assemble(relative_roots(lam, sigma, term_inverse, term_table), term_table, q, lam_start)
    work, border = rows.copy(), S.copy()
    K = np.empty(k_start[len(k_start) - 1])
    logdet = call_eliminate(
        kernels[0], (relative, lam_start, q, chain_start, parent, ptr, idx, up, off, work, K, k_start, border)
    )
    beta_hat = np.zeros(p)
    gap, precision = np.zeros(p), np.zeros(p)
    for i in range(first_given, p):
        for j in range(first_given, p):
            beta_hat[i] += B_inverse[i, j] * (beta[order[j]] - constant[j])
    for i in range(first_given):
        precision[i] = prior_precision[order[i]]
        if given[order[i]] < 0:
            precision[i] *= exp(-2.0 * beta[order[i]])
        gap[i] = constant[i] - prior_mean[order[i]]
        for j in range(first_given, p):
            gap[i] += B[i, j] * beta_hat[j]
    small = condition(border, m, p, first_given, beta_hat, s2, precision, gap, B)
    size = m + first_given + 1
    H, C, part = np.zeros((size, size)), np.zeros((size, size)), np.empty(size)
    D, E = np.zeros(len(relative)), np.zeros(len(relative))
    logdet_u, logdet_x, r2 = call_border(
        kernels[1], (small, relative, lam_start, q, depths, border_start, m + first_given, H, C, part, D, E)
    )
    for i in range(first_given):
        beta_hat[i] = part[m + i]
    logdets = logdet + logdet_u, logdet_x
    return relative, work, border, K, beta_hat, gap, precision, H, C, part, D, E, logdets, r2, first_given, s2


call_solve = caller(solve_at, WHOLE, SOLVED)


@kernel
def density_parts(
    lam, sigma, beta, given, prior_mean, prior_precision,
    order, term_table, q, lam_start, chain_start, parent, ptr, idx, up, off, k_start, border_start,
    rows, S, term_inverse, B, B_inverse, constant, scalars, kernels,
):  # fmt: skip
    """As `marginal_density`, but with the derivative in G, which tells what the one in Lambda cannot on the boundary.

    Returns
    -------
    value : float
    slopes : ndarray, as `lam`
        dl/dG of each term, G relative to sigma² on the accumulated columns.
    relative : ndarray
        Square roots by factor on the accumulated columns, relative to sigma.
    slope : float
        Derivative in log sigma at fixed `relative`.
    grad_beta : ndarray (p,)
    """
    relative, work, border, K, beta_hat, gap, precision, H, C, part, D, E, logdets, r2, first_given, s2 = call_solve(
        kernels[3], (
            lam, sigma, beta, given, prior_mean, prior_precision,
            order, term_table, q, lam_start, chain_start, parent, ptr, idx, up, off, k_start, border_start,
            rows, S, term_inverse, B, B_inverse, constant, scalars, kernels,
        ),
    )  # fmt: skip
    n, half_log_weights = scalars[0], scalars[2]
    p = len(order)
    m = border_start[len(border_start) - 1]
    solution = np.empty(m + p + 1)
    for i in range(m):
        solution[i] = part[i]
    for i in range(p):
        solution[m + i] = beta_hat[i]
    solution[m + p] = -1.0
    modes = np.empty(chain_size(chain_start, q))
    call_sweep_back(kernels[2], (
        lam_start, q, chain_start, parent, ptr, idx, up, off, work, K, k_start,
        C, m + first_given, solution, D, E, modes, np.empty(0),
    ))  # fmt: skip
    value = half_log_weights - 0.5 * (logdets[0] + logdets[1] + r2 / s2)
    value -= 0.5 * (n * log(2.0 * pi * sigma**2) - first_given * log(2.0 * pi * s2))
    slope = r2 / s2 - n + first_given  # derivative in log sigma at fixed relative square roots
    grad_beta = np.zeros(p)
    for c in range(first_given):
        value += log(abs(B[c, c]))
        if precision[c] > 0.0:
            value += 0.5 * log(precision[c] / (2.0 * pi))
            t, v = gap[c], 0.0
            for a in range(first_given):
                t += B[c, a] * beta_hat[a]
                for b in range(first_given):
                    v += B[c, a] * C[m + a, m + b] * B[c, b]
            slope -= precision[c] * (t * t + s2 * v)
            if given[order[c]] < 0:
                grad_beta[order[c]] = precision[c] * (t * t + s2 * v) - 1.0
    slopes = np.empty(len(lam))
    for k in range(len(term_table)):
        f, at, width, start = term_table[k, 0], term_table[k, 1], term_table[k, 2], term_table[k, 3]
        for a in range(width):
            for b in range(width):
                place = lam_start[f] + (at + a) * q[f] + at + b
                slopes[start + a * width + b] = 0.5 * (E[place] / s2 - D[place])
    if first_given < p:
        grad_hat = np.zeros(p)
        for g in range(first_given, p):
            t = 0.0
            for j in range(m + p + 1):
                t -= (border[m + g, j] if j <= m + g else border[j, m + g]) * solution[j]
            t /= s2
            for c in range(first_given):
                if precision[c] > 0.0:
                    s = gap[c]
                    for a in range(first_given):
                        s += B[c, a] * beta_hat[a]
                    t -= precision[c] * s * B[c, g]
            grad_hat[g] = t
        for j in range(first_given, p):
            t = 0.0
            for i in range(first_given, p):
                t += B_inverse[i, j] * grad_hat[i]
            grad_beta[order[j]] = t
    return value, slopes, relative, slope, grad_beta


call_parts = caller(density_parts, WHOLE, PARTS)


@kernel
def marginal_density(
    lam, sigma, beta, given, prior_mean, prior_precision,
    order, term_table, q, lam_start, chain_start, parent, ptr, idx, up, off, k_start, border_start,
    rows, S, term_inverse, B, B_inverse, constant, scalars, kernels,
):  # fmt: skip
    """Log marginal density of y and its gradient.

    Random effects are integrated out, and so are the coefficients that are not given, under
    ``N(prior_mean, 1 / prior_precision)``; precision 0 is Lebesgue measure. The priors' own
    constants are included.

    Parameters
    ----------
    lam : ndarray
        Square roots Lambda_k of the covariance of each term, natural scale, row-major, concatenated.
    sigma : float
    beta : ndarray (p,)
        Values of the given coefficients; the log of the factor that the prior sd of others is multiplied with, where
        `given` says so.
    given : ndarray of int64 (p,)
        1: given; 0: integrated out, `beta` is not read; -1: integrated out, `beta` is a log factor.
    prior_mean, prior_precision : ndarray (p,)

    Returns
    -------
    value : float
    grad_lam : ndarray, as `lam`
    grad_sigma : float
    grad_beta : ndarray (p,)
        Zero for coefficients that are integrated out; in the log factor, where `beta` is one.
    """
    value, slopes, relative, slope, grad_beta = call_parts(kernels[4], (
        lam, sigma, beta, given, prior_mean, prior_precision,
        order, term_table, q, lam_start, chain_start, parent, ptr, idx, up, off, k_start, border_start,
        rows, S, term_inverse, B, B_inverse, constant, scalars, kernels,
    ))  # fmt: skip
    grad_lam = np.empty(len(lam))
    for k in range(len(term_table)):
        f, at, width, start = term_table[k, 0], term_table[k, 1], term_table[k, 2], term_table[k, 3]
        inner = np.empty((width, width))
        for a in range(width):
            for b in range(width):
                t = 0.0
                for i in range(width):
                    t += 2.0 * slopes[start + a * width + i] * relative[lam_start[f] + (at + i) * q[f] + at + b]
                inner[a, b] = t
                slope -= t * relative[lam_start[f] + (at + a) * q[f] + at + b]
        for a in range(width):
            for b in range(width):
                t = 0.0
                for i in range(width):
                    t += term_inverse[start + i * width + a] * inner[i, b]
                grad_lam[start + a * width + b] = t / sigma
    return value, grad_lam, slope / sigma, grad_beta


@kernel
def chain_size(chain_start, q):
    """Number of random effects of the chain."""
    total = 0
    for d in range(len(chain_start) - 1):
        total += (chain_start[d + 1] - chain_start[d]) * q[d]
    return total


@inner
def semidefinite_root(K, at, n, R):
    """Lower triangular R with RR' = K, an n x n block that may be singular."""
    for i in range(n):
        for j in range(i + 1):
            t = K[at + i * n + j]
            for k in range(j):
                t -= R[i, k] * R[j, k]
            if i == j:
                R[i, i] = sqrt(t) if t > 1e-14 * K[at + i * n + i] else 0.0
            else:
                R[i, j] = t / R[j, j] if R[j, j] > 0.0 else 0.0


@kernel
def draw_effects(
    lams, sigmas, betas, given, prior_mean, prior_precision, normal, chain_out, border_out, beta_out,
    order, term_table, q, lam_start, chain_start, parent, ptr, idx, up, off, k_start, border_start,
    rows, S, term_inverse, B, B_inverse, constant, scalars, kernels,
):  # fmt: skip
    """Random effects and integrated coefficients from their exact conditional distribution, a draw a row.

    Parameters
    ----------
    lams, sigmas, betas : ndarray (draws, ...)
        As for `marginal_density`, one row a draw.
    normal : ndarray (draws, chain effects + m + p)
        Standard normal numbers; zeros give the conditional means.
    chain_out, border_out, beta_out : ndarray (draws, ...)
        Out: effects of the chain and of the border on the accumulated columns; coefficients of the user's columns.
    """
    p = len(order)
    m = border_start[len(border_start) - 1]
    depths = len(chain_start) - 1
    q_max = 1
    for d in range(depths):
        q_max = max(q_max, q[d])
    R, t0 = np.zeros((q_max, q_max)), np.empty(q_max)
    anc = np.zeros(depths + 1, np.int64)
    for d in range(depths - 1, -1, -1):
        anc[d] = anc[d + 1] + q[d]
    effects = chain_size(chain_start, q)
    for s in range(len(sigmas)):
        relative, work, border, K, beta_hat, gap, precision, H, C, part, D, E, logdets, r2, first_given, s2 = (
            call_solve(kernels[3], (
                lams[s], sigmas[s], betas[s], given, prior_mean, prior_precision,
                order, term_table, q, lam_start, chain_start, parent, ptr, idx, up, off, k_start, border_start,
                rows, S, term_inverse, B, B_inverse, constant, scalars, kernels,
            ))
        )  # fmt: skip
        scale = sqrt(s2)
        free = m + first_given
        noise = np.empty(free + 1)
        for i in range(free - 1, -1, -1):
            t = normal[s, effects + i]
            for k in range(i + 1, free):
                t -= H[k, i] * noise[k]
            noise[i] = t / H[i, i]
        effects_from_standardised(noise, relative, lam_start, q, depths, border_start)
        solution = np.empty(m + p + 1)
        for i in range(m):
            solution[i] = part[i] + scale * noise[i]
            border_out[s, i] = solution[i]
        for i in range(p):
            solution[m + i] = beta_hat[i] + (scale * noise[m + i] if i < first_given else 0.0)
        solution[m + p] = -1.0
        for i in range(p):
            t = constant[i]
            for j in range(p):
                t += B[i, j] * solution[m + j]
            beta_out[s, order[i]] = betas[s, order[i]] if i >= first_given else t
        last = effects
        start_of = np.empty(depths, np.int64)
        for d in range(depths - 1, -1, -1):
            last -= (chain_start[d + 1] - chain_start[d]) * q[d]
            start_of[d] = last
        for d in range(depths - 1, -1, -1):
            n = q[d]
            for i in range(chain_start[d], chain_start[d + 1]):
                nb = ptr[i + 1] - ptr[i]
                width = anc[d] + nb
                for a in range(n):
                    base = off[i] + a * width
                    t = 0.0
                    for j in range(nb):
                        t -= work[base + anc[d] + j] * solution[idx[ptr[i] + j]]
                    node = i
                    for e in range(d + 1, depths):
                        node = parent[node]
                        mine = n + anc[d + 1] - anc[e]
                        where = start_of[e] + (node - chain_start[e]) * q[e]
                        for c in range(q[e]):
                            t -= work[base + mine + c] * chain_out[s, where + c]
                    t0[a] = t
                semidefinite_root(K, k_start[i], n, R)
                here = start_of[d] + (i - chain_start[d]) * n
                for a in range(n):
                    t = 0.0
                    for k in range(n):
                        t += K[k_start[i] + a * n + k] * t0[k]
                    for k in range(a + 1):
                        t += scale * R[a, k] * normal[s, here + k]
                    chain_out[s, here + a] = t


def kernel_addresses(effects: int) -> np.ndarray:
    """Addresses of the large kernels that those of this module call: the last of the arrays that they take.

    `effects` is the number of random effects in the border.
    """
    border = border_by_loops if effects else border_of_coefficients
    parts = (
        (eliminate, ELIMINATE, types.float64), (border, BORDER, types.UniTuple(types.float64, 3)),
        (sweep_back, SWEEP_BACK, types.none), (solve_at, WHOLE, SOLVED), (density_parts, WHOLE, PARTS),
    )  # fmt: skip
    return np.array([address_of(*part) for part in parts], np.int64)
