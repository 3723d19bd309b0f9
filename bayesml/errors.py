"""Exceptions and warnings of the package: one tree each.

Every message says what was given, in the user's words, what is allowed, and
what to do. Where text was parsed, the source line is shown with the place marked.
"""


class BayesmlError(Exception):
    """Base of all errors raised on purpose by this package."""


class FormulaError(BayesmlError, ValueError):
    """A formula, hypothesis or address could not be read.

    Parameters
    ----------
    message : str
        What was found and what was expected.
    source : str, optional
        The text that was being read.
    position : int, optional
        Offset of the offending character in `source`, counted from 0.
    length : int, default 1
        Number of characters to mark.
    """

    def __init__(self, message: str, source: str = "", position: int | None = None, length: int = 1):
        self.source, self.position, self.length = source, position, length
        if source and position is not None:
            message = f"{message}\n    {source}\n    {' ' * position}{'^' * max(length, 1)}"
        super().__init__(message)


class SpecificationError(BayesmlError, ValueError):
    """Parts of a model, or options of a call, that do not go together or do not exist."""


class DataError(BayesmlError, ValueError):
    """Data that the model cannot be applied to."""


class ColumnNotFound(DataError, KeyError):
    """A column, level or parameter that is not there; names its nearest neighbours."""

    __str__ = Exception.__str__


class NotIdentified(BayesmlError, ValueError):
    """The data cannot tell parameters of the model apart, or the posterior is improper."""


class TooLarge(BayesmlError, MemoryError):
    """The work would not fit in memory; said before it starts, with its cause and an alternative."""


class SamplingError(BayesmlError, RuntimeError):
    """No chain of a sampler could be used."""


class RefusedTest(BayesmlError, ValueError):
    """A test or comparison that would be statistically wrong."""


class StorageError(BayesmlError, ValueError):
    """A file that does not hold a result of this package, or holds a damaged one."""


class BayesmlWarning(UserWarning):
    """Base of all warnings of this package."""


class DataNote(BayesmlWarning):
    """A repair or reading of the data that the user should know of (rows dropped, columns dropped)."""


class ConvergenceWarning(BayesmlWarning):
    """An optimiser or sampler did not end as it should; the result's `status` has the advice."""
