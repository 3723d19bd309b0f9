"""Data of the benchmarks: the real ones of the tests, and a simulated table of any size."""

from pathlib import Path

import numpy as np
import pandas as pd

from bayesml.datasets import load, read

INSTEVAL = Path(__file__).parents[1] / "tests" / "reference" / "insteval" / "data.csv.gz"


def sleepstudy() -> pd.DataFrame:
    """180 rows of 18 subjects."""
    return load("sleepstudy")


def insteval() -> pd.DataFrame:
    """73 421 ratings of 1 128 lecturers by 2 972 students in 14 departments."""
    columns = {"s": "factor", "d": "factor", "service": "factor", "dept": "factor", "y": "integer"}
    return read(INSTEVAL, {name: {"type": kind} for name, kind in columns.items()})[list(columns)]


def simulated(rows: int = 1_000_000, groups: int = 10_000, seed: int = 1) -> pd.DataFrame:
    """Rows with a random intercept and slope by group, group labels as integers."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, rows)
    x = rng.normal(size=rows)
    b = rng.normal(size=(groups, 2)) @ np.array([[1.0, 0.3], [0.0, 0.5]])
    y = 2.0 + 0.5 * x + b[group, 0] + b[group, 1] * x + rng.normal(size=rows)
    return pd.DataFrame({"y": y, "x": x, "g": group})
