"""`hypothesis`: the posterior probability of a statement about parameters."""

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayesml.design.addresses import effect_address, parameter_addresses
from bayesml.errors import SpecificationError
from bayesml.results.bayesian import BayesianResult
from bayesml.results.diagnostics import mcse_of_mean
from bayesml.results.posterior import effect_bytes
from bayesml.syntax.statement import (
    Address,
    Binary,
    Comparison,
    Function,
    Logical,
    Number,
    Statement,
    addresses_in,
    parse_statement,
)

PRIOR_DRAWS = 100_000
PRIOR_BYTES = 200_000_000
PRIOR_STREAM = 4

Draws = Callable[[str], np.ndarray]

ARITHMETIC: dict[str, Any] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": np.divide, "^": np.power,
}  # fmt: skip
FUNCTIONS: dict[str, Any] = {"exp": np.exp, "log": np.log, "sqrt": np.sqrt, "abs": np.abs, "-": operator.neg}
COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True, eq=False, repr=False)
class Hypothesis:
    """How probable a statement is, after and before the data.

    Parameters
    ----------
    result : BayesianResult
    text : str
        As it was given.
    statement : Comparison or Logical
    probability : float
        Share of the posterior draws for which it holds.
    mcse : float
        Monte-Carlo standard error of `probability`, from the effective number of draws of the event. Where all
        draws agree, that of one more draw that does not.

    Attributes
    ----------
    odds : float
        probability / (1 - probability); infinite where it held for all draws.
    prior_probability : float or None
        The same share of draws from the priors; None where the prior of a parameter in it is improper.
    """

    result: BayesianResult
    text: str
    statement: Statement
    probability: float
    mcse: float

    def __float__(self) -> float:
        return self.probability

    @property
    def odds(self) -> float:
        """Posterior odds."""
        return self.probability / (1.0 - self.probability) if self.probability < 1.0 else np.inf

    @cached_property
    def prior_probability(self) -> float | None:
        """Probability under the priors with the numbers that were sampled with."""
        effects = any(self.result.address(text).kind == "effect" for text in addresses_in(self.statement))
        draws = PRIOR_DRAWS
        if effects:
            draws = max(1000, min(draws, PRIOR_BYTES // effect_bytes(self.result.design, 1)))
        prior = self.result.prior_draws(draws, [self.result.posterior.seed, PRIOR_STREAM], effects)
        if any(np.isnan(prior.draws(text)).any() for text in addresses_in(self.statement)):
            return None
        return float(np.mean(evaluate(self.statement, prior.draws)))

    def __str__(self) -> str:
        decimals = int(np.clip(-np.floor(np.log10(self.mcse)), 2, 8))
        return f"P({self.text}) = {self.probability:.{decimals}f} ± {self.mcse:.{decimals}f}"

    __repr__ = __str__


def hypothesis(result: BayesianResult, text: str) -> Hypothesis:
    """Posterior probability of a statement about parameters.

    Parameters
    ----------
    result : BayesianResult
        From `sample`.
    text : str
        Comparisons of arithmetic over addresses, in chains, joined by `and`, `or`, `not`: ``"Days > 8"``,
        ``"8 < Days < 12"``, ``"sd(Days | Subject) > sd(Intercept | Subject) / 10"``,
        ``"b(Days | Subject[308]) > 0"``, ``"Days > 8 and Intercept < 260"``. Functions: exp, log, sqrt, abs. Text never
        runs as code.

    Returns
    -------
    Hypothesis
        With `probability`, `mcse`, `odds`, `prior_probability`; `float()` of it is the probability.

    Raises
    ------
    FormulaError
        The text is no statement; the place is marked.
    ColumnNotFound
        It names a parameter that the model does not have.
    SpecificationError
        The result is no posterior, or the statement asks for equality, whose probability is zero.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> bool(bml.hypothesis(post, "Days > 0").probability > 0.99)
    True
    """
    if not isinstance(result, BayesianResult):
        raise SpecificationError(
            "A hypothesis has a probability given a posterior: sample the model with `bml.sample`. Of a fit, "
            "`bml.wald_test` and `bml.lrtest` give tests."
        )
    statement = parse_statement(text, known_addresses(result, text))
    if not isinstance(statement, Comparison | Logical):
        raise SpecificationError(f"`{text}` is a quantity; compare it with something, as in `{text} > 0`.")
    holds = evaluate(statement, result.draws)
    probability = float(np.mean(holds))
    return Hypothesis(result, " ".join(text.split()), statement, probability, monte_carlo_error(holds))


def known_addresses(result: BayesianResult, text: str) -> list[str]:
    """Addresses of the parameters, and of the random effects where the text might name one."""
    known = [address.text for address in parameter_addresses(result.design, result.ancillary)]
    if "b(" in text.replace(" ", ""):
        known += [
            effect_address(term, i, level)
            for term in result.design.random
            for i in range(len(term.names))
            for level in range(len(term.levels))
        ]
    return known


def evaluate(statement: Statement, draws: Draws) -> np.ndarray:
    """Values of a statement at each draw: numbers of arithmetic, true or false of comparisons."""
    match statement:
        case Number(value):
            return np.asarray(value)
        case Address(address):
            return draws(address)
        case Function(name, argument):
            with np.errstate(invalid="ignore", divide="ignore"):
                return FUNCTIONS[name](evaluate(argument, draws))
        case Binary(sign, left, right):
            with np.errstate(invalid="ignore", divide="ignore"):
                return ARITHMETIC[sign](evaluate(left, draws), evaluate(right, draws))
        case Comparison(signs, operands):
            values = [evaluate(operand, draws) for operand in operands]
            pairs = zip(signs, values[:-1], values[1:], strict=True)
            return functools.reduce(np.logical_and, [compare(sign, left, right) for sign, left, right in pairs])
        case Logical("not", (part,)):
            return np.logical_not(evaluate(part, draws))
        case Logical(word, parts):
            join = np.logical_and if word == "and" else np.logical_or
            return functools.reduce(join, [evaluate(part, draws) for part in parts])
    raise AssertionError(statement)


def compare(sign: str, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """A comparison at each draw."""
    if sign not in COMPARISONS:
        raise SpecificationError(
            f"`{sign}` asks for equality, which has probability zero (or one) of a continuous quantity: give a range, "
            "as in `9.5 < Days < 10.5`."
        )
    return COMPARISONS[sign](left, right)


def monte_carlo_error(holds: np.ndarray) -> float:
    """Standard error of the mean of an event over the draws (chain, draw)."""
    if holds.ndim < 2:
        return 0.0
    if holds.all() or not holds.any():
        share = 1.0 / (holds.size + 2)
        return float(np.sqrt(share * (1 - share) / holds.size))
    return float(mcse_of_mean(holds.astype(float)))
