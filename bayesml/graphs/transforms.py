"""Transformations of graphs: Graph -> Graph."""

from typing import Literal

from bayesml.errors import SpecificationError
from bayesml.graphs.roles import Graph


def marginalise(graph: Graph, what: Literal["random", "random and beta", "all"] = "random") -> Graph:
    """The graph with random effects, and with "random and beta" the coefficients too, integrated out exactly.

    Of the coefficients, those with normal or flat priors are integrated out; with "all" those with horseshoe priors
    too, given the scales of these; the others stay.

    Parameters
    ----------
    graph : Graph
    what : {"random", "random and beta", "all"}

    Raises
    ------
    SpecificationError
        The integral is not exact for this family and link.
    """
    if what not in ("random", "random and beta", "all"):
        raise SpecificationError(f'What is integrated out is "random", "random and beta" or "all", not {what!r}.')
    if not graph.exact:
        seen = f" of `{graph.response.name}` responses" if graph.response.needs_tails else ""
        raise SpecificationError(
            f"The random effects of a {graph.family.name} model{seen} with {graph.link.name} link have no exact "
            "integral: that takes normal responses, seen as they are, and the identity link. Sample jointly: "
            '`parametrisation="auto"`.'
        )
    return graph.replace(integrated=what)


def centre(graph: Graph, *terms: int) -> Graph:
    """The graph with random effects of the given terms (all, if none is given) as variables themselves, centred.

    Non-centred terms have standardised effects u as variables and b = Lambda u.
    """
    chosen = terms or tuple(range(len(graph.random)))
    return graph.replace(centred=tuple(k in chosen or was for k, was in enumerate(graph.centred)))
