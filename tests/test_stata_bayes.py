"""The lines of the tables for users of Stata's bayes commands run, in order, in one namespace."""

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "stata-bayes.md"
sys.path.insert(0, str(DOCS))

from table_lines import run_line, setup, table_lines  # noqa: E402


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    found: dict = {}
    exec(setup(PAGE), found)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("lines"))
        yield found


@pytest.mark.parametrize("line", table_lines(PAGE))
def test_line_runs(line, names):
    run_line(line, names)


def test_every_command_has_a_line():
    left = [row.split("|")[1] for row in PAGE.read_text(encoding="utf-8").splitlines() if row.startswith("| `")]
    wanted = {
        "bayes: ": "mixed meglm",
        "bayes: me": "logit probit cloglog ologit oprobit poisson nbreg tobit intreg streg",
        "bayesgraph ": "diagnostics trace ac histogram kdensity cusum matrix",
        "bayesstats ": "ess grubin ic ppvalues summary",
        "bayestest ": "interval model",
        "bayespredict {": "_ysim _mu _resid",
        "": "bayesreps bayesselect bayesmh estimates menl",
    }
    commands = {prefix + name for prefix, names in wanted.items() for name in names.split()}
    assert {command for command in commands if not any(command in row for row in left)} == set()
