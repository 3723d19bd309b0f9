"""`Priors`: the prior set of a model and the priors given one by one."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bayesml.distributions import Distribution
from bayesml.errors import SpecificationError
from bayesml.spec.prior_file import PriorFile, read_prior_file

DEFAULT_SET = "weakly_informative"
SUFFIX = ".toml"


@dataclass(frozen=True)
class Priors:
    """Priors of a model, before they are resolved to numbers on data.

    Parameters
    ----------
    prior_set : str, default "weakly_informative"
        The set that every parameter takes its prior from; one of `prior_sets()`, or the path of a file of one's own,
        which ends in `.toml`. Of a path only the name of the file is kept.
    given : tuple of (str, Distribution), or dict
        Priors that replace those of the set, by address: `Days`, `sd(Days | Subject)`, `corr(Subject)`, `sigma`.
        `sd(Subject)` means all columns of the term. Kept sorted, so that equal priors compare equal.
    content : str, optional
        Text of a file of one's own: what is meant is kept here, wherever the file goes. Read where it is not given.

    Examples
    --------
    >>> import bayesml as bml
    >>> str(bml.Priors("flat", {"Days": bml.Normal(0, 10)}))
    'flat, Days ~ Normal(0, 10)'
    """

    prior_set: str = DEFAULT_SET
    given: tuple[tuple[str, Distribution], ...] = ()
    content: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.given, Mapping):
            object.__setattr__(self, "given", tuple(self.given.items()))
        # the default set is there: a fit need not look for it
        if self.prior_set != DEFAULT_SET:
            self._check_set()
        for address, prior in self.given:
            if not isinstance(address, str):
                raise SpecificationError(f"Priors are given by address, a text, not {address!r}.")
            if not isinstance(prior, Distribution):
                raise SpecificationError(
                    f"The prior of `{address}` is {prior!r}: give a distribution such as Normal(0, 10), "
                    "or Fixed(value) to hold the parameter at a value."
                )
        object.__setattr__(self, "given", tuple(sorted(self.given, key=lambda item: item[0])))

    def _check_set(self) -> None:
        """Read a file of one's own, and refuse what does not exist."""
        if self.prior_set.endswith(SUFFIX):
            path = Path(self.prior_set)
            if not self.content:
                object.__setattr__(self, "content", own_text(path))
            object.__setattr__(self, "prior_set", path.name)
            _ = self.file
        elif self.prior_set not in prior_sets():
            raise SpecificationError(
                f"There is no prior set {self.prior_set!r}; there are {', '.join(map(repr, prior_sets()))}. "
                f'A file of one\'s own ends in "{SUFFIX}"; priors of single parameters are given as a dict, address '
                "to distribution."
            )

    @classmethod
    def of(cls, value: "Priors | str | os.PathLike[str] | Mapping[str, Distribution] | None") -> "Priors":
        """Priors from what a user writes.

        Parameters
        ----------
        value : None, str, path, mapping or Priors
            None is the default set, a text names a set or a file that ends in `.toml`, a mapping replaces priors of the
            default set.

        Raises
        ------
        SpecificationError
            An unknown set, a mistake in a file, or something that is not a distribution.
        """
        match value:
            case Priors():
                return value
            case None:
                return cls()
            case str():
                return cls(value)
            case os.PathLike():
                path = os.fspath(value)
                if not path.endswith(SUFFIX):
                    raise SpecificationError(f'A file of priors is TOML and its name ends in "{SUFFIX}"; not `{path}`.')
                return cls(path)
            case Mapping():
                return cls(given=tuple(value.items()))
        raise SpecificationError(
            f"`priors=` takes the name of a set ({', '.join(prior_sets())}), the path of a file of priors or a dict of "
            f"address to distribution, not {type(value).__name__}."
        )

    @property
    def file(self) -> PriorFile:
        """The prior set, read."""
        name = self.prior_set
        own = name.endswith(SUFFIX)
        return read_prior_file(name, self.content if own else prior_set_text(name), prior_sets() if own else None)

    @property
    def only_fixes(self) -> bool:
        """Whether nothing was asked for but parameters held at values, which likelihood fits respect too."""
        return self.prior_set == DEFAULT_SET and all(prior.fixed is not None for _, prior in self.given)

    def __str__(self) -> str:
        return ", ".join([self.prior_set, *(f"{address} ~ {prior}" for address, prior in self.given)])


@cache
def prior_sets() -> tuple[str, ...]:
    """Names of the prior sets that are shipped."""
    return tuple(sorted(path.stem for path in _folder().glob("*.toml")))


def prior_set_text(name: str) -> str:
    """The file of a prior set, TOML."""
    return (_folder() / f"{name}.toml").read_text(encoding="utf-8")


def own_text(path: Path) -> str:
    """Text of a user's file of priors.

    Raises
    ------
    SpecificationError
        There is no such file, or it is no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecificationError(
            f"The file of priors `{path}` cannot be read: {error.strerror or error}. Sets by name are "
            f"{', '.join(prior_sets())}."
        ) from error
    except UnicodeDecodeError as error:
        raise SpecificationError(f"The file of priors `{path}` is no UTF-8 text.") from error


@cache
def _folder() -> Path:
    """Where the prior sets are: inside the installed package, or beside it in a checkout."""
    installed = Path(__file__).parents[1] / "prior_sets"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "priors"
