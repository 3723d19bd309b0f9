"""Linear predictors and the density of the random effects as one PyTensor Op around a kernel."""

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

from bayesml.graphs.joint_kernel import (
    predictors_and_density,
    predictors_at,
    pull_back_at,
    pull_back_predictors,
)

PARAMETERS = 4
"""How many inputs the outputs are differentiated in: sd, unit, beta, effects; the last input is addresses."""


class JointPredictors(Op):
    """Linear predictors (K, n) and the log density of the random effects of `predictors_and_density`."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        return Apply(self, [pt.as_tensor(value) for value in inputs], [pt.dmatrix(), pt.dscalar()])

    def perform(self, node: Apply, inputs: Sequence[np.ndarray], output_storage: Sequence[list[Any]]) -> None:
        for storage, value in zip(output_storage, predictors_and_density(*contiguous(inputs[:-1])), strict=True):
            storage[0] = value

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Variable]:
        given = [
            zeros if isinstance(cotangent.type, DisconnectedType) else cotangent
            for cotangent, zeros in zip(cotangents, (pt.zeros_like(outputs[0]), pt.constant(np.zeros(()))), strict=True)
        ]
        return [*PullBack()(*inputs, *given), *(DisconnectedType()() for _ in inputs[PARAMETERS:])]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[i < PARAMETERS] * 2 for i in range(len(node.inputs))]

    def infer_shape(self, node: Apply, shapes: Sequence[Any]) -> list[Any]:
        sizes = node.inputs[-3]
        return [(sizes[0], sizes[1]), ()]


class PullBack(Op):
    """Gradients in sd, unit, beta and effects, of `pull_back_predictors`."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        variables = [pt.as_tensor(value) for value in inputs]
        return Apply(self, variables, [pt.dvector() for _ in range(PARAMETERS)])

    def perform(self, node: Apply, inputs: Sequence[np.ndarray], output_storage: Sequence[list[Any]]) -> None:
        given = [value for i, value in enumerate(inputs) if i != len(inputs) - 3]
        for storage, value in zip(output_storage, pull_back_predictors(*contiguous(given)), strict=True):
            storage[0] = value

    def infer_shape(self, node: Apply, shapes: Sequence[Any]) -> list[Any]:
        return list(shapes[:PARAMETERS])


def contiguous(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Arrays as the kernels declare them."""
    return [np.require(array, requirements=["C", "W"]) for array in arrays]


@cache
def kernel_salt() -> int:
    """A number that changes with the source of the kernels: PyTensor and numba would go on running older code."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for name in ("covariance_roots.py", "joint_kernel.py", "../linalg/by_address.py"):
        digest.update((here / name).read_bytes())
    return int.from_bytes(digest.digest()[:6])


@register_funcify_default_op_cache_key(JointPredictors)
def _compiled(op: JointPredictors, **options: Any) -> tuple[Any, int]:
    return predictors_at, kernel_salt()


@register_funcify_default_op_cache_key(PullBack)
def _compiled_pull_back(op: PullBack, **options: Any) -> tuple[Any, int]:
    return pull_back_at, kernel_salt()
