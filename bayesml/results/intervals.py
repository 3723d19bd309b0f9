"""Intervals of estimates on the scale where a normal approximation is best."""

from typing import Literal

import numpy as np
from scipy.special import ndtri

from bayesml.errors import SpecificationError

Scale = Literal["identity", "log", "atanh", "logit", "loglog"]


def normal_quantile(ci_prob: float) -> float:
    """z with P(|N(0, 1)| < z) = ci_prob."""
    if not 0 < ci_prob < 1:
        raise SpecificationError(
            f"`ci_prob={ci_prob}`: give the content of the interval, a number between 0 and 1, such as 0.95."
        )
    return float(ndtri(0.5 + ci_prob / 2))


def interval(
    estimate: np.ndarray | float, se: np.ndarray | float, ci_prob: float, scale: Scale = "identity"
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper limits g⁻¹(g(estimate) ± z g'(estimate) se); NaN where the estimate is on the boundary of g."""
    z = normal_quantile(ci_prob)
    x, se = np.asarray(estimate, float), np.asarray(se, float)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        match scale:
            case "identity":
                return x - z * se, x + z * se
            case "log":
                return x * np.exp(-z * se / x), x * np.exp(z * se / x)
            case "atanh":
                step = z * se / (1 - x**2)
                return np.tanh(np.arctanh(x) - step), np.tanh(np.arctanh(x) + step)
            case "logit":
                step = z * se / (x * (1 - x))
                odds = x / (1 - x)
                return odds * np.exp(-step) / (1 + odds * np.exp(-step)), odds * np.exp(step) / (
                    1 + odds * np.exp(step)
                )
            case "loglog":  # of survivor functions: symmetric for the log of the cumulative hazard, -log x
                step = -z * se / (x * np.log(x))
                return np.exp(np.log(x) * np.exp(step)), np.exp(np.log(x) * np.exp(-step))
