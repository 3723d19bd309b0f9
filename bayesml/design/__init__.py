"""A model applied to data: named arrays, levels, column names.

`splines` (polynomials and splines, through formulaic) is loaded when a formula first uses one.
"""

from importlib import import_module
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    if name != "splines":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("bayesml.design.splines")
