"""Summaries of draws in the columns of the verbs."""

import numpy as np
import pandas as pd

from bayesml.errors import SpecificationError


def summarise_draws(draws: np.ndarray, ci_prob: float) -> pd.DataFrame:
    """`estimate se lower upper` of draws (draws, quantities): median, sd and equal-tailed limits."""
    if not 0 < ci_prob < 1:
        raise SpecificationError(
            f"`ci_prob={ci_prob}`: give the content of the interval, a number between 0 and 1, such as 0.95."
        )
    middle, lower, upper = np.quantile(draws, [0.5, (1 - ci_prob) / 2, (1 + ci_prob) / 2], axis=0)
    return pd.DataFrame({"estimate": middle, "se": draws.std(axis=0, ddof=1), "lower": lower, "upper": upper})
