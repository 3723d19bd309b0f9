"""Addresses and natural values of coordinates that are sampled: to say where something went wrong."""

from collections.abc import Sequence

import numpy as np
import pymc as pm

from bayesml.design.addresses import effect_address
from bayesml.estimators.nutpie_model import Density
from bayesml.estimators.nuts_natural import natural_draws
from bayesml.graphs.dimensions import ordered_parameters
from bayesml.graphs.natural import CovarianceParameters
from bayesml.graphs.roles import Graph

MOST_NAMED = 6


def described(graph: Graph, model: pm.Model, density: Density, x: np.ndarray, chosen: Sequence[int]) -> str:
    """Coordinates of a point as `sigma = 1e-200, sd(Days | Subject) = 4.1`, at most six, and what is held.

    Parameters
    ----------
    graph : Graph
    model : pymc.Model
        That is sampled.
    density : Density
    x : ndarray (n,)
        Unconstrained.
    chosen : sequence of int
    """
    names, values = addresses(graph, model, density), natural_values(graph, model, density, x)
    # parameters say more than random effects do
    order = sorted(chosen, key=lambda i: names[i].startswith("b("))
    said = [f"{names[i]} = {values[i]:.4g}" for i in order[:MOST_NAMED]]
    if len(chosen) > MOST_NAMED:
        said.append(f"and {len(chosen) - MOST_NAMED} more")
    if len(chosen) == density.size:
        # nothing sampled is to blame by itself: what is held may be
        said += [f"{name} held at {value:.4g}" for name, value in graph.held.items()]
    return ", ".join(said)


def addresses(graph: Graph, model: pm.Model, density: Density) -> list[str]:
    """Addresses of the coordinates, in their order; of random effects on the scale that is sampled."""
    ordered = ordered_parameters(graph)
    found: list[str] = []
    for variable in variables(model, density):
        name = str(variable.name)
        dims = model.named_vars_to_dims.get(name, ())
        if name in ordered:
            found += ordered[name]
        elif name == "effects":
            found += [
                effect_address(term, i, level)
                for term in graph.design.random
                for level, i in np.ndindex(len(term.levels), len(term.names))
            ]
        else:
            labels = model.coords[dims[0]] if dims else None
            found += [name] if labels is None else [str(label) for label in labels]
    return found


def natural_values(graph: Graph, model: pm.Model, density: Density, x: np.ndarray) -> np.ndarray:
    """Values (n,) of the coordinates on natural scales; of effects on the scale that is sampled."""
    names = [str(variable.name) for variable in variables(model, density)]
    with np.errstate(all="ignore"):
        found = {name: values[0, 0] for name, values in natural_draws(model, density, x[None, None], names).items()}
    if "partial_unit" in found:
        free = [prior.fixed is None for term in graph.priors.terms for prior in term.partials]
        lower, width = (bound[free] for bound in CovarianceParameters(graph).bounds)
        found["partial_unit"] = lower + width * found["partial_unit"]
    return np.concatenate([np.ravel(found[name]) for name in names])


def variables(model: pm.Model, density: Density) -> list[pm.model.core.Variable]:
    """Random variables in the order of the coordinates."""
    by_value = {model.rvs_to_values[rv].name: rv for rv in model.free_RVs}
    return [by_value[name] for name in density.names]
