"""Elementwise graphs as one loop over rows, written as source: compiled in a second where PyTensor would take a minute.

PyTensor compiles every scalar operation of a fused graph as a function of its own, after rewriting the graph many times
over; derivatives of third order have hundreds. Here the graph is read once: equal expressions become one, products with
0 and 1 vanish, and what is left is a list of assignments in the body of a loop.

Integrals over fixed nodes, sums over a first axis of length J, become loops over the nodes inside. A sum may depend on
the results of other sums: assignments come in stages, each followed by its loops.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import atan, atan2, cos, erf, erfc, exp, expm1, floor, lgamma, log, log1p, log2, sin, sqrt, tanh
from typing import Any

import numba
import numpy as np
import pytensor.scalar as ps
from pytensor.gradient import DisconnectedGrad
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.traversal import io_toposort
from pytensor.link.numba.cache import compile_numba_function_src
from pytensor.link.numba.dispatch.basic import numba_funcify_and_cache_key
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import Sum
from pytensor.tensor.subtensor import AdvancedSubtensor

Value = str | float | None
"""An assignment, by its name, a constant, or None for a sum over rows, which has no value in a row."""

CALLS = {
    "Exp": "exp", "Log": "log", "Log1p": "log1p", "Expm1": "expm1", "Sqrt": "sqrt", "Cos": "cos", "Sin": "sin",
    "Tanh": "tanh", "ArcTan": "atan", "ArcTan2": "atan2", "Erf": "erf", "Erfc": "erfc", "GammaLn": "lgamma",
    "Abs": "abs", "Floor": "floor", "Log2": "log2",
}  # fmt: skip
"""Scalar operations that are functions of Python's `math`."""

COMPARISONS = {"LT": "<", "GT": ">", "LE": "<=", "GE": ">=", "EQ": "==", "NEQ": "!="}
NAMES = {
    f.__name__: f for f in (exp, log, log1p, log2, expm1, sqrt, cos, sin, tanh, atan, atan2, erf, erfc, lgamma, floor)
}


class NotElementwise(Exception):
    """A graph that is no list of elementwise operations."""


