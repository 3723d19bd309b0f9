"""From the variables of a marginalised graph to natural parameters, over any number of draws."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayesml.graphs.correlation import root_of_common, root_of_partials
from bayesml.graphs.roles import Graph, RandomRole

KINDS = {"none": 0, "one": 1, "all": 2}


@dataclass(frozen=True, eq=False)
class CovarianceParameters:
    """Standard deviations and correlations of all terms of a graph as two flat vectors.

    `sd` (n_sds,) holds the standard deviations of term after term; `unit` (n_correlations,) the partial correlations
    (in the order of `tril_indices(q, -1)`), or the common one, as their place between `lower` and `lower + width`.

    Parameters
    ----------
    graph : Graph
    """

    graph: Graph

    @cached_property
    def layout(self) -> np.ndarray:
        """One row a term, (terms, 6): see `bayesml.graphs.covariance_roots`."""
        rows, sd, corr, lam = [], 0, 0, 0
        for role in self.graph.random:
            kind = KINDS[role.covariance.correlations] if role.n_correlations else 0
            rows.append((kind, role.q, sd, role.covariance.common_sd, corr, lam))
            sd, corr, lam = sd + role.n_sds, corr + role.n_correlations, lam + role.q**2
        return np.array(rows, np.int64).reshape(-1, 6)

    @cached_property
    def bounds(self) -> np.ndarray:
        """`lower` and `width` of each correlation, (2, n_correlations)."""
        pairs = []
        for role, priors in zip(self.graph.random, self.graph.priors.terms, strict=True):
            for prior in priors.partials:
                lower, upper = prior.support
                if prior.fixed is not None:
                    lower, upper = -1 / (role.q - 1) if role.covariance.correlations == "one" else -1.0, 1.0
                pairs.append((lower, upper - lower))
        return np.array(pairs).reshape(-1, 2).T.copy()

    def sds(self, sd: np.ndarray, k: int) -> np.ndarray:
        """Standard deviations (..., n_sds) of term k from those of all."""
        start = self.layout[k, 2]
        return sd[..., start : start + self.graph.random[k].n_sds]

    def correlation_root(self, unit: np.ndarray, k: int) -> np.ndarray:
        """Root C (..., q, q) of the correlations of term k."""
        role, start = self.graph.random[k], self.layout[k, 4]
        part = slice(start, start + role.n_correlations)
        values = self.bounds[0, part] + self.bounds[1, part] * unit[..., part]
        return correlation_root(role, values)

    def correlations(self, unit: np.ndarray, k: int) -> np.ndarray:
        """Free correlations (..., n_correlations) of term k, in the order of `RandomRole.pairs`."""
        role, C = self.graph.random[k], self.correlation_root(unit, k)
        rows, columns = np.tril_indices(role.q, -1)
        return (C @ np.swapaxes(C, -1, -2))[..., rows, columns][..., : role.n_correlations]

    def lam(self, sd: np.ndarray, unit: np.ndarray) -> np.ndarray:
        """Square roots Lambda of all terms, row-major, concatenated: (..., sum of q²)."""
        parts = []
        for k, role in enumerate(self.graph.random):
            root = self.sds(sd, k)[..., :, None] * self.correlation_root(unit, k)
            parts.append(root.reshape(*root.shape[:-2], role.q**2))
        return np.concatenate(parts, axis=-1) if parts else np.empty((*sd.shape[:-1], 0))


def correlation_root(role: RandomRole, values: np.ndarray) -> np.ndarray:
    """Root C (..., q, q) of a term's correlations from its partial, or common, ones (..., n_correlations)."""
    if role.n_correlations == 0:
        return np.broadcast_to(np.eye(role.q), (*values.shape[:-1], role.q, role.q))
    if role.covariance.correlations == "one":
        return root_of_common(values[..., 0], role.q, np)
    partials = np.zeros((*values.shape[:-1], role.q, role.q))
    partials[..., *np.tril_indices(role.q, -1)] = values
    return root_of_partials(partials, role.q, np)


def partial_correlations(R: np.ndarray) -> np.ndarray:
    """Partial correlations of a correlation matrix (q, q), in the order of `tril_indices(q, -1)`."""
    q = len(R)
    values, vectors = np.linalg.eigh(R)
    C = np.linalg.cholesky((vectors * np.maximum(values, 1e-10)) @ vectors.T)
    left = np.ones(q)
    out = np.zeros((q, q))
    for j in range(q):
        out[:, j] = C[:, j] / np.sqrt(np.maximum(left, 1e-300))
        left = left - C[:, j] ** 2
    return out[np.tril_indices(q, -1)]
