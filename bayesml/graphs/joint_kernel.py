"""Linear predictors and the density of the random effects from flat parameters, and the pullback: kernels.

What `bayesml.graphs.expressions` writes as expressions, here for all terms at once over flat arrays, so that one
machine code serves every model. Nothing here needs PyTensor.

============ ================================================================================================
`terms`      a row a random term: columns q, levels J, start in `effects`, start in `lam`, start in `columns`,
             whether it is centred
`columns`    a row a column of a random term: its row of `Z`, -1 for ones; the predictor it enters, -1 for all
`fixed`      a row a coefficient: its row of `X`, -1 for ones; the predictor it enters
`X`, `Z`     different columns, a row each, (r, n)
`codes`      level of each row in each term, int32 (terms, n)
`offset`     (n,), or (0,) without one
`sizes`      number of predictors, number of rows
`scaled`     weight w of each effect
============ ================================================================================================

Effects are term after term, level after level. A term's part of `effects` holds the standardised u, b = Lambda u, or,
where the term is centred, ``b / sd^w`` with the weights w of `scaled`: b itself where they are 0.
"""

from math import exp, log, pi

import numpy as np
from numba import types

from bayesml.graphs.covariance_roots import covariance_roots, pull_back
from bayesml.linalg.by_address import address_of, caller
from bayesml.linalg.elimination import inner, kernel

LOG_2PI = log(2.0 * pi)


@inner
def inverse_and_log_det(lam, start, q, out):
    """Inverse of the square root Lambda of a term, by elimination with pivots; returns log |det Lambda|."""
    A = np.empty((q, q))
    for i in range(q):
        for j in range(q):
            A[i, j] = lam[start + i * q + j]
            out[i, j] = 1.0 if i == j else 0.0
    total = 0.0
    for k in range(q):
        best = k
        for i in range(k + 1, q):
            if abs(A[i, k]) > abs(A[best, k]):
                best = i
        for j in range(q):
            A[k, j], A[best, j] = A[best, j], A[k, j]
            out[k, j], out[best, j] = out[best, j], out[k, j]
        pivot = A[k, k]
        total += log(abs(pivot))
        for j in range(q):
            A[k, j] /= pivot
            out[k, j] /= pivot
        for i in range(q):
            if i != k:
                t = A[i, k]
                for j in range(q):
                    A[i, j] -= t * A[k, j]
                    out[i, j] -= t * out[k, j]
    return total


@inner
def unscale(effects, scaled, sd, layout, start, J, b):
    """Effects b of a centred term from those over powers of their standard deviations; the log of the Jacobian."""
    q, value = layout[1], 0.0
    for i in range(q):
        log_sd = log(sd[layout[2] + (0 if layout[3] else i)])
        for e in range(start + i, start + J * q, q):
            w = scaled[e]
            b[e] = effects[e] if w == 0.0 else effects[e] * exp(w * log_sd)
            value += w * log_sd
    return value


@kernel
def predictors_and_density(
    sd, unit, beta, effects, lower, width, layout, terms, columns, fixed, X, Z, codes, offset, sizes, scaled
):
    """Linear predictors (K, n), and the log density of the effects with its constant.

    Parameters
    ----------
    sd, unit, lower, width, layout
        As for `covariance_roots`.
    beta : ndarray (p,)
    effects : ndarray (number of effects,)
    terms, columns, fixed, X, Z, codes, offset, sizes, scaled
        As the module describes.
    """
    K, n = sizes[0], sizes[1]
    eta = np.zeros((K, n))
    if len(offset):
        for k in range(K):
            for r in range(n):
                eta[k, r] = offset[r]
    for j in range(len(beta)):
        place, k, t = fixed[j, 0], fixed[j, 1], beta[j]
        if place < 0:
            for r in range(n):
                eta[k, r] += t
        else:
            for r in range(n):
                eta[k, r] += t * X[place, r]
    lam = covariance_roots(sd, unit, lower, width, layout)
    value = -0.5 * len(effects) * LOG_2PI
    b = np.empty(len(effects))
    for term in range(len(terms)):
        q, J, start, lam_at, column_at, centred = terms[term]
        if centred:
            root = np.empty((q, q))
            value -= J * inverse_and_log_det(lam, lam_at, q, root)
            value += unscale(effects, scaled, sd, layout[term], start, J, b)
            for e in range(start, start + J * q, q):
                for i in range(q):
                    t = 0.0
                    for k in range(q):
                        t += root[i, k] * b[e + k]
                    value -= 0.5 * t * t
        else:
            for e in range(start, start + J * q, q):
                for i in range(q):
                    t = 0.0
                    for k in range(q):
                        t += lam[lam_at + i * q + k] * effects[e + k]
                    b[e + i] = t
                    value -= 0.5 * effects[e + i] * effects[e + i]
        for i in range(q):
            place, own = columns[column_at + i]
            for k in range(K):
                if own >= 0 and own != k:
                    continue
                if place < 0:
                    for r in range(n):
                        eta[k, r] += b[start + codes[term, r] * q + i]
                else:
                    for r in range(n):
                        eta[k, r] += Z[place, r] * b[start + codes[term, r] * q + i]
    return eta, np.asarray(value)


