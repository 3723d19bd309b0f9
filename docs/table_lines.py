"""The code in the tables of a page, and how it is run: by the page itself and by a test."""

import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

import bayesml as bml

SHORT = {"draws": 300, "tune": 300, "random_seed": 1, "progressbar": False}
"""What sampling in a table does where its line does not say: mapping a command needs no long chains."""


def setup(page: str | os.PathLike[str]) -> str:
    """The first code cell of a page: names that its tables use."""
    cells = re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```", Path(page).read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return re.sub(r"^:[^\n]*\n", "", cells[0], flags=re.MULTILINE)


def table_lines(page: str | os.PathLike[str]) -> list[str]:
    """Every piece of code in the second column of the tables of a page, in order."""
    text = re.sub(r"^```.*?^```", "", Path(page).read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    rows = [re.split(r"(?<!\\)\|", row)[1:-1] for row in text.splitlines() if row.startswith("|")]
    return [code.replace("\\|", "|") for row in rows for code in re.findall(r"`([^`]+)`", row[1])]


@contextmanager
def short_sampling() -> Iterator[None]:
    """Sampling takes `SHORT` for its defaults."""
    whole = bml.sample
    bml.sample = partial(whole, **SHORT)
    try:
        yield
    finally:
        bml.sample = whole


def run_line(line: str, names: dict[str, Any]) -> None:
    """Run a line with names, quietly; figures are closed."""
    with short_sampling(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(line, names)
    plt.close("all")


def run_page(page: str | os.PathLike[str]) -> int:
    """Run all lines of a page in one namespace and a folder of their own; how many there were."""
    lines, names = table_lines(page), {}
    exec(setup(page), names)
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        for line in lines:
            run_line(line, names)
    return len(lines)
