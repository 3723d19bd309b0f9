"""Derivatives of a row's log density in its predictors and in the ancillary parameters, from the graph.

One expression is differentiated and compiled, once for each combination of family, link and response; what depends on
the response alone (log factorials, logarithms of times) is taken out of it and computed once for the rows.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any, ClassVar

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import get_mode
from pytensor.graph.replace import clone_replace
from pytensor.graph.traversal import io_toposort
from pytensor.tensor import TensorVariable

from bayesml.graphs.outcome import outcome_arrays, row_log_density
from bayesml.graphs.roles import Graph
from bayesml.graphs.row_code import NotElementwise, compile_rows
from bayesml.graphs.tensors import TENSORS

COMPILED: dict[tuple, tuple[Any, Any]] = {}
"""Compiled functions by structure and order: one for the rows' constants, one for the derivatives."""


@dataclass(frozen=True, eq=False)
class Third:
    """Derivatives of the log densities of rows to third order.

    Parameters
    ----------
    value : ndarray (n,)
    d1 : ndarray (n, K)
    d2 : ndarray (n, K, K)
    d3 : ndarray (n, K, K, K)
    phi : ndarray (a, n)
        Of the value in the unconstrained ancillary parameters; the next two of d1 and d2.
    d1_phi : ndarray (a, n, K)
    d2_phi : ndarray (a, n, K, K)
    """

    value: np.ndarray
    d1: np.ndarray
    d2: np.ndarray
    d3: np.ndarray
    phi: np.ndarray
    d1_phi: np.ndarray
    d2_phi: np.ndarray


