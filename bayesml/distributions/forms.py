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
        pieces = (density[1:] + density[:-1]) / 2.0
        # third differences away: the trapezoid rule with the slope at the ends of each piece
        slope = np.gradient(density, edge_order=2)
        pieces += (slope[:-1] - slope[1:]) / 12.0
        below = np.concatenate([[0.0], np.cumsum(np.maximum(pieces, 0.0))])
        above = np.concatenate([np.cumsum(np.maximum(pieces, 0.0)[::-1])[::-1], [0.0]])
        self.grid, self.to, self.back, self.logpdf = grid, to, back, logpdf
        self.below, self.above, self.weights = below / below[-1], above / above[0], density / density.sum()

    def cdf(self, x: Any) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.interp(self.back(x), self.grid, self.below)

    def sf(self, x: Any) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.interp(self.back(x), self.grid, self.above)

    def ppf(self, q: Any) -> np.ndarray:
        return self.to(np.interp(q, self.below, self.grid))

    def isf(self, q: Any) -> np.ndarray:
        return self.to(np.interp(q, self.above[::-1], self.grid[::-1]))

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
