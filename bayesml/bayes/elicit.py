"""`elicit`: a prior from what is known of a parameter, through PreliZ."""

import functools
import importlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, NoReturn

import numpy as np
from scipy import optimize

from bayesml.distributions import DISTRIBUTIONS, Distribution
from bayesml.distributions.base import scipy_stats
from bayesml.errors import SpecificationError
from bayesml.results.sections import percent

IN_PRELIZ: dict[str, tuple[str, dict[str, str]]] = {
    "Normal": ("Normal", {}),
    "StudentT": ("StudentT", {}),
    "Cauchy": ("Cauchy", {"mu": "alpha", "sigma": "beta"}),
    "Laplace": ("Laplace", {}),
    "HalfNormal": ("HalfNormal", {}),
    "HalfStudentT": ("HalfStudentT", {}),
    "HalfCauchy": ("HalfCauchy", {"sigma": "beta"}),
    "Exponential": ("Exponential", {}),
    "Gamma": ("Gamma", {}),
    "InverseGamma": ("InverseGamma", {}),
    "LogNormal": ("LogNormal", {}),
    "Uniform": ("Uniform", {}),
    "Beta": ("Beta", {}),
    "ScaledBeta": ("BetaScaled", {}),
}
"""Distributions that can be elicited: their name in PreliZ, and their parameters that are called otherwise there."""

USUAL: dict[str, dict[str, float]] = {
    "StudentT": {"nu": 4.0},
    "HalfStudentT": {"nu": 4.0},
    "ScaledBeta": {"lower": -1.0, "upper": 1.0},
}
"""Numbers that are not looked for, and their values where they are not given."""

TOLERANCE = 0.005
"""Largest error of a probability that counts as met."""
ROUGH = 0.1
"""The same, where there are more quantiles than numbers to look for."""
CLOSE = 1e-3
"""Largest relative error of a mean or an sd that counts as met."""


def elicit(
    distribution: str | type[Distribution],
    lower: float | None = None,
    upper: float | None = None,
    mass: float = 0.9,
    quantiles: Mapping[float, float] | None = None,
    mean: float | None = None,
    sd: float | None = None,
    **held: float,
) -> Distribution:
    """A distribution that says what is known of a parameter: an interval, quantiles, or mean and sd.

    Of all distributions of the kind that put `mass` between `lower` and `upper`, the one of largest entropy: it adds
    the least to what was said.

    Parameters
    ----------
    distribution : str or class
        ``"HalfNormal"`` or ``bml.HalfNormal``: Normal, StudentT, Cauchy, Laplace, HalfNormal, HalfStudentT, HalfCauchy,
        Exponential, Gamma, InverseGamma, LogNormal, Uniform, Beta, ScaledBeta.
    lower, upper : float, optional
        Ends of an interval, on the scale of the parameter; for one that is positive `lower` may be left out.
    mass : float, default 0.9
        Probability that the interval holds, between 0 and 1.
    quantiles : dict of float to float, optional
        Probability to value, at least as many as the distribution has numbers to look for:
        ``{0.05: 2, 0.5: 10, 0.95: 40}``. More than that are met as well as they can be, to 0.1 in probability.
    mean, sd : float, optional
    **held : float
        Numbers of the distribution that are not looked for: ``nu=3``. Those of StudentT and HalfStudentT are 4 unless
        given, the ends of a ScaledBeta -1 and 1.

    Returns
    -------
    Distribution
        To be used in `priors=`. Its numbers have six digits.

    Raises
    ------
    SpecificationError
        PreliZ is not installed; more than one request, or none; one that no distribution of the kind meets.

    Notes
    -----
    Intervals are met to 0.005 in probability, by `preliz.maxent`; as many quantiles as numbers likewise; means and sds
    to 0.1 %.

    References
    ----------
    Icazatti et al. (2023), PreliZ: A tool-box for prior elicitation, Journal of Open Source Software 8(89), 5499.

    Examples
    --------
    >>> import bayesml as bml
    >>> str(bml.elicit("HalfNormal", lower=0, upper=30, mass=0.9))
    'HalfNormal(18.239)'
    """
    request = Request.of(distribution, held)
    interval = lower is not None or upper is not None
    asked = [interval, quantiles is not None, mean is not None or sd is not None]
    if sum(asked) != 1:
        raise SpecificationError(
            "Say one thing of the parameter: an interval (`lower`, `upper`, `mass`), `quantiles`, or `mean` and `sd`."
        )
    if interval:
        return request.of_interval(lower, upper, mass)
    if quantiles is not None:
        return request.of_quantiles(quantiles)
    return request.of_moments(mean, sd)


@functools.cache
def preliz() -> Any:
    """The library; an error that says how to install it where it is missing."""
    try:
        return importlib.import_module("preliz")
    except ImportError:
        raise SpecificationError(
            '`elicit` needs the library PreliZ: `pip install "bayesml-multilevel[elicit]"`.'
        ) from None


