"""Functions of numbers: those of each row, and those that learn from the rows of the fit.

What a stateful transform learns is a dict of plain numbers and lists, so that it can be stored and
compared; new rows are transformed with it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

import bayesml.design as design
from bayesml.errors import DataError, SpecificationError

State = dict[str, Any]


class Transform(Protocol):
    """A stateful transform."""

    def learn(self, x: np.ndarray, options: Mapping[str, Any]) -> State:
        """What is kept, from the rows of the fit, x (n,) without missing values."""
        ...

    def apply(self, x: np.ndarray, options: Mapping[str, Any], state: State) -> list[np.ndarray]:
        """Columns (n,) each."""
        ...


class Center:
    """`center(x)`: x minus its mean."""

    def learn(self, x: np.ndarray, options: Mapping[str, Any]) -> State:
        return {"mean": float(np.mean(x))}

    def apply(self, x: np.ndarray, options: Mapping[str, Any], state: State) -> list[np.ndarray]:
        return [x - state["mean"]]


class Scale:
    """`scale(x)`: (x - mean) / sd, the sd with n - 1 as in R; `center=False` divides by the root mean square."""

    def learn(self, x: np.ndarray, options: Mapping[str, Any]) -> State:
        mean = float(np.mean(x)) if options.get("center", True) else 0.0
        sd = float(np.sqrt(np.sum((x - mean) ** 2) / max(len(x) - 1, 1))) if options.get("scale", True) else 1.0
        if not sd > 1e-14 * abs(mean):
            raise DataError("`scale` of a constant column has no meaning: its standard deviation is 0.")
        return {"mean": mean, "sd": sd}

    def apply(self, x: np.ndarray, options: Mapping[str, Any], state: State) -> list[np.ndarray]:
        return [(x - state["mean"]) / state["sd"]]


class _Deferred:
    """A transform of `bayesml.design.splines`, which is loaded when it is first used."""

    def __init__(self, name: str):
        self.name = name

    def learn(self, x: np.ndarray, options: Mapping[str, Any]) -> State:
        return design.splines.BASES[self.name].learn(x, options)

    def apply(self, x: np.ndarray, options: Mapping[str, Any], state: State) -> list[np.ndarray]:
        known = ~np.isnan(x)
        if known.all():
            return design.splines.BASES[self.name].apply(x, options, state)
        columns = design.splines.BASES[self.name].apply(x[known], options, state)
        spread = [np.full(len(x), np.nan) for _ in columns]
        for full, column in zip(spread, columns, strict=True):
            full[known] = column
        return spread


TRANSFORMS: dict[str, Transform] = {
    "center": Center(),
    "scale": Scale(),
    **{name: _Deferred(name) for name in ("poly", "bs", "ns", "cr")},
}
"""Evaluators of `bayesml.spec.functions.STATEFUL`."""

SEVERAL_COLUMNS = frozenset({"poly", "bs", "ns", "cr"})
"""Transforms whose columns are numbered: `poly(x, 2)[1]`."""


def _log(x: np.ndarray, base: Any = None) -> np.ndarray:
    return np.log(x) if base is None else np.log(x) / np.log(base)


ROWWISE: dict[str, Callable[..., Any]] = {
    "log": _log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "exp": np.exp,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "floor": np.floor,
    "ceiling": np.ceil,
    "sign": np.sign,
    "I": lambda x: x,
    "+": lambda a, b: a + b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: a**b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "-": lambda a, b=None: -a if b is None else a - b,
}
"""Evaluators of `bayesml.spec.functions.ELEMENTWISE` and of the operators."""


def number_option(options: Mapping[str, Any], name: str, default: Any, function: str, whole: bool = False) -> Any:
    """An option that is a number, checked."""
    value = options.get(name, default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise SpecificationError(f"`{name}` of `{function}` must be {kind}, not {value!r}.")
    return int(value) if whole else float(value)
