"""The package loads late: what its import costs."""

import json
import subprocess
import sys


def run(code: str) -> str:
    """Output of a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_loads_no_heavy_library():
    loaded = set(json.loads(run("import bayesml, sys, json; print(json.dumps(list(sys.modules)))")))
    assert not loaded & {"numpy", "scipy", "pandas", "numba", "pytensor", "pymc", "arviz", "matplotlib", "xarray"}
    assert {name for name in loaded if name.startswith("bayesml")} == {"bayesml", "bayesml.version"}


def test_import_takes_less_than_a_twentieth_of_a_second():
    code = "import time; t = time.perf_counter(); import bayesml; print(time.perf_counter() - t)"
    assert min(float(run(code)) for _ in range(3)) < 0.05


def test_a_fit_loads_no_plotting_library_and_no_sampler():
    code = """
import bayesml as bml, sys, json
fit = bml.fit("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))
str(fit), fit.ranef, fit.varcorr
print(json.dumps(list(sys.modules)))
"""
    loaded = set(json.loads(run(code)))
    assert not loaded & {"matplotlib", "arviz", "arviz_base", "arviz_plots", "pymc", "pytensor", "nutpie", "formulaic"}


def test_a_fit_of_counts_loads_no_plotting_library_and_no_sampler():
    code = """
import bayesml as bml, sys, json, warnings
warnings.simplefilter("ignore")
fit = bml.fit("y ~ lbase + (1 | subject)", bml.datasets.load("epil"), family="poisson")
str(fit), fit.ranef, fit.varcorr
print(json.dumps(list(sys.modules)))
"""
    loaded = set(json.loads(run(code)))
    assert "pytensor" in loaded
    assert not loaded & {"matplotlib", "arviz", "arviz_base", "arviz_plots", "pymc", "nutpie", "scipy.optimize"}
