"""The log density of a PyMC model as a C callback on disk, handed to nutpie.

Everything here that neither PyTensor nor nutpie documents stands in this one file. Nutpie's
own compiling takes seconds in every new process, since numba keeps neither of its two callbacks
on disk. Here the function that PyTensor compiled is called from a callback whose machine code is
cached: it gets the data as pointers and the sizes as numbers, so that it depends on neither.
Where a version or a field is not the one known, nutpie compiles the model its own way, and a
warning says so.
"""

import contextlib
import ctypes
import hashlib
import importlib
import sys
import types
import warnings
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, fields, replace
from math import isfinite, prod
from typing import Any

import numba
import numpy as np
import pyarrow
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import get_mode
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.replace import clone_replace
from pytensor.graph.rewriting.basic import MergeOptimizer
from pytensor.graph.traversal import graph_inputs
from pytensor.link.numba import cache as numba_cache
from scipy.sparse import csr_array

from bayesml.errors import BayesmlWarning
from bayesml.estimators.nuts_structure import structure


class _Late(types.ModuleType):
    """Stands for a module that is imported when one of its attributes is first asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


@contextlib.contextmanager
def _imported_late(name: str) -> Iterator[None]:
    """`import name` inside the block binds a stand-in, unless the module is there already.

    `importlib.util.LazyLoader` does not help: the import statement itself reads `__spec__`, which loads it.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = _Late(name)
    try:
        yield
    finally:
        if isinstance(sys.modules[name], _Late):
            del sys.modules[name]


# nutpie needs ArviZ, a second of imports, only to convert draws; here they are converted without.
with _imported_late("arviz"):
    import nutpie
    from nutpie.compile_pymc import CompiledPyMCModel

KNOWN_NUTPIE = (0, 16)
KNOWN_FIELDS = {
    "dims", "reparameterized_names", "compiled_logp_func", "compiled_expand_func", "initial_point_func",
    "shared_data", "shared_var_keys", "user_data", "n_expanded", "shape_info", "logp_func", "expand_func",
    "_n_dim", "_shapes", "_coords", "_transform_adapt_args",
}  # fmt: skip


def unknown_parts() -> str:
    """What differs from the nutpie and PyTensor that the callback was written for; empty if nothing."""
    version = tuple(int(part) for part in nutpie.__version__.split(".")[:2])
    if version != KNOWN_NUTPIE:
        return f"nutpie {nutpie.__version__} (known: {'.'.join(map(str, KNOWN_NUTPIE))})"
    if (changed := {known.name for known in fields(CompiledPyMCModel)} ^ KNOWN_FIELDS) != set():
        return f"fields {', '.join(sorted(changed))} of nutpie's compiled model"
    if not {"compile_numba_function_src", "CACHED_SRC_FUNCTIONS"} <= set(dir(numba_cache)):
        return f"the numba cache of PyTensor {pytensor.__version__}"
    return ""


