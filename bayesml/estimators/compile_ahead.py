"""The kernels of the sampler compiled by another process, while this one imports PyMC and compiles the rest.

Numba cannot compile in two threads at once, and does not need to: what a kernel calls by its address may be compiled
anywhere, and is found in the cache on disk. Only the first sampling after an installation starts the process;
if it fails, or may not be started, this process compiles everything itself.
"""

import gc
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numba

from bayesml.graphs.marginal_kernel import DENSITY, marginal_with_gradient
from bayesml.linalg.border import border_of_coefficients
from bayesml.linalg.elimination import eliminate, sweep_back
from bayesml.linalg.marginal import (
    BORDER,
    DRAWS,
    ELIMINATE,
    SWEEP_BACK,
    WHOLE,
    density_parts,
    draw_effects,
    solve_at,
)

KERNELS: tuple[tuple[Any, tuple[Any, ...]], ...] = (
    (marginal_with_gradient, DENSITY), (sweep_back, SWEEP_BACK), (solve_at, WHOLE), (draw_effects, DRAWS),
    (eliminate, ELIMINATE), (density_parts, WHOLE), (border_of_coefficients, BORDER),
)  # fmt: skip
"""The large kernels and types of their arguments: what takes longest first."""

PATIENCE = 180.0
"""Seconds after which this process compiles what the other has not."""

CODE = """\
import gc, sys
gc.disable()
sys.path[:] = {path!r}
from bayesml.estimators.compile_ahead import compile_unclaimed
compile_unclaimed({folder!r}, range({count}))
"""


def compile_unclaimed(folder: str, order: Iterable[int]) -> None:
    """Compile into the cache those of `KERNELS`, in an order, that the other process has not begun.

    A process claims a kernel by creating a file in `folder`, which only one of them can.
    """
    for i in order:
        try:
            Path(folder, str(i)).touch(exist_ok=False)
        except OSError:  # it exists, or cannot be created: then the kernel is compiled when it is called
            continue
        kernel, arguments = KERNELS[i]
        kernel.compile(arguments)


class CompileAhead:
    """The process; a context that ends it. It is started only if kernels are in neither memory nor cache.

    Parameters
    ----------
    wanted : bool, default True
        Whether to start it at all.
    """

    def __init__(self, wanted: bool = True) -> None:
        self.folder: TemporaryDirectory[str] | None = None
        self.process: subprocess.Popen[bytes] | None = None
        if wanted and not all(compiled(kernel) for kernel, _ in KERNELS):
            with suppress(OSError):
                self.folder = TemporaryDirectory(prefix="bayesml-")
                self.process = start(self.folder.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5.0)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.folder is not None:
            self.folder.cleanup()

    def finish(self) -> None:
        """Help the process from the other end, then wait until it is done, well or not."""
        if self.process is not None and self.folder is not None:
            if self.process.poll() is None:
                compile_unclaimed(self.folder.name, reversed(range(len(KERNELS))))
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE)


def compiled(kernel: Any) -> bool:
    """Whether there is machine code of a kernel, or no telling from this version of numba, or no place to keep it."""
    try:
        folder = Path(kernel._cache.cache_path)
        existing = next(path for path in (folder, *folder.parents) if path.exists())  # numba makes the rest
        if kernel.overloads or not os.access(existing, os.W_OK):
            return True
        return bool(kernel._cache._cache_file._load_index())
    except (AttributeError, OSError):
        return True


def start(folder: str) -> subprocess.Popen[bytes] | None:
    """The process, or None where this interpreter cannot be started again, as in a frozen or embedding program."""
    if getattr(sys, "frozen", False) or not Path(sys.executable or "").name.lower().startswith(("python", "pypy")):
        return None
    cache = {"NUMBA_CACHE_DIR": numba.config.CACHE_DIR} if numba.config.CACHE_DIR else {}
    quiet: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    code = CODE.format(path=sys.path, folder=folder, count=len(KERNELS))
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    return subprocess.Popen([sys.executable, "-c", code], env=os.environ | cache, creationflags=flags, **quiet)


@contextmanager
def collector_paused() -> Iterator[None]:
    """No garbage collection inside the block: it finds little while compiling, and takes a part of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
