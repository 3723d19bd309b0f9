"""Scales of data that priors are adapted to."""

from functools import cached_property

import numpy as np

from bayesml.design.arrays import Design
from bayesml.errors import DataError


class PriorScales:
    """Natural scales of the parameters of a model on data.

    With an intercept, standard deviations of the response and of columns are taken about their means; without one
    (`0 + f`), about zero, as the coefficients then have to carry the mean too.

    Parameters
    ----------
    design : Design
    """

    def __init__(self, design: Design):
        self.design = design

    @cached_property
    def _moments_of_response(self) -> tuple[float, float]:
        return spread(self.design.y if self.design.offset is None else self.design.y - self.design.offset)

    @property
    def spread_of_response(self) -> float:
        """Standard deviation of the response less its offset; 0 if it is constant."""
        return self._moments_of_response[1]

    @cached_property
    def response(self) -> tuple[float, float]:
        """Mean of the response less its offset, and its standard deviation about it."""
        location, scale = self._moments_of_response
        if scale == 0:
            raise DataError(
                f"The response `{self.design.response_name}` is constant, so priors cannot be scaled to it: "
                'give them one by one, or take priors="flat".'
            )
        return location, scale

    @cached_property
    def moments(self) -> tuple[tuple[float, float], ...]:
        """Mean and standard deviation of the columns of X; 1 and 0 of the intercept."""
        return tuple((1.0, 0.0) if column is None else spread(column) for column in self.design.fixed_columns)

    def is_intercept(self, j: int) -> bool:
        """Whether column j of X is the intercept."""
        return self.design.fixed_columns[j] is None

    @property
    def has_intercept(self) -> bool:
        """Whether X has an intercept column."""
        return any(column is None for column in self.design.fixed_columns)

    def location(self) -> float:
        """Where the intercept is expected: at the mean of the response."""
        return self.response[0]

    def intercept(self) -> float:
        """Scale of the intercept: ``sd(y) (1 + sum_j (mean_j / sd_j)²)``.

        The intercept belongs to the point where all columns are zero, and the farther that is from the data the
        less is known of it. Were its scale to grow with the distance only in proportion, the priors of intercept
        and slope together would say of the slope what its own prior says a second time; as it grows with the
        square, moving a column (`year + 2000`) leaves the posterior of its slope where it was.
        """
        return self.response[1] * (1.0 + sum((mean / sd) ** 2 for mean, sd in self.moments if sd > 0))

    def coefficient(self, j: int) -> float:
        """Scale of a slope: sd(y) / sd(x), about zero for both where there is no intercept."""
        mean, sd = self.moments[j]
        if self.has_intercept and sd > 0:
            return self.response[1] / sd
        return float(np.hypot(*self.response) / (np.hypot(mean, sd) or 1.0))

    def residual_sd(self) -> float:
        """Scale of sigma: sd(y), times the root of the mean weight, as the variance of a row is sigma² / weight."""
        weights = self.design.weights
        return self.response[1] * (1.0 if weights is None else float(np.sqrt(np.mean(weights))))

    def random_sd(self, term: int, column: int) -> float:
        """Scale of the sd of a column of a random term: sd(y) / sd(z).

        The sd of a random intercept widens with the distance of the other columns from zero, as that of
        ``b0 + b1 mean(z)`` does: ``sd(y) sqrt(1 + sum (mean / sd)²)``. Where all columns share one sd, z stands
        for the root of the mean sum of their squares: with that sd, the term contributes sd(y)² to a row's variance.
        """
        random = self.design.random[term]
        if random.columns[column] is not None or random.covariance.common_sd:
            return self.response[1] * self.column_factor(term, column)
        moments = [spread(z) for z in random.columns if z is not None]
        return self.response[1] * float(np.sqrt(1.0 + sum((mean / sd) ** 2 for mean, sd in moments if sd > 0)))

    def column_factor(self, term: int, column: int) -> float:
        """1 / sd(z) of a column of a random term, as `random_sd` takes it; 1 of an intercept."""
        random = self.design.random[term]
        moments = [(1.0, 0.0) if z is None else spread(z) for z in random.columns]
        if random.covariance.common_sd:
            return 1.0 / (float(np.sqrt(sum(mean**2 + sd**2 for mean, sd in moments))) or 1.0)
        mean, sd = moments[column]
        has_intercept = any(z is None for z in random.columns)
        return 1.0 / ((sd if has_intercept and sd > 0 else float(np.hypot(mean, sd))) or 1.0)


def spread(x: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation (divisor n) of a column; a spread of rounding errors only is 0."""
    mean = float(np.mean(x))
    sd = float(np.std(x))
    return mean, sd if sd > 1e-14 * abs(mean) else 0.0
