"""Distributions in the interface of SciPy that SciPy does not have."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np


class Form(Protocol):
    """What is asked of a distribution of `scipy.stats`, and of those here."""

    def logpdf(self, x: Any) -> Any: ...
    def cdf(self, x: Any) -> Any: ...
    def sf(self, x: Any) -> Any: ...
    def ppf(self, q: Any) -> Any: ...
    def isf(self, q: Any) -> Any: ...
    def rvs(self, size: Any = None, random_state: Any = None) -> Any: ...
    def mean(self) -> float: ...
    def std(self) -> float: ...
    def expect(self, func: Callable[[Any], Any], lb: float | None = None, ub: float | None = None) -> float: ...


class PowerForm:
    """A positive variable x = y^power of a variable y whose distribution SciPy has.

    Parameters
    ----------
    of : Form
        Distribution of y, on positive values.
    power : float
        1/2 for the sd of a variance, -1/2 for that of a precision.
    """

    def __init__(self, of: Any, power: float):
        self.of, self.power = of, power

    def back(self, x: Any) -> np.ndarray:
        """The y of an x."""
        with np.errstate(divide="ignore"):
            return np.asarray(x, dtype=float) ** (1.0 / self.power)

    def logpdf(self, x: Any) -> np.ndarray:
        y = self.back(x)
        return self.of.logpdf(y) + np.log(y / (abs(self.power) * np.asarray(x)))

    def cdf(self, x: Any) -> np.ndarray:
        return self.of.cdf(self.back(x)) if self.power > 0 else self.of.sf(self.back(x))

    def sf(self, x: Any) -> np.ndarray:
        return self.of.sf(self.back(x)) if self.power > 0 else self.of.cdf(self.back(x))

    def ppf(self, q: Any) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return (self.of.ppf(q) if self.power > 0 else self.of.isf(q)) ** self.power

    def isf(self, q: Any) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return (self.of.isf(q) if self.power > 0 else self.of.ppf(q)) ** self.power

    def rvs(self, size: Any = None, random_state: Any = None) -> np.ndarray:
        # priors such as InverseGamma(0.01, 0.01) have draws beyond the largest number
        with np.errstate(divide="ignore", over="ignore"):
            return self.of.rvs(size=size, random_state=random_state) ** self.power

    def expect(self, func: Callable[[Any], Any], lb: float | None = None, ub: float | None = None) -> float:
        ends = [None if end is None else float(self.back(end)) for end in (lb, ub)]
        lower, upper = ends if self.power > 0 else ends[::-1]
        return float(self.of.expect(lambda y: func(y**self.power), lb=lower, ub=upper))

    def moment(self, order: int) -> float:
        """Mean of x^order by quadrature; infinite where the tail, as far out as quantiles go, does not fall enough."""
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            y = self.of.isf([1e-10, 1e-8]) if self.power > 0 else self.of.ppf([1e-10, 1e-8])
            exponent = np.log(100.0) / np.abs(np.diff(np.log(y))[0])
        if not exponent > abs(self.power) * order + 1e-3:
            return float(np.inf)
        return self.expect(lambda x: x**order)

    def mean(self) -> float:
        return self.moment(1)

    def std(self) -> float:
        mean, square = self.moment(1), self.moment(2)
        return float(np.sqrt(max(square - mean**2, 0.0))) if np.isfinite(square) else float(np.inf)


class Restricted:
    """A variable that is known to lie in an interval.

    Parameters
    ----------
    of : Form
        Distribution without the restriction.
    lower, upper : float
        Ends, inside the support or at its ends; may be infinite.
    """

    def __init__(self, of: Any, lower: float, upper: float):
        self.of, self.lower, self.upper = of, lower, upper
        # in the upper tail differences of the survivor function keep their digits
        self.high = bool(of.cdf(lower) > 0.5)
        self.tails = (float(of.sf(lower)), float(of.sf(upper))) if self.high else (of.cdf(lower), of.cdf(upper))
        self.mass = float(abs(self.tails[1] - self.tails[0]))

    def logpdf(self, x: Any) -> np.ndarray:
        x = np.asarray(x, dtype=float)
        return np.where((x < self.lower) | (x > self.upper), -np.inf, self.of.logpdf(x) - np.log(self.mass))

    def cdf(self, x: Any) -> np.ndarray:
        x = np.clip(x, self.lower, self.upper)
        return np.abs((self.of.sf(x) if self.high else self.of.cdf(x)) - self.tails[0]) / self.mass

    def sf(self, x: Any) -> np.ndarray:
        x = np.clip(x, self.lower, self.upper)
        return np.abs((self.of.sf(x) if self.high else self.of.cdf(x)) - self.tails[1]) / self.mass

    def ppf(self, q: Any) -> np.ndarray:
        q = np.asarray(q, dtype=float)
        place = self.tails[0] + q * (self.tails[1] - self.tails[0])
        return np.clip(self.of.isf(place) if self.high else self.of.ppf(place), self.lower, self.upper)

    def isf(self, q: Any) -> np.ndarray:
        return self.ppf(1.0 - np.asarray(q, dtype=float))

    def rvs(self, size: Any = None, random_state: Any = None) -> np.ndarray:
        return self.ppf(np.random.default_rng(random_state).uniform(size=size))

    def expect(self, func: Callable[[Any], Any], lb: float | None = None, ub: float | None = None) -> float:
        lower = self.lower if lb is None else max(lb, self.lower)
        upper = self.upper if ub is None else min(ub, self.upper)
        return float(self.of.expect(func, lb=lower, ub=upper)) / self.mass

    def mean(self) -> float:
        """Mean by quadrature; infinite or NaN where the variable without the restriction has none on an open side."""
        if (np.isfinite(self.lower) and np.isfinite(self.upper)) or np.isfinite(self.of.mean()):
            return self.expect(lambda x: x)
        return float(np.inf if np.isfinite(self.lower) else -np.inf)

    def std(self) -> float:
        if not ((np.isfinite(self.lower) and np.isfinite(self.upper)) or np.isfinite(self.of.std())):
            return float(np.inf)
        mean = self.mean()
        return float(np.sqrt(max(self.expect(lambda x: (x - mean) ** 2), 0.0)))


class Tabulated:
    """A distribution whose density is known, and all else is integrated from it on a grid.

    Parameters
    ----------
    grid : ndarray (n,)
        Evenly spaced points t, n odd, that hold nearly all mass.
    log_density : ndarray (n,)
        In t; it need not be normalised exactly.
    to, back : callable
        x = to(t), increasing, and its inverse.
    logpdf : callable
        In x.
    """

    def __init__(
        self,
        grid: np.ndarray,
        log_density: np.ndarray,
        to: Callable[[Any], Any],
        back: Callable[[Any], Any],
        logpdf: Callable[[Any], Any],
    ):
        density = np.exp(log_density)
        # the trapezoid rule with the slopes at the ends of each piece
        slope = np.gradient(density, edge_order=2)
        pieces = np.maximum((density[1:] + density[:-1]) / 2.0 + (slope[:-1] - slope[1:]) / 12.0, 0.0)
        total = pieces.sum()
        self.grid, self.to, self.back, self.logpdf = grid, to, back, logpdf
        self.below = np.concatenate([[0.0], np.cumsum(pieces)]) / total
        self.above = np.concatenate([np.cumsum(pieces[::-1])[::-1], [0.0]]) / total
        self.rise = density / total
        self.weights = density / density.sum()

    def _at(self, t: Any, table: np.ndarray, rise: np.ndarray) -> np.ndarray:
        """A table between its points, by cubics that have its slopes too."""
        place = np.clip((np.asarray(t) - self.grid[0]) / (self.grid[1] - self.grid[0]), 0.0, len(self.grid) - 1.0)
        i = np.minimum(place.astype(int), len(self.grid) - 2)
        u = place - i
        level = table[i] + (table[i + 1] - table[i]) * u**2 * (3.0 - 2.0 * u)
        return level + u * (1.0 - u) * (rise[i] * (1.0 - u) - rise[i + 1] * u)

    def _inverse(self, q: Any, table: np.ndarray, rise: np.ndarray) -> np.ndarray:
        q = np.asarray(q, dtype=float)
        order = slice(None) if table[-1] > table[0] else slice(None, None, -1)
        t, step = np.interp(q, table[order], self.grid[order]), self.grid[1] - self.grid[0]
        for _ in range(3):
            slope = np.interp(t, self.grid, rise)
            with np.errstate(divide="ignore", invalid="ignore"):
                change = np.nan_to_num((self._at(t, table, rise) - q) / slope)
            t = np.clip(t - step * np.clip(change, -1.0, 1.0), self.grid[0], self.grid[-1])
        return t

    def cdf(self, x: Any) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return self._at(self.back(x), self.below, self.rise)

    def sf(self, x: Any) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return self._at(self.back(x), self.above, -self.rise)

    def ppf(self, q: Any) -> np.ndarray:
        return self.to(self._inverse(q, self.below, self.rise))

    def isf(self, q: Any) -> np.ndarray:
        return self.to(self._inverse(q, self.above, -self.rise))

    def rvs(self, size: Any = None, random_state: Any = None) -> np.ndarray:
        return self.ppf(np.random.default_rng(random_state).uniform(size=size))

    def expect(self, func: Callable[[Any], Any], lb: float | None = None, ub: float | None = None) -> float:
        x = self.to(self.grid)
        inside = (x >= (-np.inf if lb is None else lb)) & (x <= (np.inf if ub is None else ub))
        return float(np.sum(self.weights[inside] * func(x[inside])))

    def mean(self) -> float:
        return self.expect(lambda x: x)

    def std(self) -> float:
        mean = self.mean()
        return float(np.sqrt(self.expect(lambda x: (x - mean) ** 2)))


class Symmetric:
    """A variable symmetric about 0, from the distribution of its absolute value.

    Parameters
    ----------
    half : Tabulated
    logpdf : callable
    finite_sd : bool
    """

    def __init__(self, half: Tabulated, logpdf: Callable[[Any], Any], finite_sd: bool):
        self.half, self.logpdf, self.finite_sd = half, logpdf, finite_sd

    def cdf(self, x: Any) -> np.ndarray:
        above = self.half.sf(np.abs(x)) / 2
        return np.where(np.asarray(x) > 0, 1 - above, above)

    def sf(self, x: Any) -> np.ndarray:
        return self.cdf(-np.asarray(x))

    def ppf(self, q: Any) -> np.ndarray:
        q = np.asarray(q, dtype=float)
        with np.errstate(divide="ignore"):
            size = np.where(q == 0.5, 0.0, self.half.isf(2 * np.minimum(q, 1 - q)))
        return np.where(q < 0.5, -1, 1) * np.where((q == 0) | (q == 1), np.inf, size)

    def isf(self, q: Any) -> np.ndarray:
        return -self.ppf(q)

    def rvs(self, size: Any = None, random_state: Any = None) -> np.ndarray:
        return self.ppf(np.random.default_rng(random_state).uniform(size=size))

    def expect(self, func: Callable[[Any], Any], lb: float | None = None, ub: float | None = None) -> float:
        lower, upper = -np.inf if lb is None else lb, np.inf if ub is None else ub

        def both(x: Any) -> Any:
            return sum(np.where((s * x >= lower) & (s * x <= upper), func(s * x), 0.0) for s in (-1, 1)) / 2

        return self.half.expect(both)

    def mean(self) -> float:
        return 0.0 if self.finite_sd else float(np.nan)

    def std(self) -> float:
        return float(np.sqrt(self.half.expect(lambda x: x**2))) if self.finite_sd else float(np.inf)
