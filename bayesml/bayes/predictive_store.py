"""Draws of rows in a Zarr store, block of rows by block of rows, that is there only when it is complete."""

import functools
import importlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayesml.errors import SpecificationError, StorageError

OPTIONS: dict[str, Any] = {"zarr_format": 2, "consolidated": False}
"""Zarr 2: texts as labels have no agreed form in Zarr 3."""


@functools.cache
def zarr() -> Any:
    """The library; an error that says how to install it where it is missing."""
    try:
        return importlib.import_module("zarr")
    except ImportError:
        raise SpecificationError(
            '`path` writes a Zarr store, which needs the library zarr: `pip install "bayesml-multilevel[zarr]"`.'
        ) from None


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Refuse to write over anything, unless it was asked for."""
    if path.exists() and not overwrite:
        raise StorageError(f"`{path}` exists. Give another path, or `overwrite=True` to replace it.")
    if not path.resolve().parent.is_dir():
        raise StorageError(f"`{path}` cannot be written: there is no directory `{path.parent}`.")


def write_store(
    path: Path,
    template: xr.DataArray,
    blocks: Iterable[tuple[slice, np.ndarray]],
    groups: Mapping[str, xr.Dataset],
) -> None:
    """Write draws block by block.

    Parameters
    ----------
    path : Path
        Nothing stands under it before all is written; what stood there is replaced then.
    template : DataArray (chain, draw, obs, ...)
        Name, dims, coords, attributes and type; its values are not read.
    blocks : iterable of (rows, values)
        Values (chain, draw, rows, ...), in any order.
    groups : mapping of str to Dataset
        Further groups.
    """
    library = zarr()
    with complete_or_nothing(path) as temporary:
        for name, dataset in groups.items():
            dataset.to_zarr(temporary, group=name, mode="a", **OPTIONS)
        xr.Dataset(coords=template.coords).to_zarr(temporary, group="posterior_predictive", mode="a", **OPTIONS)
        chains, draws = template.shape[:2]
        array = None
        for rows, values in blocks:
            if array is None:
                # one chunk a block of rows, so that each is written once
                array = library.open_group(temporary, mode="a", zarr_format=2)["posterior_predictive"].create_array(
                    str(template.name), shape=template.shape, dtype=template.dtype,
                    chunks=(chains, draws, *values.shape[2:]), fill_value=empty(template.dtype),
                    attributes={**template.attrs, "_ARRAY_DIMENSIONS": list(template.dims)},
                )  # fmt: skip
            array[:, :, rows] = values
        library.consolidate_metadata(temporary, zarr_format=2)


def empty(dtype: np.dtype) -> Any:
    """What stands where nothing was written."""
    return np.nan if dtype.kind == "f" else None


@contextmanager
def complete_or_nothing(path: Path) -> Iterator[Path]:
    """A temporary directory beside a path that takes its name at the end, and is removed if something fails."""
    temporary = Path(tempfile.mkdtemp(dir=path.resolve().parent, prefix=f".{path.name}."))
    try:
        yield temporary
        temporary.chmod(0o755)
        replaced = None
        if path.exists():
            replaced = Path(tempfile.mkdtemp(dir=path.resolve().parent, prefix=f".{path.name}.old."))
            os.replace(path, replaced / path.name)
        try:
            os.replace(temporary, path)
        except BaseException:
            if replaced is not None:
                os.replace(replaced / path.name, path)
            raise
        finally:
            if replaced is not None:
                shutil.rmtree(replaced)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
