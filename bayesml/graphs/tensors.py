"""The namespace in which parts write tensors: PyTensor's, and functions whose derivatives must be written by hand.

Derivatives of a distribution function by the chain rule lose their digits in the tails, or need series whose third
derivatives take minutes to compile. Such a function is one scalar Op for each order, whose derivative is the next one.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytensor.scalar as ps
import pytensor.tensor as pt
from pytensor.gradient import disconnected_grad, grad_undefined
from pytensor.link.numba.dispatch.basic import numba_njit, register_funcify_and_cache_key
from pytensor.scalar.basic import BinaryScalarOp, ScalarOp, UnaryScalarOp, upgrade_to_float
from pytensor.tensor.elemwise import Elemwise

from bayesml.linalg import log_functions, normal_tails, rising_factorial, stirling

FEW = 1000


class Derivative(ScalarOp):
    """A derivative of a function; `kernel` is a compiled function of its arguments and the order."""

    kernel: ClassVar[Callable]
    highest: ClassVar[int] = 3

    def __init__(self, order: int = 0):
        self.order = order
        super().__init__(upgrade_to_float, name=f"{type(self).__name__}{order}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.order == other.order  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), self.order))

    def impl(self, *arguments: Any) -> Any:
        return type(self).kernel(*map(float, arguments), self.order)

    def supports_c_code(self, inputs: Any, outputs: Any) -> bool:
        # PyTensor joins elementwise operations into one loop only where they have C code, whatever the backend
        return True

    def next(self) -> "Derivative":
        """The Op of the next order."""
        if self.order >= self.highest:
            raise NotImplementedError("Derivatives of probabilities are there to third order.")
        return type(self)(self.order + 1)


class OfOne(Derivative, UnaryScalarOp):
    """A function of one argument."""

    def L_op(self, inputs: Any, outputs: Any, output_grads: Any) -> list[Any]:
        return [output_grads[0] * self.next()(*inputs)]


class Log1pexp(OfOne):
    """``log(1 + exp(x))``: PyTensor's own loses the digits of its second derivative where the first is near 1."""

    kernel = log_functions.softplus
    highest = 4


class Log1pRatio(OfOne):
    """``log(1 + exp(x)) / exp(x)``."""

    kernel = log_functions.log1p_ratio


class Log1mexp(OfOne):
    """``log(1 - exp(x))``."""

    kernel = log_functions.log1mexp


class LogExtreme(OfOne):
    """``log(1 - exp(-exp(x)))``."""

    kernel = log_functions.log_extreme


class LogCauchy(OfOne):
    """Log probability of a standard Cauchy variable up to x."""

    kernel = log_functions.log_cauchy


class LogNormalSurvivor(OfOne):
    """Log probability of a standard normal variable above z."""

    kernel = normal_tails.log_survivor


class StirlingError(OfOne):
    """What Stirling's formula leaves of log Γ, in the log of its argument."""

    kernel = stirling.stirling_error

    @property
    def nfunc_spec(self) -> tuple[str, int, int] | None:
        """The function that PyTensor calls where it compiles nothing: constants of the rows are many."""
        return ("bayesml.graphs.tensors.stirling_errors", 1, 1) if self.order == 0 else None


def stirling_errors(log_x: np.ndarray) -> np.ndarray:
    """Stirling's error of an array of logarithms, one by one through Python where the loop is not worth loading."""
    flat = np.ascontiguousarray(log_x, dtype=float).ravel()
    if flat.size < FEW:
        return np.array([stirling.stirling_error(value, 0) for value in flat.tolist()]).reshape(log_x.shape)
    return stirling.stirling_errors(flat).reshape(log_x.shape)


