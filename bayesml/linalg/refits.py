"""Many responses to one design: cross-products of all of them in one pass, and an ascent in machine code."""

from dataclasses import dataclass, replace
from math import log, pi, sqrt
from typing import Any

import numpy as np

from bayesml.linalg.border import border_by_loops
from bayesml.linalg.elimination import eliminate, inner, kernel, sweep_back
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.linalg.marginal import assemble, chain_size
from bayesml.linalg.rows import scaled_blocks, term_columns


@kernel
def accumulate_responses(block, codes, q, chain_start, parent, border_start, Y, rows_out, border_out):
    """Add the cross-products of a batch of rows with many responses.

    Parameters
    ----------
    block : ndarray (batch, K)
        Columns of Z of every factor in the layout's order, then X; multiplied by the root of the weight.
    codes : ndarray of int64 (batch, F)
    Y : ndarray (batch, R)
    rows_out : ndarray (chain effects, R)
    border_out : ndarray (m + p, R)
    """
    depths = len(chain_start) - 1
    factors = len(border_start) - 1
    m = border_start[factors]
    count = Y.shape[1]
    start_of = np.zeros(depths + 1, np.int64)
    for d in range(depths):
        start_of[d + 1] = start_of[d] + (chain_start[d + 1] - chain_start[d]) * q[d]
    for i in range(len(block)):
        column = 0
        node = codes[i, 0] if depths else 0
        for d in range(depths):
            here = start_of[d] + (node - chain_start[d]) * q[d]
            for a in range(q[d]):
                v = block[i, column]
                for r in range(count):
                    rows_out[here + a, r] += v * Y[i, r]
                column += 1
            node = parent[node]
        for f in range(factors):
            here = border_start[f] + codes[i, depths + f] * q[depths + f]
            for a in range(q[depths + f]):
                v = block[i, column]
                for r in range(count):
                    border_out[here + a, r] += v * Y[i, r]
                column += 1
        for j in range(block.shape[1] - column):
            v = block[i, column + j]
            for r in range(count):
                border_out[m + j, r] += v * Y[i, r]


@kernel
def put_response(values, border, y2, q, chain_start, ptr, off, rows, S):
    """Write the cross-products of one response into the last column of the block rows and the last row of S."""
    depths = len(chain_start) - 1
    anc = 0
    for d in range(depths):
        anc += q[d]
    here = 0
    for d in range(depths):
        for i in range(chain_start[d], chain_start[d + 1]):
            width = anc + ptr[i + 1] - ptr[i]
            for a in range(q[d]):
                rows[off[i] + a * width + width - 1] = values[here]
                here += 1
        anc -= q[d]
    last = len(S) - 1
    for j in range(last):
        S[last, j] = border[j]
    S[last, last] = y2


@inner
def profile(
    lam_terms, integrated, nu, known,
    term_table, q, lam_start, chain_start, parent, ptr, idx, up, off, k_start, border_start, rows, S, slopes,
):  # fmt: skip
    """Profiled log likelihood without its constants, and dl/dG of each term into `slopes` (as `lam_terms`)."""
    depths = len(chain_start) - 1
    m = border_start[len(border_start) - 1]
    size = len(S)
    lam = assemble(lam_terms, term_table, q, lam_start)
    work, border = rows.copy(), S.copy()
    K = np.empty(k_start[len(k_start) - 1])
    H, C, solution = np.zeros((size, size)), np.zeros((size, size)), np.empty(size)
    D, E = np.zeros(len(lam)), np.zeros(len(lam))
    limit = size - 1 if integrated else m
    logdet = eliminate(lam, lam_start, q, chain_start, parent, ptr, idx, up, off, work, K, k_start, border)
    logdet_u, logdet_x, r2 = border_by_loops(
        border, lam, lam_start, q, depths, border_start, limit, H, C, solution, D, E
    )
    sweep_back(
        lam_start, q, chain_start, parent, ptr, idx, up, off, work, K, k_start, C, limit, solution, D, E,
        np.empty(chain_size(chain_start, q)), np.empty(0),
    )  # fmt: skip
    s2 = known if known > 0.0 else r2 / nu
    logdet += logdet_u
    if integrated:
        logdet += logdet_x
    for k in range(len(term_table)):
        f, at, width, start = term_table[k, 0], term_table[k, 1], term_table[k, 2], term_table[k, 3]
        for a in range(width):
            for b in range(width):
                place = lam_start[f] + (at + a) * q[f] + at + b
                slopes[start + a * width + b] = 0.5 * (E[place] / s2 - D[place])
    return -0.5 * (logdet + nu * log(2.0 * pi * s2) + r2 / s2), s2, solution[m : size - 1].copy()


