"""The shipped data sets: what is read is what the description says."""

import json
from pathlib import Path

import pandas as pd
import pytest

from bayesml import datasets
from bayesml.datasets.reading import DATA
from bayesml.errors import ColumnNotFound

REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.mark.parametrize("name", datasets.names())
def test_table_is_as_described(name):
    described = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    table = datasets.load(name)
    assert len(table) == described["rows"]
    assert list(table) == list(described["columns"])
    assert {*table.columns[table.isna().any()]} == {c for c, kind in described["columns"].items() if "missing" in kind}
    for column, kind in described["columns"].items():
        if kind["type"] == "factor":
            assert isinstance(table[column].dtype, pd.CategoricalDtype)
            assert len(table[column].cat.categories) == kind["n_levels"]
            assert list(table[column].cat.categories) == kind.get("levels", list(table[column].cat.categories))
        else:
            assert table[column].dtype == {"number": "float64", "integer": "int64"}[kind["type"]]


@pytest.mark.parametrize("name", sorted({*datasets.names()} & {folder.name for folder in REFERENCE.iterdir()}))
def test_same_table_as_the_references(name):
    assert (DATA / f"{name}.csv").read_bytes() == (REFERENCE / name / "data.csv").read_bytes()


def test_levels_that_look_like_numbers_keep_their_order():
    chicks = datasets.load("chickweight")["Chick"].cat.categories
    assert list(chicks[:3]) == ["1", "2", "3"]
    assert datasets.load("sleepstudy")["Subject"].cat.categories[0] == "308"


def test_loaded_tables_are_fresh():
    changed = datasets.load("dyestuff")
    changed["Yield"] = 0
    assert datasets.load("dyestuff")["Yield"].mean() == pytest.approx(1527.5)


def test_description_names_the_source():
    text = datasets.describe("eight_schools")
    assert "Rubin (1981)" in text
    assert "school: factor with 8 levels" in text


def test_unknown_name_is_told_its_neighbours():
    with pytest.raises(ColumnNotFound, match="sleepstudy"):
        datasets.load("sleep_study")
