"""Marginal densities at many draws of the parameters: what bridge sampling and cross-validation by group average."""

from typing import Any

import numpy as np

from bayesml.linalg.elimination import kernel
from bayesml.linalg.marginal import call_parts


@kernel
def marginal_values(
    lams, sigmas, betas, given, prior_mean, prior_precision, out,
    order, term_table, q, lam_start, chain_start, parent, ptr, idx, up, off, k_start, border_start,
    rows, S, term_inverse, B, B_inverse, constant, scalars, kernels,
):  # fmt: skip
    """`marginal_density` without its gradient at each draw.

    Parameters
    ----------
    lams, sigmas, betas : ndarray (draws, ...)
        As for `marginal_density`, one row a draw.
    out : ndarray (draws,)
        Out: log densities.
    """
    for s in range(len(sigmas)):
        found = call_parts(kernels[4], (
            lams[s], sigmas[s], betas[s], given, prior_mean, prior_precision,
            order, term_table, q, lam_start, chain_start, parent, ptr, idx, up, off, k_start, border_start,
            rows, S, term_inverse, B, B_inverse, constant, scalars, kernels,
        ))  # fmt: skip
        out[s] = found[0]


def log_densities(
    system: Any,
    lams: np.ndarray,
    sigmas: np.ndarray,
    betas: np.ndarray,
    given: np.ndarray,
    prior_mean: np.ndarray,
    prior_precision: np.ndarray,
) -> np.ndarray:
    """Log marginal densities (draws,) of the response of a `GaussianSystem`, its random effects integrated out.

    Parameters
    ----------
    system : GaussianSystem
    lams, sigmas, betas : ndarray (draws, sum of q²), (draws,), (draws, p)
        Natural scale.
    given : ndarray of int64 (p,)
        Which coefficients are not integrated out.
    prior_mean, prior_precision : ndarray (p,)
        Of the others.
    """
    out = np.empty(len(sigmas))
    lams, sigmas, betas = (np.require(array, np.float64, ["C", "W", "O"]) for array in (lams, sigmas, betas))
    marginal_values(lams, sigmas, betas, given, prior_mean, prior_precision, out, *system.arrays())
    return out
