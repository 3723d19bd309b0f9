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


def verbagg() -> pd.DataFrame:
    """7 584 answers of 316 persons to 24 items, 0 or 1 in `r2n`."""
    return load("verbagg")


def cbpp() -> pd.DataFrame:
    """56 counts of 15 herds."""
    return load("cbpp")


def binary(rows: int = 100_000, groups: int = 5_000, seed: int = 1) -> pd.DataFrame:
    """Zeros and ones with a random intercept and slope by group."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, rows)
    x = rng.normal(size=rows)
    b = rng.normal(size=(groups, 2)) @ np.array([[1.0, 0.3], [0.0, 0.5]])
    eta = -0.5 + 0.5 * x + b[group, 0] + b[group, 1] * x
    return pd.DataFrame({"y": (rng.random(rows) < 1.0 / (1.0 + np.exp(-eta))).astype(np.int64), "x": x, "g": group})


def counts(rows: int = 1_000_000, outer: int = 1_000, inner: int = 20, seed: int = 1) -> pd.DataFrame:
    """Counts in groups within groups, each outer group with as many inner ones."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, outer, rows), rng.integers(0, inner, rows)
    x = rng.normal(size=rows)
    effects = 0.5 * rng.normal(size=outer)[a] + 0.4 * rng.normal(size=(outer, inner))[a, b]
    return pd.DataFrame({"y": rng.poisson(np.exp(0.5 + 0.3 * x + effects)), "x": x, "a": a, "b": b})
