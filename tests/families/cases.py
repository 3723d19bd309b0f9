"""Cases of the battery over families: where each is tried, and what it is there, in mpmath and in SciPy.

A new family or a new option gets one entry in `CASES`; its exact log density is written as plainly as mpmath allows,
from means that know their logarithms (`ExactMean`). Everything else about a family is asked by the tests themselves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import mpmath as mp
from scipy import stats

from bayesml.families import FAMILIES, Exponential, Family, NegativeBinomial, Weibull
from tests.exact import LINKS, Exact

FAR = (-700.0, -30.0, -1.0, 0.0, 0.5, 30.0, 700.0)


@dataclass(frozen=True)
class ExactMean:
    """A mean in mpmath."""

    link: Exact
    eta: Any

    @cached_property
    def value(self):
        return self.link.inverse(self.eta)

    @cached_property
    def log(self):
        return self.link.log(self.eta)

    @cached_property
    def log_complement(self):
        return self.link.log_complement(self.eta)


@dataclass(frozen=True)
class Case:
    """Where a family is tried, and what it is there.

    Parameters
    ----------
    family : Family
        With its options.
    log_density : callable
        ``(y, mu, values, trials) -> mpf``: mu is an `ExactMean`, a tuple of them where there are several predictors;
        values are the natural ancillary parameters.
    log_distribution, log_survivor : callable, optional
        The same of the tails, for families that have them.
    values : tuple of tuple
        Natural ancillary parameters at which it is tried, ordinary ones first.
    y : tuple
        Responses at which it is tried, ordinary ones first.
    eta : tuple
        Predictors of ordinary size, one for each linear predictor.
    far : dict
        By link, the predictors at which it is tried; `FAR` where none are given.
    scipy : callable, optional
        ``(mu, values, trials) -> frozen distribution`` of NumPy numbers.
    categories : tuple of str
    trials : float, optional
    floor : dict
        By link, derivatives smaller than this are compared absolutely: only for those that vanish by cancellation.
    """

    family: Family
    log_density: Callable
    y: tuple[float, ...]
    values: tuple[tuple[float, ...], ...] = ((),)
    eta: tuple[float, ...] = (0.3,)
    log_distribution: Callable | None = None
    log_survivor: Callable | None = None
    far: dict[str, Sequence[float]] | None = None
    scipy: Callable | None = None
    categories: tuple[str, ...] = ()
    trials: float | None = None
    floor: dict[str, float] = field(default_factory=dict)

    def predictors(self, link: str) -> list[tuple[float, ...]]:
        """Predictors at which it is tried: each far one together with ordinary others."""
        far = (self.far or {}).get(link, FAR)
        return [(x, *self.eta[1:]) for x in far]

    def exact(self, function: Callable, link: str, y: float, etas: Sequence, values: Sequence) -> Any:
        """One of the exact functions at predictors and natural values."""
        means = tuple(ExactMean(LINKS[link], eta) for eta in etas)
        trials = None if self.trials is None else mp.mpf(self.trials)
        return function(mp.mpf(y), means if len(means) > 1 else means[0], values, trials)


POSITIVE = (1e-9, 0.5, 30.0, 700.0)


def log_t_density(y, mu, values, _):
    sigma, nu = values
    square = ((y - mu.value) / sigma) ** 2
    power = (nu + 1) / 2 * mp.log1p(square / nu)
    return mp.loggamma((nu + 1) / 2) - mp.loggamma(nu / 2) - mp.log(nu * mp.pi) / 2 - mp.log(sigma) - power


def log_t_tail(z, nu):
    """Of Student's t above z."""
    half = mp.betainc(nu / 2, mp.mpf(1) / 2, 0, nu / (nu + z * z), regularized=True) / 2
    return mp.log(half) if z > 0 else mp.log1p(-half)


def log_gamma_density(y, mu, values, _):
    shape = values[0] ** -2
    return shape * (log_scaled(y, mu, shape)) - mp.exp(log_scaled(y, mu, shape)) - mp.loggamma(shape) - mp.log(y)


def log_scaled(y, mu, shape):
    """Log of y / scale."""
    return mp.log(y) - mu.log + mp.log(shape)


def log_gamma_tail(y, mu, values, upper):
    """Of the gamma distribution up to y, or above it; the smaller is integrated."""
    shape = values[0] ** -2
    x = mp.exp(log_scaled(y, mu, shape))
    right = x > shape
    part = mp.gammainc(shape, x if right else 0, mp.inf if right else x, regularized=True)
    return mp.log(part) if right == upper else mp.log1p(-part)


