"""Statements read for a model, and their values at draws of it."""

import functools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesml.bayes.prediction_at import PredictionAt, prediction_at
from bayesml.design.addresses import effect_address, parameter_addresses, spellings
from bayesml.errors import SpecificationError
from bayesml.results.bayesian import BayesianResult
from bayesml.results.diagnostics import ess, mcse_of_mean
from bayesml.syntax.statement import (
    Address,
    Binary,
    Comparison,
    Function,
    Logical,
    Number,
    Prediction,
    Statement,
    addresses_in,
    parse_statement,
    predictions_in,
)

Leaf = Address | Prediction
Draws = Callable[[Leaf], np.ndarray]

ARITHMETIC: dict[str, Any] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": np.divide, "^": np.power,
}  # fmt: skip
FUNCTIONS: dict[str, Any] = {"exp": np.exp, "log": np.log, "sqrt": np.sqrt, "abs": np.abs, "-": operator.neg}
COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True, eq=False)
class ReadStatement:
    """A statement whose addresses and predictions belong to a model.

    Parameters
    ----------
    text : str
        As it was given, on one line.
    statement : Statement
    predictions : dict of Prediction to PredictionAt
    effects : bool
        Whether random effects are in it.
    """

    text: str
    statement: Statement
    predictions: Mapping[Prediction, PredictionAt]
    effects: bool

    def leaves(self, result: BayesianResult) -> Draws:
        """Values of addresses and predictions at the draws of a result of the same model, (chain, draw)."""

        @functools.cache
        def draws(leaf: Leaf) -> np.ndarray:
            if isinstance(leaf, Prediction):
                return self.predictions[leaf].draws(result)
            return result.draws(leaf.address)

        return draws

    def values(self, result: BayesianResult, part: Statement | None = None) -> np.ndarray:
        """Values of the statement, or of a part of it, at the draws of a result."""
        found = evaluate(self.statement if part is None else part, self.leaves(result))
        return np.broadcast_to(found, result.posterior.shape)

    def of(self, statement: Statement) -> "ReadStatement":
        """Another statement about the same addresses and predictions."""
        return replace(self, text=str(statement), statement=statement)

    @property
    def told(self) -> tuple[str, ...]:
        """What predictions were made at, a line each."""
        lines = []
        for prediction, at in self.predictions.items():
            rest = [*at.held]
            if self.random_parts:
                rest.append(f"random effects of {', '.join(at.levels)}" if at.levels else "random effects 0")
            if rest:
                lines.append(f"{prediction}: at {', '.join(rest)}.")
        return tuple(lines)

    @property
    def random_parts(self) -> bool:
        """Whether a prediction could have random effects."""
        return any(at.has_groups for at in self.predictions.values())

    @property
    def leaf_list(self) -> tuple[Leaf, ...]:
        """Addresses and predictions in it."""
        return (*map(Address, addresses_in(self.statement)), *self.predictions)


def read_statement(result: BayesianResult, text: str) -> ReadStatement:
    """A text as a statement about a model.

    Raises
    ------
    SpecificationError, FormulaError, ColumnNotFound
        It is no text, or no statement, or names something that the model does not have.
    """
    if not isinstance(text, str):
        raise SpecificationError(f"A hypothesis is a text such as {'Days > 8'!r}, not {text!r}.")
    found = parameter_addresses(result.design, result.ancillary)
    others = {spelling: address.text for address in found for spelling in spellings(address, result.design)}
    statement = parse_statement(text, known_addresses(result, text), others)
    source = " ".join(text.splitlines()).replace("\t", " ")
    predictions = {wanted: prediction_at(result, wanted, source) for wanted in predictions_in(statement)}
    effects = any(result.address(address).kind == "effect" for address in addresses_in(statement))
    conditional = any(at.conditional for at in predictions.values())
    return ReadStatement(" ".join(text.split()), statement, predictions, effects or conditional)


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
        case Address() | Prediction():
            return draws(statement)
        case Function(name, argument):
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                return FUNCTIONS[name](evaluate(argument, draws))
        case Binary(sign, left, right):
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                return ARITHMETIC[sign](evaluate(left, draws), evaluate(right, draws))
        case Comparison(signs, operands):
            values = [evaluate(operand, draws) for operand in operands]
            pairs = zip(signs, values[:-1], values[1:], strict=True)
            return functools.reduce(np.logical_and, [COMPARISONS[sign](left, right) for sign, left, right in pairs])
        case Logical("not", (part,)):
            return np.logical_not(evaluate(part, draws))
        case Logical(word, parts):
            join = np.logical_and if word == "and" else np.logical_or
            return functools.reduce(join, [evaluate(part, draws) for part in parts])
    raise AssertionError(statement)


def effective_draws(result: BayesianResult, leaves: tuple[Leaf, ...], draws: Draws) -> float:
    """Smallest effective number of draws of what a statement is about."""
    sizes = [float(ess(draws(leaf), "mean")) for leaf in leaves]
    known = [size for size in sizes if np.isfinite(size)]
    return min(known, default=float(result.posterior.sigma.size))


def error_of_share(holds: np.ndarray, effective: float) -> float:
    """Monte-Carlo standard error of the share of draws in which an event holds.

    Parameters
    ----------
    holds : ndarray of bool (chain, draw)
    effective : float
        Effective number of draws, for an event of which all draws say the same: its error is that of a share of one in
        so many draws and two.
    """
    if holds.all() or not holds.any():
        share = 1.0 / (effective + 2.0)
        return float(np.sqrt(share * (1 - share) / effective))
    return float(mcse_of_mean(holds.astype(float)))
