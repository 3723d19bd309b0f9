"""Log prior of the natural parameters, with its gradient in the square roots of the covariances: for MAP."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from bayesml.distributions import LKJ, Distribution, InverseWishart
from bayesml.errors import SpecificationError
from bayesml.graphs.roles import Graph, RandomRole


@dataclass(frozen=True, eq=False)
class LogPrior:
    """Log prior density and its gradient.

    Parameters
    ----------
    value : float
        -inf outside the support.
    beta : ndarray (p,)
    roots : tuple of ndarray (q, q)
        In the entries of Lambda_k, one a random term.
    sigma : float
    ancillary : dict of str to float
        By address, of the other parameters of the family.
    """

    value: float
    beta: np.ndarray
    roots: tuple[np.ndarray, ...]
    sigma: float
    ancillary: dict[str, float] = field(default_factory=dict)


def require_mode(graph: Graph) -> None:
    """Refuse posterior modes under priors whose density is infinite somewhere.

    Raises
    ------
    SpecificationError
        Naming the parameters.
    """
    unbounded = [(address, prior) for address, prior in graph.priors.items() if not prior.bounded]
    if unbounded:
        names = ", ".join(f"`{address}`" for address, _ in unbounded)
        raise SpecificationError(
            f"The density of {unbounded[0][1]} is infinite at 0, so that 0 would be the posterior mode of {names} "
            'whatever the data are: `criterion="map"` has no meaning here. Use `bml.sample`, or give another prior.'
        )


@contextmanager
def starting_inside(graph: Graph) -> Iterator[None]:
    """Say which priors may have left a search without a start: those with an end inside the parameter's range.

    Raises
    ------
    SpecificationError
        In place of a `FloatingPointError`, where there are such priors.
    """
    try:
        yield
    except FloatingPointError:
        ends = {(-np.inf, np.inf), (0.0, np.inf), (-1.0, 1.0)}
        free = [(address, prior) for address, prior in graph.priors.items() if prior.fixed is None]
        found = [f"{prior} of `{address}`" for address, prior in free if prior.support not in ends]
        if not found:
            raise
        raise SpecificationError(
            f"The search for the posterior mode starts where the prior {' or '.join(found)} has no density: the data "
            "draw the parameter out of its interval, and the mode is likely to lie at an end of it. Use `bml.sample`, "
            "or widen it."
        ) from None


def log_prior(
    graph: Graph,
    beta: np.ndarray,
    roots: Sequence[np.ndarray],
    sigma: float,
    ancillary: Mapping[str, float] | None = None,
) -> LogPrior:
    """Log prior of coefficients, standard deviations, correlations and the family's parameters, without any Jacobian.

    Parameters
    ----------
    graph : Graph
    beta : ndarray (p,)
    roots : sequence of ndarray (q, q)
        Any square root Lambda_k of the covariance of each random term, G_k = Lambda_k Lambda_k', natural scale.
    sigma : float
        Residual standard deviation; not read where it is no parameter.
    ancillary : mapping of str to float
        Natural values of the other parameters of the family by address; needed where there are any.

    Notes
    -----
    A standard deviation of 0 has a kink there: the gradient returned is that from neither side, 0. Flat priors and
    parameters held at a value add nothing. The prior of a whole covariance matrix is taken as the density of its
    standard deviations and correlations: that of the matrix times ``2^q prod(sd^q)``.
    """
    priors = graph.priors
    value, sigma_slope = 0.0, 0.0
    beta_slopes = np.zeros(len(priors.coefficients))
    for j, prior in enumerate(priors.coefficients):
        value += density_at(prior, beta[j])
        beta_slopes[j] = prior.slope(beta[j])
    if priors.sigma is not None:
        value += density_at(priors.sigma, sigma)
        sigma_slope = float(priors.sigma.slope(sigma))
    slopes = {}
    for address, prior in priors.ancillary.items():
        assert ancillary is not None, f"the value of {address} is missing"
        value += density_at(prior, ancillary[address])
        slopes[address] = float(prior.slope(ancillary[address]))
    gradients = []
    for role, term, root in zip(graph.random, priors.terms, roots, strict=True):
        gradient = np.zeros_like(root)
        if term.covariance is not None:
            part, part_gradient = matrix_density(term.covariance, root)
            value += part
            gradients.append(part_gradient)
            continue
        sds, sd_gradients = standard_deviations(role, root)
        for prior, sd, sd_gradient in zip(term.sds, sds, sd_gradients, strict=True):
            value += density_at(prior, sd)
            if sd > 0:
                gradient += float(prior.slope(sd)) * sd_gradient
        if term.correlation is not None:
            part, part_gradient = correlation_density(role, term.correlation, term.partials[0], root)
            value += part
            gradient += part_gradient
        gradients.append(gradient)
    return LogPrior(value, beta_slopes, tuple(gradients), sigma_slope, slopes)


def density_at(prior: Distribution, x: float) -> float:
    """Log density of a prior at any value: -inf outside its support."""
    lower, upper = prior.support
    if prior.fixed is None and not lower <= x <= upper:
        return -np.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(prior.log_density(x))


def standard_deviations(role: RandomRole, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Free standard deviations (n_sds,) of a term and their derivatives in Lambda (n_sds, q, q)."""
    q = role.q
    if role.covariance.common_sd:
        sd = np.sqrt(np.sum(root**2) / q)
        return sd[None], (root / (q * sd) if sd > 0 else np.zeros_like(root))[None]
    sds = np.sqrt(np.sum(root**2, axis=1))
    derivatives = np.zeros((q, q, q))
    for i in range(q):
        if sds[i] > 0:
            derivatives[i, i] = root[i] / sds[i]
    return sds, derivatives


