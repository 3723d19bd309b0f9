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
    - `arguments`, the names of its arguments, the response itself first;
    - `fixes_scale`, whether the scale of the family is known and no parameter;
    - `problem(values)`, what is wrong with the values of the arguments after the first;
    - `log_density(family, y, parameters, namespace)`, the contribution of each row.
    """

    name: ClassVar[str | None]
    arguments: ClassVar[tuple[str, ...]]
    fixes_scale: ClassVar[bool] = False

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def problem(self, values: Mapping[str, np.ndarray]) -> str | None:
        """What is wrong with the values of the arguments, said of the argument by name; None if nothing is."""
        return None

    @abstractmethod
    def log_density(self, family: Family, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        """Contribution of each row to the log likelihood."""
