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
    divisor : {0, 1}
        Whether standard deviations have the divisor n, or n - 1.
    """

    def __init__(self, design: Design, family: Family, link: Link, divisor: int = 0):
        self.design, self.family, self.link, self.divisor = design, family, link, divisor

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
        start, _ = self.family.start(self._all_numbers, self.link, design.categories)
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

    @cached_property
    def _all_numbers(self) -> np.ndarray:
        """The response of each row that the rows of the arrays stand for."""
        counts = self.design.frequencies
        return self._numbers if counts is None else np.repeat(self._numbers, np.round(counts).astype(np.int64))

    def _spread(self, x: np.ndarray) -> tuple[float, float]:
        """Mean and standard deviation over the rows that the rows of the arrays stand for."""
        mean, sd = spread(x, self.design.frequencies)
        n = self.design.n if self.design.frequencies is None else float(np.sum(self.design.frequencies))
        return mean, sd * float(np.sqrt(n / max(n - self.divisor, 1.0)))

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
        own = [self.moments[i] for i in self.beside(j)]
        return self.response[1] * (1.0 + sum((mean / sd) ** 2 for mean, sd in own if sd > 0))

    def beside(self, j: int | None = None) -> list[int]:
        """Columns of the same predictor as column j; all columns for None."""
        places = self.design.fixed_predictors
        return [i for i in range(len(self.moments)) if j is None or not places or places[i] == places[j]]

    def is_indicator(self, j: int) -> bool:
        """Whether column j of X says of each row whether it has a level of a factor."""
        column = self.design.fixed_columns[j]
        return "[" in self.design.coefficients[j] and column is not None and bool(np.isin(column, (0.0, 1.0)).all())

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

    def random_slope_sd(self, term: int, column: int) -> float:
        """Scale of the sd of a random slope without regard to the other columns: sd(y) / sd(z)."""
        z = self.design.random[term].columns[column]
        sd = 0.0 if z is None else self._spread(z)[1]
        return self.response[1] / (sd or 1.0)

    def column_factor(self, term: int, column: int) -> float:
        """1 / sd(z) of a column of a random term, as `random_sd` takes it; 1 of an intercept."""
        random = self.design.random[term]
        moments = [(1.0, 0.0) if z is None else self._spread(z) for z in random.columns]
        if random.covariance.common_sd:
            return 1.0 / (float(np.sqrt(sum(mean**2 + sd**2 for mean, sd in moments))) or 1.0)
        mean, sd = moments[column]
        has_intercept = any(z is None for z in random.columns)
        return 1.0 / ((sd if has_intercept and sd > 0 else float(np.hypot(mean, sd))) or 1.0)


class MomentsOrOne(PriorScales):
    """Mean and standard deviation of the response where the predictor is its mean; else 0 and 1.

    Columns are scaled by their standard deviation, with an intercept or without.
    """

    @cached_property
    def _moments_of_predictor(self) -> tuple[float, float]:
        real = self.on_response_scale and self.family.support == (-inf, inf)
        return self._spread(self._numbers) if real else (0.0, 1.0)

    def coefficient(self, j: int) -> float:
        return self.response[1] / (self.moments[j][1] or 1.0)


class MedianAndDeviation(PriorScales):
    """Median and median absolute deviation of the link of the response, to one decimal; the deviation is at least 2.5.

    So brms has them of the links identity, log, inverse and square root, 0.1 standing for responses of 0 where these
    have no link; under the other links they are 0 and 2.5.
    """

    floor = 2.5

    @cached_property
    def _moments_of_predictor(self) -> tuple[float, float]:
        if self.family.outcome != "number" or self.link.is_distribution:
            return 0.0, self.floor
        y = self._all_numbers
        with np.errstate(divide="ignore"):
            finite = np.isfinite(self.link.of(np.float64(0.0), np))
        values = self.link.of(y if finite else np.where(y == 0, 0.1, y), np)
        location, deviation = median_deviation(values * self._direction)
        offset = 0.0 if self.design.offset is None else float(np.mean(self.design.offset))
        return location - offset, max(self.floor, deviation)

    @property
    def _direction(self) -> float:
        """-1 where the predictor falls as the link of the mean rises, as that of a hazard does; else 1."""
        y, categories = self._all_numbers, self.design.categories
        ends = [self.family.start(factor * y, self.link, categories)[0] for factor in (1.0, 2.0)]
        links = [float(self.link.of(np.float64(factor), np)) for factor in (1.0, 2.0)]
        rising = (ends[1] - ends[0]) * (links[1] - links[0])
        return -1.0 if rising < 0 else 1.0

    def residual_sd(self) -> float:
        return max(self.floor, median_deviation(self._all_numbers)[1])


SCALES: dict[str, type[PriorScales]] = {
    "moments": PriorScales,
    "moments_or_one": MomentsOrOne,
    "median_mad": MedianAndDeviation,
}
"""What stands for mean and standard deviation of the response, by the name that files of priors give."""


def median_deviation(x: np.ndarray) -> tuple[float, float]:
    """Median and 1.4826 times the median absolute deviation from it, to one decimal."""
    median = float(np.median(x))
    return round(median, 1), round(1.4826 * float(np.median(np.abs(x - median))), 1)


def spread(x: np.ndarray, frequencies: np.ndarray | None = None) -> tuple[float, float]:
    """Mean and standard deviation (divisor n) of a column; a spread of rounding errors only is 0."""
    mean = float(np.average(x, weights=frequencies))
    sd = float(np.std(x)) if frequencies is None else float(np.sqrt(np.average((x - mean) ** 2, weights=frequencies)))
    return mean, sd if sd > 1e-14 * abs(mean) else 0.0


def has_no_unit(link: Link) -> bool:
    """Whether another unit of the mean only moves the predictor, as under the logarithm."""
    one, two, four = (float(link.of(np.float64(mean), np)) for mean in (1.0, 2.0, 4.0))
    return link.mean_support == (0.0, inf) and bool(np.isclose(four - two, two - one))
