"""The exact Gaussian marginal density as one PyTensor Op around a kernel."""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from bayesml.graphs.marginal_kernel import density_at, marginal_with_gradient
from bayesml.linalg import marginal

PARAMETERS = ("sd", "unit", "sigma", "beta")
"""Inputs that the density is differentiated in."""

SETTINGS = ("given", "prior_mean", "prior_precision", "lower", "width", "layout")
"""Inputs that describe the model; the address of the machine code and the arrays of the cross-products follow them."""


class GaussianMarginal(Op):
    """Log density of a linear multilevel model with its random effects, and some coefficients, integrated out.

    Outputs are the value and the gradients in `PARAMETERS`; the pullback multiplies the latter, so only the value may
    be differentiated, and once. The Op keeps no state: threads may share it.
    """

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        variables = [pt.as_tensor(value) for value in inputs]
        outputs = [pt.dscalar(), *(v.type() for v in variables[: len(PARAMETERS)])]
        return Apply(self, variables, outputs)

    def perform(self, node: Apply, inputs: Sequence[np.ndarray], output_storage: Sequence[list[Any]]) -> None:
        given = [np.asarray(value) for i, value in enumerate(inputs) if i != len(PARAMETERS) + len(SETTINGS)]
        for storage, value in zip(output_storage, marginal_with_gradient(*given), strict=True):
            storage[0] = np.asarray(value)

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Variable]:
        free = [cotangents[0] * gradient for gradient in outputs[1:]]
        return free + [DisconnectedType()() for _ in inputs[len(PARAMETERS) :]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        closed = [False] * len(node.outputs)
        return [[True, *closed[1:]] if i < len(PARAMETERS) else closed for i in range(len(node.inputs))]

    def infer_shape(self, node: Apply, shapes: Sequence[Any]) -> list[Any]:
        return [(), *shapes[: len(PARAMETERS)]]


@cache
def kernel_salt() -> int:
    """A number that changes with the source of any kernel that the Op calls.

    PyTensor and numba look for machine code by the Op's name and by the file of the function that is called, and
    would go on running code compiled before another file was edited.
    """
    digest = hashlib.sha256()
    here = Path(__file__).parent
    kernels = Path(marginal.__file__).parent.glob("*.py")
    for path in [*sorted(kernels), here / "covariance_roots.py", here / "marginal_kernel.py"]:
        digest.update(path.read_bytes())
    return int.from_bytes(digest.digest()[:6])


@register_funcify_default_op_cache_key(GaussianMarginal)
def _compiled(op: GaussianMarginal, **options: Any) -> tuple[Any, int]:
    return density_at, kernel_salt()
