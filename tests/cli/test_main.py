"""The console script."""

import json
import subprocess
import sys

from typer.testing import CliRunner

from bayesml.cli.main import app
from bayesml.version import __version__


def test_version():
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.output.strip() == f"bayesml-multilevel {__version__}"


def test_start_loads_nothing_heavy():
    code = "import bayesml.cli.main, sys, json; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "numba", "pytensor", "pymc", "matplotlib"} & set(json.loads(done.stdout))


def test_unknown_command_is_refused():
    assert CliRunner().invoke(app, ["frobnicate"]).exit_code != 0