@dataclass(frozen=True)
class Request:
    """A kind of distribution, some of whose numbers are looked for.

    Parameters
    ----------
    kind : type of Distribution
    held : dict of str to float
        Numbers that are given.
    """

    kind: type[Distribution]
    held: dict[str, float]

    @classmethod
    def of(cls, distribution: str | type[Distribution], held: Mapping[str, float]) -> "Request":
        """The request, checked."""
        name = distribution if isinstance(distribution, str) else getattr(distribution, "__name__", repr(distribution))
        if name not in IN_PRELIZ:
            raise SpecificationError(f"`elicit` looks for one of {', '.join(IN_PRELIZ)}; not {name!r}.")
        kind = DISTRIBUTIONS[name]
        names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
        for key, value in held.items():
            if key not in names:
                raise SpecificationError(f"{name} has the numbers {', '.join(names)}; `{key}` is none of them.")
            number(key, value)
        found = {**USUAL.get(name, {}), **{key: float(value) for key, value in held.items()}}
        if set(found) == set(names):
            raise SpecificationError(f"All numbers of {name} are given: nothing is left to look for.")
        return cls(kind, found)

    @property
    def name(self) -> str:
        """Name of the kind."""
        return self.kind.__name__

    @property
    def free(self) -> tuple[str, ...]:
        """Numbers that are looked for."""
        return tuple(field.name for field in fields(self.kind) if field.name not in self.held)  # type: ignore[arg-type]

    @property
    def support(self) -> tuple[float, float]:
        """Where all distributions of the kind have their values."""
        example = self.made({name: float(i + 1) for i, name in enumerate(self.free)})
        return (-np.inf, np.inf) if {"lower", "upper"} & set(self.free) else example.support

    def made(self, values: Mapping[str, float]) -> Distribution:
        """The distribution with given values of the free numbers."""
        return self.kind(**{**self.held, **values})

    def rounded(self, values: Mapping[str, float], width: float) -> Distribution:
        """The distribution with six digits; what is nothing beside the width of the request is 0."""
        kept = {
            name: 0.0 if name not in self.kind.positive and abs(value) < 1e-6 * width else float(f"{value:.6g}")
            for name, value in values.items()
        }
        return self.made({name: kept[name] for name in self.free})

    # -- what is asked for -------------------------------------------------------------------------

    def of_interval(self, lower: float | None, upper: float | None, mass: float) -> Distribution:
        """Of largest entropy among those with the mass in the interval."""
        start, end = self.support
        low = number("lower", lower) if lower is not None else start
        high = number("upper", upper) if upper is not None else end
        if not (isfinite(low) and isfinite(high)):
            raise SpecificationError(
                f"{self.name} has values from {start:g} to {end:g}: give both `lower` and `upper`."
            )
        if not 0 < number("mass", mass) < 1:
            raise SpecificationError(f"`mass={mass}` is no probability between 0 and 1.")
        if not low < high:
            raise SpecificationError(f"`lower={low:g}` is not below `upper={high:g}`.")
        if low < start or high > end:
            raise SpecificationError(
                f"{self.name} has values from {start:g} to {end:g}, and the interval goes from {low:g} to {high:g}."
            )
        # PreliZ's search depends on the unit, where the distribution does not
        unit = high - low if not isfinite(end) and self.held == USUAL.get(self.name, {}) else 1.0
        values = self.start(0.5 * (low + high) / unit, (high - low) / unit / 4 / mass, (low / unit, high / unit, mass))
        prior = self.rounded(self.made(values).times(unit).numbers, high - low)
        form = prior.scipy(scipy_stats())
        reached = float(form.cdf(high) - form.cdf(low))
        if not abs(reached - mass) <= TOLERANCE:
            self.refuse(f"{percent(mass)} between {low:g} and {high:g}", f"{prior} has {100 * reached:.1f}%")
        return prior

    def of_quantiles(self, quantiles: Mapping[float, float]) -> Distribution:
        """With given quantiles, or those nearest to them in probability."""
        pairs = sorted((number("a probability", p), number("a quantile", q)) for p, q in quantiles.items())
        probabilities, values = np.array(pairs).reshape(-1, 2).T
        if len(pairs) < len(self.free):
            raise SpecificationError(f"{self.name} has {self.unknowns}: give as many quantiles, not {len(pairs)}.")
        if not ((probabilities > 0) & (probabilities < 1)).all() or not (np.diff(values) > 0).all():
            raise SpecificationError(
                "`quantiles` maps probabilities between 0 and 1 to values that rise with them, as {0.1: 2, 0.9: 30}; "
                f"not {dict(quantiles)}."
            )
        start, end = self.support
        if values[0] <= start or values[-1] >= end:
            raise SpecificationError(f"{self.name} has values from {start:g} to {end:g}, not all of {list(values)}.")
        width = float(values[-1] - values[0]) if len(pairs) > 1 else float(abs(values[0]))
        middle = float(np.interp(0.5, probabilities, values))
        prior = self.solved(lambda form: form.cdf(values) - probabilities, middle, width / 2 or 1.0, width)
        reached = prior.scipy(scipy_stats()).cdf(values)
        if not np.abs(reached - probabilities).max() <= (TOLERANCE if len(pairs) == len(self.free) else ROUGH):
            got = ", ".join(f"{100 * p:.1f}% below {q:g}" for p, q in zip(reached, values, strict=True))
            self.refuse(f"these quantiles, {dict(quantiles)}", f"{prior} has {got}")
        return prior

    def of_moments(self, mean: float | None, sd: float | None) -> Distribution:
        """With a given mean, or sd, or both."""
        wanted = {key: number(key, value) for key, value in {"mean": mean, "sd": sd}.items() if value is not None}
        if wanted.get("sd", 1.0) <= 0:
            raise SpecificationError(f"`sd={sd}` must be above 0.")
        if len(wanted) != len(self.free):
            said = " and ".join(f"`{key}`" for key in wanted)
            more = "give the other too" if len(wanted) < len(self.free) else "give one of them"
            raise SpecificationError(f"{self.name} has {self.unknowns}, and given were {said}: {more}.")
        scale = wanted.get("sd", abs(wanted.get("mean", 1.0))) or 1.0

        def errors(form: Any) -> np.ndarray:
            found = {"mean": float(form.mean()), "sd": float(form.std())}
            return np.array([(found[key] - value) / scale for key, value in wanted.items()])

        start = wanted.get("mean", scale)
        prior = self.solved(errors, start, wanted.get("sd", abs(start) or 1.0), scale)
        form = prior.scipy(scipy_stats())
        if not np.abs(errors(form)).max() <= CLOSE:
            words = " and ".join(f"{key} {value:g}" for key, value in wanted.items())
            self.refuse(words, f"{prior} has mean {form.mean():.4g} and sd {form.std():.4g}")
        return prior

    # -- the search --------------------------------------------------------------------------------

    def start(self, mean: float, sd: float, solve: tuple[float, float, float] | None = None) -> dict[str, float]:
        """Values of the free numbers: where PreliZ starts from moments, or its solution for an interval."""
        theirs, renamed = IN_PRELIZ[self.name]
        held = {renamed.get(name, name): value for name, value in self.held.items()}
        own = getattr(preliz(), theirs)(**held)
        with warnings.catch_warnings():
            # what is not met is refused by the caller, in words of its own
            warnings.simplefilter("ignore")
            try:
                if solve is None:
                    own._fit_moments(mean=mean, sigma=sd)
                else:
                    low, high, mass = solve
                    own = preliz().maxent(own, low, high, mass, plot=False)
            except (ValueError, IndexError, FloatingPointError) as error:
                raise SpecificationError(f"PreliZ finds no {self.name} for this: {error}") from None
        return {name: float(getattr(own, renamed.get(name, name))) for name in self.free}

    def solved(self, errors: Any, mean: float, sd: float, width: float) -> Distribution:
        """Free numbers that make the errors least, positive ones on the scale of their logarithm."""
        first = self.start(mean, sd)
        positive = [name in self.kind.positive for name in self.free]

        def values(x: np.ndarray) -> dict[str, float]:
            return {
                name: float(np.exp(np.clip(own, -300, 300))) if logarithm else float(own * width)
                for name, own, logarithm in zip(self.free, x, positive, strict=True)
            }

        def loss(x: np.ndarray) -> np.ndarray:
            try:
                found = np.asarray(errors(self.made(values(x)).scipy(scipy_stats())), float)
            except SpecificationError:
                return np.full(self._count(errors, first), 10.0)
            return np.nan_to_num(found, nan=10.0, posinf=10.0, neginf=-10.0)

        x0 = [
            np.log(max(first[name], 1e-12)) if logarithm else first[name] / width
            for name, logarithm in zip(self.free, positive, strict=True)
        ]
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            best = optimize.least_squares(loss, x0, xtol=1e-12, ftol=1e-12, gtol=1e-12)
        return self.rounded(values(best.x), width)

    def _count(self, errors: Any, first: Mapping[str, float]) -> int:
        return len(errors(self.made(first).scipy(scipy_stats())))

    def refuse(self, wanted: str, nearest: str) -> NoReturn:
        """Raise an error that says what comes nearest, and what to do."""
        others = [name for name in IN_PRELIZ if name != self.name and self._is_narrower_than(name)]
        flexible = f"take a more flexible distribution ({', '.join(others)}), or " if others else ""
        raise SpecificationError(
            f"No {self.name} has {wanted}; {nearest}. It has {self.unknowns}: {flexible}ask for less."
        )

    @property
    def unknowns(self) -> str:
        """How many numbers are looked for, and which."""
        plural = "s" if len(self.free) > 1 else ""
        return f"{len(self.free)} number{plural} to look for ({', '.join(self.free)})"

    def _is_narrower_than(self, name: str) -> bool:
        """Whether another kind has more numbers to look for, and the same places for its values."""
        other = Request(DISTRIBUTIONS[name], dict(USUAL.get(name, {})))
        return len(other.free) > len(self.free) and other.support == self.support


def number(name: str, value: Any) -> float:
    """A finite number that a user gave."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not isfinite(value):
        raise SpecificationError(f"`{name}` is a finite number, not {value!r}.")
    return float(value)
