"""Log density of each row given the parameters and all other rows: what leaving one out averages."""

from dataclasses import replace

import numpy as np

from bayesml.design.arrays import Design
from bayesml.graphs.roles import Graph
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.linalg.rows import term_columns
from bayesml.linalg.threads import one_blas_thread
from bayesml.results.effects import ConditionalEffects, blocks
from bayesml.results.posterior import Posterior, flat_draws, linear_predictors, term_roots
from bayesml.results.predictive import log_likelihood


def row_densities(graph: Graph, posterior: Posterior, rows: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Log density of one response of each row, without and with itself among what is known.

    Linear models: ``p(y_i | y_-i, beta, theta)``, the random effects integrated out. Others: given the random effects,
    where all other rows say nothing more. Of a row that stands for several equal ones, the density of one of them.

    Parameters
    ----------
    graph : Graph
    posterior : Posterior
        With its random effects, unless the model is linear.
    rows : ndarray of int, optional
        Default: all.

    Returns
    -------
    left_out : ndarray (chain, draw, rows)
        Given all other responses and the parameters.
    within : ndarray (chain, draw, rows)
        Of a new response in the place of each row, given all responses and the parameters; where these are not linear
        models, the same.
    """
    if graph.exact:
        return exact_row_densities(graph.design, posterior, np.arange(graph.design.n) if rows is None else rows)
    assert posterior.effects is not None or not graph.design.random
    design = replace(graph.design if rows is None else some_rows(graph.design, rows), frequencies=None)
    values = log_likelihood(graph.replace(design=design), posterior, posterior.effects or ())
    return values, values


def some_rows(design: Design, rows: np.ndarray) -> Design:
    """The design of some of the rows; all levels stay."""

    def taken(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else array[rows]

    return replace(
        design,
        y=design.y[rows],
        fixed_columns=tuple(map(taken, design.fixed_columns)),
        random=tuple(
            replace(term, codes=term.codes[rows], columns=tuple(map(taken, term.columns))) for term in design.random
        ),
        index=design.index[rows],
        rows=design.rows[rows],
        weights=taken(design.weights),
        known_sd=taken(design.known_sd),
        offset=taken(design.offset),
        response={name: array[rows] for name, array in design.response.items()},
        frequencies=taken(design.frequencies),
    )


def exact_row_densities(design: Design, posterior: Posterior, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those of a linear model.

    With r_i the residual variance, m_i and v_i mean and variance of ``z_i'b`` given all responses, and
    ``P_ii = 1 / r_i - v_i / r_i²``, ``g_i = (y_i - x_i'beta - m_i) / r_i``: y_i given the others is normal with mean
    ``y_i - g_i / P_ii`` and variance ``1 / P_ii``.

    Parameters
    ----------
    design : Design
    posterior : Posterior
    rows : ndarray of int

    References
    ----------
    Sundararajan and Keerthi (2001), Neural Computation 13:1103-1118, equation 6. Buerkner, Gabry and Vehtari (2021),
    Computational Statistics 36:1243-1261, section 3.
    """
    sigma2 = flat_draws(posterior.sigma) ** 2
    weights = design.precision_weights
    residual = sigma2[:, None] / (1.0 if weights is None else weights[rows])
    residual = np.broadcast_to(residual, (len(sigma2), len(rows)))
    with one_blas_thread():
        predictor = conditional_predictors(design, posterior, rows)
        variance = sigma2[:, None] * relative_variances(design, posterior, rows)
    precision = (1.0 - variance / residual) / residual
    error = design.y[rows] - predictor
    left_out = 0.5 * (np.log(precision / (2.0 * np.pi)) - (error / residual) ** 2 / precision)
    within = -0.5 * (np.log(2.0 * np.pi * (residual + variance)) + error**2 / (residual + variance))
    shape = (*posterior.shape, len(rows))
    return left_out.reshape(shape), within.reshape(shape)


def conditional_predictors(design: Design, posterior: Posterior, rows: np.ndarray) -> np.ndarray:
    """Means (draws, rows) of ``x'beta + z'b`` given all responses, beta and covariances."""
    beta = flat_draws(posterior.beta)
    conditional = ConditionalEffects(design, posterior) if design.random else None
    out = np.empty((len(beta), len(rows)))
    own = some_rows(design, rows)
    for part in blocks(design, len(beta)):
        effects = conditional.draw(part, None) if conditional is not None else ()
        out[part] = linear_predictors(own, beta[part], effects, slice(None))[0]
    return out


def relative_variances(design: Design, posterior: Posterior, rows: np.ndarray) -> np.ndarray:
    """Variances (draws, rows) of ``z'b`` given all responses, beta and covariances, over sigma²."""
    S = posterior.sigma.size
    if not design.random:
        return np.zeros((S, len(rows)))
    system = GaussianSystem.build(
        design.y, [], term_columns(design), [term.codes for term in design.random],
        [len(term.levels) for term in design.random], design.precision_weights, frequencies=design.frequencies,
    )  # fmt: skip
    sigma = posterior.sigma.ravel()[:, None, None]
    roots = [
        np.linalg.solve(T, flat_draws(term_roots(term, sds, corrs)) / sigma)
        for T, term, sds, corrs in zip(system.scaling.terms, design.random, posterior.sds, posterior.corrs, strict=True)
    ]
    random = [(term.codes[rows], np.ascontiguousarray(term.Z[rows])) for term in design.random]
    X = np.empty((len(rows), 0))
    out = np.empty((S, len(rows)))
    for s in range(S):
        out[s] = system.combination_variances(system.evaluate([root[s] for root in roots], True), X, random)
    return out
