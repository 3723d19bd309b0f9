"""Values of this package as a JSON document and named arrays, and back; nothing stored is ever executed.

Frozen dataclasses, indices and arrays are written by content. Reading makes objects only of classes that
this package defines, so that a file can hold numbers and text, but no code.
"""

import datetime
import importlib
import inspect
import math
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from bayesml.errors import StorageError
from bayesml.results.foreign_parts import facts_of, part_from, source_hash

PACKAGE = __name__.partition(".")[0]


class Encoder:
    """Turns values into JSON; collects their arrays under names in `arrays`.

    Parameters
    ----------
    categories : tuple of str
        Of the response: what a user's family says of its parameters depends on them.
    """

    def __init__(self, categories: tuple[str, ...] = ()) -> None:
        self.categories = categories
        self.arrays: dict[str, np.ndarray] = {}
        self._names: dict[int, str] = {}
        # By identity; the objects are kept, so that no other takes their place in memory.
        self._objects: dict[int, tuple[int, Any]] = {}

    def __call__(self, value: Any) -> Any:
        match value:
            case None | bool() | int() | str():
                return value
            case float():
                return value if math.isfinite(value) else {"float": repr(float(value))}
            case np.generic() if value.dtype.kind in "biuf":
                return self(value.item())
            case list():
                return [self(item) for item in value]
            case tuple():
                return {"tuple": [self(item) for item in value]}
            case frozenset():
                return {"frozenset": sorted((self(item) for item in value), key=repr)}
            case dict():
                return {"dict": [[self(key), self(item)] for key, item in value.items()]}
            case datetime.datetime() | datetime.date():
                return {type(value).__name__: value.isoformat()}
            case slice():
                return {"slice": [self(value.start), self(value.stop), self(value.step)]}
            case types.MethodType():
                return {"method": value.__name__, "of": self(value.__self__)}
            case np.ndarray():
                return self.array(value)
            case pd.Index():
                return {"index": self.index(value), "names": [self(name) for name in value.names]}
        return self.object(value)

    def array(self, value: np.ndarray) -> Any:
        """A reference to a stored array; dates as integers, text and mixed values in the document."""
        if value.dtype.kind in "Mm":
            return {"dates": self.array(value.view(np.int64)), "dtype": value.dtype.str}
        if value.dtype.kind not in "biuf":
            return {
                "values": [self(item) for item in value.ravel()],
                "shape": list(value.shape),
                "dtype": value.dtype.str,
            }
        if id(value) not in self._names:
            name = f"array_{len(self.arrays)}"
            self._names[id(value)], self.arrays[name] = name, value
        return {"array": self._names[id(value)]}

    def index(self, value: pd.Index) -> Any:
        """The labels of an index, with their type."""
        match value:
            case pd.RangeIndex():
                return {"kind": "range", "range": [value.start, value.stop, value.step]}
            case pd.MultiIndex():
                levels, codes = (
                    [self(level) for level in value.levels],
                    [self(np.asarray(code)) for code in value.codes],
                )
                return {"kind": "multi", "levels": levels, "codes": codes}
            case pd.CategoricalIndex():
                codes = self(np.asarray(value.codes))
                return {"kind": "categorical", "of": self(value.categories), "codes": codes, "ordered": value.ordered}
            case pd.IntervalIndex():
                return {"kind": "interval", "ends": [self(value.left), self(value.right)], "closed": value.closed}
            case pd.PeriodIndex():
                return {"kind": "period", "ordinals": self(value.asi8), "freq": value.freqstr}
            case pd.DatetimeIndex():
                zone = None if value.tz is None else str(value.tz)
                return {"kind": "datetime", "times": self(value.tz_localize(None).to_numpy() if zone is None
                        else value.tz_convert("UTC").tz_localize(None).to_numpy()), "zone": zone}  # fmt: skip
        labels = value.to_numpy()
        return {"kind": "plain", "values": self(labels), "dtype": str(value.dtype)}

    def object(self, value: Any) -> Any:
        """An object of a class of this package, by its fields; the second time by its number."""
        cls = type(value)
        if id(value) in self._objects:
            return {"same": self._objects[id(value)][0]}
        if cls.__module__.partition(".")[0] != PACKAGE or "<" in cls.__qualname__:
            facts = facts_of(value, self.categories)
            if facts is not None:
                return self.foreign(value, facts)
            raise StorageError(
                f"A {cls.__module__}.{cls.__qualname__} cannot be stored: it is no part of this package."
            )
        number = len(self._objects)
        self._objects[id(value)] = number, value
        names = [field.name for field in fields(value) if field.init] if is_dataclass(value) else vars(value)
        # Dicts that are filled when needed, of compiled functions for instance, are stored empty.
        caches = getattr(cls, "caches", ())
        content = {name: self({} if name in caches else getattr(value, name)) for name in names}
        out: dict[str, Any] = {"object": f"{cls.__module__}:{cls.__qualname__}", "fields": content, "number": number}
        if computed := getattr(cls, "stored_results", ()):
            out["computed"] = {name: self(getattr(value, name)) for name in computed}
        return out

    def foreign(self, value: Any, facts: dict[str, Any]) -> Any:
        """A user's own family or link: the name of its class, its options, and what tables read of it."""
        cls = type(value)
        return {
            "part": f"{cls.__module__}:{cls.__qualname__}",
            "source_sha256": source_hash(cls),
            "options": self(dict(vars(value))),
            "facts": self(facts),
        }


