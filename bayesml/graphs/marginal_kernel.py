"""The exact Gaussian marginal density in standard deviations and correlations: the kernel of the Op.

Nothing here needs PyTensor, so that another process can compile it while this one imports PyMC.
"""

import numpy as np
from numba import types

from bayesml.graphs import covariance_roots as roots
from bayesml.linalg import marginal
from bayesml.linalg.by_address import address_of, caller
from bayesml.linalg.elimination import kernel


@kernel
def marginal_with_gradient(sd, unit, sigma, beta, given, prior_mean, prior_precision, lower, width, layout, *arrays):
    """Value and gradients of the log marginal density in standard deviations, correlations, sigma and beta.

    Parameters
    ----------
    sd : ndarray (n_sds,)
        Standard deviations of all terms.
    unit : ndarray (n_correlations,)
        Partial, or common, correlations of all terms as their place between `lower` and `lower + width`.
    sigma : ndarray ()
    beta : ndarray (p,)
        Values of the coefficients that are given; log factors of prior sds of others, as `marginal_density` has it.
    given, prior_mean, prior_precision : ndarray (p,)
        Which are; the normal priors under which the others are integrated out.
    lower, width : ndarray (n_correlations,)
    layout : ndarray of int64 (terms, 6)
        As in `bayesml.graphs.covariance_roots`.
    *arrays : ndarray
        Of `GaussianSystem.arrays()`.
    """
    lam = roots.covariance_roots(sd, unit, lower, width, layout)
    value, grad_lam, grad_sigma, grad_beta = marginal.marginal_density(
        lam, sigma.item(), beta, given, prior_mean, prior_precision, *arrays
    )
    grad_sd, grad_unit = roots.pull_back(sd, unit, lower, width, layout, grad_lam)
    return np.asarray(value), grad_sd, grad_unit, np.asarray(grad_sigma), grad_beta


SCALAR = types.float64[::1].copy(ndim=0)
DENSITY = (
    marginal.VECTOR, marginal.VECTOR, SCALAR, marginal.VECTOR,
    marginal.INTEGERS, *4 * (marginal.VECTOR,), types.int64[:, ::1], types.Tuple(marginal.ARRAYS),
)  # fmt: skip
RESULT = types.Tuple((SCALAR, marginal.VECTOR, marginal.VECTOR, SCALAR, marginal.VECTOR))
call_density = caller(marginal_with_gradient, DENSITY, RESULT)


def density_address() -> np.ndarray:
    """Where the machine code of `marginal_with_gradient` is in this process, as an input of the Op."""
    return np.array(address_of(marginal_with_gradient, DENSITY, RESULT), np.int64)


@kernel
def density_at(sd, unit, sigma, beta, given, prior_mean, prior_precision, lower, width, layout, address, *arrays):
    """`marginal_with_gradient`, called by its address: it is not compiled again into each graph."""
    return call_density(
        address.item(),
        (
            np.ascontiguousarray(sd), np.ascontiguousarray(unit), sigma, np.ascontiguousarray(beta),
            given, prior_mean, prior_precision, lower, width, layout, arrays,
        ),
    )  # fmt: skip
