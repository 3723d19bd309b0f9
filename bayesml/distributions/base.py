"""What a distribution must supply to serve as a prior."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from importlib import import_module
from math import inf, isfinite
from numbers import Real
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from bayesml.errors import SpecificationError

Ends = tuple[Any, Any]
"""Lower and upper end of an interval as tensors; None where it is open."""


@cache
def scipy_stats() -> ModuleType:
    """SciPy's distributions; loaded when first needed, since that takes half a second."""
    return import_module("scipy.stats")


class Distribution(ABC):
    """A distribution with its numbers: what priors are made of. A frozen value, equal by content.

    A subclass is a frozen dataclass whose fields are its parameters, in the order of PyMC, and supplies

    - `positive`, the names of the parameters that must be above 0;
    - `support`, the open interval of its values;
    - `log_density(x)` and `slope(x)`, its log density, all constants included, and the derivative;
    - `scipy(stats)`, the same distribution of `scipy.stats`, which gives mean, sd and quantiles;
    - `variable(pm, name, numbers, **options)`, the same distribution as a PyMC variable; where that makes variables
      of other names, `pieces(name, numbers, values)`, their values.

    SciPy and PyMC come as arguments: they are heavy, and a likelihood fit reads neither.
    """

    positive: ClassVar[tuple[str, ...]] = ()
    infinite: ClassVar[tuple[str, ...]] = ()
    """Parameters that may be infinite."""

    of: ClassVar[str] = "number"
    """What it is a distribution of: a number, correlations, a covariance matrix, coefficients."""

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, Real):
                raise SpecificationError(f"{self.name}({field.name}={value!r}): {field.name} must be a number.")
            number = float(value)
            if not isfinite(number) and not (field.name in self.infinite and number == inf):
                raise SpecificationError(f"{self.name}({field.name}={number}): {field.name} must be finite.")
            if field.name in self.positive and not number > 0:
                raise SpecificationError(f"{self.name}({field.name}={number}): {field.name} must be above 0.")
            object.__setattr__(self, field.name, number)

    @property
    def name(self) -> str:
        """Name of the class, as printed."""
        return type(self).__name__

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{value:.5g}' for value in self.numbers.values())})"

    @property
    def numbers(self) -> dict[str, float]:
        """Values of the parameters, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    @property
    def kind(self) -> str:
        """Distributions of one kind differ only in `numbers`, and become one vector of a graph.

        It is part of the names of variables and dimensions: no commas, at which nutpie parts them.
        """
        return self.name

    def times(self, scale: float) -> "Distribution":
        """The distribution of `scale` × a value of this one, scale > 0; a distribution of scale 1 is the default."""
        raise SpecificationError(f"{self.name} has no scale that could be adapted to data.")

    def times_each(self, scales: np.ndarray) -> "Distribution":
        """The distribution of the covariance matrix of effects times `scales` (q,), a number > 0 a column."""
        raise SpecificationError(f"{self.name} is no prior of a covariance matrix.")

    def moved(self, by: float) -> "Distribution":
        """The distribution of a value of this one plus a number."""
        if "mu" not in self.numbers:
            raise SpecificationError(f"{self.name} has no location that could be adapted to data.")
        return replace(self, mu=self.numbers["mu"] + by)  # type: ignore[type-var]

    # -- what is asked about it ------------------------------------------------------------------

    @property
    @abstractmethod
    def support(self) -> tuple[float, float]:
        """Lower and upper end of the values."""

    @property
    def improper(self) -> bool:
        """True where the density does not integrate to one."""
        return False

    @property
    def fixed(self) -> float | None:
        """The only value, for a distribution that fixes a parameter; None for all others."""
        return None

    @property
    def normal_row(self) -> tuple[float, float] | None:
        """Mean and precision of a normal or flat (precision 0) distribution: it can be integrated out; else None."""
        return None

    @property
    def bounded(self) -> bool:
        """Whether its density is finite at all values: an infinite one has no mode worth the name."""
        return True

    @property
    def conditional_row(self) -> tuple[float, float] | None:
        """As `normal_row`, of a normal distribution whose sd is multiplied with a factor that has a prior itself."""
        return None

    @property
    def positive_counterpart(self) -> "Distribution | None":
        """The distribution of this shape on positive values, as standard deviations need it; None without one."""
        return self if self.support[0] >= 0 else None

    def partial_correlations(self, q: int, common: bool) -> "tuple[Distribution, ...] | None":
        """Priors of the partial correlations of q columns, in the order of `tril_indices(q, -1)`.

        The partial correlation of columns i > j is given columns 0 … j - 1. With `common`, all correlations
        are equal and there is one prior, of that correlation. None: not a prior for correlations.
        """
        return None

    def truncated_correlations(
        self, q: int, common: bool, ends: tuple[float, float]
    ) -> "tuple[Distribution, ...] | None":
        """As `partial_correlations`, where the values lie between two ends."""
        return None

    def shared_draws(
        self, priors: "tuple[Distribution, ...]", shape: tuple[int, ...], rng: np.random.Generator
    ) -> np.ndarray | None:
        """Draws ``(*shape, n)`` of n priors of this kind that depend on each other; None where they do not."""
        return None

    # -- numbers and graphs ------------------------------------------------------------------------

    @abstractmethod
    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        """Log density at values inside the support, with all constants."""

    @abstractmethod
    def slope(self, x: np.ndarray | float) -> np.ndarray:
        """Derivative of the log density."""

    @abstractmethod
    def scipy(self, stats: ModuleType) -> Any:
        """The frozen distribution of `scipy.stats`; None where it is improper."""

    @abstractmethod
    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        """A variable of the PyMC model at hand.

        Parameters
        ----------
        pm : module
            PyMC.
        name : str
        numbers : mapping of str to tensor
            Parameters, scalars or vectors.
        **options
            Passed to PyMC (`dims`).
        """

    def truncated_variable(
        self, pm: ModuleType, name: str, numbers: Mapping[str, Any], ends: Ends, **options: Any
    ) -> Any:
        """A variable of the PyMC model at hand that lies between two ends, of which at most one is None.

        Parameters
        ----------
        pm : module
            PyMC.
        name : str
        numbers : mapping of str to tensor
        ends : tuple of tensor or None
        **options
            Passed to PyMC (`dims`).
        """
        lower, upper = ends
        return pm.Truncated(name, self.variable(Unnamed(pm), "", numbers), lower=lower, upper=upper, **options)

    def pieces(self, name: str, numbers: Mapping[str, np.ndarray], values: np.ndarray) -> dict[str, np.ndarray]:
        """Values of the variables that `variable` makes, by name, where the variable `name` has given values.

        Parameters
        ----------
        name : str
        numbers : mapping of str to ndarray
            Parameters, as long as `values`.
        values : ndarray
            Inside the support.
        """
        return {name: values}

    def log_factor(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        """Log of the factor of `conditional_row`, from variables of the PyMC model at hand."""
        raise SpecificationError(f"{self.name} is no scale mixture of normal distributions.")

    def factor_pieces(self, name: str, numbers: Mapping[str, np.ndarray], values: np.ndarray) -> dict[str, np.ndarray]:
        """Values of the variables of `log_factor`, by name, that suit values of the parameter."""
        return {}

    def truncated_pieces(
        self, name: str, numbers: Mapping[str, np.ndarray], ends: Ends, values: np.ndarray
    ) -> dict[str, np.ndarray]:
        """As `pieces`, of what `truncated_variable` makes."""
        return self.pieces(name, numbers, values)


class Unnamed(ModuleType):
    """PyMC for variables that enter no model: `Unnamed(pm).Normal("", ...)` is `pm.Normal.dist(...)`."""

    def __init__(self, pm: ModuleType):
        super().__init__("unnamed")
        self.pm = pm

    def __getattr__(self, kind: str) -> Any:
        return lambda name, **options: getattr(self.pm, kind).dist(**options)


class Improper(Distribution):
    """A density of one that does not integrate."""

    def times(self, scale: float) -> "Distribution":
        return self

    def moved(self, by: float) -> "Distribution":
        return self

    @property
    def improper(self) -> bool:
        return True

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        return np.zeros(np.shape(x))

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        return np.zeros(np.shape(x))

    def scipy(self, stats: ModuleType) -> None:
        return None

    def __str__(self) -> str:
        return self.name


REAL = (-inf, inf)
POSITIVE = (0.0, inf)
