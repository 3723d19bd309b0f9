"""Log prior density of each parameter at each draw."""

from typing import Any

import numpy as np

from bayesml.distributions import LKJ
from bayesml.graphs.roles import Graph
from bayesml.results.posterior import Posterior, term_covariance


def log_prior_draws(graph: Graph, posterior: Posterior) -> dict[str, np.ndarray]:
    """Log prior density of each parameter at each draw, with all constants, on the scale of its address.

    Parameters
    ----------
    graph : Graph
        Its priors are those whose density is asked for; they need not be those that were sampled with.
    posterior : Posterior

    Returns
    -------
    dict of str to ndarray, shape (chain, draw)
        By address, in the order of tables. Several correlations of a term are one entry, `corr(Subject)`, and so are
        all parameters of a covariance matrix that has a prior as a whole, `cov(Subject)`. Their sum is
        the log prior, without Jacobians, but that parameters in order have the density of as many without order.
        Parameters held at a value have no entry; flat priors have zeros.
    """
    priors, found = graph.priors, {}
    for j, (address, prior) in enumerate(zip(priors.addresses, priors.coefficients, strict=True)):
        found[address] = prior, posterior.beta[..., j]
    for k, term in enumerate(priors.terms):
        if term.covariance is not None:
            continue
        for i, (address, prior) in enumerate(zip(term.sd_addresses, term.sds, strict=True)):
            found[address] = prior, posterior.sds[k][..., i]
    out: dict[str, Any] = {
        address: prior.log_density(x) for address, (prior, x) in found.items() if prior.fixed is None
    }
    for k, (role, term) in enumerate(zip(graph.random, priors.terms, strict=True)):
        if term.covariance is not None:
            G = term_covariance(role.columns, posterior.sds[k], posterior.corrs[k])
            out[f"cov({role.suffix})"] = term.covariance.log_density_of(G)
            continue
        if term.correlation is None or term.correlation.fixed is not None:
            continue
        corrs = posterior.corrs[k]
        if role.n_correlations == 1:
            out[term.corr_addresses[0]] = term.partials[0].log_density(corrs[..., 0])
        else:
            assert isinstance(term.correlation, LKJ)
            R = term_covariance(role.columns, np.ones((*corrs.shape[:-1], role.q)), corrs)
            out[f"corr({role.suffix})"] = term.correlation.log_density_of(np.linalg.slogdet(R)[1], role.q)
    if priors.sigma is not None and priors.sigma.fixed is None:
        out["sigma"] = priors.sigma.log_density(posterior.sigma)
    for i, name in enumerate(priors.ancillary):
        if priors.ancillary[name].fixed is None:
            out[name] = priors.ancillary[name].log_density(posterior.ancillary[..., i])
    return {address: np.broadcast_to(value, posterior.shape) for address, value in out.items()}
