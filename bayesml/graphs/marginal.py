"""The exact Gaussian marginal density as one PyTensor Op around a kernel."""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytensor.tensor as pt
from numba import types
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from bayesml.graphs import covariance_roots as roots
from bayesml.linalg import marginal
from bayesml.linalg.by_address import address_of, caller
from bayesml.linalg.elimination import kernel

PARAMETERS = ("sd", "unit", "sigma", "beta")
"""Inputs that the density is differentiated in."""

SETTINGS = ("given", "prior_mean", "prior_precision", "lower", "width", "layout")
"""Inputs that describe the model; `density_address()` and the arrays of the cross-products follow them."""


@kernel
def marginal_with_gradient(sd, unit, sigma, beta, given, prior_mean, prior_precision, lower, width, layout, *arrays):
    """Value and gradients of the log marginal density in standard deviations, correlations, sigma and beta.

    Parameters
    ----------
    sd : ndarray (n_sds,)
        Standard deviations of all terms.
    unit : ndarray (n_correlations,)
        Partial, or common, correlations of all terms as their place between `lower` and `lower + width`.
    sigma : ndarray ()
    beta : ndarray (p,)
        Values of the coefficients that are given.
    given, prior_mean, prior_precision : ndarray (p,)
        Which are; the normal priors under which the others are integrated out.
    lower, width : ndarray (n_correlations,)
    layout : ndarray of int64 (terms, 6)
        As in `bayesml.graphs.covariance_roots`.
    *arrays : ndarray
        Of `GaussianSystem.arrays()`.
    """
    lam = roots.covariance_roots(sd, unit, lower, width, layout)
    value, grad_lam, grad_sigma, grad_beta = marginal.marginal_density(
        lam, sigma.item(), beta, given, prior_mean, prior_precision, *arrays
    )
    grad_sd, grad_unit = roots.pull_back(sd, unit, lower, width, layout, grad_lam)
    return np.asarray(value), grad_sd, grad_unit, np.asarray(grad_sigma), grad_beta


DENSITY = (
    marginal.VECTOR, marginal.VECTOR, types.float64[::1].copy(ndim=0), marginal.VECTOR,
    marginal.INTEGERS, *4 * (marginal.VECTOR,), types.int64[:, ::1], types.Tuple(marginal.ARRAYS),
)  # fmt: skip
call_density = caller(marginal_with_gradient, DENSITY)


def density_address() -> np.ndarray:
    """Where the machine code of `marginal_with_gradient` is in this process, as an input of the Op."""
    return np.array(address_of(marginal_with_gradient, DENSITY), np.int64)


@kernel
def density_at(sd, unit, sigma, beta, given, prior_mean, prior_precision, lower, width, layout, address, *arrays):
    """`marginal_with_gradient`, called by its address: it is not compiled again into each graph."""
    return call_density(
        address.item(),
        (
            np.ascontiguousarray(sd), np.ascontiguousarray(unit), sigma, np.ascontiguousarray(beta),
            given, prior_mean, prior_precision, lower, width, layout, arrays,
        ),
    )  # fmt: skip


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
    folder = Path(marginal.__file__).parent
    for path in [*sorted(folder.glob("*.py")), Path(roots.__file__), Path(__file__)]:
        digest.update(path.read_bytes())
    return int.from_bytes(digest.digest()[:6])


@register_funcify_default_op_cache_key(GaussianMarginal)
def _compiled(op: GaussianMarginal, **options: Any) -> tuple[Any, int]:
    return density_at, kernel_salt()
