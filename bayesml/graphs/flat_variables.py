"""Variables that are the same for every model: those of all terms as one vector."""

from collections.abc import Sequence

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.tensor import TensorVariable

from bayesml.distributions import Distribution
from bayesml.graphs.prior_variables import number_inputs, vector_variable


def flat_vector(
    name: str, priors: Sequence[Distribution], dim: str, labels: Sequence[str], size: int = 0
) -> TensorVariable:
    """A vector of variables, or zeros (size,) where there is none."""
    if not priors:
        return flat_input(name, np.zeros(size))
    pm.modelcontext(None).add_coord(dim, np.asarray(labels))
    return vector_variable(name, priors, dim, labels)


def flat_input(name: str, array: np.ndarray) -> TensorVariable:
    """An array as an input of the model: another array compiles nothing."""
    return pytensor.shared(np.array(array, order="C"), name=name)


def flat_correlations(partials: Sequence[Distribution], bounds: np.ndarray, labels: Sequence[str]) -> TensorVariable:
    """Partial correlations as their place in their intervals: beta variables, or held at a value."""
    held = np.array([prior.fixed is not None for prior in partials], dtype=bool)
    values = np.array([prior.fixed if prior.fixed is not None else 0.0 for prior in partials])
    constant = flat_input("partial_held", (values - bounds[0]) / bounds[1])
    if held.all():
        return constant
    free = np.flatnonzero(~held).tolist()
    model = pm.modelcontext(None)
    model.add_coord("corr_address", np.asarray([labels[i] for i in free]))
    shapes = {key: np.array([_shape(partials[i], key) for i in free]) for key in ("alpha", "beta")}
    unit = pm.Beta("partial_unit", **number_inputs("partial_unit", shapes), dims="corr_address")
    return pt.set_subtensor(constant[flat_input("partial_places", np.array(free))], unit) if held.any() else unit


def _shape(prior: Distribution, key: str) -> float:
    """Parameter of the beta variable that a correlation is; a uniform one has none."""
    return prior.numbers.get(key, 1.0)
