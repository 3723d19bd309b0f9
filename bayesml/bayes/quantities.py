"""`quantities`: what the draws say of parameters, and of arithmetic over them and over predictions."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from bayesml.bayes.statement_draws import ReadStatement, read_statement
from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.results import diagnostics
from bayesml.results.bayesian import BayesianResult
from bayesml.results.posterior_summary import highest_density, interval_tails
from bayesml.results.selection import select
from bayesml.syntax.statement import Address, Comparison, Logical

Quantities = str | Sequence[str] | None


def quantities(
    result: BayesianResult, wanted: Quantities = None, ci_prob: float = 0.95, kind: Literal["eti", "hdi"] = "eti"
) -> pd.DataFrame:
    """Posterior means, medians, sds and intervals of parameters, and of arithmetic over them.

    Parameters
    ----------
    result : BayesianResult
    wanted : str or sequence of str, optional
        Addresses, groups and patterns (``"sd(Subject)"``, ``"b(Days | Subject[33?])"``, ``"~sigma"``), and arithmetic
        over addresses and predictions: ``"exp(Days)"``, ``"sd(Days | Subject) / sigma"``, ``"mean(Days=9) -
        mean(Days=0)"``. Default: all parameters but the random effects.
    ci_prob : float, default 0.95
        Content of the intervals.
    kind : {"eti", "hdi"}
        Equal-tailed intervals, or those of highest density.

    Returns
    -------
    DataFrame
        Columns `mean median sd lower upper mcse rhat ess_bulk ess_tail`, indexed by the quantities; `mcse` is the
        Monte-Carlo standard error of the mean. NaN for `rhat` and sizes of what does not vary.

    Raises
    ------
    FormulaError
        A text is no arithmetic; the place is marked.
    ColumnNotFound
        It names a parameter or column that does not exist.
    SpecificationError
        The result is no posterior; a comparison, which is true or false; an interval of another kind or content.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> bml.quantities(post, ["Days", "mean(Days=9) - mean(Days=0)"])["median"].round().tolist()
    [10.0, 94.0]
    """
    if not isinstance(result, BayesianResult):
        raise SpecificationError(
            "Quantities are summarised over the draws of a posterior: sample the model with `bml.sample`. Of a fit, "
            "`fit.parameters` holds the estimates."
        )
    tails = interval_tails(ci_prob)
    if kind not in ("eti", "hdi"):
        raise SpecificationError(f'`kind="{kind}"`: intervals are "eti" (equal-tailed) or "hdi" (highest density).')
    rows = {}
    for text, values in quantity_draws(result, wanted).items():
        lower, upper = np.quantile(values, tails) if kind == "eti" else highest_density(values, ci_prob)
        rows[text] = {
            "mean": values.mean(),
            "median": np.median(values),
            "sd": values.std(ddof=1),
            "lower": lower,
            "upper": upper,
            "mcse": float(diagnostics.mcse_of_mean(values)),
            "rhat": float(diagnostics.rhat(values)),
            "ess_bulk": float(diagnostics.ess(values)),
            "ess_tail": float(diagnostics.ess(values, "tail")),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("quantity")


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
    found = quantities_of(result, wanted)
    return {text: np.broadcast_to(read.values(result), result.posterior.shape) for text, read in found.items()}
