"""PyTensor expressions of the roles of a graph, over named inputs."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytensor.tensor as pt
from pytensor.tensor import TensorVariable

from bayesml.graphs.correlation import root_of_common, root_of_partials
from bayesml.graphs.outcome import outcome_arrays
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


def linear_predictors(
    graph: Graph, inputs: Mapping[str, TensorVariable], beta: TensorVariable | None, b: Sequence[TensorVariable]
) -> TensorVariable:
    """``eta = X beta + sum_k Z_k b_k + offset``: (n,), or (n, K) where there are K > 1 predictors.

    With several predictors each column of X and Z counts in those that its row of `X_predictor` or `Z_predictor` marks.

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
    several = len(graph.predictors) > 1
    parts = []
    if beta is not None:
        parts.append(inputs["X"] @ (beta[:, None] * inputs["X_predictor"] if several else beta))
    for role, effect in zip(graph.random, b, strict=True):
        rows = effect[inputs[f"{role.suffix}_level"]]
        Z = inputs.get(f"Z_{role.suffix}")
        if several:
            parts.append((rows if Z is None else Z * rows) @ inputs[f"Z_{role.suffix}_predictor"])
        else:
            parts.append(rows[:, 0] if Z is None else (Z * rows).sum(axis=1))
    if "offset" in inputs:
        parts.append(inputs["offset"][:, None] if several else inputs["offset"])
    zeros = pt.zeros_like(inputs["y_observed"])
    if several:
        return sum(parts, start=zeros[:, None] + pt.zeros((1, len(graph.predictors))))
    return sum(parts[1:], start=parts[0]) if parts else zeros


INPUT_NAMES = {"y": "y_observed", "scale": "residual_scale"}
"""What arrays of the response are called among the inputs, where that is not their own name."""


def outcome_inputs(graph: Graph) -> dict[str, np.ndarray]:
    """Arrays (n,) that the density of the outcome reads, and `frequencies` where there are any."""
    arrays = outcome_arrays(graph)
    if graph.design.frequencies is not None:
        arrays["frequencies"] = graph.design.frequencies
    return {name: np.asarray(array, dtype=float) for name, array in arrays.items()}


def input_arrays(graph: Graph) -> dict[str, tuple[np.ndarray, tuple[str, ...]]]:
    """Arrays that the expressions read, by name, with the kinds of their dimensions.

    Returns
    -------
    dict
        `X` ("obs", "coef"); for each term with suffix s, `s_level` ("obs",) and, unless the term is an intercept
        alone, `Z_s` ("obs", "s_term"); with several predictors, `X_predictor` ("coef", "predictor") and
        `Z_s_predictor` ("s_term", "predictor"), 1 where a column enters; `offset` ("obs",) if there is one; those of
        the outcome ("obs",): `y_observed`, `residual_scale`, `frequencies`, `trials`, `status`, ….
    """
    design, K = graph.design, len(graph.predictors)
    arrays: dict[str, tuple[np.ndarray, tuple[str, ...]]] = {}
    if design.coefficients:
        arrays["X"] = design.X, ("obs", "coef")
        if K > 1:
            arrays["X_predictor"] = entered(design.fixed_predictors, K), ("coef", "predictor")
    for role in graph.random:
        arrays[f"{role.suffix}_level"] = role.columns.codes, ("obs",)
        if any(column is not None for column in role.columns.columns):
            arrays[f"Z_{role.suffix}"] = role.columns.Z, ("obs", f"{role.suffix}_term")
        if K > 1:
            marks = entered(role.columns.predictors, K)
            arrays[f"Z_{role.suffix}_predictor"] = marks, (f"{role.suffix}_term", "predictor")
    if design.offset is not None:
        arrays["offset"] = design.offset, ("obs",)
    arrays |= {INPUT_NAMES.get(name, name): (array, ("obs",)) for name, array in outcome_inputs(graph).items()}
    return arrays


def entered(predictors: Sequence[int], K: int) -> np.ndarray:
    """1 where a column enters a predictor, else 0: (columns, K); -1 is all of them."""
    places = np.asarray(predictors)[:, None]
    return ((places == np.arange(K)) | (places < 0)).astype(float)
