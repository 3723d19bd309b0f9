"""The lines of the tables for users of R's Bayesian packages run, in order, in one namespace."""

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "bayes-r-users.md"
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


def test_every_package_has_lines():
    text = PAGE.read_text(encoding="utf-8")
    functions = "brm stan_lmer posterior_predict pp_check mcmc_trace loo bridge_sampler rope spread_draws emmeans icc"
    assert {
        name for name in [*functions.split(), "powerscale_sensitivity", "compute_SBC"] if f"`{name}(" not in text
    } == set()
