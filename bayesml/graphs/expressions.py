"""PyTensor expressions of the roles of a graph, over named inputs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.tensor import TensorVariable

from bayesml.graphs.correlation import root_of_common, root_of_partials
from bayesml.graphs.roles import Graph, RandomRole


def correlation_root(role: RandomRole, values: TensorVariable | None) -> TensorVariable | None:
    """Root C (q, q) of the correlations of a term; None where there are none.

    Parameters
    ----------
    role : RandomRole
    values : tensor (n_correlations,) or None
        Partial correlations in the order of `tril_indices(q, -1)`, or the common correlation; None without any.
    """
    if values is None or role.n_correlations == 0:
        return None
    if role.covariance.correlations == "one":
        return root_of_common(values[0], role.q, pt)
    rows, columns = np.tril_indices(role.q, -1)
    return root_of_partials(pt.set_subtensor(pt.zeros((role.q, role.q))[rows, columns], values), role.q, pt)


def correlations(role: RandomRole, root: TensorVariable) -> TensorVariable:
    """Free correlations (n_correlations,) of a term with the root C."""
    rows, columns = np.tril_indices(role.q, -1)
    return (root @ root.T)[rows, columns][: role.n_correlations]


def covariance_root(role: RandomRole, sd: TensorVariable, root: TensorVariable | None) -> TensorVariable:
    """Lambda (q, q), G = Lambda Lambda'; without correlations its diagonal (q,), or one number for all.

    Parameters
    ----------
    role : RandomRole
    sd : tensor (n_sds,)
    root : tensor (q, q) or None
        Of the correlations.
    """
    return sd if root is None else sd[:, None] * root


def effects(u: TensorVariable, covariance_root: TensorVariable) -> TensorVariable:
    """Random effects b = Lambda u of all levels (J, q), from the standardised ones u (J, q)."""
    return u * covariance_root if covariance_root.ndim == 1 else u @ covariance_root.T


def linear_predictor(
    graph: Graph, inputs: Mapping[str, TensorVariable], beta: TensorVariable | None, b: Sequence[TensorVariable]
) -> TensorVariable:
    """``eta = X beta + sum_k Z_k b_k + offset`` (n,).

    Parameters
    ----------
    graph : Graph
    inputs : mapping of str to tensor
        As `input_arrays`.
    beta : tensor (p,) or None
        None without coefficients.
    b : sequence of tensor (J, q)
        One a random term.
    """
    parts = [] if beta is None else [inputs["X"] @ beta]
    for role, effect in zip(graph.random, b, strict=True):
        rows = effect[inputs[f"{role.suffix}_level"]]
        Z = inputs.get(f"Z_{role.suffix}")
        parts.append(rows[:, 0] if Z is None else (Z * rows).sum(axis=1))
    if "offset" in inputs:
        parts.append(inputs["offset"])
    if not parts:
        return pt.zeros_like(inputs["y_observed"])
    return sum(parts[1:], start=parts[0])


def family_parameters(
    graph: Graph, inputs: Mapping[str, TensorVariable], eta: TensorVariable, sigma: TensorVariable | None
) -> dict[str, Any]:
    """Parameters of the family in each row, by name.

    Parameters
    ----------
    graph : Graph
    inputs : mapping of str to tensor
    eta : tensor (n,)
        Linear predictor.
    sigma : tensor or None
        Residual standard deviation; None where that of each row is known.
    """
    values = [pt.constant(1.0) if sigma is None else sigma]
    return graph.family.at(graph.link, [eta], values, pt, scale=inputs.get("residual_scale"))


def input_arrays(graph: Graph) -> dict[str, tuple[np.ndarray, tuple[str, ...]]]:
    """Arrays that the expressions read, by name, with the kinds of their dimensions.

    Returns
    -------
    dict
        `X` ("obs", "coef"); for each term with suffix s, `s_level` ("obs",) and, unless the term is an intercept
        alone, `Z_s` ("obs", "s_term"); `residual_scale`, `offset` ("obs",) where there are any; `y_observed`.
    """
    design = graph.design
    arrays: dict[str, tuple[np.ndarray, tuple[str, ...]]] = {}
    if design.coefficients:
        arrays["X"] = design.X, ("obs", "coef")
    for role in graph.random:
        arrays[f"{role.suffix}_level"] = role.columns.codes, ("obs",)
        if any(column is not None for column in role.columns.columns):
            arrays[f"Z_{role.suffix}"] = role.columns.Z, ("obs", f"{role.suffix}_term")
    if graph.residual_scale is not None:
        arrays["residual_scale"] = graph.residual_scale, ("obs",)
    if design.offset is not None:
        arrays["offset"] = design.offset, ("obs",)
    arrays["y_observed"] = design.y, ("obs",)
    return arrays
