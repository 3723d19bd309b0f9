"""Named dimensions of a graph's variables and the user's labels along them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesml.graphs.roles import Graph

RESERVED = (
    "chain", "draw", "obs", "coef", "coef_given", "sd_address", "corr_address", "beta", "beta_given", "sd",
    "partial_unit", "mu", "eta", "y", "marginal", "X", "offset", "residual_scale", "y_observed", "frequencies",
    "predictor", "cutpoint", "X_predictor", "effects", "effect",
)  # fmt: skip
"""Names that a dimension cannot have since variables, or other dimensions, have them."""


class Dimensions:
    """Dimensions of the variables of a graph.

    `obs` (rows used, the labels of the data's index where they are unique), `coef` (addresses of coefficients), and for
    a term whose variables end with s: its group's levels, named as the group, `s_term` (columns) and `s_pair` (pairs of
    columns). `predictor` names the linear predictors, where there are several, and `cutpoint` the cut points. A group
    whose name is taken by a variable gets `_group` added.

    Parameters
    ----------
    graph : Graph
    """

    def __init__(self, graph: Graph):
        self.graph = graph
        design = graph.design
        index = design.index
        self.coords: dict[str, Any] = {
            "obs": index.to_numpy() if index.nlevels == 1 and index.is_unique else design.rows,
            "coef": design.coefficients,
        }
        if len(graph.predictors) > 1:
            self.coords["predictor"] = graph.predictors
        for key, names in ordered_parameters(graph).items():
            self.coords[f"{key}point"] = [name.removeprefix(f"{key}[").removesuffix("]") for name in names]
        taken = {*RESERVED, *design.response, *(parameter.key for parameter in graph.ancillary)}
        self.levels: list[str] = []
        for role in graph.random:
            name = role.columns.group.replace("/", "_")
            level = f"{name}_group" if name in taken else name
            self.levels.append(level)
            self.coords[level] = role.columns.level_labels
            self.coords[f"{role.suffix}_term"] = role.columns.names
            if role.n_correlations > 1 or (role.n_correlations and role.covariance.correlations == "all"):
                self.coords[f"{role.suffix}_pair"] = role.pairs

    def sd(self, k: int) -> tuple[str, ...]:
        """Dimension of the standard deviations of term k; none where they are one for several columns."""
        role = self.graph.random[k]
        return () if role.n_sds != role.q else (f"{role.suffix}_term",)

    def corr(self, k: int) -> tuple[str, ...]:
        """Dimension of the correlations of term k; none where they are all one."""
        role = self.graph.random[k]
        return () if role.covariance.correlations == "one" else (f"{role.suffix}_pair",)

    def b(self, k: int) -> tuple[str, str]:
        """Dimensions of the random effects of term k."""
        return self.levels[k], f"{self.graph.random[k].suffix}_term"


def ordered_parameters(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Addresses of the family's parameters that are in order, by what they are called together: `cut`."""
    keys = dict.fromkeys(p.key for p in graph.ancillary if p.domain == "ordered")
    return {key: tuple(p.name for p in graph.ancillary if p.key == key) for key in keys}


def text_coords(coords: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Coordinates as arrays, for PyMC."""
    return {name: np.asarray(labels) for name, labels in coords.items()}
