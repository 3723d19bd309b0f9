"""Draws and data as the groups of an ArviZ DataTree, under the names of the graph."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayesml.graphs.dimensions import Dimensions, ordered_parameters, text_coords
from bayesml.graphs.roles import Graph
from bayesml.results.posterior import Posterior

OBSERVATION = "obs"
SAMPLE = ("chain", "draw")

Variables = dict[str, tuple[tuple[str, ...], Any]]


def labelled(graph: Graph, variables: Variables) -> xr.Dataset:
    """A dataset with the user's labels along the dims of its variables; chains and draws are counted."""
    labels: Mapping[str, Any] = text_coords(Dimensions(graph).coords)
    sizes = {d: n for dims, values in variables.values() for d, n in zip(dims, np.shape(values), strict=True)}
    return xr.Dataset(variables, coords={d: labels[d] if d in labels else np.arange(n) for d, n in sizes.items()})


def posterior_dataset(graph: Graph, posterior: Posterior, effects: Sequence[np.ndarray] | None) -> xr.Dataset:
    """Variables `beta sd_g corr_g b_g sigma` and those of the family; dims chain, draw, then those of the graph."""
    dimensions = Dimensions(graph)
    variables: Variables = {}
    if graph.fixed:
        variables["beta"] = (*SAMPLE, "coef"), posterior.beta
    for k, role in enumerate(graph.random):
        parts = ("sd", dimensions.sd(k), posterior.sds[k]), ("corr", dimensions.corr(k), posterior.corrs[k])
        for name, dims, draws in parts:
            if draws.shape[-1]:
                variables[f"{name}_{role.suffix}"] = (*SAMPLE, *dims), draws if dims else draws[..., 0]
        if effects is not None:
            variables[f"b_{role.suffix}"] = (*SAMPLE, *dimensions.b(k)), effects[k]
    if "sigma" in {parameter.name for parameter in graph.ancillary}:
        variables["sigma"] = SAMPLE, posterior.sigma
    others = [parameter for parameter in graph.ancillary if parameter.name != "sigma"]
    ordered = ordered_parameters(graph)
    for i, parameter in enumerate(others):
        if parameter.key not in ordered:
            variables[parameter.name] = SAMPLE, posterior.ancillary[..., i]
    for key in ordered:
        places = [i for i, parameter in enumerate(others) if parameter.key == key]
        variables[key] = (*SAMPLE, f"{key}point"), posterior.ancillary[..., places]
    variables |= {name: (SAMPLE, draws) for name, draws in posterior.scales.items()}
    return labelled(graph, variables)


def data_datasets(graph: Graph) -> dict[str, xr.Dataset]:
    """Groups `observed_data` and `constant_data`."""
    design, dimensions = graph.design, Dimensions(graph)
    constant: Variables = {}
    if graph.fixed:
        constant["X"] = (OBSERVATION, "coef"), design.X
    for k, role in enumerate(graph.random):
        _, column = dimensions.b(k)
        constant[f"{role.suffix}_of_row"] = (OBSERVATION,), np.asarray(role.columns.level_labels)[role.columns.codes]
        constant[f"Z_{role.suffix}"] = (OBSERVATION, column), role.columns.Z
    for name in ("weights", "known_sd", "offset", "frequencies"):
        if (values := getattr(design, name)) is not None:
            constant[name] = (OBSERVATION,), values
    constant |= {name: ((OBSERVATION,), values) for name, values in design.response.items() if name != "y"}
    return {
        "observed_data": labelled(graph, {design.response_name: ((OBSERVATION,), design.y)}),
        "constant_data": labelled(graph, constant),
    }


def row_dataset(graph: Graph, values: np.ndarray) -> xr.Dataset:
    """Values of each row at each draw, (chain, draw, n), under the name of the response."""
    return labelled(graph, {graph.design.response_name: ((*SAMPLE, OBSERVATION), values)})


def to_datatree(graph: Graph, posterior: Posterior, effects: Sequence[np.ndarray] | None) -> xr.DataTree:
    """The groups posterior, sample_stats, observed_data and constant_data."""
    groups = {
        "posterior": posterior_dataset(graph, posterior, effects),
        "sample_stats": labelled(graph, {name: (SAMPLE, values) for name, values in posterior.stats.items()}),
        **data_datasets(graph),
    }
    groups["posterior"].attrs = {
        "formula": str(graph.model.formula),
        "inference_library": "bayesml with nutpie",
        "parametrisation": posterior.parametrisation,
    }
    return xr.DataTree.from_dict(groups)
