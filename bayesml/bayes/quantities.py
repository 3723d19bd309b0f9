"""Quantities of a model as texts: addresses, groups, patterns, or arithmetic over them."""

from collections.abc import Sequence

import numpy as np

from bayesml.bayes.hypothesis import evaluate
from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.results.base import Result
from bayesml.results.bayesian import BayesianResult
from bayesml.results.selection import select
from bayesml.syntax.statement import Address, Comparison, Logical, Statement, parse_statement

Quantities = str | Sequence[str] | None


def quantity_statements(result: Result, wanted: Quantities = None) -> dict[str, Statement]:
    """What is asked for, each once, in the order asked for: from the text of each quantity to its tree.

    Parameters
    ----------
    result : Result
    wanted : str or sequence of str, optional
        Whatever `results.selection.select` takes (addresses, `sd(Subject)`, `b(Days | Subject[33?])`, `~sigma`), and
        arithmetic over addresses: ``"sd(Days | Subject) / sigma"``. Default: all parameters but the random effects.

    Raises
    ------
    FormulaError
        A text is no arithmetic; the place is marked.
    ColumnNotFound
        It names a parameter that does not exist.
    SpecificationError
        It is a comparison, which is true or false, or nothing is left.
    """
    texts = [wanted] if isinstance(wanted, str) else wanted
    if texts is None:
        return addresses(result, None)
    found: dict[str, Statement] = {}
    for place, text in enumerate(texts):
        if isinstance(text, str) and text.startswith("~"):
            gone = addresses(result, text[1:])
            found = {
                own: tree for own, tree in (found if place else addresses(result, None)).items() if own not in gone
            }
        else:
            found |= meant(result, text)
    if not found:
        raise SpecificationError("No quantity was asked for: give addresses or patterns, or leave them out for all.")
    return found


def addresses(result: Result, wanted: str | None) -> dict[str, Statement]:
    """Parameters by address, group or pattern, as trees."""
    return {address.text: Address(address.text) for address in select(result, wanted)}


def meant(result: Result, text: str) -> dict[str, Statement]:
    """What one text means."""
    try:
        return addresses(result, text)
    except ColumnNotFound:
        known = [address.text for address in select(result, effects="b(" in text)]
        statement = parse_statement(text, known)
    if isinstance(statement, Comparison | Logical):
        raise SpecificationError(
            f"`{text}` is true or false; a quantity is a number, as in `Days - 8`. The probability of a statement is "
            "given by `bml.hypothesis`."
        )
    return {" ".join(text.split()): statement}


def quantity_draws(result: BayesianResult, wanted: Quantities = None) -> dict[str, np.ndarray]:
    """Draws (chain, draw) of each quantity, by its text; arguments and errors are those of `quantity_statements`."""
    return {text: drawn(result, tree) for text, tree in quantity_statements(result, wanted).items()}


def drawn(result: BayesianResult, statement: Statement) -> np.ndarray:
    """Draws (chain, draw) of one quantity."""
    return np.broadcast_to(evaluate(statement, result.draws), result.posterior.shape)
