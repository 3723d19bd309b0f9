"""Priors as variables of a PyMC model, their numbers as inputs."""

from collections.abc import Mapping, Sequence

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.tensor import TensorVariable

from bayesml.distributions import Distribution


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
    kinds = list(dict.fromkeys(prior.kind for prior in priors))
    if len(kinds) == 1:
        return _one_kind(name, priors, dim)
    model = pm.modelcontext(None)
    parts, order = [], []
    for kind in kinds:
        places = [i for i, prior in enumerate(priors) if prior.kind == kind]
        model.add_coord(f"{dim}_{kind}", np.asarray([labels[i] for i in places]))
        parts.append(_one_kind(f"{name}_{kind}", [priors[i] for i in places], f"{dim}_{kind}"))
        order += places
    return pm.Deterministic(name, pt.concatenate(parts)[np.argsort(order)], dims=dim)


def _one_kind(name: str, priors: Sequence[Distribution], dim: str) -> TensorVariable:
    numbers = {key: np.array([prior.numbers[key] for prior in priors]) for key in priors[0].numbers}
    return priors[0].variable(pm, name, number_inputs(name, numbers), dims=dim)
