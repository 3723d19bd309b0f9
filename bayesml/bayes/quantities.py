"""Quantities of a model as texts: addresses, groups, patterns, or arithmetic over them and over predictions."""

from collections.abc import Sequence

import numpy as np

from bayesml.bayes.statement_draws import ReadStatement, read_statement
from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.results.bayesian import BayesianResult
from bayesml.results.selection import select
from bayesml.syntax.statement import Address, Comparison, Logical

Quantities = str | Sequence[str] | None


def quantities_of(result: BayesianResult, wanted: Quantities = None) -> dict[str, ReadStatement]:
    """What is asked for, each once, in the order asked for, by its text.

    Parameters
    ----------
    result : BayesianResult
        Of the model; its draws are not looked at.
    wanted : str or sequence of str, optional
        Whatever `results.selection.select` takes (addresses, `sd(Subject)`, `b(Days | Subject[33?])`, `~sigma`), and
        arithmetic over addresses and predictions: ``"sd(Days | Subject) / sigma"``, ``"mean(Days=9) - mean(Days=0)"``.
        Default: all parameters but the random effects.

    Raises
    ------
    FormulaError
        A text is no arithmetic; the place is marked.
    ColumnNotFound
        It names a parameter or column that does not exist.
    SpecificationError
        It is a comparison, which is true or false, or nothing is left.
    """
    texts = [wanted] if isinstance(wanted, str) else wanted
    if texts is None:
        return addresses(result, None)
    found: dict[str, ReadStatement] = {}
    for place, text in enumerate(texts):
        if isinstance(text, str) and text.startswith("~"):
            gone = addresses(result, text[1:])
            kept = found if place else addresses(result, None)
            found = {own: read for own, read in kept.items() if own not in gone}
        else:
            found |= meant(result, text)
    if not found:
        raise SpecificationError("No quantity was asked for: give addresses or patterns, or leave them out for all.")
    return found


def addresses(result: BayesianResult, wanted: str | None) -> dict[str, ReadStatement]:
    """Parameters by address, group or pattern."""
    chosen = select(result, wanted)
    return {own.text: ReadStatement(own.text, Address(own.text), {}, own.kind == "effect") for own in chosen}


def meant(result: BayesianResult, text: str) -> dict[str, ReadStatement]:
    """What one text means."""
    try:
        return addresses(result, text)
    except ColumnNotFound:
        read = read_statement(result, text)
    if isinstance(read.statement, Comparison | Logical):
        raise SpecificationError(
            f"`{text}` is true or false; a quantity is a number, as in `Days - 8`. The probability of a statement is "
            "given by `bml.hypothesis`."
        )
    return {read.text: read}


def quantity_draws(result: BayesianResult, wanted: Quantities = None) -> dict[str, np.ndarray]:
    """Draws (chain, draw) of each quantity, by its text; arguments and errors are those of `quantities_of`."""
    return {text: read.values(result) for text, read in quantities_of(result, wanted).items()}
