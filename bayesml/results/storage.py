"""Results in files: NetCDF for the arrays, JSON for the rest, a checksum over all of it."""

import hashlib
import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import h5netcdf
import h5py
import numpy as np

from bayesml.errors import StorageError
from bayesml.results.codec import PACKAGE, Decoder, Encoder
from bayesml.results.whole_file import KeptErrors, whole_file

FORMAT = "bayesml result 1"
DOCUMENT = "document"
SEAL = b"\nsha256:"
SEAL_LENGTH = len(SEAL) + 64


def save(result: Any, path: str | os.PathLike[str]) -> None:
    """Write a result to a file that `load` reads back equal.

    The file is NetCDF (HDF5): numeric arrays are its variables, everything else a JSON text in the
    variable `document`: specification, priors, typed levels, hash of the data, version. It appears
    under its name only when it is complete: a full disk or a killed process leaves an existing file as it was.

    Parameters
    ----------
    result : LikelihoodResult or BayesianResult
    path : path-like
        An existing file is replaced.

    Raises
    ------
    StorageError
        Something in the result is no part of this package; or the file cannot be written, as the disk is full.

    Notes
    -----
    A family or link of one's own is stored by the name of its class, the hash of its source, and what tables read of
    it. Where its class is loaded with the same source, `load` gives the result back as it was; elsewhere estimates and
    tables can be read, but nothing can be computed with its functions.
    """
    encode = Encoder(result.design.categories)
    document = {
        "format": FORMAT,
        "version": sys.modules[PACKAGE].__version__,
        "data_sha256": data_hash(result.design),
        "result": encode(result),
    }
    text = json.dumps(document, ensure_ascii=False)
    with whole_file(path) as temporary:
        write_arrays(temporary, encode.arrays, text)
        seal(temporary)


def load(path: str | os.PathLike[str]) -> Any:
    """Return the result that `save` wrote.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    LikelihoodResult or BayesianResult

    Raises
    ------
    FileNotFoundError
        There is no such file.
    StorageError
        The file is damaged, holds no result, or one of another version that cannot be read.

    Notes
    -----
    A file holds numbers and text. Nothing in it is executed.
    """
    path = Path(path)
    check_seal(path)
    version = "unknown"
    try:
        arrays, text = read_arrays(path)
        document = json.loads(text)
        version = document["version"]
        if document["format"] != FORMAT:
            raise StorageError(f"`{path}` has the format {document['format']!r}; this version reads {FORMAT!r}.")
        return Decoder(arrays)(document["result"])
    except StorageError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ImportError) as error:
        raise StorageError(f"`{path}` was written by version {version} and cannot be read: {error}") from error


def write_arrays(path: Path, arrays: dict[str, np.ndarray], text: str) -> None:
    """Write variables and document as NetCDF; an `OSError` where they do not fit on the disk."""
    with closing(KeptErrors(path)) as target:
        try:
            write_netcdf(target, arrays, text)
        finally:
            if target.error is not None:
                raise target.error


def write_netcdf(target: KeptErrors, arrays: dict[str, np.ndarray], text: str) -> None:
    """Write variables and document to an open file."""
    with h5netcdf.File(target, "w") as file:
        file.attrs["format"] = FORMAT
        for name, array in arrays.items():
            dims = tuple(f"{name}_{axis}" for axis in range(array.ndim))
            file.dimensions.update(dict(zip(dims, array.shape, strict=True)))
            kind = np.uint8 if array.dtype == bool else array.dtype
            variable = file.create_variable(name, dims, kind, data=array.astype(kind, copy=False))
            variable.attrs["dtype"] = array.dtype.str
        document = file.create_variable(DOCUMENT, (), h5py.string_dtype())
        document[...] = text


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """Variables and document of a file."""
    with h5netcdf.File(path, "r") as file:
        arrays = {
            name: np.asarray(variable[...]).astype(np.dtype(variable.attrs["dtype"]), copy=False)
            for name, variable in file.variables.items()
            if name != DOCUMENT
        }
        text = file.variables[DOCUMENT][()]
    return arrays, text.decode() if isinstance(text, bytes) else str(text)


def seal(path: Path) -> None:
    """Append the checksum of the file to it: HDF5 ignores what stands behind its end."""
    digest = file_digest(path, os.path.getsize(path))
    with open(path, "ab") as file:
        file.write(SEAL + digest.encode())


def check_seal(path: Path) -> None:
    """Refuse a file that is not exactly as it was written, before anything interprets it."""
    size = path.stat().st_size - SEAL_LENGTH
    if size > 0:
        with open(path, "rb") as file:
            file.seek(size)
            found = file.read()
        if found == SEAL + file_digest(path, size).encode():
            return
    raise StorageError(f"`{path}` is no result of this package, or it is damaged: its checksum does not agree.")


def file_digest(path: str | Path, size: int) -> str:
    """SHA-256 of the first bytes of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while size > 0:
            block = file.read(min(size, 1 << 20))
            if not block:
                break
            digest.update(block)
            size -= len(block)
    return digest.hexdigest()


def data_hash(design: Any) -> str:
    """SHA-256 of the data that a model was applied to: response, columns, levels, weights, frequencies."""
    digest = hashlib.sha256()
    columns = [*design.fixed_columns, *(column for term in design.random for column in (term.codes, *term.columns))]
    for array in (design.y, *columns, design.weights, design.known_sd, design.offset):
        digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
    for name, array in design.response.items():
        if name != "y":
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    if design.frequencies is not None:
        digest.update(np.ascontiguousarray(design.frequencies).tobytes())
    for labels in (design.categories, *(term.level_labels for term in design.random)):
        digest.update("\0".join(labels).encode())
    return digest.hexdigest()