def log_beta_density(y, mu, values, _):
    p, q = mp.exp(mu.log) * values[0], mp.exp(mu.log_complement) * values[0]
    # of a parameter that is tiny, Gamma(p) = 1 / p
    first = mp.loggamma(1 + p) - mu.log - mp.log(values[0])
    second = mp.loggamma(1 + q) - mu.log_complement - mp.log(values[0])
    return (p - 1) * mp.log(y) + (q - 1) * mp.log(1 - y) - first - second + mp.loggamma(values[0])


def survival_case(family, error, log_error_density, standard, values, scipy):
    """A positive response: `standard(log y, eta, values)` is its error, of the link's distribution, and the slope."""
    link = LINKS[error]

    def log_density(y, mu, values, _):
        z, slope = standard(mp.log(y), mu.log, values)
        return log_error_density(z) + mp.log(slope) - mp.log(y)

    return Case(
        family,
        log_density,
        log_distribution=lambda y, mu, values, _: link.log(standard(mp.log(y), mu.log, values)[0]),
        log_survivor=lambda y, mu, values, _: link.log_complement(standard(mp.log(y), mu.log, values)[0]),
        y=(1.5, 0.01, 40.0),
        values=values,
        scipy=scipy,
    )


def log_factorial(y):
    return mp.loggamma(y + 1)


def log_binomial_density(y, mu, _, n):
    ways = log_factorial(n) - log_factorial(y) - log_factorial(n - y)
    return ways + y * mu.log + (n - y) * mu.log_complement


def log_negative_binomial(y, mu, alpha):
    rising = mp.fsum(mp.log1p(alpha * j) for j in range(1, int(y)))
    return rising + y * mu.log - (y + 1 / alpha) * mp.log1p(alpha * mu.value) - log_factorial(y)


def log_cumulative(y, mu, cuts, _):
    k = int(y)
    if k == 0:
        return mu.link.log(cuts[0] - mu.eta)
    if k == len(cuts):
        return mu.link.log_complement(cuts[-1] - mu.eta)
    return mu.link.log_interval(cuts[k - 1] - mu.eta, cuts[k] - cuts[k - 1])


def log_categorical(y, means, *_):
    scores = [mp.mpf(0), *(mean.eta for mean in means)]
    own = scores.pop(int(y))
    return -mp.log1p(mp.fsum(mp.exp(score - own) for score in scores))


