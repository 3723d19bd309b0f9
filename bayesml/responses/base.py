"""What a response must supply."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from bayesml.families import Family


class Response(ABC):
    """What a row contributes to the likelihood: a density, a distribution function, a survivor function.

    A response knows no family. It is chosen by the left side of a formula: a call of `name`, as in
    `known_sd(y, se)`; anything else is the plain response.

    A subclass sets

    - `name`, the function of the left side; None for the plain response;
    - `arguments`, the names of its arguments, the response itself first, and `defaults`, those that may be left out;
    - `missing_allowed`, the arguments in which a missing value says something;
    - `inputs`, the names of the arrays that the density reads, `y` first;
    - `arrays(values)`, these arrays, from the values of the arguments;
    - `problem(values)`, what is wrong with the values of the arguments;
    - `needs_tails`, whether it reads distribution functions of the family;
    - `fixes_scale`, whether the scale of the family is known and no parameter;
    - `log_density(family, y, parameters, namespace)`, the contribution of each row.
    """

    name: ClassVar[str | None]
    arguments: ClassVar[tuple[str, ...]]
    defaults: ClassVar[Mapping[str, Any]] = {}
    missing_allowed: ClassVar[tuple[str, ...]] = ()
    inputs: ClassVar[tuple[str, ...]] = ("y",)
    needs_tails: ClassVar[bool] = False
    fixes_scale: ClassVar[bool] = False

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def problem(self, values: Mapping[str, np.ndarray]) -> str | None:
        """What is wrong with the values of the arguments, said of the argument by name; None if nothing is."""
        return None

    def arrays(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The arrays of `inputs` (n,), float64, from the values of the arguments."""
        return {name: values[name] for name in self.inputs}

    @abstractmethod
    def log_density(
        self, family: Family, y: Mapping[str, Any], parameters: Mapping[str, Any], namespace: ModuleType
    ) -> Any:
        """Contribution of each row to the log likelihood, of the arrays `inputs`."""