@dataclass(frozen=True, eq=False)
class Affine:
    """The map x = centre + scale z from the sampler's coordinates to the unconstrained parameters.

    Parameters
    ----------
    centre : ndarray, shape (n,)
    scale : scipy.sparse.csr_array, shape (n, n)
    scaled : bool
        Whether the density is about standard normal in z; else nothing is known of its scale.
    """

    centre: np.ndarray
    scale: csr_array
    scaled: bool = True

    @classmethod
    def shift(cls, centre: np.ndarray) -> "Affine":
        """Coordinates that are counted from a point."""
        n = len(centre)
        places = np.arange(n)
        return cls(centre, csr_array((np.ones(n), (places, places)), shape=(n, n)), scaled=False)

    @classmethod
    def of_entries(cls, centre: np.ndarray, rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> "Affine":
        """The map whose scale has these entries."""
        kept = values != 0.0
        n = len(centre)
        return cls(centre, csr_array((values[kept], (rows[kept], columns[kept])), shape=(n, n)))

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Points x, shape (..., n)."""
        flat = z.reshape(-1, z.shape[-1])
        return (self.centre + (self.scale @ flat.T).T).reshape(z.shape)


@dataclass(frozen=True, eq=False)
class Density:
    """Log density of the free parameters of a model on the unconstrained scale, compiled.

    Parameters
    ----------
    names : tuple of str
        Names of the value variables, in the order of the flat parameter vector.
    shapes : tuple of tuple of int
    compiled : nutpie.CompiledModel
        What nutpie samples, in the coordinates of `affine`.
    affine : Affine
    stock : bool
        Whether nutpie compiled it: then it stays in the unconstrained coordinates.
    origin : ndarray, shape (n,)
        The point to start around, in the coordinates sampled.
    inputs : dict of str to ndarray
        The arrays that it reads, by the names of their shared variables; empty where nutpie compiled it.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    compiled: Any
    affine: Affine
    stock: bool
    origin: np.ndarray
    inputs: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of unconstrained parameters."""
        return sum(map(prod, self.shapes))

    def evaluate(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        """Log density and gradient (n,) at the point z (n,); both NaN where they are not finite."""
        z = np.ascontiguousarray(z, dtype=float)
        if self.stock:
            value, gradient = self.compiled.logp_func(z)
            return float(value), np.asarray(gradient)
        value, gradient = np.empty(1), np.empty(self.size)
        function = _C_DENSITY(self.compiled.compiled_logp_func.address)
        addresses = (a.ctypes.data for a in (z, gradient, value, self.compiled.user_data))
        if function(self.size, *addresses) != 0:
            return np.nan, np.full(self.size, np.nan)
        return float(value[0]), gradient

    def rescaled(self, affine: Affine) -> "Density":
        """The same density in other coordinates, to be started around their origin."""
        if self.stock:
            return replace(self, origin=affine.centre)
        words, data = self.compiled.user_data.copy(), dict(self.compiled.shared_data)
        _write_affine(words, data, affine)
        return replace(self, affine=affine, compiled=replace(self.compiled, user_data=words, shared_data=data))

    def with_inputs(self, arrays: dict[str, np.ndarray]) -> "Density":
        """The same machine code reading other arrays, by name; names that it does not read are ignored.

        All of the arrays are copies: nothing that is written into them reaches this density.
        """
        if self.stock:
            raise ValueError("What nutpie compiled itself holds its data.")
        inputs = {
            name: np.array(arrays.get(name, own), own.dtype, order="C", copy=True) for name, own in self.inputs.items()
        }
        data = {f"input {i}": array for i, array in enumerate(inputs.values())}
        words = _density_words(self.shapes, list(inputs.values()))
        _write_affine(words, data, self.affine)
        compiled = replace(self.compiled, user_data=words, shared_data=data)
        return replace(self, compiled=compiled, inputs=inputs)

    def split(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Values of each variable, shape (..., *shape), of points x (..., n)."""
        parts, start = {}, 0
        for name, shape in zip(self.names, self.shapes, strict=True):
            parts[name] = x[..., start : start + prod(shape)].reshape((*x.shape[:-1], *shape))
            start += prod(shape)
        return parts


def compile_density(
    model: pm.Model,
    shapes: dict[str, tuple[int, ...]] | None = None,
    before_reading: Callable[[], None] = lambda: None,
) -> Density:
    """Compile the log density of a model and its gradient.

    Parameters
    ----------
    model : pymc.Model
        Its data are shared variables (`pm.Data`); constants would enter the machine code.
    shapes : dict, optional
        Shapes of the value variables by name; found out by PyMC, which takes longer, if not given.
    before_reading : callable, optional
        Called after the function is compiled and before the values of the shared variables are read.

    Warns
    -----
    BayesmlWarning
        Where nutpie has to compile the model itself.
    """
    values = [model.rvs_to_values[rv] for rv in model.free_RVs]
    if shapes is None:
        shapes = model.eval_rv_shapes()
    names = tuple(str(value.name) for value in values)
    sizes = tuple(tuple(map(int, shapes[name])) for name in names)
    n = sum(map(prod, sizes))
    if unknown := unknown_parts():
        warnings.warn(f"{unknown} is not known to this version: nutpie compiles the model itself, which takes longer.",
                      BayesmlWarning, stacklevel=2)  # fmt: skip
        before_reading()
        stock = nutpie.compile_pymc_model(model, var_names=[])
        return Density(names, sizes, stock, Affine.shift(np.zeros(n)), stock=True, origin=np.zeros(n))
    callback, shared = _callback_of(model, values)
    before_reading()
    # Copies: the callback reads them by address, and nobody else may change them.
    data = [np.array(v.get_value(borrow=True), order="C", copy=True) for v in shared]
    inputs = {str(v.name): array for v, array in zip(shared, data, strict=True)}
    assert len(inputs) == len(data), "two inputs have one name"
    words = _density_words(sizes, data)
    compiled = CompiledPyMCModel(
        dims={},
        reparameterized_names=[],
        compiled_logp_func=callback,
        compiled_expand_func=_expand_callback(),
        initial_point_func=lambda seed: np.zeros(n),
        shared_data={f"input {i}": array for i, array in enumerate(data)},
        shared_var_keys={},
        user_data=words,
        n_expanded=n,
        shape_info=(["z"], [slice(0, n)], [(n,)]),
        logp_func=None,
        expand_func=None,
        _n_dim=n,
        _shapes={"z": (n,)},
        _coords={},
    )
    density = Density(
        names, sizes, compiled, Affine.shift(np.zeros(n)), stock=False, origin=np.zeros(n),
        inputs=inputs,
    )  # fmt: skip
    return density.rescaled(density.affine)


COMPILED: dict[Hashable, Any] = {}
"""Callbacks by the structure of their graph, kept as long as the process lives."""


def _callback_of(model: pm.Model, values: list[Any]) -> tuple[Any, list[SharedVariable]]:
    """The callback for the log density and its gradients, and the variables whose values it reads."""
    logp = merged(model.logp())
    outputs = [logp, *pt.grad(logp, values)]
    shared = [v for v in graph_inputs(outputs) if isinstance(v, SharedVariable)]
    plain = [v.type(name=v.name) for v in shared]
    outputs = clone_replace(outputs, dict(zip(shared, plain, strict=True)))
    key = structure([*values, *plain], outputs)
    if key not in COMPILED:
        # The numbers of priors were checked when they were given; without PyMC's checks half the nodes are left.
        mode = get_mode("NUMBA").including("local_remove_check_parameter")
        # Fast math changes digits of some densities; the flag is part of the key of the cached code.
        with pytensor.config.change_flags(numba__fastmath=False):
            function = pytensor.function(
                [*values, *plain], outputs, mode=mode, on_unused_input="ignore", trust_input=True
            )
        COMPILED[key] = _density_callback(function, values, plain)
    return COMPILED[key], shared


def merged(expression: pt.TensorVariable) -> pt.TensorVariable:
    """An expression in which what is computed twice is one node.

    PyMC derives the density of each variable by itself; what they share, such as linear predictors, would be
    differentiated once for each.
    """
    graph = FunctionGraph(outputs=[expression], clone=True, copy_inputs=False)
    MergeOptimizer().rewrite(graph)
    return graph.outputs[0]


_C_DENSITY = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, *4 * [ctypes.c_void_p])
_POINTER = numba.types.CPointer(numba.types.float64)
_AFFINE_WORDS = 6

