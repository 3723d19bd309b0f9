"""Metrics of survival families: what a coefficient is the logarithm of."""

from typing import Literal

METRICS: dict[str, str] = {"hazard": "Hazard ratio", "time": "Time ratio"}
"""What exp(coefficient) is called in each."""


def check_metric(metric: Literal["hazard", "time"]) -> Literal["hazard", "time"]:
    """The metric, if there is one of that name.

    Raises
    ------
    ValueError
    """
    if metric not in METRICS:
        raise ValueError(
            f'There is no metric {metric!r}: give "hazard" (log hazard ratios) or "time" (log time ratios).'
        )
    return metric