def correlation_density(
    role: RandomRole, prior: Distribution, partial: Distribution, root: np.ndarray
) -> tuple[float, np.ndarray]:
    """Log density of the correlations of a term and its gradient in Lambda; 0 and -inf on the boundary.

    Parameters
    ----------
    role : RandomRole
    prior : Distribution
        Of the correlation matrix, as the user gave it.
    partial : Distribution
        Of the only correlation, where there is one.
    root : ndarray (q, q)
    """
    nothing = np.zeros_like(root)
    if prior.fixed is not None:
        return 0.0, nothing
    sds = np.sqrt(np.sum(root**2, axis=1))
    if np.any(sds == 0):
        # without a direction there is no correlation: the density is that of none
        return 0.0, nothing
    if role.n_correlations == 1:
        r, derivative = only_correlation(role, root, sds)
        with np.errstate(divide="ignore", invalid="ignore"):
            value, slope = float(partial.log_density(r)), float(partial.slope(r))
        return (value, slope * derivative) if np.isfinite(value) and np.isfinite(slope) else (-np.inf, nothing)
    assert isinstance(prior, LKJ)
    if prior.eta == 1:
        return prior.log_density_of(0.0, role.q), nothing
    sign, log_det = np.linalg.slogdet(root / sds[:, None])
    if sign == 0:
        return -np.inf, nothing
    gradient = 2 * (prior.eta - 1) * (np.linalg.inv(root).T - root / sds[:, None] ** 2)
    return prior.log_density_of(2 * log_det, role.q), gradient


def matrix_density(prior: InverseWishart, root: np.ndarray) -> tuple[float, np.ndarray]:
    """Log density of the covariance matrix, as one of its sds and correlations, and its gradient in Lambda."""
    value = float(prior.log_density_of(root @ root.T))
    return value, prior.slope_of(root) if np.isfinite(value) else np.zeros_like(root)


def only_correlation(role: RandomRole, root: np.ndarray, sds: np.ndarray) -> tuple[float, np.ndarray]:
    """The correlation of two columns, or the common one, and its derivative in Lambda."""
    q = role.q
    if role.covariance.common_sd:
        mean_variance = np.sum(root**2) / q
        others = root.sum(axis=0)[None, :] - root
        r = np.sum(others * root) / (q * (q - 1) * mean_variance)
        return float(r), 2 * others / (q * (q - 1) * mean_variance) - 2 * r * root / (q * mean_variance)
    unit = root / sds[:, None]
    r = unit[0] @ unit[1]
    return float(r), np.stack([(unit[1] - r * unit[0]) / sds[0], (unit[0] - r * unit[1]) / sds[1]])
