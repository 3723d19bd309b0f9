"""Whether the posterior of a graph is proper."""

import numpy as np

from bayesml.errors import NotIdentified
from bayesml.graphs.outcome import outcome_arrays, row_log_density
from bayesml.graphs.roles import Graph

FEWEST_LEVELS = 3
FAR = 30.0
"""Size of a predictor that is as good as infinite."""

FALL = 1.0
"""By how much a log likelihood has to fall that far out to be one that falls for ever."""


def require_proper(graph: Graph) -> None:
    """Refuse a posterior that does not integrate to one.

    Notes
    -----
    With a flat prior on the sd of J effects whose mean is free, the likelihood falls like sd^-(J - 1) as the sd grows:
    the posterior integrates from J = 3 on (Gelman 2006, section 3.2). Levels count only where their rows hold the
    effect from both sides: those whose responses are all 0, say, are as probable with an effect of minus infinity. In
    sigma it falls like sigma^-(n - p), with p flat coefficients. In degrees of freedom it does not fall at all.

    Raises
    ------
    NotIdentified
        A flat prior on the sd of a grouping factor with fewer than three levels; a flat prior on sigma with
        fewer than two rows more than coefficients; a flat prior on degrees of freedom.
    """
    for role, priors in zip(graph.random, graph.priors.terms, strict=True):
        for address, prior in zip(priors.sd_addresses, priors.sds, strict=True):
            if not prior.improper:
                continue
            levels, held = len(role.columns.levels), levels_that_hold(graph, role.columns.codes)
            if held < FEWEST_LEVELS:
                what = f"{levels} level{'s' if levels != 1 else ''}"
                if held < levels:
                    what += f", of which {held} {'have' if held != 1 else 'has'} responses that are not all at one end"
                raise NotIdentified(
                    f"With a flat prior on `{address}` the posterior is improper: `{role.columns.group}` has {what}, "
                    f"and {FEWEST_LEVELS} are needed. Give the sd a proper prior, as in HalfNormal(scale)."
                )
    for parameter in graph.ancillary:
        if parameter.prior == "degrees_of_freedom" and graph.priors.of_ancillary(parameter.name).improper:
            raise NotIdentified(
                f"With a flat prior on `{parameter.name}` the posterior is improper: however many degrees of freedom, "
                "the likelihood does not fall. Give a proper prior, as in Gamma(2, 0.1)."
            )
    sigma = graph.priors.sigma
    flat = sum(prior.improper for prior in graph.priors.coefficients)
    if sigma is not None and sigma.improper and graph.design.nobs - flat < 2:
        raise NotIdentified(
            f"With a flat prior on `sigma` the posterior is improper: {graph.design.nobs} rows are too few for {flat} "
            "coefficients with flat priors. Give sigma a proper prior, as in HalfNormal(scale)."
        )


def levels_that_hold(graph: Graph, codes: np.ndarray) -> int:
    """Number of levels whose rows become improbable when any predictor goes to plus or minus infinity."""
    family, design = graph.family, graph.design
    if graph.exact:
        return int(codes.max()) + 1
    _, values = family.start(design.y, graph.link, design.categories)
    values = values[1:] if graph.response.fixes_scale else values
    arrays, K = outcome_arrays(graph), len(graph.predictors)

    def by_level(k: int, eta: float) -> np.ndarray:
        etas = [np.full(design.n, eta if other == k else 0.0) for other in range(K)]
        with np.errstate(all="ignore"):
            rows = row_log_density(graph, etas, values, arrays, np)
        return np.bincount(codes, weights=np.nan_to_num(rows, nan=-1e300, neginf=-1e300))

    held = np.ones(int(codes.max()) + 1, bool)
    for k in range(K):
        best = np.max([by_level(k, eta) for eta in np.linspace(-FAR, FAR, 61)], axis=0)
        held &= (by_level(k, FAR) < best - FALL) & (by_level(k, -FAR) < best - FALL)
    return int(held.sum())