_DENSITY_SOURCE = """
def density(dim, z_, gradient_, value_, words_):
    w = carray(words_, ({n_words},), np.int64)
    n, entries = w[0], w[1]
    z = carray(z_, (n,))
    out = carray(gradient_, (n,))
    centre = carray(pointer(w[2]), (n,), np.float64)
    row = carray(pointer(w[3]), (n + 1,), np.int64)
    column = carray(pointer(w[4]), (entries,), np.int64)
    scale = carray(pointer(w[5]), (entries,), np.float64)
    x = np.empty(n)
    g = np.empty(n)
    for i in range(n):
        t = centre[i]
        for j in range(row[i], row[i + 1]):
            t += scale[j] * z[column[j]]
        x[i] = t
    value, {gradients} = compiled({arguments})
    value_[0] = value.item()
    finite = isfinite(value_[0])
{copies}
    for i in range(n):
        out[i] = 0.0
    for i in range(n):
        t = g[i]
        finite &= isfinite(t)
        for j in range(row[i], row[i + 1]):
            out[column[j]] += scale[j] * t
    return 0 if finite else 3
"""

_EXPAND_SOURCE = """
def expand(dim, n_expanded, z_, expanded_, words_):
    for i in range(n_expanded):
        expanded_[i] = z_[i]
    return 0
"""


