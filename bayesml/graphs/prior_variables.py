"""Priors as variables of a PyMC model, their numbers as inputs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pymc.distributions.transforms import ordered as ordered_values
from pytensor.tensor import TensorVariable

from bayesml.distributions import Distribution
from bayesml.graphs.dimensions import ordered_parameters
from bayesml.graphs.roles import Graph


def number_inputs(name: str, numbers: Mapping[str, np.ndarray | float]) -> dict[str, TensorVariable]:
    """Numbers of a prior as shared variables `<name>_<parameter>`: other numbers compile nothing."""
    return {
        key: pytensor.shared(np.asarray(value, dtype=float), name=f"{name}_{key}") for key, value in numbers.items()
    }


def scalar_variable(name: str, prior: Distribution) -> TensorVariable:
    """A variable of the model at hand with a prior, a number."""
    return prior.variable(pm, name, number_inputs(name, prior.numbers))


def vector_variable(name: str, priors: Sequence[Distribution], dim: str, labels: Sequence[str]) -> TensorVariable:
    """A variable of the model at hand whose elements have priors.

    Elements with priors of one kind are one variable. With several kinds, each gets a variable of its own,
    `<name>_<kind>` over `<dim>_<kind>`, and `name` joins them in order.

    Parameters
    ----------
    name : str
    priors : sequence of Distribution
        At least one.
    dim : str
        Dimension of `name`, with `labels` along it.
    labels : sequence of str
    """
    joined = _by_kind(_one_kind, name, priors, dim, labels)
    return joined if joined.name == name else pm.Deterministic(name, joined, dims=dim)


def log_factors(name: str, priors: Sequence[Distribution], dim: str, labels: Sequence[str]) -> TensorVariable:
    """Logs of the factors of the sds of priors that are normal given their scales, as `<name>_log_factor`.

    Parameters are those of `vector_variable`; the variables of the model are those of `Distribution.log_factor`.
    """

    def one_kind(name: str, priors: Sequence[Distribution], dim: str) -> TensorVariable:
        return priors[0].log_factor(pm, name, _numbers(name, priors), dims=dim)

    return pm.Deterministic(f"{name}_log_factor", _by_kind(one_kind, name, priors, dim, labels), dims=dim)


def _by_kind(
    one_kind: Callable[..., TensorVariable], name: str, priors: Sequence[Distribution], dim: str, labels: Sequence[str]
) -> TensorVariable:
    """What `one_kind(name, priors, dim)` makes of the priors of each kind, joined in order."""
    kinds = list(dict.fromkeys(prior.kind for prior in priors))
    if len(kinds) == 1:
        return one_kind(name, priors, dim)
    model = pm.modelcontext(None)
    parts, order = [], []
    for kind in kinds:
        places = [i for i, prior in enumerate(priors) if prior.kind == kind]
        model.add_coord(f"{dim}_{kind}", np.asarray([labels[i] for i in places]))
        parts.append(one_kind(f"{name}_{kind}", [priors[i] for i in places], f"{dim}_{kind}"))
        order += places
    return pt.concatenate(parts)[np.argsort(order)]


def ancillary_variables(graph: Graph) -> list[TensorVariable]:
    """The family's parameters besides its predictors in the model at hand, one for each of `graph.ancillary`.

    Each is a variable under its name; those in order are one variable, `cut` (cutpoint).
    """
    ordered = {}
    for key, names in ordered_parameters(graph).items():
        priors = [graph.priors.of_ancillary(name) for name in names]
        _, start = graph.family.start(graph.design.y, graph.link, graph.design.categories)
        places = [i for i, parameter in enumerate(graph.ancillary) if parameter.key == key]
        free = {} if priors[0].fixed is not None else {"transform": ordered_values, "initval": np.array(start)[places]}
        variable = _one_kind(key, priors, f"{key}point", **free)
        ordered[key] = iter([variable[i] for i in range(len(names))])
    return [
        next(ordered[parameter.key])
        if parameter.domain == "ordered"
        else scalar_variable(parameter.name, graph.priors.of_ancillary(parameter.name))
        for parameter in graph.ancillary
    ]


def _one_kind(name: str, priors: Sequence[Distribution], dim: str, **options: Any) -> TensorVariable:
    return priors[0].variable(pm, name, _numbers(name, priors), dims=dim, **options)


def _numbers(name: str, priors: Sequence[Distribution]) -> dict[str, TensorVariable]:
    """Numbers of priors of one kind, as vectors."""
    return number_inputs(name, {key: np.array([prior.numbers[key] for prior in priors]) for key in priors[0].numbers})