@inner
def roots_from(theta, basis, basis_term, basis_start, term_table, lam_terms):
    """Lambda of each term, ``sum_i theta_i B_i``, flat."""
    lam_terms[:] = 0.0
    for i in range(len(theta)):
        start, n = term_table[basis_term[i], 3], term_table[basis_term[i], 2]
        for c in range(n * n):
            lam_terms[start + c] += theta[i] * basis[basis_start[i] + c]


@inner
def gradient_from(slopes, lam_terms, basis, basis_term, basis_start, term_table, gradient):
    """Gradient in theta, ``2 <dl/dG Lambda, B_i>``."""
    for i in range(len(gradient)):
        start, n = term_table[basis_term[i], 3], term_table[basis_term[i], 2]
        t = 0.0
        for a in range(n):
            for b in range(n):
                w = basis[basis_start[i] + a * n + b]
                if w != 0.0:
                    for k in range(n):
                        t += 2.0 * w * slopes[start + a * n + k] * lam_terms[start + k * n + b]
        gradient[i] = t


@kernel
def ascend_all(
    theta0, inverse0, basis, basis_term, basis_start, integrated, nu, known, tolerance, limit,
    values, borders, squares, thetas, logliks, scales, solutions, gains,
    term_table, q, lam_start, chain_start, parent, ptr, idx, up, off, k_start, border_start, rows, S,
):  # fmt: skip
    """BFGS ascent of the profiled likelihood for every response, from a common start and inverse Hessian.

    Parameters
    ----------
    theta0, inverse0 : ndarray (k,), (k, k)
        Start and inverse of minus the Hessian there.
    known : ndarray (R,)
        Relative sigma² where it is known, 0 where it is profiled.
    values, borders, squares : ndarray (chain effects, R), (m + p, R), (R,)
        Cross-products of the responses.
    thetas, logliks, scales, solutions, gains : ndarray
        Out: estimates (R, k), log likelihoods without constants, relative sigma², coefficients (R, p) and
        the log likelihood still to gain by the last model; NaN where an ascent failed.
    """
    size = 0
    for k in range(len(term_table)):
        size += term_table[k, 2] ** 2
    lam, slopes, trial_slopes = np.empty(size), np.empty(size), np.empty(size)
    k = len(theta0)
    g, g_new, step, new, By = np.empty(k), np.empty(k), np.empty(k), np.empty(k), np.empty(k)
    for r in range(values.shape[1]):
        put_response(values[:, r], borders[:, r], squares[r], q, chain_start, ptr, off, rows, S)
        theta, B = theta0.copy(), inverse0.copy()
        roots_from(theta, basis, basis_term, basis_start, term_table, lam)
        f, s2, beta = profile(
            lam, integrated, nu, known[r], term_table, q, lam_start, chain_start, parent, ptr, idx, up, off, k_start,
            border_start, rows, S, slopes,
        )  # fmt: skip
        gradient_from(slopes, lam, basis, basis_term, basis_start, term_table, g)
        gain = np.inf
        for _ in range(limit):
            slope = 0.0
            for a in range(k):
                step[a] = 0.0
                for b in range(k):
                    step[a] += B[a, b] * g[b]
                slope += step[a] * g[a]
            gain = 0.5 * slope
            if gain < tolerance:
                break
            t, moved = 1.0, False
            for _ in range(12):
                for a in range(k):
                    new[a] = theta[a] + t * step[a]
                roots_from(new, basis, basis_term, basis_start, term_table, lam)
                f_new, s2_new, beta_new = profile(
                    lam, integrated, nu, known[r], term_table, q, lam_start, chain_start, parent, ptr, idx, up, off,
                    k_start, border_start, rows, S, trial_slopes,
                )  # fmt: skip
                if f_new >= f + 1e-4 * t * slope:
                    moved = True
                    break
                t *= 0.4
            if not moved:
                gain = np.nan
                break
            gradient_from(trial_slopes, lam, basis, basis_term, basis_start, term_table, g_new)
            sy, ss, yy, yBy = 0.0, 0.0, 0.0, 0.0
            for a in range(k):
                By[a] = 0.0
                for b in range(k):
                    By[a] += B[a, b] * (g[b] - g_new[b])
                moved_by, change = t * step[a], g[a] - g_new[a]
                sy += moved_by * change
                ss += moved_by * moved_by
                yy += change * change
                yBy += change * By[a]
            if sy > 1e-12 * sqrt(ss * yy):
                for a in range(k):
                    for b in range(k):
                        one, other = t * step[a], t * step[b]
                        B[a, b] += (1.0 + yBy / sy) * one * other / sy - (By[a] * other + one * By[b]) / sy
            f, s2 = f_new, s2_new
            for a in range(k):
                theta[a] = new[a]
                g[a] = g_new[a]
            beta[:] = beta_new
        logliks[r], scales[r], gains[r] = f, s2, gain
        for a in range(k):
            thetas[r, a] = theta[a]
        for a in range(len(beta)):
            solutions[r, a] = beta[a]