@numba.extending.intrinsic
def _pointer(_typing_context: Any, address: Any) -> Any:
    """The pointer at an address given as an integer."""

    def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], numba.core.cgutils.voidptr_t)

    return numba.types.voidptr(address), codegen


def _density_words(sizes: tuple[tuple[int, ...], ...], data: list[np.ndarray]) -> np.ndarray:
    """What the callback reads.

    The number of parameters and places of the affine map; bounds and shape of each variable; address and shape of
    each array of the data.
    """
    words, start = [0] * _AFFINE_WORDS, 0
    for size in sizes:
        words += [start, start + prod(size), *size]
        start += prod(size)
    for array in data:
        words += [array.ctypes.data, *array.shape]
    words[0] = start
    return np.array(words, np.int64)


def _density_callback(function: Any, values: list[Any], data: list[Any]) -> Any:
    """The C callback, whose source depends on numbers of variables, their ranks and types only."""
    arguments, copies, at = [], [], _AFFINE_WORDS
    for i, value in enumerate(values):
        rank = value.type.ndim
        shape = _tuple_text(f"w[{at + 2 + k}]" for k in range(rank))
        arguments.append(f"x[w[{at}]:w[{at + 1}]].reshape({shape})")
        # Assigning to a slice would compile the text of its error message: two seconds.
        flat = f"    f{i} = g{i}.ravel()\n    for i in range(len(f{i})):\n        g[w[{at}] + i] = f{i}[i]"
        copies.append(flat if rank else f"    g[w[{at}]] = g{i}.item()")
        at += 2 + rank
    for variable in data:
        shape = _tuple_text(f"w[{at + 1 + k}]" for k in range(variable.type.ndim))
        arguments.append(f"carray(pointer(w[{at}]), {shape}, np.{variable.type.dtype})")
        at += 1 + variable.type.ndim
    source = _DENSITY_SOURCE.format(
        n_words=at,
        gradients=", ".join(f"g{i}" for i in range(len(values))),
        arguments=", ".join(arguments),
        copies="\n".join(copies),
    )
    compiled = function.vm.jit_fn
    key = numba_cache.CACHED_SRC_FUNCTIONS.get(compiled.py_func)
    names = {"np": np, "carray": numba.carray, "pointer": _pointer, "isfinite": isfinite, "compiled": compiled}
    signature = numba.types.int64(numba.types.uint64, _POINTER, _POINTER, _POINTER, numba.types.voidptr)
    return _cached_callback(source, "density", names, signature, key)


def _expand_callback() -> Any:
    """The C callback that stores the sampler's coordinates as they are."""
    signature = numba.types.int64(numba.types.uint64, numba.types.uint64, _POINTER, _POINTER, numba.types.voidptr)
    return _cached_callback(_EXPAND_SOURCE, "expand", {}, signature, "")


def _cached_callback(source: str, name: str, names: dict[str, Any], signature: Any, key: str | None) -> Any:
    """A C callback compiled from source; on disk under a key of the source and `key`, unless that is None."""
    digest = None if key is None else hashlib.sha256(f"{source}\n{key}".encode()).hexdigest()
    function = numba_cache.compile_numba_function_src(source, name, {"__name__": __name__, **names}, cache_key=digest)
    return numba.cfunc(signature, cache=digest is not None)(function)


def _tuple_text(parts: Iterator[str]) -> str:
    return f"({''.join(f'{part}, ' for part in parts)})"