class RowCode:
    """Assignments of one row.

    Parameters
    ----------
    inputs : sequence of Variable
        Vectors over rows, or scalars.
    outputs : sequence of Variable
        Vectors over rows.

    Raises
    ------
    NotElementwise
        The graph has operations across rows.
    """

    def __init__(self, inputs: Sequence[Variable], outputs: Sequence[Variable]):
        self.made: dict[str, Assignment] = {}
        self.known: dict[tuple, str] = {}
        self.negated: dict[Value, Value] = {}
        self.added: dict[tuple[Value, Value], Value] = {}
        self.terms: dict[Value, list[Value]] = {}
        self.functions: dict[str, Any] = {}
        self.keys: list[str] = []
        found: dict[Variable, Value] = {}
        for i, variable in enumerate(inputs):
            found[variable] = self.assign(("input", str(i)), f"x{i}[i]" if variable.type.ndim else f"x{i}")
        for node in io_toposort(inputs, outputs):
            arguments = [self.read(found, variable) for variable in node.inputs]
            found[node.outputs[0]] = self.operation(node, arguments)
        self.results = [self.read(found, variable) for variable in outputs]

    def operation(self, node: Any, arguments: list[Value]) -> Value:
        """The value of an operation of the graph."""
        op, ndim = node.op, node.inputs[0].type.ndim
        if isinstance(op, Elemwise):
            return self.scalar(op.scalar_op, arguments)
        if isinstance(op, DisconnectedGrad) or (isinstance(op, DimShuffle) and is_broadcast(op.new_order)):
            return arguments[0]
        if isinstance(op, Sum) and ndim == 2 and op.axis == (0,):
            return self.sum_over_nodes(arguments[0])
        if isinstance(op, Sum) and op.axis in (None, tuple(range(ndim))):
            return None  # the cost of a derivative, of which only the shape is looked at
        if isinstance(op, AdvancedSubtensor) and isinstance(node.inputs[0], Constant):
            return self.element(node.inputs[0].data, arguments[1])
        raise NotElementwise(str(op))

    def read(self, found: dict[Variable, Value], variable: Variable) -> Value:
        """The value of a variable of the graph."""
        if not isinstance(variable, Constant):
            return found[variable]
        data = np.asarray(variable.data)
        if data.size == 1:
            return float(data.ravel()[0])
        if data.ndim == 2 and data.shape[1] == 1:
            return self.element(data[:, 0], None)
        return None  # a table, which only `element` reads

    def element(self, table: Any, index: Value) -> Value:
        """The element of a constant array at an index, or at the node."""
        array = np.ascontiguousarray(np.asarray(table), dtype=float)
        digest = hashlib.sha256(array.tobytes()).hexdigest()[:12]
        self.functions[f"c_{digest}"] = array
        self.keys.append(digest)
        if index is None:
            return self.assign(("node", digest, len(array)), f"c_{digest}[j]", nodes=len(array))
        return self.make(f"element {digest}", f"c_{digest}[int({{}})]", index)

    def sum_over_nodes(self, value: Value) -> Value:
        """The sum of a value over the nodes."""
        if value is None or isinstance(value, float) or not self.made[value].nodes:
            raise NotElementwise("a sum over nodes of what does not depend on them")
        own = self.made[value]
        name = self.assign(("sum", value), "")
        self.made[name] = Assignment("", (value,), 0, own.stage + 1)
        return name

    def assign(self, key: tuple, text: str, arguments: tuple[Value, ...] = (), nodes: int = 0) -> str:
        """The assignment of an expression, which may have been made before."""
        if key not in self.known:
            parts = [self.made[a] for a in arguments if isinstance(a, str)]
            lengths = {part.nodes for part in parts if part.nodes} | ({nodes} if nodes else set())
            if len(lengths) > 1:
                raise NotElementwise("nodes of different numbers in one expression")
            self.known[key] = name = f"t{len(self.made)}"
            stage = max((part.stage for part in parts), default=0)
            self.made[name] = Assignment(text, arguments, max(lengths, default=0), stage)
        return self.known[key]

    def make(self, name: str, pattern: str, *arguments: Value) -> Value:
        """The assignment of a pattern such as `{} + {}`."""
        return self.assign((name, *arguments), pattern.format(*map(shown, arguments)), arguments)

    # -- operations -------------------------------------------------------------------------------

    def scalar(self, op: Any, arguments: list[Value]) -> Value:
        """The value of a scalar operation."""
        kind = type(op).__name__
        method: Callable[..., Value] | None = getattr(self, f"of_{kind.lower()}", None)
        if method is not None:
            return method(*arguments)
        if kind in CALLS:
            return self.make(kind, f"{CALLS[kind]}({', '.join('{}' for _ in arguments)})", *arguments)
        if kind in COMPARISONS:
            return self.make(kind, f"{{}} {COMPARISONS[kind]} {{}}", *arguments)
        if kind == "Log1pexp":
            return self.log1pexp(op.order, arguments[0])
        if isinstance(op, ps.Composite):
            raise NotElementwise("an operation that was fused before")
        return self.call(op, arguments)

    def call(self, op: Any, arguments: list[Value]) -> Value:
        """Any other operation, by the machine code that PyTensor or this package has for it."""
        node = op.make_node(*(ps.float64() for _ in arguments))
        function, key = numba_funcify_and_cache_key(op, node=node)
        name = f"f_{hashlib.sha256(str(key or op).encode()).hexdigest()[:12]}"
        self.functions[name] = function
        self.keys.append(str(key) if key is not None else f"not cached {id(function)}")
        return self.make(name, f"{name}({', '.join('{}' for _ in arguments)})", *arguments)

    def of_add(self, *arguments: Value) -> Value:
        constant = sum(a for a in arguments if isinstance(a, float))
        rest, terms = self.cancelled([a for a in arguments if not isinstance(a, float)])
        if constant or not rest:
            rest.append(constant)
        total = rest[0]
        for argument in rest[1:]:
            before = total
            total = self.make("add", "{} + {}", total, argument)
            # (b + g) - b is g, to all digits
            self.added[total, before], self.added[total, argument] = argument, before
        if isinstance(total, str) and not constant:
            self.terms[total] = terms
        return total

    def cancelled(self, arguments: Sequence[Value]) -> tuple[list[Value], list[Value]]:
        """Arguments of a sum, and its terms, without pairs of opposites that stand in sums among the arguments.

        Derivatives in neighbouring cut points are such pairs, as large as their distance is small.
        """
        terms: list[Value] = []
        found = False
        for term in (term for argument in arguments for term in self.terms.get(argument, [argument])):
            opposite = self.negated.get(term, self.known.get(("neg", term)))
            if opposite in terms:
                terms.remove(opposite)
                found = True
            else:
                terms.append(term)
        return list(terms if found else arguments), terms

    def of_mul(self, *arguments: Value) -> Value:
        constant = float(np.prod([a for a in arguments if isinstance(a, float)]))
        rest: list[Value] = [a for a in arguments if not isinstance(a, float)]
        if constant == 0.0 or not rest:
            return constant
        if constant == -1.0:
            return self.of_neg(self.of_mul(*rest))
        if constant != 1.0:
            rest.append(constant)
        total = rest[0]
        for argument in rest[1:]:
            total = self.make("mul", "{} * {}", total, argument)
        return total

    def of_sub(self, a: Value, b: Value) -> Value:
        if isinstance(a, float) and isinstance(b, float):
            return a - b
        if b == 0.0 and isinstance(b, float):
            return a
        if a == 0.0 and isinstance(a, float):
            return self.of_neg(b)
        if (a, b) in self.added:
            return self.added[a, b]
        return self.make("sub", "{} - {}", a, b)

    def of_truediv(self, a: Value, b: Value) -> Value:
        if isinstance(a, float) and a == 0.0:
            return a
        if isinstance(b, float):
            return a / b if isinstance(a, float) else a if b == 1.0 else self.make("div", "{} / {}", a, b)
        return self.make("div", "{} / {}", a, b)

    def of_neg(self, a: Value) -> Value:
        if isinstance(a, float):
            return -a
        if a in self.negated:
            return self.negated[a]
        out = self.make("neg", "-{}", a)
        self.negated[out] = a
        return out

    def of_reciprocal(self, a: Value) -> Value:
        return self.of_truediv(1.0, a)

    def of_sqr(self, a: Value) -> Value:
        return self.of_mul(a, a)

    def of_pow(self, a: Value, b: Value) -> Value:
        if isinstance(a, float) and isinstance(b, float):
            return a**b
        if isinstance(b, float):
            if b == 0.5:
                return self.make("Sqrt", "sqrt({})", a)
            if b == int(b) and 0 <= abs(b) <= 4:
                power = self.of_mul(*(int(abs(b)) * [a])) if b else 1.0
                return power if b >= 0 else self.of_truediv(1.0, power)
        return self.make("pow", "{} ** {}", a, b)

    def of_switch(self, condition: Value, a: Value, b: Value) -> Value:
        if a == b and type(a) is type(b):
            return a
        if isinstance(condition, float):
            return a if condition else b
        return self.make("switch", "{1} if {0} else {2}", condition, a, b)

    def of_second(self, a: Value, b: Value) -> Value:
        return b

    def of_identity(self, a: Value) -> Value:
        return a

    def of_cast(self, a: Value) -> Value:
        return a if isinstance(a, float) else self.make("cast", "float({})", a)

    def of_maximum(self, a: Value, b: Value) -> Value:
        return self.make("max", "{0} if {0} >= {1} else {1}", a, b)

    def of_minimum(self, a: Value, b: Value) -> Value:
        return self.make("min", "{0} if {0} <= {1} else {1}", a, b)

    of_scalarmaximum, of_scalarminimum = of_maximum, of_minimum

    def of_clip(self, a: Value, low: Value, high: Value) -> Value:
        return self.of_minimum(self.of_maximum(a, low), high)

    def of_sign(self, a: Value) -> Value:
        return self.make("sign", "(1.0 if {0} > 0.0 else -1.0) if {0} != 0.0 else 0.0", a)

    def of_and(self, a: Value, b: Value) -> Value:
        return self.make("and", "{} and {}", a, b)

    def of_or(self, a: Value, b: Value) -> Value:
        return self.make("or", "{} or {}", a, b)

    def of_invert(self, a: Value) -> Value:
        return self.make("not", "not {}", a)

    def of_isnan(self, a: Value) -> Value:
        return self.make("nan", "{0} != {0}", a)

    def of_sigmoid(self, a: Value) -> Value:
        return self.log1pexp(1, a)

    def of_softplus(self, a: Value) -> Value:
        return self.log1pexp(0, a)

    def log1pexp(self, order: int, a: Value) -> Value:
        """Derivative of an order of log(1 + exp(a)), as `log_functions.softplus`; all orders share one exponential."""
        small = self.exp_of_minus_size(a)
        if order == 0:
            return self.of_add(self.of_maximum(a, 0.0), self.make("Log1p", "log1p({})", small))
        over = self.of_truediv(1.0, self.of_add(1.0, small))
        if order == 1:
            return self.make("sigmoid", "{1} if {0} > 0.0 else {1} * {2}", a, over, small)
        second = self.of_mul(small, self.of_mul(over, over))
        if order == 2:
            return second
        if order == 4:
            return self.of_mul(second, self.of_sub(1.0, self.of_mul(6.0, second)))
        third = self.of_mul(second, self.of_mul(self.of_sub(1.0, small), over))
        return self.make("signed", "-{1} if {0} > 0.0 else {1}", a, third)

    def exp_of_minus_size(self, a: Value) -> Value:
        """exp(-|a|)."""
        return self.make("Exp", "exp({})", self.of_neg(self.make("Abs", "abs({})", a)))

    # -- source -----------------------------------------------------------------------------------

    def needed(self, results: Iterable[Value], inside: bool = False) -> list[str]:
        """Assignments that results depend on, in order; those at the nodes only, where `inside` a loop over them."""
        reached: set[str] = set()
        waiting = [value for value in results if isinstance(value, str)]
        while waiting:
            name = waiting.pop()
            own = self.made[name]
            if name not in reached and (own.nodes or not inside):
                reached.add(name)
                waiting += [a for a in own.arguments if isinstance(a, str)]
        return [name for name in self.made if name in reached]

    def source(self, count: int) -> str:
        """A function ``rows(x0, …, out)`` that fills out (outputs, n)."""
        arguments = ", ".join(f"x{i}" for i in range(count))
        lines = [f"def rows({arguments}, out):", "    for i in range(out.shape[1]):"]
        needed = [name for name in self.needed(self.results) if not self.made[name].nodes]
        for stage in range(max((self.made[name].stage for name in needed), default=0) + 1):
            own = [name for name in needed if self.made[name].stage == stage and self.made[name].text]
            lines += [f"        {name} = {self.made[name].text}" for name in own]
            sums = [name for name in needed if self.made[name].stage == stage + 1 and not self.made[name].text]
            lines += self.loops(sums)
        lines += [f"        out[{k}, i] = {shown(value)}" for k, value in enumerate(self.results)]
        return "\n".join(lines) + "\n"

    def loops(self, sums: list[str]) -> list[str]:
        """Lines of the loops over nodes that fill sums."""
        lines = []
        summands = {name: str(self.made[name].arguments[0]) for name in sums}
        for length in dict.fromkeys(self.made[summand].nodes for summand in summands.values()):
            own = {name: value for name, value in summands.items() if self.made[value].nodes == length}
            lines += [f"        {name} = 0.0" for name in own]
            lines.append(f"        for j in range({length}):")
            inner = self.needed(own.values(), inside=True)
            lines += [f"            {name} = {self.made[name].text}" for name in inner]
            lines += [f"            {name} += {value}" for name, value in own.items()]
        return lines


