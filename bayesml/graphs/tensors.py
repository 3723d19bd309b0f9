"""The namespace in which parts write tensors: PyTensor's, and functions whose derivatives must be written by hand.

Derivatives of a distribution function by the chain rule lose their digits in the tails, or need series whose third
derivatives take minutes to compile. Such a function is one scalar Op for each order, whose derivative is the next one.
"""

import hashlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytensor.scalar as ps
import pytensor.tensor as pt
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_and_cache_key
from pytensor.scalar.basic import BinaryScalarOp, UnaryScalarOp, upgrade_to_float
from pytensor.tensor.elemwise import Elemwise

from bayesml.linalg import normal_tails

HIGHEST = 3


class LogNormalSurvivor(UnaryScalarOp):
    """Derivative of an order of the log probability of a standard normal variable above z."""

    def __init__(self, order: int):
        self.order = order
        super().__init__(upgrade_to_float, name=f"log_normal_survivor_{order}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.order == other.order  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), self.order))

    def impl(self, x: Any) -> Any:
        return normal_tails.log_survivor.py_func(float(x), self.order)

    def L_op(self, inputs: Any, outputs: Any, output_grads: Any) -> list[Any]:  # noqa: N802
        refuse_higher(self.order)
        return [output_grads[0] * LogNormalSurvivor(self.order + 1)(inputs[0])]


class LogNormalInterval(BinaryScalarOp):
    """Derivative of an order in `lower` of the log probability of a normal variable in (lower, lower + width)."""

    def __init__(self, order: int):
        self.order = order
        super().__init__(upgrade_to_float, name=f"log_normal_interval_{order}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.order == other.order  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), self.order))

    def impl(self, lower: Any, width: Any) -> Any:
        return normal_tails.log_interval.py_func(float(lower), float(width), self.order)

    def L_op(self, inputs: Any, outputs: Any, output_grads: Any) -> list[Any]:  # noqa: N802
        refuse_higher(self.order)
        lower, width = inputs
        value, *slopes = (LogNormalInterval(k)(lower, width) for k in range(self.order + 1))
        upper = lower + width
        # the density at the upper end relative to the probability, and its derivatives in `lower`
        ratio = ps.exp(-0.5 * upper * upper - normal_tails.HALF_LOG_2PI - value)
        logs = [-upper - slopes[0] if slopes else None, -1.0 - slopes[1] if len(slopes) > 1 else None]
        match self.order:
            case 0:
                by_width = ratio
            case 1:
                by_width = ratio * logs[0]
            case _:
                by_width = ratio * (logs[0] * logs[0] + logs[1])
        return [output_grads[0] * LogNormalInterval(self.order + 1)(lower, width), output_grads[0] * by_width]


def refuse_higher(order: int) -> None:
    """No more than third derivatives are there."""
    if order >= HIGHEST:
        raise NotImplementedError("Derivatives of normal probabilities are there to third order.")


SOURCE = hashlib.sha256(Path(normal_tails.__file__).read_bytes()).hexdigest()
"""Machine code is cached under the source that it comes from."""


@register_funcify_and_cache_key(LogNormalSurvivor)
def numba_survivor(op: LogNormalSurvivor, node: Any = None, **options: Any) -> tuple[Any, str]:
    """Machine code of `LogNormalSurvivor`."""
    order, function = op.order, normal_tails.log_survivor

    def log_normal_survivor(z):
        return function(z, order)

    return numba_njit(log_normal_survivor), f"log_normal_survivor_{order}_{SOURCE}"


@register_funcify_and_cache_key(LogNormalInterval)
def numba_interval(op: LogNormalInterval, node: Any = None, **options: Any) -> tuple[Any, str]:
    """Machine code of `LogNormalInterval`."""
    order, function = op.order, normal_tails.log_interval

    def log_normal_interval(lower, width):
        return function(lower, width, order)

    return numba_njit(log_normal_interval), f"log_normal_interval_{order}_{SOURCE}"


class Tensors(ModuleType):
    """`pytensor.tensor` with the functions above."""

    log_normal_survivor = Elemwise(LogNormalSurvivor(0), name="log_normal_survivor")
    log_normal_interval = Elemwise(LogNormalInterval(0), name="log_normal_interval")

    def __getattr__(self, name: str) -> Any:
        return getattr(pt, name)


TENSORS = Tensors("tensors")