class LogRising(Derivative, BinaryScalarOp):
    """Log of a rising factorial, of counts and log alpha, differentiated in the latter."""

    kernel = rising_factorial.log_rising

    def L_op(self, inputs: Any, outputs: Any, output_grads: Any) -> list[Any]:
        y, log_alpha = inputs
        undefined = grad_undefined(self, 0, y, "Counts are whole numbers.")
        return [undefined, output_grads[0] * self.next()(y, log_alpha)]


class LogNormalInterval(Derivative, BinaryScalarOp):
    """Log probability of a standard normal variable in (lower, lower + width), differentiated in `lower`."""

    kernel = normal_tails.log_interval

    def L_op(self, inputs: Any, outputs: Any, output_grads: Any) -> list[Any]:
        lower, width = inputs
        by_width = upper_share(lower, width)
        if self.order > 0:
            slope = LogUpperShare(1)(lower, width)
            by_width = by_width * (slope if self.order == 1 else slope * slope + LogUpperShare(2)(lower, width))
        return [output_grads[0] * self.next()(lower, width), output_grads[0] * by_width]


class LogUpperShare(Derivative, BinaryScalarOp):
    """Derivative in `lower` of the log density at the upper end of an interval, of the variable in it."""

    kernel = normal_tails.log_upper_share

    def L_op(self, inputs: Any, outputs: Any, output_grads: Any) -> list[Any]:
        lower, width = inputs
        first, share = LogUpperShare(1)(lower, width), upper_share(lower, width)
        if self.order == 1:
            slopes = [LogUpperShare(2)(lower, width), -share * first - 1.0]
        else:
            square = first * first + LogUpperShare(2)(lower, width)
            slopes = [-LogNormalInterval(3)(lower, width), -share * square]
        return [output_grads[0] * slope for slope in slopes]


def upper_share(lower: Any, width: Any) -> Any:
    """Density at the upper end of an interval of the normal variable in it."""
    upper = lower + width
    return ps.exp(-0.5 * upper * upper - normal_tails.HALF_LOG_2PI - LogNormalInterval(0)(lower, width))


KERNELS = (log_functions, normal_tails, rising_factorial, stirling)
SOURCE = hashlib.sha256(b"".join(Path(str(module.__file__)).read_bytes() for module in KERNELS)).hexdigest()
"""Machine code is cached under the source that it comes from."""


@register_funcify_and_cache_key(OfOne)
def numba_of_one(op: OfOne, node: Any = None, **options: Any) -> tuple[Any, str]:
    """Machine code of a function of one argument."""
    order, function = op.order, type(op).kernel

    def of_one(x):
        return function(x, order)

    return numba_njit(of_one), f"{op.name}_{SOURCE}"


@register_funcify_and_cache_key(LogRising)
@register_funcify_and_cache_key(LogNormalInterval)
@register_funcify_and_cache_key(LogUpperShare)
def numba_of_two(op: Derivative, node: Any = None, **options: Any) -> tuple[Any, str]:
    """Machine code of a function of two arguments."""
    order, function = op.order, type(op).kernel

    def of_two(x, y):
        return function(x, y, order)

    return numba_njit(of_two), f"{op.name}_{SOURCE}"


class Tensors(ModuleType):
    """`pytensor.tensor` with the functions above."""

    softplus = Elemwise(Log1pexp())
    sigmoid = Elemwise(Log1pexp(1))
    log1p_ratio = Elemwise(Log1pRatio())
    log1mexp = Elemwise(Log1mexp())
    log_extreme = Elemwise(LogExtreme())
    log_cauchy = Elemwise(LogCauchy())
    log_normal_survivor = Elemwise(LogNormalSurvivor())
    log_normal_interval = Elemwise(LogNormalInterval())
    log_rising = Elemwise(LogRising())
    without_slope = staticmethod(disconnected_grad)
    stirling_error_of_log = Elemwise(StirlingError())

    def __getattr__(self, name: str) -> Any:
        return getattr(pt, name)


TENSORS = Tensors("tensors")
"""Functions of distributions in logarithms, with derivatives to third order that are right to the last digits."""
