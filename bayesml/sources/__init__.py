"""Rows of data by columns. `others` (narwhals) is loaded when a frame that is not pandas' comes."""

from importlib import import_module
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    if name != "others":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("bayesml.sources.others")
