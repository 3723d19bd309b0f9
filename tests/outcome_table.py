"""One small table with a response for every family, two columns and a grouping factor."""

from functools import cache

import numpy as np
import pandas as pd

RESPONSES = {
    "gaussian": "z", "student_t": "z", "bernoulli": "b", "binomial": "cbind(k, 5 - k)", "poisson": "k",
    "negative_binomial": "k", "gamma": "t", "beta": "u", "exponential": "t", "weibull": "t", "lognormal": "t",
    "loglogistic": "t", "cumulative": "o", "categorical": "o",
}  # fmt: skip
"""Left sides of formulas by family."""


@cache
def outcome_table() -> pd.DataFrame:
    """Ninety rows: columns x, f, groups g, and the responses."""
    rng, n = np.random.default_rng(3), 90
    codes = rng.integers(0, 3, n)
    return pd.DataFrame({
        "x": rng.normal(5, 2, n), "g": np.arange(n) % 9, "f": rng.choice(list("pqr"), n), "z": rng.normal(10, 3, n),
        "b": rng.integers(0, 2, n), "k": rng.integers(0, 6, n), "t": rng.gamma(2.0, 3.0, n), "u": rng.beta(2, 3, n),
        "o": pd.Categorical.from_codes(codes, ["low", "mid", "high"], ordered=True),
    })  # fmt: skip
