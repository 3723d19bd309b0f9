"""Measure the rows, print them as a table, and write them into the documentation.

    uv run --group benchmarks python -m benchmarks                 # everything
    uv run --group benchmarks python -m benchmarks insteval nuts   # some rows
    uv run --group benchmarks python -m benchmarks --write         # all, into docs/benchmarks.md and README.md

Each measurement is a script in a process of its own, one after the other, with one BLAS thread.
A program that is not installed is left out.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.rows import ROWS, Row

HERE = Path(__file__).parent
PAGE, README = HERE.parent / "docs" / "benchmarks.md", HERE.parent / "README.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
MODULES = {
    "bayesml": "bayesml",
    "joint graph, nutpie": "nutpie",
    "joint graph by hand, nutpie": "nutpie",
    "Bambi": "bambi",
}
LONGEST = 900
"""Seconds after which a peer is given up."""
LOGLIK_TOLERANCE = 1e-4


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(row.name for row in ROWS)}; all when none is named")
    parser.add_argument("--ours-only", action="store_true", help="leave the other programs out")
    parser.add_argument(
        "--write", action="store_true", help=f"replace the marked parts of {PAGE.name} and {README.name}"
    )
    options = parser.parse_args()
    if options.write and (options.rows or options.ours_only):
        parser.error("--write records all rows and programs; name none")
    chosen = [row for row in ROWS if not options.rows or row.name in options.rows]
    lines = [
        "| work | budget | bayesml | met | other programs (times ours) |",
        "| --- | --- | --- | --- | --- |",
    ]
    print("\n".join(lines))
    ours: dict[str, str] = {}
    for row in chosen:
        results = {
            program: result
            for program, script in row.scripts.items()
            if (program == "bayesml" or not options.ours_only) and (result := measure(row, program, script))
        }
        if row.short and "bayesml" in results:
            ours[row.short] = shown(results["bayesml"][row.quantity], row)
        lines.append(line(row, results))
        print(lines[-1], flush=True)
    print("\n" + machine())
    if options.write:
        write(PAGE, "\n".join([machine(), "", *lines]))
        short = [f"| {' | '.join(cells)} |" for cells in (ours, ["---"] * len(ours), ours.values())]
        write(README, "\n".join([*short, "", machine()]))


def measure(row: Row, program: str, script: str) -> dict[str, float] | None:
    """Return what the best of the script's runs reported; None where the program is not there."""
    path = HERE / "scripts" / script
    command = [shutil.which("Rscript"), str(path)] if path.suffix == ".R" else [sys.executable, str(path)]
    if None in command or not installed(program):
        return None
    # One run is not counted: it fills the caches and the pages of the operating system.
    warm_up = 0 if row.cold else int(row.name.startswith("first") or row.name == "import")
    runs = [run(command, row.cold) for _ in range(row.repeats + warm_up)][warm_up:]
    finished = [result for result in runs if result]
    if not finished:
        return None
    pick = max if row.quantity == "ess_per_second" else min
    return pick(finished, key=lambda result: result[row.quantity])


def run(command: list[str], cold: bool) -> dict[str, float] | None:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment |= ONE_THREAD | {"PYTHONPATH": str(HERE.parent)}
    with tempfile.TemporaryDirectory() as caches:
        if cold:
            environment |= {
                "NUMBA_CACHE_DIR": f"{caches}/numba",
                "PYTENSOR_FLAGS": f"base_compiledir={caches}/pytensor",
                "XDG_CACHE_HOME": f"{caches}/cache",
            }
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST
            )
        except subprocess.TimeoutExpired:
            print(f"  {Path(command[1]).name}: given up after {LONGEST} s", file=sys.stderr)
            return None
    if done.returncode:
        print(f"  {Path(command[1]).name}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def installed(program: str) -> bool:
    if program == "lme4":
        probe = subprocess.run(["Rscript", "-e", "library(lme4)"], capture_output=True, check=False)
        return probe.returncode == 0
    try:
        version("bayesml-multilevel" if program == "bayesml" else MODULES.get(program, program).lower())
    except PackageNotFoundError:
        return program == "bayesml"
    return True


def line(row: Row, results: dict[str, dict[str, float]]) -> str:
    """One line of the table."""
    ours = results.get("bayesml")
    if ours is None:
        return f"| {row.work} | {row.budget} | failed | no | |"
    value = ours[row.quantity]
    better = {
        program: result[row.quantity] / value if row.quantity == "seconds" else value / result[row.quantity]
        for program, result in results.items()
        if program != "bayesml"
    }
    if row.against:
        met = "yes" if better.get(row.against, 0) >= row.limit else "no" if row.against in better else "not measured"
    else:
        met = "yes" if value <= row.limit else "no"
    if "extra_over_data" in ours and ours["extra_over_data"] > 2:
        met = "no"
    if row.arrays is not None and ours["arrays_of_rows"] > row.arrays:
        met = "no"
    if row.loglik is not None and ours["loglik"] < row.loglik - LOGLIK_TOLERANCE:
        met = "no"
    others = [
        f"{p} {shown(r[row.quantity], row)} ({better[p]:.3g} ×){also(r, row)}"
        for p, r in results.items()
        if p != "bayesml"
    ]
    return f"| {row.work} | {row.budget} | {shown(value, row)}{also(ours, row)} | {met} | {', '.join(others)} |"


def also(result: dict[str, float], row: Row) -> str:
    """What a row shows beside the time."""
    notes = []
    if row.loglik is not None and "loglik" in result:
        notes.append(f"log likelihood {result['loglik']:.4f}".replace("-", "−"))
    if "tenth" in result:
        notes.append(f"{shown(result['tenth'], row)} for a tenth of the rows")
    if "extra_over_data" in result:
        notes.append(f"memory {result['extra_over_data']:.2g} × data")
    if "arrays_of_rows" in result:
        notes.append(f"memory {result['arrays_of_rows']:.2g} arrays of the rows")
    return "".join(f"; {note}" for note in notes)


def shown(value: float, row: Row) -> str:
    if row.quantity == "ess_per_second":
        return (f"{value:,.0f}/s" if value >= 100 else f"{value:.3g}/s").replace(",", " ")
    return f"{1000 * value:.2g} ms" if value < 0.1 else f"{value:.3g} s"


def machine() -> str:
    """What it was measured on."""
    cpu = Path("/proc/cpuinfo")
    names = (
        [x.split(":")[1].strip() for x in cpu.read_text().splitlines() if x.startswith("model name")]
        if (cpu.exists())
        else [platform.processor()]
    )
    programs = []
    for name in ("numpy", "numba", "pymc", "nutpie", "mixedlm", "statsmodels", "gpboost", "bambi"):
        try:
            programs.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return (
        f"Measured on {date.today():%Y-%m-%d}: {names[0]}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, {', '.join(programs)}."
    )


def write(path: Path, text: str) -> None:
    """Replace the marked part of a page."""
    page = path.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    _, tail = rest.split(END)
    path.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
