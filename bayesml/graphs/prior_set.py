"""A prior set at work: the prior of each parameter of a model, scaled to its data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import hypot, inf, isfinite, nan

import numpy as np

from bayesml.design.arrays import Design
from bayesml.distributions import Distribution
from bayesml.distributions.base import scipy_stats
from bayesml.errors import SpecificationError
from bayesml.families import Family
from bayesml.families.ancillary import Ancillary
from bayesml.graphs.prior_scales import SCALES, PriorScales
from bayesml.links import Link
from bayesml.spec.prior_file import STANDS_IN, PriorEntry, PriorFile, read_prior_file
from bayesml.spec.priors import Priors, prior_set_text

OF_COVARIANCES = ("random_covariance", "random_sd", "random_sd_correlated", "correlation")
"""Kinds that say something of the covariance matrix of a random term."""


@dataclass(frozen=True)
class PriorSet:
    """The prior of each parameter of a model on data, from a prior set.

    Parameters
    ----------
    name : str
        Of the set, as messages call it.
    files : tuple of PriorFile
        The set, and the sets that its kinds without a prior are left to.
    scales : tuple of PriorScales
        Of each file.
    """

    name: str
    files: tuple[PriorFile, ...]
    scales: tuple[PriorScales, ...]

    def coefficient(self, j: int) -> tuple[Distribution, str]:
        """Prior of the coefficient of column j of X, and the name of the set it comes from."""
        if not self.scales[0].is_intercept(j):
            entry, scales, source = self.entry("coefficient", self._address(j))
            return times(entry, lambda: coefficient_scale(scales, entry.scaled, j)), source
        entry, scales, source = self.entry("intercept", self._address(j))
        prior = times(entry, lambda: self.widened(entry, scales, lambda: scales.intercept(j), j), scales.location)
        return prior, source

    def random_sd(self, term: int, column: int) -> tuple[Distribution, str]:
        """Prior of a standard deviation of a random term."""
        random = self.scales[0].design.random[term]
        correlated = random.covariance.correlations == "all" and len(random.names) > 1
        entry, scales, source = self.entry("random_sd_correlated" if correlated else "random_sd", f"sd({random.group})")
        plain = random.columns[column] is None and not random.covariance.common_sd
        rules: dict[bool | str, Callable[[], float]] = {
            "response": lambda: scales.response[1],
            "centred": lambda: (
                self.widened(entry, scales, lambda: scales.random_sd(term, column))
                if plain
                else scales.random_slope_sd(term, column)
            ),
        }
        return times(entry, rules.get(entry.scaled, lambda: scales.random_sd(term, column))), source

    def random_covariance(self, term: int) -> tuple[Distribution | None, str]:
        """Prior of the whole covariance matrix of a random term that is unstructured; None where the set has none."""
        random = self.scales[0].design.random[term]
        correlated = random.covariance.correlations == "all" and len(random.names) > 1
        # the first set that says anything of such terms
        own = next((file.kinds for file in self.files if any(kind in file.kinds for kind in OF_COVARIANCES)), {})
        if not correlated or "random_covariance" not in own:
            return None, self.name
        entry, scales, source = self.entry("random_covariance", f"cov({random.group})")
        prior = entry.prior
        if entry.scaled is not False:
            prior = prior.times_each(np.array([scales.random_sd(term, i) for i in range(len(random.names))]))
        return prior, source

    def correlation(self) -> tuple[Distribution, str]:
        """Prior of a correlation matrix."""
        entry, _, source = self.entry("correlation", "corr")
        return entry.prior, source

    def ancillary(self, parameter: Ancillary, others: Sequence[Ancillary]) -> tuple[Distribution, str]:
        """Prior of a parameter of the family, which has others beside it; those without a unit are not scaled."""
        entry, scales, source = self.entry(parameter.prior, parameter.name)
        natural = {"residual_sd": scales.residual_sd, "cutpoint": scales.intercept}.get(parameter.prior, one)
        scale = natural if entry.scaled is True else lambda: scales.response[1]
        prior = times(entry, scale)
        if entry.spaced is None:
            return prior, source
        own = [other.name for other in others if other.prior == parameter.prior]
        place = float(np.linspace(*entry.spaced, len(own))[own.index(parameter.name)])
        return prior.moved(round(place, 2)), source

    def entry(self, kind: str, address: str) -> tuple[PriorEntry, PriorScales, str]:
        """Entry of a kind for the family and link at hand, the scales that go with it, and the set it comes from.

        Raises
        ------
        SpecificationError
            The set says nothing of this kind and leaves it to no other.
        """
        scales = self.scales[0]
        for wanted in (kind, STANDS_IN.get(kind, "")):
            if wanted in self.files[0].kinds:
                entry = self.files[0].kinds[wanted]
                return entry.of(scales.family.name, scales.link.name), scales, self.name
        if len(self.files) > 1:
            return PriorSet(self.files[1].name, self.files[1:], self.scales[1:]).entry(kind, address)
        raise SpecificationError(
            f"The prior set `{self.name}` has no prior for `{address}`, a parameter of the kind `{kind}`: add "
            f'[priors.{kind}] to it, or `base = "weakly_informative"` to leave what it does not name to that set.'
        )

    def widened(
        self, entry: PriorEntry, scales: PriorScales, natural: Callable[[], float], j: int | None = None
    ) -> float:
        """Scale of an intercept.

        Centred, the prior of the set is that of the intercept at the means of the columns, and the scale is widened by
        what the priors of the coefficients leave open between there and where all columns are zero; where that is
        without bounds, the natural scale is taken.
        """
        if entry.scaled == "response":
            return scales.response[1]
        if entry.scaled is True:
            return natural()
        own = scales.response[1]
        spread = own * (entry.prior.numbers.get("sigma", nan) if entry.prior.support[0] >= 0 else sd(entry.prior))
        columns = [i for i in scales.beside(j) if not scales.is_intercept(i)]
        total = hypot(spread, *(sd(self.coefficient(i)[0]) * scales.moments[i][0] for i in columns))
        return own * total / spread if isfinite(total) else natural()

    def _address(self, j: int) -> str:
        return self.scales[0].design.coefficients[j]


def prior_set(priors: Priors, design: Design, family: Family, link: Link) -> PriorSet:
    """The prior set of a model on data."""
    files = [priors.file]
    while files[-1].base:
        files.append(read_prior_file(files[-1].base, prior_set_text(files[-1].base)))
    scales = tuple(SCALES[file.unit](design, family, link, file.divisor) for file in files)
    return PriorSet(priors.prior_set, tuple(files), scales)


def times(entry: PriorEntry, scale: Callable[[], float], location: Callable[[], float] | None = None) -> Distribution:
    """The prior of an entry; where it is scaled, times a scale of the data and moved to a location."""
    if entry.scaled is False:
        return entry.prior
    prior = entry.prior.times(scale())
    return prior if location is None else prior.moved(location())


def coefficient_scale(scales: PriorScales, scaled: bool | str, j: int) -> float:
    """Scale of a slope: sd(y) / sd(x); without sd(x) by the rule `response`, or by `columns` for levels of factors."""
    if scaled == "response" or (scaled == "columns" and scales.is_indicator(j)):
        return scales.response[1]
    return scales.coefficient(j)


def sd(prior: Distribution) -> float:
    """Standard deviation of a prior; inf of a flat one."""
    if prior.normal_row is not None:
        precision = prior.normal_row[1]
        return precision**-0.5 if precision > 0 else inf
    form = prior.scipy(scipy_stats())
    return inf if form is None else float(form.std())


def one() -> float:
    """Scale of what has no unit."""
    return 1.0
