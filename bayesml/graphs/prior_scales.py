"""Scales of data that priors are adapted to."""

from functools import cached_property
from math import inf

import numpy as np

from bayesml.design.arrays import Design
from bayesml.errors import DataError
from bayesml.families import Family
from bayesml.links import Link

STEP = 1e-4


class PriorScales:
    """Natural scales of the parameters of a model on data.

    The unit of a predictor is the standard deviation of the response where the predictor is its mean; one where the
    link has no unit, as log odds and logarithms have none; and else, as of the inverse and of the square root, what the
    standard deviation of the response becomes under the link near its mean.

    With an intercept, standard deviations of the response and of columns are taken about their means; without one
    (`0 + f`), about zero, as the coefficients then have to carry the mean too. Cut points stand for an intercept.

    Parameters
    ----------
    design : Design
    family : Family
    link : Link
    """

    def __init__(self, design: Design, family: Family, link: Link):
        self.design, self.family, self.link = design, family, link

    @property
    def on_response_scale(self) -> bool:
        """Whether the predictor is the mean of the response itself."""
        return self.family.outcome == "number" and self.link.mean_support == (-inf, inf)

    @cached_property
    def _moments_of_predictor(self) -> tuple[float, float]:
        design = self.design
        offset = 0.0 if design.offset is None else design.offset
        if self.on_response_scale:
            return self._spread(self._numbers - offset)
        offset = self._spread(offset + np.zeros(design.n))[0]
        if self.family.outcome != "number":
            return -offset, 1.0
        counts = design.frequencies
        y = self._numbers if counts is None else np.repeat(self._numbers, np.round(counts).astype(np.int64))
        start, _ = self.family.start(y, self.link, design.categories)
        if self.link.is_distribution or has_no_unit(self.link):
            return start - offset, 1.0
        mean, sd = self._spread(self._numbers)
        low, high = mean * (1.0 - STEP), mean * (1.0 + STEP)
        slope = (self.link.of(np.float64(high), np) - self.link.of(np.float64(low), np)) / (high - low)
        return start - offset, abs(float(slope)) * sd

    @cached_property
    def _numbers(self) -> np.ndarray:
        """The response; of trials the share of successes."""
        trials = self.design.response.get("trials")
        return self.design.y if trials is None else self.design.y / trials

    def _spread(self, x: np.ndarray) -> tuple[float, float]:
        """Mean and standard deviation over the rows that the rows of the arrays stand for."""
        return spread(x, self.design.frequencies)

    @property
    def spread_of_predictor(self) -> float:
        """Unit of the predictor; 0 if it is that of a response that is constant."""
        return self._moments_of_predictor[1]

    @property
    def spread_of_response(self) -> float:
        """Standard deviation of the response less its offset where that is on its scale; 0 if it is constant."""
        if self.on_response_scale or self.family.outcome != "number":
            return self.spread_of_predictor
        return self._spread(self._numbers)[1]

    @cached_property
    def response(self) -> tuple[float, float]:
        """Where the predictor is expected, and its unit.

        Mean and standard deviation of the response less its offset, where the predictor is its mean.
        """
        location, scale = self._moments_of_predictor
        if scale == 0:
            raise DataError(
                f"The response `{self.design.response_name}` is constant, so priors cannot be scaled to it: "
                'give them one by one, or take priors="flat".'
            )
        return location, scale

    @cached_property
    def moments(self) -> tuple[tuple[float, float], ...]:
        """Mean and standard deviation of the columns of X; 1 and 0 of the intercept."""
        return tuple((1.0, 0.0) if column is None else self._spread(column) for column in self.design.fixed_columns)

    def is_intercept(self, j: int) -> bool:
        """Whether column j of X is the intercept, of any predictor."""
        return self.design.fixed_columns[j] is None

    @property
    def has_intercept(self) -> bool:
        """Whether X has an intercept column, or cut points in its place."""
        return not self.family.takes_intercept or any(column is None for column in self.design.fixed_columns)

    def location(self) -> float:
        """Where the intercept is expected: at the link of the mean of the response."""
        return self.response[0]

    def intercept(self, j: int | None = None) -> float:
        """Scale of the intercept in column j, or of cut points: ``sd(y) (1 + sum_j (mean_j / sd_j)²)``.

        The sum is over the columns of the same predictor.

        The intercept belongs to the point where all columns are zero, and the farther that is from the data the
        less is known of it. Were its scale to grow with the distance only in proportion, the priors of intercept
        and slope together would say of the slope what its own prior says a second time; as it grows with the
        square, moving a column (`year + 2000`) leaves the posterior of its slope where it was.
        """
        places = self.design.fixed_predictors
        own = [i for i in range(len(self.moments)) if j is None or not places or places[i] == places[j]]
        return self.response[1] * (1.0 + sum((m / sd) ** 2 for m, sd in (self.moments[i] for i in own) if sd > 0))

    def coefficient(self, j: int) -> float:
        """Scale of a slope: sd(y) / sd(x), about zero for both where there is no intercept."""
        mean, sd = self.moments[j]
        if self.has_intercept and sd > 0:
            return self.response[1] / sd
        return float(np.hypot(*self.response) / (np.hypot(mean, sd) or 1.0))

    def residual_sd(self) -> float:
        """Scale of sigma: sd(y), times the root of the mean weight, as the variance of a row is sigma² / weight."""
        weights = self.design.weights
        scale = self.response[1] if self.on_response_scale else self.spread_of_response or 1.0
        return scale * (1.0 if weights is None else float(np.sqrt(np.mean(weights))))

    def random_sd(self, term: int, column: int) -> float:
        """Scale of the sd of a column of a random term: sd(y) / sd(z).

        The sd of a random intercept widens with the distance of the other columns from zero, as that of
        ``b0 + b1 mean(z)`` does: ``sd(y) sqrt(1 + sum (mean / sd)²)``. Where all columns share one sd, z stands
        for the root of the mean sum of their squares: with that sd, the term contributes sd(y)² to a row's variance.
        """
        random = self.design.random[term]
        if random.columns[column] is not None or random.covariance.common_sd:
            return self.response[1] * self.column_factor(term, column)
        moments = [self._spread(z) for z in random.columns if z is not None]
        return self.response[1] * float(np.sqrt(1.0 + sum((mean / sd) ** 2 for mean, sd in moments if sd > 0)))

    def column_factor(self, term: int, column: int) -> float:
        """1 / sd(z) of a column of a random term, as `random_sd` takes it; 1 of an intercept."""
        random = self.design.random[term]
        moments = [(1.0, 0.0) if z is None else self._spread(z) for z in random.columns]
        if random.covariance.common_sd:
            return 1.0 / (float(np.sqrt(sum(mean**2 + sd**2 for mean, sd in moments))) or 1.0)
        mean, sd = moments[column]
        has_intercept = any(z is None for z in random.columns)
        return 1.0 / ((sd if has_intercept and sd > 0 else float(np.hypot(mean, sd))) or 1.0)


def spread(x: np.ndarray, frequencies: np.ndarray | None = None) -> tuple[float, float]:
    """Mean and standard deviation (divisor n) of a column; a spread of rounding errors only is 0."""
    mean = float(np.average(x, weights=frequencies))
    sd = float(np.std(x)) if frequencies is None else float(np.sqrt(np.average((x - mean) ** 2, weights=frequencies)))
    return mean, sd if sd > 1e-14 * abs(mean) else 0.0


def has_no_unit(link: Link) -> bool:
    """Whether another unit of the mean only moves the predictor, as under the logarithm."""
    one, two, four = (float(link.of(np.float64(mean), np)) for mean in (1.0, 2.0, 4.0))
    return link.mean_support == (0.0, inf) and bool(np.isclose(four - two, two - one))
