"""Log densities of covariance matrices under inverse Wishart priors, all terms at once: kernels.

Over the flat arrays of `bayesml.graphs.covariance_roots`, so that one machine code serves every model.
"""

from math import log

import numpy as np
from numba import types

from bayesml.graphs import covariance_roots as roots
from bayesml.linalg.by_address import address_of, caller
from bayesml.linalg.elimination import kernel


@kernel
def wishart_with_gradient(sd, unit, lower, width, layout, nu, scale):
    """Log density of standard deviations and correlations, less its constant, and gradients in `sd` and `unit`.

    Parameters
    ----------
    sd : ndarray (n_sds,)
        Standard deviations of all terms.
    unit : ndarray (n_correlations,)
        Partial correlations of all terms as their place between `lower` and `lower + width`.
    lower, width : ndarray (n_correlations,)
    layout : ndarray of int64 (terms, 6)
    nu : ndarray (terms,)
        Degrees of freedom; 0 for terms without such a prior, which add nothing.
    scale : ndarray (sum of q²,)
        Scale matrices of all terms, row-major, concatenated.
    """
    lam = roots.covariance_roots(sd, unit, lower, width, layout)
    grad_lam = np.zeros(len(lam))
    grad_log_sd = np.zeros(len(sd))
    value = 0.0
    for t in range(len(layout)):
        if nu[t] <= 0.0:
            continue
        q, sd_at, at = layout[t, 1], layout[t, 2], layout[t, 5]
        # the root is lower triangular, and so is its inverse
        inverse = np.zeros((q, q))
        for j in range(q):
            inverse[j, j] = 1.0 / lam[at + j * q + j]
            for i in range(j + 1, q):
                s = 0.0
                for k in range(j, i):
                    s += lam[at + i * q + k] * inverse[k, j]
                inverse[i, j] = -s / lam[at + i * q + i]
        # M = Lambda^-1 scale Lambda^-T
        M = np.zeros((q, q))
        for a in range(q):
            for b in range(q):
                s = 0.0
                for i in range(a + 1):
                    for j in range(b + 1):
                        s += inverse[a, i] * scale[at + i * q + j] * inverse[b, j]
                M[a, b] = s
        for i in range(q):
            value -= 0.5 * M[i, i] + (nu[t] + q + 1.0) * log(lam[at + i * q + i]) - q * log(sd[sd_at + i])
            grad_log_sd[sd_at + i] = q / sd[sd_at + i]
            for j in range(q):
                s = -(nu[t] + q + 1.0) * inverse[j, i]
                for k in range(q):
                    s += inverse[k, i] * M[k, j]
                grad_lam[at + i * q + j] = s
    grad_sd, grad_unit = roots.pull_back(sd, unit, lower, width, layout, grad_lam)
    for i in range(len(sd)):
        grad_sd[i] += grad_log_sd[i]
    return np.asarray(value), grad_sd, grad_unit


VECTOR = types.float64[::1]
ARGUMENTS = (*4 * (VECTOR,), types.int64[:, ::1], *2 * (VECTOR,))
RESULT = types.Tuple((types.float64[::1].copy(ndim=0), VECTOR, VECTOR))
call_wishart = caller(wishart_with_gradient, ARGUMENTS, RESULT)


def wishart_address() -> np.ndarray:
    """Where the machine code of `wishart_with_gradient` is in this process, as an input of the Op."""
    return np.array(address_of(wishart_with_gradient, ARGUMENTS, RESULT), np.int64)


@kernel
def wishart_at(sd, unit, lower, width, layout, nu, scale, address):
    """`wishart_with_gradient`, called by its address: it is not compiled again into each graph."""
    return call_wishart(
        address.item(), (np.ascontiguousarray(sd), np.ascontiguousarray(unit), lower, width, layout, nu, scale)
    )
