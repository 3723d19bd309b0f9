"""What a family must supply."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar, Literal

import numpy as np

from bayesml.families.ancillary import Ancillary, natural
from bayesml.links import Link, Mean


class Family(ABC):
    """Distribution of one response given its parameters, the first of which is its mean or location.

    Densities are written once, with operators and the functions of a namespace: `pytensor.tensor` gives a graph
    expression, NumPy numbers. Derivatives, integrals and samplers come from it. Nobody outside asks which family it is:
    what engines and tables need is one of the properties below.

    Densities read a mapping of parameters by name, as `at` makes it: the first is a `Mean` (with `value`, `log`,
    `log_complement`, `eta`, `link`), or a tuple of them where there are several predictors; ancillary parameters are
    natural values; `trials` is there where the response has trials.

    A subclass sets

    - `name`, the name of the specification, and `synonyms`, other names that are understood; `named()` where a name
      means other options;
    - `parameters`, the names of the parameters, the mean first;
    - `links`, the names of the links it may have, the default first;
    - `support` and `whole`, the interval of the response and whether it holds whole numbers only; `allowed`, the same
      in words; `allows(y)` where that does not say all;
    - `ancillary(categories)`, its further parameters, and `start(y)` for better starting values of them;
    - `scale_parameter`, the ancillary parameter that prior weights divide (its square is a dispersion), or None;
    - `exact_links`, the links with which random effects are integrated out exactly, so that REML exists;
    - `outcome`, ``"number"``, or ``"ordered"`` or ``"unordered"`` categories, which come as codes 0, 1, …;
    - `takes_intercept`, False where cut points stand for it;
    - `takes_trials`, whether responses count the successes among `trials`, one trial where no number is given;
    - `reads_two_levels`, whether a response of two levels, or of false and true, is read as 0 and 1;
    - `log_density`; `log_distribution`, `log_survivor` and `log_interval` or, in `no_tails`, why they are not there;
    - `mean`, `variance`, `simulate`, in NumPy, and `distribution` where there are no tails but an expression of it;
    - `latent_variance`, the level-1 variance of intraclass correlations, None where there is none;
    - `special_cases`, families that it becomes at one value of its one further parameter;
    - `ratio(link)`, what exp(coefficient) is called, where it is not what the link calls it.
    """

    name: ClassVar[str]
    synonyms: ClassVar[tuple[str, ...]] = ()
    parameters: ClassVar[tuple[str, ...]]
    links: ClassVar[tuple[str, ...]]
    support: ClassVar[tuple[float, float]]
    whole: ClassVar[bool] = False
    allowed: ClassVar[str] = "numbers"
    scale_parameter: ClassVar[str | None] = None
    exact_links: ClassVar[frozenset[str]] = frozenset()
    outcome: ClassVar[Literal["number", "ordered", "unordered"]] = "number"
    takes_intercept: ClassVar[bool] = True
    takes_trials: ClassVar[bool] = False
    reads_two_levels: ClassVar[bool] = False
    no_tails: ClassVar[str | None] = None
    special_cases: ClassVar[Mapping[str, bool]] = {}
    """By name, and whether that value is an edge of the parameter's range, as alpha = 0 of negative binomial is."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *sorted(self.__dict__.items())))

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{type(self).__name__}({options})" if options else f'"{self.name}"'

    @property
    def options(self) -> dict[str, Any]:
        """Options that were given or have a default: `{"metric": "hazard"}`."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def named(self) -> dict[str, "Family"]:
        """The family, with its options, that each name means; names of members with other options may be added."""
        return {name: self for name in (self.name, *self.synonyms)}

    @property
    def default_link(self) -> str:
        """Name of the link that is used where none is given."""
        return self.links[0]

    @property
    def has_scale(self) -> bool:
        """Whether it has a parameter that prior weights divide."""
        return self.scale_parameter is not None

    def exact_with(self, link: Link) -> bool:
        """Whether random effects are integrated out exactly under a link."""
        return link.name in self.exact_links

    def arrange(self, categories: tuple[str, ...]) -> tuple[str, ...]:
        """Categories in the order of their codes: the base first, where there is one."""
        return categories

    def predictors(self, categories: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Names of the linear predictors, one for most families."""
        return self.parameters[:1]

    def ancillary(self, categories: tuple[str, ...] = ()) -> tuple[Ancillary, ...]:
        """Parameters besides the predictors."""
        return ()

    def allows(self, y: np.ndarray) -> np.ndarray:
        """Which responses are possible, bool; the ends of `support` count as possible where they are finite."""
        low, high = self.support
        possible = (y >= low) & (y <= high)
        return possible & (y == np.floor(y)) if self.whole else possible

    def start(self, y: np.ndarray, link: Link, categories: tuple[str, ...] = ()) -> tuple[float, list[float]]:
        """Starting values for a fit: the intercept of every predictor, and the ancillary parameters (natural)."""
        return self.start_of_predictor(y, link), [ancillary.start for ancillary in self.ancillary(categories)]

    def start_of_predictor(self, y: np.ndarray, link: Link) -> float:
        """Link of a mean of the responses that lies inside what the link allows."""
        low, high = link.mean_support
        mean = float(np.mean(y))
        inside = max(min(mean, high - 1e-3 * (high - low) if np.isfinite(high) else np.inf), low + 1e-3)
        return float(link.of(np.float64(inside if np.isfinite(low) else mean), np))

    def at(
        self,
        link: Link,
        etas: Sequence[Any],
        values: Sequence[Any],
        namespace: ModuleType,
        categories: tuple[str, ...] = (),
        scale: Any = None,
        trials: Any = None,
    ) -> dict[str, Any]:
        """The mapping of parameters that densities read.

        Parameters
        ----------
        link : Link
        etas : sequence
            One array or tensor a predictor.
        values : sequence
            Natural values of `ancillary(categories)`.
        namespace : module
        categories : tuple of str
        scale : array or tensor, optional
            Factor of the scale parameter in each row: w**-0.5, or a known sd.
        trials : array or tensor, optional
        """
        means: tuple[Mean, ...] = tuple(link.mean(eta, namespace) for eta in etas)
        found: dict[str, Any] = {self.parameters[0]: means if len(self.predictors(categories)) > 1 else means[0]}
        for ancillary, value in zip(self.ancillary(categories), values, strict=True):
            if ancillary.domain == "ordered":
                found[ancillary.key] = (*found.get(ancillary.key, ()), value)
            else:
                found[ancillary.key] = value
        if scale is not None and self.scale_parameter is not None:
            found[self.scale_parameter] = found[self.scale_parameter] * scale
        if trials is not None:
            found["trials"] = trials
        return found

    def natural(self, values: Sequence[Any], namespace: ModuleType, categories: tuple[str, ...] = ()) -> list[Any]:
        """Natural values of the ancillary parameters from unconstrained ones."""
        return natural(self.ancillary(categories), values, namespace)

    @abstractmethod
    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        """Log density of each response, with all constants."""

    def log_distribution(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        """Log probability of a response up to y."""
        raise NotImplementedError(self.no_tails)

    def log_survivor(self, y: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        """Log probability of a response above y."""
        raise NotImplementedError(self.no_tails)

    def log_interval(self, lower: Any, upper: Any, parameters: Mapping[str, Any], namespace: ModuleType) -> Any:
        """Log probability of a response in (lower, upper], both finite."""
        raise NotImplementedError(self.no_tails)

    def distribution(self, y: np.ndarray, parameters: Mapping[str, Any]) -> np.ndarray | None:
        """Probability of a response up to y, in NumPy; None where there is no expression, and it is simulated."""
        written = type(self).log_distribution is not Family.log_distribution
        return np.exp(self.log_distribution(y, parameters, np)) if written else None

    @abstractmethod
    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        """Mean of a response; its probabilities along a last axis where it is a category."""

    @abstractmethod
    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        """Variance of a response."""

    @abstractmethod
    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        """Independent responses, one for each element of the broadcast parameters."""

    def notation(self, parameters: Sequence[str]) -> str:
        """The distribution in mathematics, LaTeX, of the symbols of its parameters: trials, mean, ancillary ones."""
        name = "".join(part.capitalize() for part in self.name.split("_"))
        return rf"\operatorname{{{name}}}({', '.join(parameters)})"

    def latent_variance(self, link: Link, scale: float) -> float | None:
        """Level-1 variance on the scale of the linear predictor; `scale` is the scale parameter, 1 without one."""
        return link.latent_variance

    def link_variance(self, link: Link, parameters: Mapping[str, Any], approximation: str) -> np.ndarray:
        """Variance of a response on the scale of the predictor, where `latent_variance` is None: approximately."""
        return link.response_variance(self.mean(parameters), self.variance(parameters), approximation)

    def ratio(self, link: Link) -> str:
        """What exp(coefficient) is called: `Odds ratio`."""
        return link.ratio
