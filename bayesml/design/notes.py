"""What a user is told of repairs and readings of the data."""

import os
import warnings

import bayesml.errors as errors

_PACKAGE = os.path.dirname(errors.__file__) + os.sep


class Notes:
    """Notes in the order in which they arise; each becomes one `DataNote` warning at the caller's line."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def tell(self, text: str) -> None:
        """Add a note."""
        if text not in self._texts:
            self._texts.append(text)

    def warn(self) -> tuple[str, ...]:
        """Give the warnings; returns the texts."""
        for text in self._texts:
            warnings.warn(text, errors.DataNote, stacklevel=2, skip_file_prefixes=(_PACKAGE,))
        return tuple(self._texts)
