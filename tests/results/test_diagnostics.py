"""R-hat, effective sizes and the verdict on a run."""

import subprocess
import sys

import numpy as np
import pytest
from arviz_stats.base import array_stats
from numpy.testing import assert_allclose

from bayesml.results import diagnostics
from bayesml.results.diagnostics import SamplerStatus


def test_numbers_are_those_of_arviz(rng):
    draws = np.cumsum(rng.normal(size=(4, 300, 2, 3)), axis=1) * 0.1 + rng.normal(size=(4, 300, 2, 3))
    for i, j in np.ndindex(2, 3):
        one = draws[:, :, i, j]
        assert_allclose(diagnostics.rhat(draws)[i, j], array_stats.rhat(one))
        assert_allclose(diagnostics.ess(draws)[i, j], array_stats.ess(one))
        assert_allclose(diagnostics.ess(draws, "tail")[i, j], array_stats.ess(one, method="tail", prob=(0.05, 0.95)))
        assert_allclose(diagnostics.mcse_of_mean(draws)[i, j], array_stats.mcse(one), rtol=1e-6)
    assert_allclose(diagnostics.bfmi(draws[:, :, 0, 0]), array_stats.bfmi(draws[:, :, 0, 0]), rtol=0.01)


def test_what_does_not_vary_has_no_diagnostics():
    constant = np.ones((2, 50))
    assert np.isnan(diagnostics.rhat(constant))
    assert np.isnan(diagnostics.ess(constant))
    assert diagnostics.mcse_of_mean(constant) == 0.0


def test_quick_look_sees_chains_apart_and_chains_that_drift(rng):
    mixed = rng.normal(size=(4, 500, 3))
    apart, drifting = mixed.copy(), mixed.copy()
    apart[0, :, 1] += 1.0
    drifting[..., 2] += np.linspace(0, 1.5, 500)
    assert not diagnostics.looks_unmixed(mixed)
    assert diagnostics.looks_unmixed(apart)
    assert diagnostics.looks_unmixed(drifting)


GOOD = {
    "rhat": 1.001, "worst": "Days", "ess_bulk": 2000.0, "ess_tail": 1500.0,
    "divergences": 0, "bfmi": 0.9, "chains": 4, "draws": 1000,
}  # fmt: skip


def test_a_good_run_has_no_advice():
    status = SamplerStatus(**GOOD)
    assert status.converged
    assert status.advice == ""


@pytest.mark.parametrize(
    ("change", "problem", "advice"),
    [
        ({"rhat": 1.2}, "R-hat 1.200 of Days is above 1.01", "raise tune"),
        ({"ess_tail": 300.0}, "effective sample size 300 is below 400", "raise draws"),
        ({"divergences": 3}, "3 divergences", "target_accept"),
        ({"bfmi": 0.1}, "E-BFMI 0.10 is below 0.3", "tighter priors"),
        ({"complete": False}, "interrupted", "sample again"),
    ],
)
def test_each_problem_is_named_with_what_to_do(change, problem, advice):
    status = SamplerStatus(**GOOD | change)
    assert not status.converged
    assert problem in status.advice
    assert advice in status.advice
    assert status.advice in str(status)


def test_arviz_is_loaded_when_a_number_is_asked_for():
    code = (
        "import sys, bayesml.estimators.nuts; from bayesml.results import diagnostics as d; import numpy as np;"
        "assert 'arviz_stats' not in sys.modules and 'scipy.stats' not in sys.modules;"
        "d.looks_unmixed(np.random.rand(2, 50, 1)); assert 'arviz_stats' not in sys.modules;"
        "d.rhat(np.random.rand(2, 50)); assert 'arviz_stats' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