class Decoder:
    """Turns a document and its arrays back into values."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.arrays = arrays
        self.objects: dict[int, Any] = {}

    def __call__(self, node: Any) -> Any:
        match node:
            case None | bool() | int() | float() | str():
                return node
            case list():
                return [self(item) for item in node]
            case {"tuple": items}:
                return tuple(self(item) for item in items)
            case {"frozenset": items}:
                return frozenset(self(item) for item in items)
            case {"dict": items}:
                return {self(key): self(item) for key, item in items}
            case {"float": text}:
                return float(text)
            case {"datetime": text}:
                return datetime.datetime.fromisoformat(text)
            case {"Timestamp": text}:
                return pd.Timestamp(text)
            case {"date": text}:
                return datetime.date.fromisoformat(text)
            case {"array": name}:
                return self.arrays[name]
            case {"dates": inner, "dtype": dtype}:
                return self(inner).view(np.dtype(dtype))
            case {"values": items, "shape": shape, "dtype": dtype}:
                return self.values(items, shape, dtype)
            case {"index": inner, "names": names}:
                return self.index(inner).set_names([self(name) for name in names])
            case {"slice": [start, stop, step]}:
                return slice(self(start), self(stop), self(step))
            case {"same": number}:
                return self.objects[number]
            case {"object": path, "fields": content, **more}:
                return self.object(path, content, **cast("dict[str, Any]", more))
            case {"part": path, "source_sha256": digest, "options": options, "facts": facts}:
                return part_from(path, digest, self(options), self(facts))
            case {"method": name, "of": inner}:
                return self.method(name, self(inner))
        raise StorageError("The file holds something that this version cannot read.")

    def values(self, items: list, shape: list[int], dtype: str) -> np.ndarray:
        """An array of texts or of mixed values."""
        out = np.empty(len(items), np.dtype(dtype))
        for i, item in enumerate(items):
            out[i] = self(item)
        return out.reshape(shape)

    def index(self, node: dict[str, Any]) -> pd.Index:
        """An index with the type of its labels."""
        match node["kind"]:
            case "range":
                return pd.RangeIndex(*node["range"])
            case "multi":
                levels, codes = [self(level) for level in node["levels"]], [self(code) for code in node["codes"]]
                return pd.MultiIndex(levels, codes)
            case "categorical":
                values = pd.Categorical.from_codes(self(node["codes"]), self(node["of"]), node["ordered"])
                return pd.CategoricalIndex(values)
            case "interval":
                return pd.IntervalIndex.from_arrays(*(self(end) for end in node["ends"]), closed=node["closed"])
            case "period":
                return pd.PeriodIndex.from_ordinals(self(node["ordinals"]), freq=node["freq"])
            case "datetime":
                times = pd.DatetimeIndex(self(node["times"]))
                return times if node["zone"] is None else times.tz_localize("UTC").tz_convert(node["zone"])
            case "plain":
                return pd.Index(self(node["values"]), dtype=node["dtype"])
        raise StorageError("The file holds labels that this version cannot read.")

    def method(self, name: str, owner: Any) -> Any:
        """A method of an object that was read."""
        if type(owner).__module__.partition(".")[0] != PACKAGE or not inspect.isfunction(
            inspect.getattr_static(type(owner), name, None)
        ):
            raise StorageError(f"The file names `{name}`, which is no method of {type(owner).__qualname__}.")
        return getattr(owner, name)

    def object(
        self, path: str, content: dict[str, Any], number: int = -1, computed: Mapping[str, Any] | None = None
    ) -> Any:
        """An object of a class that this package defines.

        `computed` are cached properties that were costly: dataclasses may be frozen, their dicts are not.
        """
        module, _, name = path.partition(":")
        if module.partition(".")[0] != PACKAGE:
            raise StorageError(f"The file names {path}, which is no part of this package.")
        cls: Any = importlib.import_module(module)
        for part in name.split("."):
            cls = getattr(cls, part)
        if not isinstance(cls, type) or cls.__module__ != module:
            raise StorageError(f"The file names {path}, which is no class of this package.")
        if is_dataclass(cls):
            out: Any = cls(**{key: self(item) for key, item in content.items()})
            self.objects[number] = out
        else:
            # Known before it is complete: its parts may refer to it.
            out = self.objects[number] = object.__new__(cls)
            vars(out).update({key: self(item) for key, item in content.items()})
        for name, item in (computed or {}).items():
            vars(out)[name] = self(item)
        return out
