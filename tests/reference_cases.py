"""The reference cases of `tests/reference`: which they are, their data, and how R's names become addresses."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayesml.datasets import read

REFERENCE = Path(__file__).parent / "reference"

DATASETS = (
    "sleepstudy", "dyestuff", "dyestuff2", "penicillin", "oats", "machines", "productivity", "exam", "chickweight",
    "egsingle", "ratpup", "insteval", "gasoline", "sitka", "ovary", "bodyweight", "males",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A fitted model of another program: `expected[key]` within `rtol[key]`, or exactly where that is absent."""

    id: str
    dataset: str
    model: dict[str, Any]
    expected: dict[str, Any]
    rtol: dict[str, float]

    @property
    def criterion(self) -> str:
        return self.model["method"].lower()

    @property
    def formula(self) -> str:
        return self.model["formula_lme4"]

    @property
    def table(self) -> pd.DataFrame:
        rows = self.model.get("drop_rows_1based", [])
        return load(self.dataset).drop(index=[row - 1 for row in rows])


@cache
def load(dataset: str) -> pd.DataFrame:
    folder = REFERENCE / dataset
    described = json.loads((folder / "columns.json").read_text(encoding="utf-8"))
    return read(folder / described["file"], described["columns"])


@cache
def cases(dataset: str) -> tuple[Case, ...]:
    """All cases of a data set."""
    found = json.loads((REFERENCE / dataset / "cases.json").read_text(encoding="utf-8"))
    return tuple(Case(c["id"], dataset, c["model"], c["expected"], c["rtol"]) for c in found)


def linear_cases() -> tuple[Case, ...]:
    """Fits of a gaussian response with independent residuals of one variance."""
    return tuple(
        case
        for dataset in DATASETS
        for case in cases(dataset)
        if case.model["family"] == "gaussian"
        and case.model.get("residual", "iid") == "iid"
        and "loglik" in case.expected
    )


def case_named(case_id: str) -> Case:
    """One case by its name, which begins with its data set."""
    return next(c for c in cases(case_id.split("_")[0]) if c.id == case_id)


def address(r_name: str, table: pd.DataFrame) -> str:
    """R's name of a column of X or Z as an address: `treatozone:Time` -> `treat[ozone]:Time`."""
    if r_name == "(Intercept)":
        return "Intercept"
    return ":".join(_factor_address(part, table) for part in r_name.split(":"))


def _factor_address(part: str, table: pd.DataFrame) -> str:
    if part in table:
        return part
    for column in table.columns:
        level = part.removeprefix(column)
        if level != part and level in getattr(table[column], "cat", pd.Series().astype("category").cat).categories:
            return f"{column}[{level}]"
    raise AssertionError(f"{part} is not a column, nor a level of a factor")


def reverse(r_interaction: str) -> str:
    """lme4's name of the grouping factor of `(1 | a/b)`, `b:a`, or of a level of it, in the order of the formula."""
    return ":".join(reversed(r_interaction.split(":")))


def close(ours: object, theirs: object, rtol: float) -> bool:
    """Compare as the README of the references says: relative to an entry or to the largest entry of its array."""
    x, ref = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    assert x.shape == ref.shape, f"shapes {x.shape} and {ref.shape}"
    scale = np.abs(ref).max() if ref.size > 1 else 1e-8
    return bool(np.all(np.abs(x - ref) <= rtol * np.maximum(np.abs(ref), scale)))
