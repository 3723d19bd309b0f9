"""Points and intervals of parameters and random effects, of posteriors and of fits alike."""

from collections.abc import Sequence

import numpy as np

from bayesml.design.addresses import Address
from bayesml.results.base import Result
from bayesml.results.bayesian import BayesianResult
from bayesml.results.intervals import normal_quantile
from bayesml.results.posterior import flat_draws
from bayesml.results.posterior_summary import interval_tails
from bayesml.results.sections import percent

INNER = 0.5
"""Content of the thick part of an interval."""


def address_intervals(result: Result, addresses: Sequence[Address], ci_prob: float) -> np.ndarray:
    """Point, limits, and limits of the inner half of each parameter, (n, 5).

    Medians and equal-tailed quantiles of draws; of fits estimates and the limits of `interval_frame`, of their random
    effects ``± z sd``; without inner limits, which are NaN.
    """
    out = np.full((len(addresses), 5), np.nan)
    if isinstance(result, BayesianResult):
        probabilities = [0.5, *interval_tails(ci_prob), *interval_tails(INNER)]
        for row, address in zip(out, addresses, strict=True):
            if address.kind == "effect" and not result.effects_fit:
                row[:3] = normal_interval(result, address, ci_prob)
            else:
                row[:] = np.quantile(result.draws(address.text), probabilities)
        return out
    frame = result.interval_frame(ci_prob)
    for row, address in zip(out, addresses, strict=True):
        if address.kind == "effect":
            row[:3] = normal_interval(result, address, ci_prob)
        else:
            row[:3] = frame.loc[address.text, ["estimate", "lower", "upper"]]
    return out


def normal_interval(result: Result, address: Address, ci_prob: float) -> tuple[float, float, float]:
    """A random effect and its limits ``± z sd``."""
    place = address.level, address.column
    value = float(result.effect_arrays()[address.term][place])
    half = normal_quantile(ci_prob) * float(result.effect_sds()[address.term][place])
    return value, value - half, value + half


def term_intervals(result: Result, term: int, ci_prob: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points and both limits of all random effects of a term, (J, q) each.

    Medians and equal-tailed quantiles where there are draws; else the modes or medians ``± z sd``.
    """
    centre = result.effect_arrays()[term]
    if isinstance(result, BayesianResult) and result.effects_fit:
        lower, upper = np.quantile(flat_draws(result.effects[term]), interval_tails(ci_prob), axis=0)
        return centre, lower, upper
    half = normal_quantile(ci_prob) * result.effect_sds()[term]
    return centre, centre - half, centre + half


def interval_words(results: Sequence[Result], ci_prob: float) -> str:
    """What points and lines are: `posterior medians with 95% credible intervals`."""
    words: dict[str, None] = {}
    for result in results:
        estimate, _, interval = result.column_titles
        words[f"{estimate}s with {percent(ci_prob)} {interval}s"] = None
    return ", ".join(words)