class RowDerivatives:
    """Log densities of rows and their derivatives as functions of arrays.

    Parameters
    ----------
    graph : Graph
    rows : ndarray of int64 (m,), optional
        The rows wanted, in that order; all of them by default.
    """

    caches: ClassVar[tuple[str, ...]] = ("ready",)
    """What a saved result is stored without."""

    def __init__(self, graph: Graph, rows: np.ndarray | None = None):
        self.graph = graph
        self.K, self.a = len(graph.predictors), len(graph.ancillary)
        arrays = outcome_arrays(graph)
        self.arrays = [
            np.ascontiguousarray(array if rows is None else array[rows], dtype=float) for array in arrays.values()
        ]
        self.names = tuple(arrays)
        self.n = len(self.arrays[0])
        self.ready: dict[int, tuple[Any, list[np.ndarray]]] = {}
        self.taken: tuple[RowDerivatives, np.ndarray] | None = None

    def prepared(self, order: int) -> tuple[Any, list[np.ndarray]]:
        """The compiled function of an order, and the rows' constants that it reads."""
        if order not in self.ready:
            if self.taken is not None:
                whole, rows = self.taken
                function, constants = whole.prepared(order)
                self.ready[order] = function, [constant[rows] for constant in constants]
            else:
                prepare, function = compiled(self.graph, self.names, order)
                constants = prepare(*self.arrays) if prepare is not None else []
                self.ready[order] = function, [self.shared(constant) for constant in constants]
        return self.ready[order]

    def shared(self, constant: np.ndarray) -> np.ndarray:
        """An array that another order has already, where it is equal."""
        have = (array for _, constants in self.ready.values() for array in constants)
        return next((array for array in have if np.array_equal(array, constant)), constant)

    def __call__(self, order: int, eta: np.ndarray, phi: np.ndarray) -> Sequence[np.ndarray]:
        """Outputs of the compiled function of an order, each (n,)."""
        function, constants = self.prepared(order)
        etas = [np.ascontiguousarray(eta[:, k]) for k in range(self.K)]
        return function(*etas, *(np.asarray(t) for t in phi), *self.arrays, *constants)

    def value(self, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
        """Log densities (n,) at predictors eta (n, K) and unconstrained ancillary parameters phi (a,)."""
        return self(0, eta, phi)[0]

    def take(self, rows: np.ndarray) -> "RowDerivatives":
        """Of some of these rows, in the order given, or of rows more than once."""
        out = copy(self)
        out.arrays = [array[rows] for array in self.arrays]
        out.n, out.ready, out.taken = len(rows), {}, (self, rows)
        return out

    def first(self, eta: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Log densities (n,) with first derivatives in the predictors (n, K) and in phi (a, n)."""
        outputs, K = self(1, eta, phi), self.K
        by_phi = np.stack(outputs[1 + K :]) if self.a else np.empty((0, self.n))
        return outputs[0], gathered(outputs, 1, K, 1), by_phi

    def second(self, eta: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Log densities (n,) with first (n, K) and second (n, K, K) derivatives in the predictors."""
        outputs = self(2, eta, phi)
        return outputs[0], gathered(outputs, 1, self.K, 1), gathered(outputs, 1 + self.K, self.K, 2)

    def third(self, eta: np.ndarray, phi: np.ndarray) -> Third:
        """Everything that the gradient of a marginal likelihood needs."""
        outputs, K = self(3, eta, phi), self.K
        at, parts = 1, []
        for order in (1, 2, 3):
            parts.append(gathered(outputs, at, K, order))
            at += count(K, order)
        by_phi: list[list[np.ndarray]] = [[], [], []]
        for _ in range(self.a):
            for order in (0, 1, 2):
                by_phi[order].append(gathered(outputs, at, K, order))
                at += count(K, order)
        shapes = [(0, self.n, *order * (K,)) for order in (0, 1, 2)]
        stacked = [np.stack(own) if own else np.empty(shape) for own, shape in zip(by_phi, shapes, strict=True)]
        return Third(outputs[0], *parts, *stacked)


def count(K: int, order: int) -> int:
    """Number of different derivatives of an order in K predictors."""
    return len(list(combinations_with_replacement(range(K), order)))


def gathered(outputs: Sequence[np.ndarray], at: int, K: int, order: int) -> np.ndarray:
    """Derivatives of an order as one array (n, K, …, K), from those that differ, which start at `at`."""
    if order == 0:
        return outputs[at]
    if K == 1:
        return outputs[at].reshape(-1, *order * (1,))
    place = {combo: at + i for i, combo in enumerate(combinations_with_replacement(range(K), order))}
    out = np.empty((len(outputs[at]), *order * (K,)))
    for index in np.ndindex(*order * (K,)):
        out[(slice(None), *index)] = outputs[place[tuple(sorted(index))]]
    return out


def compiled(graph: Graph, names: tuple[str, ...], order: int) -> tuple[Any, Any]:
    """The function that computes the rows' constants (None without any), and that of the derivatives."""
    key = (graph.family, graph.link, graph.response, graph.predictors, graph.ancillary, names, order)
    if key not in COMPILED:
        COMPILED[key] = build(graph, names, order)
    return COMPILED[key]


def build(graph: Graph, names: tuple[str, ...], order: int) -> tuple[Any, Any]:
    """Compile both functions."""
    etas = [pt.dvector(f"eta_{k}") for k in range(len(graph.predictors))]
    phi = [pt.dscalar(f"phi_{a}") for a in range(len(graph.ancillary))]
    arrays = {name: pt.dvector(name) for name in names}
    # one value a row, so that every derivative is elementwise
    by_row = [pt.zeros_like(etas[0]) + scalar for scalar in phi]
    with pytensor.config.change_flags(traceback__limit=0):  # nobody reads where the nodes were made
        outputs = expressions(graph, etas, by_row, arrays, order)
    constants, replaced, outputs = hoisted(outputs, [*etas, *phi], list(arrays.values()))
    prepare = None
    if constants:
        # run once for the rows: not worth compiling
        prepare = pytensor.function(
            list(arrays.values()), constants, mode=get_mode("FAST_COMPILE"), on_unused_input="ignore"
        )
    inputs = [*etas, *phi, *arrays.values(), *replaced]
    try:
        function = filled(compile_rows(inputs, outputs), len(outputs))
    except NotElementwise:
        # sums over the nodes of an integral: PyTensor's own code; with fastmath it would lose digits
        with pytensor.config.change_flags(numba__fastmath=False):
            compiled = pytensor.function(
                inputs, outputs, mode=get_mode("NUMBA"), on_unused_input="ignore", trust_input=True
            )
        function = compiled.vm.jit_fn
    return prepare, function


def filled(rows: Any, count: int) -> Any:
    """The compiled loop as a function that makes its own array, (outputs, n)."""

    def function(*inputs: np.ndarray) -> np.ndarray:
        out = np.empty((count, len(inputs[0])))
        rows(*(x if x.ndim else float(x) for x in inputs), out)
        return out

    return function


def expressions(
    graph: Graph,
    etas: list[TensorVariable],
    by_row: list[TensorVariable],
    arrays: dict[str, TensorVariable],
    order: int,
) -> list[TensorVariable]:
    """Value; derivatives in the predictors by order; in phi those of the value (order 1), or of all below order 3."""
    values = graph.natural_ancillary(by_row, TENSORS)
    density = row_log_density(graph, etas, values, arrays, TENSORS)
    levels: list[dict[tuple[int, ...], TensorVariable]] = [{(): density}]
    for at in range(order):
        level: dict[tuple[int, ...], TensorVariable] = {}
        for combo, expression in levels[at].items():
            last = combo[-1] if combo else 0
            slopes = slope(expression, etas[last:])
            level |= {(*combo, last + i): s for i, s in enumerate(slopes)}
        levels.append(level)
    outputs = [expression for level in levels for expression in level.values()]
    for a in range(len(by_row) if order % 2 else 0):
        outputs += [slope(expression, [by_row[a]])[0] for level in levels[:order] for expression in level.values()]
    return outputs


def slope(expression: TensorVariable, variables: list[TensorVariable]) -> list[TensorVariable]:
    """Elementwise derivatives of an expression, zero where it does not depend on a variable."""
    return pt.grad(expression.sum(), variables, disconnected_inputs="ignore", return_disconnected="zero")


def hoisted(
    outputs: list[TensorVariable], moving: list[TensorVariable], fixed: list[TensorVariable]
) -> tuple[list[TensorVariable], list[TensorVariable], list[TensorVariable]]:
    """Take out what depends on fixed inputs only.

    Returns
    -------
    constants : list of tensor
        Expressions of the fixed inputs.
    replaced : list of tensor
        Inputs that stand for them.
    outputs : list of tensor
        Of all inputs and of `replaced`.
    """
    moved, still = set(moving), set(fixed)
    boundary: dict[TensorVariable, None] = {}
    order = io_toposort([*moving, *fixed], outputs)
    for node in order:
        kind = (
            moved if any(v in moved for v in node.inputs) else still if any(v in still for v in node.inputs) else set()
        )
        kind.update(node.outputs)
    for node in order:
        if any(v in moved for v in node.inputs):
            boundary |= {v: None for v in node.inputs if v in still and v.owner is not None and v.ndim == 1}
    constants = list(boundary)
    replaced = [v.type(name=f"constant_{i}") for i, v in enumerate(constants)]
    return constants, replaced, clone_replace(outputs, replace=dict(zip(constants, replaced, strict=True)))
