"""What two PyTensor graphs have in common that need no compiling of their own."""

from collections.abc import Hashable, Sequence
from typing import Any

from pytensor.graph.basic import Constant, Variable
from pytensor.graph.traversal import io_toposort


def structure(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> Hashable:
    """A key that is equal for graphs with the same operations on inputs of the same types.

    Names do not count, constants do. Operations are equal as PyTensor has it: by their properties, or only to
    themselves where they have none.

    Parameters
    ----------
    inputs : sequence of Variable
        All that the outputs depend on, in the order in which a compiled function would take them.
    outputs : sequence of Variable
    """
    places: dict[Variable, Hashable] = {v: ("input", i, v.type) for i, v in enumerate(inputs)}
    nodes = []
    for n, node in enumerate(io_toposort(inputs, outputs)):
        nodes.append((node.op, tuple(_place(v, places) for v in node.inputs), tuple(v.type for v in node.outputs)))
        places |= {v: (n, i) for i, v in enumerate(node.outputs)}
    return tuple(nodes), tuple(_place(v, places) for v in outputs)


def _place(variable: Variable, places: dict[Variable, Hashable]) -> Hashable:
    if variable not in places and isinstance(variable, Constant):
        return "constant", variable.type, _content(variable.data)
    return places[variable]


def _content(data: Any) -> Hashable:
    """The value of a constant; what has no bytes is equal only to itself."""
    return (data.tobytes(), data.shape) if hasattr(data, "tobytes") else ("object", type(data), repr(data))
