"""Whether the posterior of a graph is proper."""

from bayesml.errors import NotIdentified
from bayesml.graphs.roles import Graph

FEWEST_LEVELS = 3


def require_proper(graph: Graph) -> None:
    """Refuse a posterior that does not integrate to one.

    Notes
    -----
    With a flat prior on the sd of J effects whose mean is free, the likelihood falls like sd^-(J - 1) as the sd grows:
    the posterior integrates from J = 3 on (Gelman 2006, section 3.2). In sigma it falls like sigma^-(n - p), with p
    flat coefficients.

    Raises
    ------
    NotIdentified
        A flat prior on the sd of a grouping factor with fewer than three levels; a flat prior on sigma with
        fewer than two rows more than coefficients.
    """
    for role, priors in zip(graph.random, graph.priors.terms, strict=True):
        levels = len(role.columns.levels)
        for address, prior in zip(priors.sd_addresses, priors.sds, strict=True):
            if prior.improper and levels < FEWEST_LEVELS:
                raise NotIdentified(
                    f"With a flat prior on `{address}` the posterior is improper: `{role.columns.group}` has {levels} "
                    f"level{'s' if levels != 1 else ''}, and {FEWEST_LEVELS} are needed. "
                    "Give the sd a proper prior, as in HalfNormal(scale)."
                )
    sigma = graph.priors.sigma
    flat = sum(prior.improper for prior in graph.priors.coefficients)
    if sigma is not None and sigma.improper and graph.design.nobs - flat < 2:
        raise NotIdentified(
            f"With a flat prior on `sigma` the posterior is improper: {graph.design.nobs} rows are too few for {flat} "
            "coefficients with flat priors. Give sigma a proper prior, as in HalfNormal(scale)."
        )
