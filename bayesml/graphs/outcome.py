"""The outcome of a row given its predictors: one expression, from which every engine takes what it needs."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from bayesml.graphs.roles import Graph


def row_log_density(
    graph: Graph, etas: Sequence[Any], values: Sequence[Any], arrays: Mapping[str, Any], namespace: ModuleType
) -> Any:
    """Log density of each row (n,) given its predictors.

    Parameters
    ----------
    graph : Graph
    etas : sequence of (n,)
        Linear predictors, in the order of `graph.predictors`.
    values : sequence
        Natural values of `graph.ancillary`.
    arrays : mapping
        Those of `outcome_arrays`.
    namespace : module
        `pytensor.tensor` or NumPy.
    """
    family = graph.family
    if graph.response.fixes_scale:
        values = [1.0, *values]
    parameters = family.at(
        graph.link, etas, values, namespace, graph.design.categories, arrays.get("scale"), arrays.get("trials")
    )
    return graph.response.log_density(family, arrays, parameters, namespace)


def outcome_arrays(graph: Graph) -> dict[str, Any]:
    """Arrays (n,) that the density of the outcome reads: those of the response, and `scale` where rows differ in it."""
    arrays = dict(graph.design.response) or {"y": graph.design.y}
    if graph.residual_scale is not None:
        arrays["scale"] = graph.residual_scale
    return arrays
