"""Files that appear under their name only when they are complete, on disk, and right."""

import contextlib
import io
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bayesml.errors import StorageError

UNFINISHED = ".unfinished"
STALE = 3600.0
"""Seconds after which nobody writes any more to a file that was left unfinished."""


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """The path of a temporary file in the same folder, which takes the name when the block ends without an error.

    Whatever happens before, a full disk or a killed process too, an existing file stays as it was. After a kill
    `.name.….unfinished` is left behind; the next one to write the same name an hour later removes it.

    Parameters
    ----------
    path : path-like
        An existing file is replaced, and its permissions are kept.

    Raises
    ------
    StorageError
        There is no such folder, nothing may be written there, or the disk is full.
    """
    path = Path(path)
    remove_stale(path)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED)
        os.close(handle)
        yield Path(temporary)
        os.chmod(temporary, permissions(path))
        write_through(temporary)
        os.replace(temporary, path)
    except OSError as error:
        drop(temporary)
        kept = "; the file there is unchanged" if path.exists() else ""
        raise StorageError(f"`{path}` could not be written: {error.strerror or error}{kept}.") from error
    except BaseException:
        drop(temporary)
        raise
    with contextlib.suppress(OSError):
        # not every system lets a folder be opened
        write_through(path.parent)


def write_through(path: str | os.PathLike[str]) -> None:
    """Have a file or folder on the disk, and not in a cache alone."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def permissions(path: Path) -> int:
    """Those of a file, or of a new one."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def drop(temporary: str) -> None:
    """Remove what was begun."""
    if temporary:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def remove_stale(path: Path) -> None:
    """Remove what processes that were killed left of this name."""
    with contextlib.suppress(OSError):
        for left in path.parent.iterdir():
            if left.name.startswith(f".{path.name}.") and left.name.endswith(UNFINISHED):
                with contextlib.suppress(OSError):
                    if time.time() - left.stat().st_mtime > STALE:
                        left.unlink()


class KeptErrors(io.RawIOBase):
    """A file to write whose first error is kept rather than raised, as HDF5 cannot close a file that fails.

    Parameters
    ----------
    path : path-like

    Attributes
    ----------
    error : OSError or None
    """

    def __init__(self, path: str | os.PathLike[str]):
        super().__init__()
        self.file = open(path, "w+b", buffering=0)  # noqa: SIM115 - closed by `close`
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all of the data, or nothing after an error."""
        view, written = memoryview(data).cast("B"), 0
        while written < len(view) and self.error is None:
            try:
                written += self.file.write(view[written:]) or 0
            except OSError as error:
                self.error = error
        return len(view)

    def readinto(self, buffer: Any) -> int:
        """Read what was written."""
        return self.file.readinto(buffer) or 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move."""
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        """Where it is."""
        return self.file.tell()

    def truncate(self, size: int | None = None) -> int:
        """Cut or lengthen."""
        try:
            return self.file.truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def writable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self.file.close()
        super().close()