@dataclass(frozen=True, eq=False)
class Responses:
    """Cross-products of R responses with one design, each on its own scale.

    Parameters
    ----------
    values, borders, squares : ndarray (chain effects, R), (m + p, R), (R,)
    gamma, shift, scale : ndarray (p, R), (R,), (R,)
        ``y_hat = (y - offset - shift - X_hat gamma) / scale``.
    """

    values: np.ndarray
    borders: np.ndarray
    squares: np.ndarray
    gamma: np.ndarray
    shift: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, system: GaussianSystem, design: Any, Y: np.ndarray) -> "Responses":
        """Cross-products of the columns of Y (n, R) with the design of a system."""
        lay, maps = system.layout, system.scaling
        x, z = [design.fixed_columns[j] for j in system.order], term_columns(design)
        weights, n, p = design.row_weights, len(Y), system.coefficients
        count = Y.shape[1]
        Y = Y - design.offset[:, None] if design.offset is not None else Y
        shift = Y.mean(0) if any(column is None for column in x) else np.zeros(count)
        Y = Y - shift
        gamma = np.zeros((p, count))
        for part, block, _ in scaled_blocks(lay, maps, x, z, n):
            X = block[:, -1 - p : -1]
            gamma += X.T @ (Y[part] if weights is None else weights[part, None] * Y[part]) / n
        values, borders = np.zeros((system.chain_effects, count)), np.zeros((lay.border + p, count))
        squares = np.zeros(count)
        for part, block, levels in scaled_blocks(lay, maps, x, z, n):
            residual = Y[part] - block[:, -1 - p : -1] @ gamma
            if weights is not None:
                root = np.sqrt(weights[part])[:, None]
                block *= root
                residual *= root
            squares += np.einsum("ij,ij->j", residual, residual)
            accumulate_responses(
                block[:, :-1], levels, lay.q, lay.chain_start, lay.parent, lay.border_start, residual, values, borders
            )
        scale = np.sqrt(squares / n)
        scale[scale == 0.0] = 1.0
        return cls(values / scale, borders / scale, squares / scale**2, gamma, shift, scale)

    def system(self, system: GaussianSystem, design: Any, r: int) -> GaussianSystem:
        """The system of one of the responses."""
        rows, S, lay = system.rows.copy(), system.S.copy(), system.layout
        put_response(
            self.values[:, r].copy(), self.borders[:, r].copy(), self.squares[r],
            lay.q, lay.chain_start, lay.ptr, lay.off, rows, S,
        )  # fmt: skip
        maps, scale = system.scaling, float(self.scale[r])
        B = maps.coefficients / maps.y_scale
        constant = B @ self.gamma[:, r]
        for j, place in enumerate(system.order):
            if design.fixed_columns[place] is None:
                constant[j] += self.shift[r]
                break
        scaling = replace(
            maps, y_shift=float(self.shift[r]), y_scale=scale, gamma=self.gamma[:, r], coefficients=B * scale,
            constant=constant,
        )  # fmt: skip
        return replace(system, rows=rows, S=S, scaling=scaling)

    def coefficients(self, system: GaussianSystem, design: Any, solutions: np.ndarray) -> np.ndarray:
        """Coefficients of the user's columns (R, p) from those of the accumulated ones."""
        B = system.scaling.coefficients / system.scaling.y_scale
        out = np.empty_like(solutions)
        out[:, system.order] = (self.gamma.T + self.scale[:, None] * solutions) @ B.T
        for j, column in enumerate(design.fixed_columns):
            if column is None:
                out[:, j] += self.shift
                break
        return out
