"""Square roots Lambda of all terms from their standard deviations and correlations, and the pullback: kernels.

What `bayesml.graphs.correlation` writes as expressions, here for all terms at once over flat arrays, so that one
machine code serves every model. A row of `layout` holds, for each term: kind of correlations (0 none, 1 common, 2
all), q, start in `sd`, whether one sd is shared, start in `unit`, start in `lam`.
"""

from math import sqrt

import numpy as np

from bayesml.linalg.elimination import kernel

NONE, COMMON, ALL = 0, 1, 2


@kernel
def correlation_root(kind, q, unit, lower, width, at, C):
    """Root C (q, q) of the correlations of a term; `unit` holds their place in (lower, lower + width)."""
    C[:] = 0.0
    if kind == 0:
        for i in range(q):
            C[i, i] = 1.0
    elif kind == 1:
        r = lower[at] + width[at] * unit[at]
        mean, contrast = sqrt(max(1.0 + (q - 1) * r, 0.0)), sqrt(max(1.0 - r, 0.0))
        for i in range(q):
            for j in range(q):
                C[i, j] = (mean - contrast) / q
            C[i, i] += contrast
    else:
        pair = at
        for i in range(q):
            left = 1.0
            for j in range(i):
                z = lower[pair] + width[pair] * unit[pair]
                C[i, j] = z * sqrt(left)
                left *= 1.0 - z * z
                pair += 1
            C[i, i] = sqrt(left)


@kernel
def covariance_roots(sd, unit, lower, width, layout):
    """Lambda of every term, row-major, concatenated."""
    size = 0
    for t in range(len(layout)):
        size += layout[t, 1] ** 2
    lam = np.empty(size)
    for t in range(len(layout)):
        kind, q, sd_at, common, at, lam_at = layout[t]
        C = np.empty((q, q))
        correlation_root(kind, q, unit, lower, width, at, C)
        for i in range(q):
            s = sd[sd_at + (0 if common else i)]
            for j in range(q):
                lam[lam_at + i * q + j] = s * C[i, j]
    return lam


@kernel
def pull_back(sd, unit, lower, width, layout, grad_lam):
    """Gradients in `sd` and `unit` from the gradient in lam."""
    grad_sd, grad_unit = np.zeros(len(sd)), np.zeros(len(unit))
    for t in range(len(layout)):
        kind, q, sd_at, common, at, lam_at = layout[t]
        C, g = np.empty((q, q)), np.empty((q, q))
        correlation_root(kind, q, unit, lower, width, at, C)
        for i in range(q):
            place = sd_at + (0 if common else i)
            for j in range(q):
                grad_sd[place] += grad_lam[lam_at + i * q + j] * C[i, j]
                g[i, j] = grad_lam[lam_at + i * q + j] * sd[place]
        if kind == 1:
            r = lower[at] + width[at] * unit[at]
            total, trace = 0.0, 0.0
            for i in range(q):
                trace += g[i, i]
                for j in range(q):
                    total += g[i, j]
            slope = (q - 1) / (2.0 * sqrt(1.0 + (q - 1) * r)) * total / q
            slope -= (trace - total / q) / (2.0 * sqrt(1.0 - r))
            grad_unit[at] += width[at] * slope
        elif kind == 2:
            pair = at
            for i in range(q):
                # later entries of the row carry sqrt(1 - z_k²) of each earlier z_k
                left = 1.0
                for k in range(i):
                    z = lower[pair] + width[pair] * unit[pair]
                    slope = g[i, k] * sqrt(left)
                    later = 0.0
                    for j in range(k + 1, i + 1):
                        later += g[i, j] * C[i, j]
                    slope -= later * z / (1.0 - z * z)
                    grad_unit[pair] += width[pair] * slope
                    left *= 1.0 - z * z
                    pair += 1
    return grad_sd, grad_unit
