"""Summaries of draws in the columns of the verbs."""

import numpy as np
import pandas as pd

from bayesml.results.posterior_summary import interval_tails


def summarise_draws(draws: np.ndarray, ci_prob: float) -> pd.DataFrame:
    """`estimate se lower upper` of draws (draws, quantities): median, sd and equal-tailed limits."""
    middle, lower, upper = np.quantile(draws, [0.5, *interval_tails(ci_prob)], axis=0)
    return pd.DataFrame({"estimate": middle, "se": draws.std(axis=0, ddof=1), "lower": lower, "upper": upper})
