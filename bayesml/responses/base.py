"""What a response must supply."""

from abc import ABC, abstractmethod
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from types import ModuleType
from typing import Any, ClassVar, TypeVar

import numpy as np

from bayesml.families import Family

Argument = TypeVar("Argument")


@dataclass(frozen=True, eq=False)
class Problem:
    """What is wrong with the values of the arguments.

    Parameters
    ----------
    allowed : str
        What is allowed, as a sentence without its full stop.
    rows : ndarray of bool (n,)
        The rows in which it is not so.
    """

    allowed: str
    rows: np.ndarray


class Response(ABC):
    """What a row contributes to the likelihood: a density, a distribution function, a survivor function.

    A response knows no family. It is chosen by the left side of a formula: a call of `name`, as in
    `known_sd(y, se)`; anything else is the plain response.

    A subclass sets

    - `name`, the function of the left side; None for the plain response;
    - `arguments`, the names of its arguments, `subject`, the one that is the response itself (the first unless it says
      otherwise), and `defaults`, the values of those that may be left out;
    - `given`, the arguments that are no outcome but known beforehand, so that they may be among the terms too;
    - `variants`, responses of the same name with another number of arguments;
    - `missing_allowed`, the arguments in which a missing or infinite value, or None, says something;
    - `codes`, texts that stand for numbers in an argument;
    - `inputs`, the names of the arrays that the density reads, `y` first;
    - `arrays(values)`, these arrays, from the values of the arguments;
    - `problems(values)`, what may be wrong with the values of the arguments, `silent(values)`, the rows that say
      nothing, and `told(values)`, what a user should know of them;
    - `counts_trials`, whether it counts successes among trials;
    - `needs_tails`, whether it reads distribution functions of the family;
    - `fixes_scale`, whether the scale of the family is known and no parameter;
    - `named_by_call`, whether the whole left side is its name, and not the subject alone;
    - `log_density(family, y, parameters, namespace)`, the contribution of each row.
    """

    name: ClassVar[str | None]
    arguments: ClassVar[tuple[str, ...]]
    defaults: ClassVar[Mapping[str, Any]] = {}
    given: ClassVar[tuple[str, ...]] = ()
    variants: ClassVar[tuple["Response", ...]] = ()
    missing_allowed: ClassVar[tuple[str, ...]] = ()
    codes: ClassVar[Mapping[str, Mapping[str, float]]] = {}
    inputs: ClassVar[tuple[str, ...]] = ("y",)
    counts_trials: ClassVar[bool] = False
    needs_tails: ClassVar[bool] = False
    fixes_scale: ClassVar[bool] = False
    named_by_call: ClassVar[bool] = False

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @property
    def subject(self) -> str:
        """The argument that is the response itself."""
        return self.arguments[0]

    def taking(self, count: int) -> "Response":
        """The response of this name that takes so many arguments; this one where there is none."""
        return next((variant for variant in self.variants if len(variant.arguments) == count), self)

    def bind(self, places: Sequence[Argument], names: Mapping[str, Argument]) -> dict[str, Argument] | None:
        """What was given for each argument, by place and by name; None where it does not fit.

        Arguments that have a default and were not given are left out.
        """
        if len(places) > len(self.arguments):
            return None
        given = dict(zip(self.arguments, places, strict=False))
        if given.keys() & names.keys() or not names.keys() <= set(self.arguments):
            return None
        given |= names
        return given if set(self.arguments) - set(self.defaults) <= given.keys() else None

    def left_out(self, given: Container[str]) -> dict[str, Any]:
        """Values of the arguments that were not given."""
        return {name: value for name, value in self.defaults.items() if name not in given}

    @property
    def written(self) -> str:
        """How it is written, `tobit(y, lower=0, upper=None)`."""
        inside = [f"{name}={self.defaults[name]}" if name in self.defaults else name for name in self.arguments]
        return f"{self.name}({', '.join(inside)})" if self.name else self.arguments[0]

    def refusal(self, family: Family) -> str | None:
        """Why a family cannot be combined with it; None if it can."""
        if family.outcome != "number" and self.name is not None:
            return "a response of categories is observed as it is"
        if self.counts_trials and not family.takes_trials:
            return 'counts of successes among trials are of the binomial family: `family="binomial"`'
        if self.needs_tails and family.reads_two_levels:
            return "outcomes of two kinds have no limits to lie beyond"
        if self.needs_tails and family.no_tails is not None:
            return family.no_tails
        return None

    def problems(self, values: Mapping[str, np.ndarray]) -> tuple[Problem, ...]:
        """What may be wrong with the values of the arguments, said of the arguments by name."""
        return ()

    def silent(self, values: Mapping[str, np.ndarray]) -> tuple[str, np.ndarray] | None:
        """Rows that say nothing, bool (n,), which are dropped, and why."""
        return None

    def told(self, values: Mapping[str, np.ndarray]) -> tuple[Problem, ...]:
        """Readings of the values that a user may not expect."""
        return ()

    def arrays(
        self, values: Mapping[str, np.ndarray], support: tuple[float, float] = (-inf, inf)
    ) -> dict[str, np.ndarray]:
        """The arrays of `inputs` (n,), float64, from the values of the arguments and the support of the family."""
        return {name: values[self.subject if name == "y" else name] for name in self.inputs}

    def reading(self, given: Container[str]) -> str | None:
        """What the arguments say of a row, in words, with their names in braces; None where there is nothing to say.

        Parameters
        ----------
        given : container of str
            The arguments that are not None.
        """
        return None

    def probabilities(
        self, family: Family, y: Mapping[str, np.ndarray], parameters: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Probabilities between which that of the response of each row is, uniformly if the model is true, in NumPy.

        Of a continuous response both are the distribution function; of a count they are it below and at the count, of
        a censored response at the ends of what is known. None where the family has no such expression.
        """
        at = family.distribution(y["y"], parameters)
        if at is None:
            return None
        below = family.distribution(y["y"] - 1.0, parameters) if family.whole else at
        assert below is not None
        return below, at

    @abstractmethod
    def log_density(
        self, family: Family, y: Mapping[str, Any], parameters: Mapping[str, Any], namespace: ModuleType
    ) -> Any:
        """Contribution of each row to the log likelihood, of the arrays `inputs`."""
