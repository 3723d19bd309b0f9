"""Log likelihood of the parameters at each draw, the random effects integrated out."""

import numpy as np

from bayesml.families.ancillary import unconstrained
from bayesml.graphs.derivatives import RowDerivatives
from bayesml.graphs.roles import Graph
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.linalg.laplace import IndefiniteError, LaplaceSystem
from bayesml.linalg.marginal_values import log_densities
from bayesml.linalg.threads import one_blas_thread
from bayesml.results.effects import flat_roots
from bayesml.results.posterior import Posterior, flat_draws, term_roots
from bayesml.results.predictive import ancillary_draws

TOLERANCE = 1e-8
"""Decrement at the modes of Laplace's method: an error of the log likelihood of half of it."""


def log_marginal_likelihood(graph: Graph, posterior: Posterior) -> np.ndarray:
    """Log density of the responses given coefficients, covariances and parameters of the family, (chain, draw).

    The integral over the random effects is exact in linear models; elsewhere it is Laplace's approximation, each draw a
    search for a mode: milliseconds for thousands of rows.

    Parameters
    ----------
    graph : Graph
    posterior : Posterior

    Returns
    -------
    ndarray, shape (chain, draw)
        With all constants; -inf where Laplace's approximation does not exist.
    """
    with one_blas_thread():
        values = exact(graph, posterior) if graph.exact else by_laplace(graph, posterior)
    return values.reshape(posterior.shape)


def exact(graph: Graph, posterior: Posterior) -> np.ndarray:
    """Of linear models with normal responses, (draws,)."""
    given, nothing = np.ones(len(graph.fixed), np.int64), np.zeros(len(graph.fixed))
    return log_densities(
        GaussianSystem.of(graph.design, given), flat_roots(graph.design, posterior), posterior.sigma.ravel(),
        flat_draws(posterior.beta), given, nothing, nothing,
    )  # fmt: skip


@np.errstate(over="ignore", invalid="ignore")
def by_laplace(graph: Graph, posterior: Posterior) -> np.ndarray:
    """Of all other models, (draws,)."""
    system = LaplaceSystem.of(graph.design, lambda order: RowDerivatives(graph, order))
    columns = system.columns
    relative = [
        np.linalg.solve(T, flat_draws(term_roots(role.columns, sds, corrs)))
        for T, role, sds, corrs in zip(columns.terms, graph.random, posterior.sds, posterior.corrs, strict=True)
    ]
    beta = np.linalg.solve(columns.coefficients, flat_draws(posterior.beta).T).T
    values = np.concatenate([np.empty((len(beta), 0)), *map(flat_draws, ancillary_draws(graph, posterior))], axis=-1)
    out, c = np.empty(len(beta)), None
    for s in range(len(beta)):
        phi = unconstrained(graph.ancillary, values[s])
        lam = system.assembled([root[s] for root in relative])
        try:
            mode = system.mode(lam, beta[s], phi, c, TOLERANCE)
        except IndefiniteError:
            out[s] = -np.inf
            continue
        out[s], c = mode.value, mode.c
    return out


def work_of_a_draw(graph: Graph) -> float:
    """About how many rows' worth of work a draw is: rows where modes are searched, and factoring of crossed effects."""
    rows = 0 if graph.exact else graph.design.n * len(graph.predictors)
    sizes = sorted(len(role.columns.levels) * role.q for role in graph.random)
    crossed = sum(sizes) - sizes[-1] if sizes else 0
    return max(1.0, rows + (crossed / 20.0) ** 3)