def _write_affine(words: np.ndarray, data: dict[str, np.ndarray], affine: Affine) -> None:
    scale = affine.scale
    arrays = {
        "centre": np.array(affine.centre, float),
        "row": scale.indptr.astype(np.int64),
        "column": scale.indices.astype(np.int64),
        "scale": scale.data.astype(float),
    }
    data.update(arrays)
    words[1:_AFFINE_WORDS] = [scale.nnz, *(array.ctypes.data for array in arrays.values())]


@dataclass(frozen=True, eq=False)
class Draws:
    """What nutpie returned, without the warm-up.

    Parameters
    ----------
    x : ndarray, shape (chain, draw, n)
        Draws of the unconstrained parameters.
    stats : dict of str to ndarray, shape (chain, draw)
        `diverging`, `energy`, `tree_depth`, `n_steps`, `step_size`, `acceptance_rate`, `lp`.
    complete : bool
        False where sampling was interrupted, or a chain failed.
    failures : tuple of str
        Chains that were left out, where they failed and why.
    """

    x: np.ndarray
    stats: dict[str, np.ndarray]
    complete: bool
    failures: tuple[str, ...] = ()


STATISTICS = {
    "diverging": ("diverging", bool),
    "energy": ("energy", float),
    "lp": ("logp", float),
    "tree_depth": ("depth", np.int64),
    "n_steps": ("n_steps", np.int64),
    "step_size": ("step_size", float),
    "acceptance_rate": ("mean_tree_accept", float),
}


def run(
    density: Density,
    initial: Callable[[int], np.ndarray],
    *,
    draws: int,
    tune: int,
    chains: int,
    cores: int,
    seed: int,
    target_accept: float,
    progress: Callable[[list[Any]], None] | None = None,
) -> Draws:
    """Sample with NUTS.

    Parameters
    ----------
    density : Density
    initial : callable
        From a seed to a starting point (n,) in the sampler's coordinates.
    draws, tune, chains, cores, seed, target_accept
        As in `nutpie.sample`.
    progress : callable, optional
        Is told every tenth of a second how far the chains are, from another thread.

    Raises
    ------
    KeyboardInterrupt
        If it was interrupted before two chains, or the only one, had draws after the warm-up.
    """
    trace = nutpie.sample(
        replace(density.compiled, initial_point_func=initial),
        draws=draws,
        tune=tune,
        chains=chains,
        cores=cores,
        seed=seed,
        progress_bar=False,
        progress_callback=progress,
        return_raw_trace=True,
        target_accept=target_accept,
    )
    points, stats = trace.get_arrow_trace()
    names = density.names if density.stock else ("z",)
    kept = []
    for point, stat in zip(points, stats, strict=True):
        after = ~_column(stat, "tuning")[:, 0].astype(bool)
        z = np.concatenate([_column(point, name) for name in names], axis=1)[after]
        kept.append((z, {k: _column(stat, name)[after, 0].astype(t) for k, (name, t) in STATISTICS.items()}))
    longest = sorted((len(z) for z, _ in kept), reverse=True)
    length, n_chains = max((size * (i + 1), i + 1) for i, size in enumerate(longest)) if longest else (0, 0)
    length //= max(n_chains, 1)
    if length == 0 or n_chains < min(chains, 2):
        raise KeyboardInterrupt("Sampling was interrupted before there were draws to keep.")
    kept = [(z[:length], {k: v[:length] for k, v in s.items()}) for z, s in kept if len(z) >= length]
    x = density.affine(np.stack([z for z, _ in kept]))
    stats = {name: np.stack([s[name] for _, s in kept]) for name in STATISTICS}
    return Draws(x, stats, complete=x.shape[:2] == (chains, draws))


def _column(batch: Any, name: str) -> np.ndarray:
    """A column of an Arrow record batch as an array (rows, values a row)."""
    column = pyarrow.array(batch.column(name))
    values = column.flatten() if pyarrow.types.is_nested(column.type) else column
    return values.to_numpy(zero_copy_only=False).reshape(batch.num_rows, -1)