@dataclass(frozen=True)
class Assignment:
    """One assignment.

    Parameters
    ----------
    text : str
        Its right side; empty for a sum over nodes.
    arguments : tuple of Value
    nodes : int
        Number of nodes that it has a value at; 0 for a value of the row.
    stage : int
        After how many rounds of loops it can be computed.
    """

    text: str
    arguments: tuple[Value, ...]
    nodes: int
    stage: int


def is_broadcast(order: Sequence[Any]) -> bool:
    """Whether a new order of dimensions only adds or drops ones in front: rows stay last."""
    kept = [place for place in order if place != "x"]
    return kept == sorted(kept) and "x" not in order[len(order) - len(kept) :]


def shown(value: Value) -> str:
    """A value in source."""
    if value is None:
        raise NotElementwise("a sum over rows")
    if isinstance(value, str):
        return value
    return repr(value) if np.isfinite(value) else f"({'-' if value < 0 else ''}inf)" if value == value else "nan"


def compile_rows(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> Callable[..., None]:
    """Machine code of an elementwise graph: a function of the inputs and of an array (outputs, n) that it fills.

    Cached on disk under its source.

    Raises
    ------
    NotElementwise
        The graph has operations across rows.
    """
    code = RowCode(inputs, outputs)
    source = code.source(len(inputs))
    names = {"__name__": __name__, "inf": np.inf, "nan": np.nan, **NAMES, **code.functions}
    cached = not any(key.startswith("not cached") for key in code.keys)
    key = hashlib.sha256("\n".join([source, numba.__version__, *code.keys]).encode()).hexdigest()
    function = compile_numba_function_src(source, "rows", names, cache_key=key if cached else None)
    return numba.njit(cache=cached, error_model="numpy", nogil=True, no_cfunc_wrapper=True)(function)
