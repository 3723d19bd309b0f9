"""Exact conditional means and covariances of combinations of the coefficients at many draws of the other parameters."""

from math import sqrt
from typing import Any

import numpy as np

from bayesml.linalg.elimination import kernel
from bayesml.linalg.marginal import call_solve


@kernel
def combination_moments(
    lams, sigmas, betas, given, prior_mean, prior_precision, weights, means, covariances,
    order, term_table, q, lam_start, chain_start, parent, ptr, idx, up, off, k_start, border_start,
    rows, S, term_inverse, B, B_inverse, constant, scalars, kernels,
):  # fmt: skip
    """Moments of ``weights @ beta`` given y, the other parameters and the coefficients that are given, a draw a row.

    Parameters
    ----------
    lams, sigmas, betas : ndarray (draws, ...)
        As for `marginal_density`, one row a draw.
    weights : ndarray (k, p)
        Of the user's columns.
    means, covariances : ndarray (draws, k), (draws, k, k)
        Out.
    """
    p, count = len(order), len(weights)
    m = border_start[len(border_start) - 1]
    for s in range(len(sigmas)):
        relative, work, border, K, beta_hat, gap, precision, H, C, part, D, E, logdets, r2, first_given, s2 = (
            call_solve(kernels[3], (
                lams[s], sigmas[s], betas[s], given, prior_mean, prior_precision,
                order, term_table, q, lam_start, chain_start, parent, ptr, idx, up, off, k_start, border_start,
                rows, S, term_inverse, B, B_inverse, constant, scalars, kernels,
            ))
        )  # fmt: skip
        half = np.zeros((count, first_given))
        for k in range(count):
            mean = 0.0
            for i in range(p):
                value = constant[i]
                if i >= first_given:
                    value = betas[s, order[i]]
                else:
                    for j in range(p):
                        value += B[i, j] * beta_hat[j]
                mean += weights[k, order[i]] * value
            means[s, k] = mean
            # the border is H H', its coefficients last: their covariance is the inverse of that corner, twice solved
            for j in range(first_given):
                t = 0.0
                for i in range(first_given):
                    t += weights[k, order[i]] * B[i, j]
                for i in range(j):
                    t -= H[m + j, m + i] * half[k, i]
                half[k, j] = t / H[m + j, m + j]
        scale = sqrt(s2)
        for k in range(count):
            for j in range(k + 1):
                t = 0.0
                for i in range(first_given):
                    t += scale * half[k, i] * scale * half[j, i]
                covariances[s, k, j] = t
                covariances[s, j, k] = t


def coefficient_moments(
    system: Any,
    lams: np.ndarray,
    sigmas: np.ndarray,
    betas: np.ndarray,
    given: np.ndarray,
    prior_mean: np.ndarray,
    prior_precision: np.ndarray,
    weights: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Means (draws, k) and covariances (draws, k, k) of ``weights @ beta`` given everything but random effects.

    Parameters
    ----------
    system : GaussianSystem
    lams, sigmas, betas : ndarray (draws, sum of q²), (draws,), (draws, p)
        Natural scale.
    given : ndarray of int64 (p,)
        Which coefficients are held at `betas`; the others have normal or flat priors.
    prior_mean, prior_precision : ndarray (p,)
    weights : ndarray (k, p)
    """
    draws, count = len(sigmas), len(weights)
    means, covariances = np.empty((draws, count)), np.empty((draws, count, count))
    lams, sigmas, betas, weights = (
        np.require(array, np.float64, ["C", "W", "O"]) for array in (lams, sigmas, betas, weights)
    )
    combination_moments(
        lams, sigmas, betas, given, prior_mean, prior_precision, weights, means, covariances, *system.arrays()
    )
    return means, covariances
