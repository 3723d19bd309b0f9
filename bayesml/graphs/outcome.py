"""The outcome of a row given its predictors: one expression, from which every engine takes what it needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from bayesml.families import Family
from bayesml.graphs.roles import Graph
from bayesml.links import Link
from bayesml.responses import Response


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
    return OutcomeParts.of(graph).log_density(etas, values, arrays, namespace)


@dataclass(frozen=True)
class OutcomeParts:
    """What the distribution of an outcome is made of; equal where the parts are.

    Parameters
    ----------
    family : Family
    link : Link
    response : Response
    categories : tuple of str
    """

    family: Family
    link: Link
    response: Response
    categories: tuple[str, ...] = ()

    @classmethod
    def of(cls, graph: Graph) -> "OutcomeParts":
        """Those of a graph."""
        return cls(graph.family, graph.link, graph.response, graph.design.categories)

    def parameters(
        self, etas: Sequence[Any], values: Sequence[Any], arrays: Mapping[str, Any], namespace: ModuleType
    ) -> dict[str, Any]:
        """The mapping that the densities of the family read; arguments as in `row_log_density`."""
        if self.response.fixes_scale:
            values = [1.0, *values]
        return self.family.at(
            self.link, etas, values, namespace, self.categories, arrays.get("scale"), arrays.get("trials")
        )

    def log_density(
        self, etas: Sequence[Any], values: Sequence[Any], arrays: Mapping[str, Any], namespace: ModuleType
    ) -> Any:
        """Log density of each row; arguments as in `row_log_density`."""
        parameters = self.parameters(etas, values, arrays, namespace)
        return self.response.log_density(self.family, arrays, parameters, namespace)


def outcome_arrays(graph: Graph) -> dict[str, Any]:
    """Arrays (n,) that the density of the outcome reads: those of the response, and `scale` where rows differ in it."""
    arrays = dict(graph.design.response) or {"y": graph.design.y}
    if graph.residual_scale is not None:
        arrays["scale"] = graph.residual_scale
    return arrays
