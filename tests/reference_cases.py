"""The reference cases of `tests/reference`: which they are, their data, and how R's names become addresses."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayesml.datasets import read
from bayesml.families import FAMILIES

REFERENCE = Path(__file__).parent / "reference"

DATASETS = (
    "sleepstudy", "dyestuff", "dyestuff2", "penicillin", "oats", "machines", "productivity", "exam", "chickweight",
    "egsingle", "ratpup", "insteval", "gasoline", "sitka", "ovary", "bodyweight", "males",
)  # fmt: skip

POINTS = {"kidney": 80, "males": 40, "verbagg": 22}
"""Points from which the log likelihood of models that were fitted "by quadrature" is the same to 1e-9 of itself."""

OUTCOME_DATASETS = (
    "cbpp", "verbagg", "epil", "mmmec", "salamanders", "wine", "kidney", "males", "gasoline", "chickweight",
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


def outcome_cases() -> tuple[Case, ...]:
    """Fits of every outcome that is not gaussian or not fully observed; without zero inflation."""
    return tuple(
        case
        for dataset in OUTCOME_DATASETS
        for case in cases(dataset)
        if case.model["family"] != "gaussian" and case.model.get("zero_inflation", "none") == "none"
    )


def family_of(model: dict[str, Any]) -> dict[str, Any]:
    """Options `family` and `link` of a case; the metric of survival models is an option of the family."""
    name, link = model["family"], model.get("link")
    metric = {"hazard (PH)": "hazard", "log time (AFT)": "time"}.get(model.get("metric", ""))
    match name:
        case "ordinal (cumulative)":
            return {"family": "cumulative", "link": link}
        case "multinomial":
            return {"family": "categorical"}
        case "gaussian, censored":
            return {"family": "gaussian"}
        case "exponential" | "weibull":
            return {"family": type(FAMILIES[name])(metric=metric)}
        case "lognormal" | "loglogistic" | "gamma":
            return {"family": name}
    return {"family": name, "link": link}


def specification(case: Case) -> tuple[str, dict[str, Any]]:
    """Formula and options of `bml.fit`."""
    model = case.model
    formula, options = model["formula_lme4"], family_of(model)
    if model["family"] == "multinomial":
        random = {"independent, one per equation": "(1 | id)", "unstructured 2x2": "(1 |p| id)"}
        formula = formula.split(",")[0] + " + " + random.get(model["covariance"], "shared(1 | id)")
    left, _, right = formula.partition(" ~ ")
    if "lower_column" in model:
        left = f"interval{left}"
    elif "upper_limit" in model:
        limits = [f"{end}={model[f'{end}_limit']}" for end in ("lower", "upper") if f"{end}_limit" in model]
        left = f"tobit({', '.join([left, *limits])})"
    if model["method"].startswith("AGHQ"):
        options |= {"integration": "aghq", "points": int(model["method"][5:-1])}
    elif model["method"] == "ML by quadrature":
        options |= {"integration": "aghq", "points": POINTS[case.dataset]}
    return f"{left} ~ {right}", options


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