CASES = {
    "gaussian": Case(
        FAMILIES["gaussian"],
        lambda y, mu, values, _: -(((y - mu.value) / values[0]) ** 2) / 2 - mp.log(values[0]) - mp.log(2 * mp.pi) / 2,
        log_distribution=lambda y, mu, values, _: LINKS["probit"].log((y - mu.value) / values[0]),
        log_survivor=lambda y, mu, values, _: LINKS["probit"].log((mu.value - y) / values[0]),
        y=(1.5, -4.0, 40.0),
        values=((2.0,), (0.01,)),
        scipy=lambda mu, values, _: stats.norm(mu, values[0]),
    ),
    "bernoulli": Case(
        FAMILIES["bernoulli"],
        lambda y, mu, *_: mu.log if y == 1 else mu.log_complement,
        y=(0, 1),
        scipy=lambda mu, *_: stats.bernoulli(mu),
    ),
    "poisson": Case(
        FAMILIES["poisson"],
        lambda y, mu, *_: y * mu.log - mu.value - log_factorial(y),
        y=(0, 3, 100),
        far={"identity": POSITIVE, "sqrt": POSITIVE},
        scipy=lambda mu, *_: stats.poisson(mu),
    ),
    "binomial": Case(
        FAMILIES["binomial"],
        log_binomial_density,
        y=(2, 0, 5),
        trials=5.0,
        scipy=lambda mu, values, n: stats.binom(n, mu),
    ),
    "negative_binomial": Case(
        FAMILIES["negative_binomial"],
        lambda y, mu, values, _: log_negative_binomial(y, mu, values[0]),
        y=(3, 0, 80),
        values=((0.7,), (1e-8,), (1e8,)),
        far={"log": (-700.0, -30.0, -1.0, 0.2, 2.0, 30.0, 700.0), "identity": POSITIVE[1:], "sqrt": POSITIVE[1:]},
        floor={"identity": 1e-12, "sqrt": 1e-12},
        scipy=lambda mu, values, _: stats.nbinom(1 / values[0], 1 / (1 + values[0] * mu)),
    ),
    "negative_binomial constant": Case(
        NegativeBinomial(dispersion="constant"),
        lambda y, mu, values, _: log_negative_binomial(y, mu, values[0] / mu.value),
        y=(3, 0, 80),
        values=((0.7,), (1e-8,), (1e8,)),
        far={"log": (-700.0, -30.0, -1.0, 0.2, 2.0, 30.0, 700.0), "identity": POSITIVE[1:], "sqrt": POSITIVE[1:]},
        floor={"identity": 1e-12, "sqrt": 1e-12},
        scipy=lambda mu, values, _: stats.nbinom(mu / values[0], 1 / (1 + values[0])),
    ),
    "cumulative": Case(
        FAMILIES["cumulative"],
        log_cumulative,
        y=(0, 1, 2, 3),
        values=((-1.0, 0.2, 2.0), (0.5, 0.5 + 1e-9, 650.0)),
        categories=("never", "seldom", "often", "always"),
        # of probabilities in intervals, which are differences of numbers of size 1
        floor={"logit": 1e-5, "probit": 1e-3, "cloglog": 1e-5, "loglog": 1e-5, "cauchit": 1e-5},
    ),
    "cumulative of two": Case(
        FAMILIES["cumulative"], log_cumulative, y=(0, 1), values=((0.4,),), categories=("no", "yes")
    ),
    "categorical": Case(
        FAMILIES["categorical"],
        log_categorical,
        y=(0, 1, 2),
        eta=(0.3, -0.5),
        categories=("a", "b", "c"),
        floor={"logit": 1e-5},  # of 1 less a probability near 1
    ),
    "categorical of two": Case(
        FAMILIES["categorical"], lambda y, mean, *_: log_categorical(y, (mean,)), y=(0, 1), categories=("a", "b")
    ),
    "student_t": Case(
        FAMILIES["student_t"],
        log_t_density,
        log_distribution=lambda y, mu, values, _: log_t_tail((mu.value - y) / values[0], values[1]),
        log_survivor=lambda y, mu, values, _: log_t_tail((y - mu.value) / values[0], values[1]),
        y=(1.5, -4.0),
        values=((2.0, 5.0), (0.01, 1.0), (1.0, 60.0)),
        scipy=lambda mu, values, _: stats.t(values[1], mu, values[0]),
    ),
    "gamma": Case(
        FAMILIES["gamma"],
        log_gamma_density,
        log_distribution=lambda y, mu, values, _: log_gamma_tail(y, mu, values, False),
        log_survivor=lambda y, mu, values, _: log_gamma_tail(y, mu, values, True),
        y=(1.5, 0.01, 40.0),
        values=((0.8,), (0.03,), (6.0,)),
        far={"inverse": POSITIVE, "identity": POSITIVE},
        scipy=lambda mu, values, _: stats.gamma(values[0] ** -2, scale=mu * values[0] ** 2),
    ),
    "beta": Case(
        FAMILIES["beta"],
        log_beta_density,
        y=(0.3, 1e-9, 0.999),
        values=((10.0,), (0.1,), (1e4,)),
        scipy=lambda mu, values, _: stats.beta(mu * values[0], (1 - mu) * values[0]),
    ),
    "exponential": survival_case(
        FAMILIES["exponential"],
        "cloglog",
        lambda z: z - mp.exp(z),
        lambda log_y, eta, values: (eta + log_y, mp.mpf(1)),
        ((),),
        lambda mu, *_: stats.expon(scale=1 / mu),
    ),
    "exponential time": survival_case(
        Exponential(metric="time"),
        "cloglog",
        lambda z: z - mp.exp(z),
        lambda log_y, eta, values: (log_y - eta, mp.mpf(1)),
        ((),),
        lambda mu, *_: stats.expon(scale=mu),
    ),
    "weibull": survival_case(
        FAMILIES["weibull"],
        "cloglog",
        lambda z: z - mp.exp(z),
        lambda log_y, eta, values: (eta + values[0] * log_y, values[0]),
        ((1.3,), (0.2,)),
        lambda mu, values, _: stats.weibull_min(values[0], scale=mu ** (-1 / values[0])),
    ),
    "weibull time": survival_case(
        Weibull(metric="time"),
        "cloglog",
        lambda z: z - mp.exp(z),
        lambda log_y, eta, values: (values[0] * (log_y - eta), values[0]),
        ((0.9,), (0.2,)),
        lambda mu, values, _: stats.weibull_min(values[0], scale=mu),
    ),
    "lognormal": survival_case(
        FAMILIES["lognormal"],
        "probit",
        lambda z: -(z**2) / 2 - mp.log(2 * mp.pi) / 2,
        lambda log_y, eta, values: ((log_y - eta) / values[0], 1 / values[0]),
        ((0.4,), (0.03,)),
        lambda mu, values, _: stats.lognorm(values[0], scale=mu),
    ),
    "loglogistic": survival_case(
        FAMILIES["loglogistic"],
        "logit",
        lambda z: LINKS["logit"].log(z) + LINKS["logit"].log_complement(z),
        lambda log_y, eta, values: ((log_y - eta) / values[0], 1 / values[0]),
        ((0.15,), (0.6,)),
        lambda mu, values, _: stats.fisk(1 / values[0], scale=mu),
    ),
}
