"""Priors of whole covariance matrices in the models that are sampled: one PyTensor Op around a kernel."""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key
from pytensor.tensor import TensorVariable

from bayesml.distributions import LKJ
from bayesml.graphs.flat_variables import flat_input
from bayesml.graphs.natural import CovarianceParameters
from bayesml.graphs.roles import Graph
from bayesml.graphs.wishart_kernel import wishart_address, wishart_at, wishart_with_gradient


class InverseWishartDensity(Op):
    """Log density of the standard deviations and correlations of all terms with inverse Wishart priors.

    Outputs are the value and its gradients in `sd` and `unit`; the pullback multiplies the latter, so only the value
    may be differentiated, and once.
    """

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        variables = [pt.as_tensor(value) for value in inputs]
        return Apply(self, variables, [pt.dscalar(), variables[0].type(), variables[1].type()])

    def perform(self, node: Apply, inputs: Sequence[np.ndarray], output_storage: Sequence[list[Any]]) -> None:
        found = wishart_with_gradient(*(np.require(array, requirements=["C", "W"]) for array in inputs[:-1]))
        for storage, value in zip(output_storage, found, strict=True):
            storage[0] = np.asarray(value)

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Variable]:
        free = [cotangents[0] * gradient for gradient in outputs[1:]]
        return free + [DisconnectedType()() for _ in inputs[2:]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[i < 2, False, False] for i in range(len(node.inputs))]

    def infer_shape(self, node: Apply, shapes: Sequence[Any]) -> list[Any]:
        return [(), *shapes[:2]]


@cache
def kernel_salt() -> int:
    """A number that changes with the source of the kernels: PyTensor and numba would go on running older code."""
    here, digest = Path(__file__).parent, hashlib.sha256()
    for name in ("covariance_roots.py", "wishart_kernel.py", "../linalg/by_address.py"):
        digest.update((here / name).read_bytes())
    return int.from_bytes(digest.digest()[:6])


@register_funcify_default_op_cache_key(InverseWishartDensity)
def _compiled(op: InverseWishartDensity, **options: Any) -> tuple[Any, int]:
    return wishart_at, kernel_salt()


def covariance_potential(
    graph: Graph, parameters: CovarianceParameters, sd: TensorVariable, unit: TensorVariable
) -> None:
    """Add the term `covariance_prior` to the model at hand, if a term has a prior of its whole covariance matrix.

    Such a term's `sd` and `unit` have the densities of `TermPriors.own_sds` and of a uniform correlation matrix, which
    the term makes up to the prior's.
    """
    priors = graph.priors.terms
    if all(term.covariance is None for term in priors):
        return
    nu, scales, constant = [], [], 0.0
    for role, term in zip(graph.random, priors, strict=True):
        prior, q = term.covariance, role.q
        nu.append(0.0 if prior is None or prior.nu is None else prior.nu)
        scales.append(np.zeros(q**2) if prior is None else prior.matrix(q).ravel())
        if prior is not None:
            constant += prior.constant(q) - LKJ(1).log_density_of(0.0, q)
    inputs = [
        flat_input("wishart_lower", parameters.bounds[0]),
        flat_input("wishart_width", parameters.bounds[1]),
        flat_input("wishart_layout", parameters.layout),
        flat_input("wishart_nu", np.array(nu)),
        flat_input("wishart_scale", np.concatenate(scales)),
        flat_input("wishart_address", wishart_address()),
    ]
    value = InverseWishartDensity()(sd, unit, *inputs)[0]
    pm.Potential("covariance_prior", value + flat_input("wishart_constant", np.array(constant)))