@kernel
def pull_back_predictors(
    sd, unit, beta, effects, lower, width, layout, terms, columns, fixed, X, Z, codes, offset, sizes, scaled,
    grad_eta, grad_value,
):  # fmt: skip
    """Gradients in `sd`, `unit`, `beta` and `effects` from those in both outputs of `predictors_and_density`."""
    K, n = sizes[0], sizes[1]
    grad_beta = np.empty(len(beta))
    for j in range(len(beta)):
        place, k = fixed[j]
        # four sums, which the processor adds at once
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        whole = n - n % 4
        if place < 0:
            for r in range(0, whole, 4):
                s0 += grad_eta[k, r]
                s1 += grad_eta[k, r + 1]
                s2 += grad_eta[k, r + 2]
                s3 += grad_eta[k, r + 3]
            for r in range(whole, n):
                s0 += grad_eta[k, r]
        else:
            for r in range(0, whole, 4):
                s0 += X[place, r] * grad_eta[k, r]
                s1 += X[place, r + 1] * grad_eta[k, r + 1]
                s2 += X[place, r + 2] * grad_eta[k, r + 2]
                s3 += X[place, r + 3] * grad_eta[k, r + 3]
            for r in range(whole, n):
                s0 += X[place, r] * grad_eta[k, r]
        grad_beta[j] = (s0 + s1) + (s2 + s3)
    lam = covariance_roots(sd, unit, lower, width, layout)
    grad_lam, grad_b, out = np.zeros(len(lam)), np.zeros(len(effects)), np.empty(len(effects))
    b, direct = np.empty(len(effects)), np.zeros(len(sd))
    scale = grad_value.item()
    for term in range(len(terms)):
        q, J, start, lam_at, column_at, centred = terms[term]
        for i in range(q):
            place, own = columns[column_at + i]
            for k in range(K):
                if own >= 0 and own != k:
                    continue
                if place < 0:
                    for r in range(n):
                        grad_b[start + codes[term, r] * q + i] += grad_eta[k, r]
                else:
                    for r in range(n):
                        grad_b[start + codes[term, r] * q + i] += Z[place, r] * grad_eta[k, r]
        if centred:
            root, cross, u = np.empty((q, q)), np.zeros((q, q)), np.empty(q)
            inverse_and_log_det(lam, lam_at, q, root)
            unscale(effects, scaled, sd, layout[term], start, J, b)
            for e in range(start, start + J * q, q):
                for i in range(q):
                    u[i] = 0.0
                    for k in range(q):
                        u[i] += root[i, k] * b[e + k]
                for i in range(q):
                    t = 0.0
                    for k in range(q):
                        t += root[k, i] * u[k]
                        cross[i, k] += u[i] * u[k]
                    t = grad_b[e + i] - scale * t
                    w, place = scaled[e + i], layout[term, 2] + (0 if layout[term, 3] else i)
                    out[e + i] = t if w == 0.0 else t * exp(w * log(sd[place]))
                    direct[place] += w * (t * b[e + i] + scale)
            for i in range(q):
                cross[i, i] -= J
            for i in range(q):
                for j in range(q):
                    for k in range(q):
                        grad_lam[lam_at + i * q + j] += scale * root[k, i] * cross[k, j]
        else:
            for e in range(start, start + J * q, q):
                for k in range(q):
                    t = 0.0
                    for i in range(q):
                        t += lam[lam_at + i * q + k] * grad_b[e + i]
                        grad_lam[lam_at + i * q + k] += grad_b[e + i] * effects[e + k]
                    out[e + k] = t - scale * effects[e + k]
    grad_sd, grad_unit = pull_back(sd, unit, lower, width, layout, grad_lam)
    for i in range(len(sd)):
        if direct[i] != 0.0:
            grad_sd[i] += direct[i] / sd[i]
    return grad_sd, grad_unit, grad_beta, out


VECTOR, MATRIX, TABLE, SCALAR = (
    types.float64[::1],
    types.float64[:, ::1],
    types.int64[:, ::1],
    types.Array(types.float64, 0, "C"),
)
ARGUMENTS = (
    *4 * (VECTOR,), VECTOR, VECTOR, TABLE, TABLE, TABLE, TABLE, MATRIX, MATRIX, types.int32[:, ::1], VECTOR,
    types.int64[::1], VECTOR,
)  # fmt: skip
VALUE = types.Tuple((MATRIX, SCALAR))
BACK = (*ARGUMENTS, MATRIX, SCALAR)
GRADIENTS = types.UniTuple(VECTOR, 4)
call_predictors = caller(predictors_and_density, ARGUMENTS, VALUE)
call_pull_back = caller(pull_back_predictors, BACK, GRADIENTS)


def joint_addresses() -> np.ndarray:
    """Where the machine code of the two kernels is in this process, as an input of their Ops."""
    return np.array(
        [
            address_of(predictors_and_density, ARGUMENTS, VALUE),
            address_of(pull_back_predictors, BACK, GRADIENTS),
        ],
        np.int64,
    )


@kernel
def predictors_at(
    sd, unit, beta, effects, lower, width, layout, terms, columns, fixed, X, Z, codes, offset, sizes, scaled, addresses
):
    """`predictors_and_density`, called by its address: it is not compiled again into each graph."""
    return call_predictors(
        addresses[0],
        (
            np.ascontiguousarray(sd), np.ascontiguousarray(unit), np.ascontiguousarray(beta),
            np.ascontiguousarray(effects), lower, width, layout, terms, columns, fixed, X, Z, codes, offset, sizes,
            scaled,
        ),
    )  # fmt: skip


@kernel
def pull_back_at(
    sd, unit, beta, effects, lower, width, layout, terms, columns, fixed, X, Z, codes, offset, sizes, scaled,
    addresses, grad_eta, grad_value,
):  # fmt: skip
    """`pull_back_predictors`, called by its address."""
    return call_pull_back(
        addresses[1],
        (
            np.ascontiguousarray(sd), np.ascontiguousarray(unit), np.ascontiguousarray(beta),
            np.ascontiguousarray(effects), lower, width, layout, terms, columns, fixed, X, Z, codes, offset, sizes,
            scaled,
            np.ascontiguousarray(grad_eta), grad_value,
        ),
    )  # fmt: skip
