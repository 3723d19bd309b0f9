"""From linear predictors to the scale of the response: parameters of the family, means, variances."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayesml.design.arrays import Design


def family_parameters(
    model: Any,
    categories: tuple[str, ...],
    etas: Sequence[Any],
    values: Sequence[Any],
    scale: Any = None,
    trials: Any = None,
) -> dict[str, Any]:
    """Parameters that the functions of a family read, in NumPy.

    Parameters
    ----------
    model : Model
    categories : tuple of str
        Of the design.
    etas : sequence of ndarray
        One a linear predictor, all of one shape.
    values : sequence
        Natural values of the ancillary parameters; without the scale where each row's is known.
    scale : ndarray, optional
        Factor of the scale parameter: w**-0.5, or a known sd.
    trials : ndarray, optional
    """
    given = [1.0, *values] if model.response.fixes_scale else list(values)
    return model.family.at(model.link, list(etas), given, np, categories, scale, trials)


def row_scale(design: Design) -> np.ndarray | None:
    """Factor of the scale parameter in each row (n,); None where all are one."""
    if design.known_sd is not None:
        return design.known_sd
    return None if design.weights is None else design.weights**-0.5


def trials_of(design: Design) -> np.ndarray | None:
    """Number of trials of each row (n,); None where there are none."""
    return design.response.get("trials")


def proportions(design: Design, values: np.ndarray) -> np.ndarray:
    """Numbers on the scale of the response on that of its mean: successes as part of their trials."""
    trials = trials_of(design)
    return values if trials is None else values / trials


def split_predictors(design: Design, eta: np.ndarray) -> list[np.ndarray]:
    """Linear predictors (n,) or (n, K) as a list of K arrays (n,)."""
    count = len(design.predictors)
    return list(eta.reshape(len(eta), count).T)


def category_frame(design: Design, values: np.ndarray) -> pd.DataFrame:
    """An array (n, C) as rows × categories, on the index of the data."""
    return pd.DataFrame(values, index=design.index, columns=pd.Index(design.categories, name=design.response_name))


def indicators(design: Design) -> np.ndarray:
    """Whether each row is of each category, 0 or 1, (n, C)."""
    return (design.y[:, None] == np.arange(len(design.categories))).astype(float)
