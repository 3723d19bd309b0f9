"""The outcome as a random variable of a PyMC model: one class for every family, link and response."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor
from pymc.logprob.abstract import _logprob
from pytensor.tensor import TensorVariable
from pytensor.tensor.random.op import RandomVariable

from bayesml.graphs.expressions import INPUT_NAMES, outcome_inputs
from bayesml.graphs.outcome import OutcomeParts
from bayesml.graphs.roles import Graph
from bayesml.graphs.tensors import TENSORS

# New responses are drawn by NumPy on purpose, all rows in one call: it costs nothing that numba calls back for that.
warnings.filterwarnings("ignore", message="Numba will use object mode to run Outcome", category=UserWarning)


class Outcome(RandomVariable):
    """Responses of rows given their predictors.

    Inputs are the predictors (n,), the natural values of the family's other parameters, and the arrays (n,) of
    `arrays`. The parts are properties of the Op, so that its density is registered once and for all.

    Parameters
    ----------
    parts : OutcomeParts
    predictors : int
        How many of the inputs are predictors.
    arrays : tuple of str
        Names of the last inputs: those of the response besides `y`, `scale`, `frequencies`.
    """

    name = "outcome"
    dtype = "float64"
    __props__ = ("name", "signature", "dtype", "inplace", "parts", "predictors", "arrays")

    def __init__(
        self, parts: OutcomeParts, predictors: int, arrays: tuple[str, ...], signature: str = "", **options: Any
    ):
        self.parts, self.predictors, self.arrays = parts, predictors, arrays
        super().__init__(signature=signature, **{key: value for key, value in options.items() if key != "name"})

    def divided(self, inputs: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any], dict[str, Any]]:
        """Inputs as predictors, values of the family's parameters, arrays by name."""
        first, last = self.predictors, len(inputs) - len(self.arrays)
        return inputs[:first], inputs[first:last], dict(zip(self.arrays, inputs[last:], strict=True))

    def rng_fn(self, rng: np.random.Generator, *given: Any) -> np.ndarray:
        """A new response of each row, of the inputs and, last, the size."""
        *inputs, size = given
        shape = np.broadcast_shapes(*map(np.shape, inputs)) if size is None else tuple(size)
        etas, values, arrays = self.divided(inputs)
        etas = [np.broadcast_to(eta, shape) for eta in etas]
        parameters = self.parts.parameters(etas, values, arrays, np)
        return np.asarray(self.parts.family.simulate(rng, parameters), dtype=self.dtype)


@_logprob.register(Outcome)
def outcome_log_density(
    op: Outcome, values: Sequence[TensorVariable], _rng: Any, _size: Any, *inputs: TensorVariable, **_: Any
) -> TensorVariable:
    """Log density of each row; where a row stands for several, so many times that of one."""
    etas, ancillary, arrays = op.divided(inputs)
    density = op.parts.log_density(etas, ancillary, {"y": values[0], **arrays}, TENSORS)
    return density * arrays["frequencies"] if "frequencies" in arrays else density


def observe_outcome(
    graph: Graph, etas: Sequence[TensorVariable], values: Sequence[TensorVariable], inputs: Mapping[str, TensorVariable]
) -> TensorVariable:
    """The observed variable `y` (obs) of the model at hand.

    Parameters
    ----------
    graph : Graph
    etas : sequence of tensor (n,)
        Linear predictors.
    values : sequence of tensor
        Natural values of `graph.ancillary`.
    inputs : mapping of str to tensor (n,)
        `y_observed`, and the other arrays of `outcome_inputs`.
    """
    names = tuple(name for name in outcome_inputs(graph) if name != "y")
    given = [*etas, *values, *(inputs[INPUT_NAMES.get(name, name)] for name in names)]
    signature = f"{','.join(['()'] * len(given))}->()"
    op = Outcome(OutcomeParts.of(graph), len(etas), names, signature=signature)
    rng = pytensor.shared(np.random.default_rng(), name="y_rng")
    _, variable = op(*given, rng=rng, return_next_rng=True)
    return pm.modelcontext(None).register_rv(variable, "y", observed=inputs["y_observed"], dims=("obs",))
