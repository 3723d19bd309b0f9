"""The demo: the table, the hypothesis and the plots of the README."""

import re

from typer.testing import CliRunner

from bayesml.cli.main import app


def test_demo_prints_the_table_and_writes_the_plots(tmp_path):
    result = CliRunner().invoke(app, ["demo", "--directory", str(tmp_path / "plots")])
    assert result.exit_code == 0, result.output
    rows = [line for line in result.output.splitlines() if line.startswith("Days ")]
    assert len(rows) == 1
    assert rows[0].split()[1].startswith("10.467")
    assert "sd(Days | Subject)" in result.output
    assert re.search(r"P\(Days > 8\) = 0\.9\d+", result.output)
    for name in ("subjects.png", "ranef.png"):
        path = tmp_path / "plots" / name
        assert str(path) in result.output.replace("\n", "")
        assert path.read_bytes().startswith(b"\x89PNG")
