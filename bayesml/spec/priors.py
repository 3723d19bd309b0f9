"""`Priors`: the prior set of a model and the priors given one by one."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bayesml.distributions import Distribution
from bayesml.errors import SpecificationError

DEFAULT_SET = "weakly_informative"


@dataclass(frozen=True)
class Priors:
    """Priors of a model, before they are resolved to numbers on data.

    Parameters
    ----------
    prior_set : str, default "weakly_informative"
        The set that every parameter takes its prior from; one of `prior_sets()`.
    given : tuple of (str, Distribution), or dict
        Priors that replace those of the set, by address: `Days`, `sd(Days | Subject)`, `corr(Subject)`, `sigma`.
        `sd(Subject)` means all columns of the term. Kept sorted, so that equal priors compare equal.

    Examples
    --------
    >>> import bayesml as bml
    >>> from bayesml.spec.priors import Priors
    >>> str(Priors("flat", {"Days": bml.Normal(0, 10)}))
    'flat, Days ~ Normal(0, 10)'
    """

    prior_set: str = DEFAULT_SET
    given: tuple[tuple[str, Distribution], ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.given, Mapping):
            object.__setattr__(self, "given", tuple(self.given.items()))
        # the default set is there: a fit need not look for it
        if self.prior_set != DEFAULT_SET and self.prior_set not in prior_sets():
            raise SpecificationError(
                f"There is no prior set {self.prior_set!r}; there are {', '.join(map(repr, prior_sets()))}. "
                "Priors of single parameters are given as a dict, address to distribution."
            )
        for address, prior in self.given:
            if not isinstance(address, str):
                raise SpecificationError(f"Priors are given by address, a text, not {address!r}.")
            if not isinstance(prior, Distribution):
                raise SpecificationError(
                    f"The prior of `{address}` is {prior!r}: give a distribution such as Normal(0, 10), "
                    "or Fixed(value) to hold the parameter at a value."
                )
        object.__setattr__(self, "given", tuple(sorted(self.given, key=lambda item: item[0])))

    @classmethod
    def of(cls, value: "Priors | str | Mapping[str, Distribution] | None") -> "Priors":
        """Priors from what a user writes.

        Parameters
        ----------
        value : None, str, mapping or Priors
            None is the default set, a text names a set, a mapping replaces priors of the default set.

        Raises
        ------
        SpecificationError
            An unknown set, or something that is not a distribution.
        """
        match value:
            case Priors():
                return value
            case None:
                return cls()
            case str():
                return cls(value)
            case Mapping():
                return cls(given=tuple(value.items()))
        raise SpecificationError(
            f"`priors=` takes the name of a set ({', '.join(prior_sets())}) or a dict of address to distribution, "
            f"not {type(value).__name__}."
        )

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


@cache
def _folder() -> Path:
    """Where the prior sets are: inside the installed package, or beside it in a checkout."""
    installed = Path(__file__).parents[1] / "prior_sets"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "priors"
