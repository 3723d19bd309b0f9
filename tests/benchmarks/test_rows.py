"""The benchmarks: their scripts are there, and the table says what was met."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import BEGIN, END, HERE, line, write
from benchmarks.data import binary, counts, insteval, simulated
from benchmarks.rows import ROWS, Row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_script_exists(row):
    assert "bayesml" in row.scripts
    assert [script for script in row.scripts.values() if not (HERE / "scripts" / script).exists()] == []
    assert row.against == "" or row.against in row.scripts


def test_data():
    table = simulated(rows=1000, groups=10)
    assert table.shape == (1000, 3)
    assert table["g"].nunique() == 10
    assert len(insteval()) == 73421
    assert set(binary(rows=200, groups=10)["y"]) == {0, 1}
    assert counts(rows=1000, outer=10, inner=3).groupby(["a", "b"]).ngroups == 30


def test_a_script_reports_its_numbers():
    root = Path(HERE).parent
    done = subprocess.run(
        [sys.executable, HERE / "scripts" / "import_bayesml.py"],
        cwd=root, env={"PYTHONPATH": str(root)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert '"seconds"' in done.stdout.splitlines()[-1]


SECONDS = Row("a", "work", "1 s", 1.0, {"bayesml": ""})
GENERAL = Row("c", "work", "1 s", 1.0, {"bayesml": ""}, loglik=-10.0, arrays=5.0)
RATIO = Row("b", "work", "5 × faster than other", 5.0, {"bayesml": ""}, against="other")


@pytest.mark.parametrize(
    ("row", "results", "met"),
    [
        (SECONDS, {"bayesml": {"seconds": 0.5}}, "yes"),
        (SECONDS, {"bayesml": {"seconds": 1.5}}, "no"),
        (SECONDS, {"bayesml": {"seconds": 0.5, "extra_over_data": 3.0}}, "no"),
        (GENERAL, {"bayesml": {"seconds": 0.5, "loglik": -10.00005, "arrays_of_rows": 4.0}}, "yes"),
        (GENERAL, {"bayesml": {"seconds": 0.5, "loglik": -10.001, "arrays_of_rows": 4.0}}, "no"),
        (GENERAL, {"bayesml": {"seconds": 0.5, "loglik": -10.0, "arrays_of_rows": 6.0}}, "no"),
        (RATIO, {"bayesml": {"seconds": 1.0}, "other": {"seconds": 6.0}}, "yes"),
        (RATIO, {"bayesml": {"seconds": 1.0}, "other": {"seconds": 4.0}}, "no"),
        (RATIO, {"bayesml": {"seconds": 1.0}}, "not measured"),
    ],
)
def test_budgets(row, results, met):
    assert line(row, results).split("|")[4].strip() == met


def test_only_the_marked_part_of_a_page_is_replaced(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write(page, "new")
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
