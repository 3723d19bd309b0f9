"""Reading of tables whose columns are described beside them.

Each data set is a text table and a JSON file with what it is about, its source and its columns:
numbers, integers, and factors with the order of their levels.
"""

import json
from difflib import get_close_matches
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import pandas as pd

from bayesml.errors import ColumnNotFound

DATA = files("bayesml.datasets") / "data"


def names() -> list[str]:
    """Names of the data sets that `load` knows, in alphabetical order."""
    return sorted(entry.name.removesuffix(".json") for entry in DATA.iterdir() if entry.name.endswith(".json"))


def load(name: str) -> pd.DataFrame:
    """Return a data set as a DataFrame; factors are categorical columns with their levels in order.

    Parameters
    ----------
    name : str
        One of `names()`; `describe` tells what it holds and where it comes from.

    Returns
    -------
    pandas.DataFrame
        One row an observation. A fresh copy each time.

    Raises
    ------
    ColumnNotFound
        There is no data set of this name; its nearest neighbours are named.

    Examples
    --------
    >>> from bayesml import datasets
    >>> datasets.load("sleepstudy").head(2)
       Reaction  Days Subject
    0  249.5600     0     308
    1  258.7047     1     308
    """
    described = _description(name)
    return read(DATA / described["file"], described["columns"])


def describe(name: str) -> str:
    """Return what a data set is about, its source, and its columns, as text.

    Parameters
    ----------
    name : str
        One of `names()`.

    Returns
    -------
    str
        Several lines.
    """
    described = _description(name)
    columns = [
        f"  {column}: {kind['type']}" + (f" with {kind['n_levels']} levels" if kind["type"] == "factor" else "")
        for column, kind in described["columns"].items()
    ]
    return "\n".join(
        [described["about"], f"Source: {described['source']}", f"{described['rows']} rows; columns:", *columns]
    )


def read(path: Traversable, columns: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Read a text table with the types that a description gives to its columns.

    Parameters
    ----------
    path : path
        A comma separated table, gzipped where the name ends in `.gz`.
    columns : dict of str to dict
        For each column its `type` (`number`, `integer` or `factor`) and, for a factor, its `levels` in
        order. Without them the levels are sorted, as numbers where they all are.

    Returns
    -------
    pandas.DataFrame
        float64, int64 and categorical columns.
    """
    kinds = {"number": "float64", "integer": "int64", "factor": "str"}
    types = {column: kinds[described["type"]] for column, described in columns.items()}
    with path.open("rb") as stream:
        compression = "gzip" if path.name.endswith(".gz") else None
        # Only an empty field is missing: "NA" may be a level.
        table = pd.read_csv(stream, dtype=types, compression=compression, keep_default_na=False, na_values=[""])
    for column, described in columns.items():
        if described["type"] == "factor":
            levels = described.get("levels") or sorted(table[column].dropna().unique(), key=_number_or_text)
            table[column] = pd.Categorical(table[column], categories=levels)
    return table


def _description(name: str) -> dict[str, Any]:
    known = names()
    if name not in known:
        near = get_close_matches(name, known, n=3) or known
        raise ColumnNotFound(f"there is no data set {name!r}; there is {', '.join(near)}")
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def _number_or_text(level: str) -> tuple[float, str]:
    return (float(level), level) if level.isdecimal() else (float("inf"), level)
