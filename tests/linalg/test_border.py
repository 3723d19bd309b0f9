"""Loops and LAPACK give the same numbers on borders too large for the dense reference."""

import numpy as np
import pytest

from bayesml.linalg import border, gaussian
from bayesml.linalg.gaussian import GaussianSystem
from tests.dense import near
from tests.linalg.structures import design, term

ROOTS = {
    "inside": np.array([[0.9, 0.0], [-0.4, 0.6]]),
    "rank one": np.array([[0.9, 0.0], [-0.4, 0.0]]),
    "one sd zero": np.array([[0.9, 0.0], [0.0, 0.0]]),
    "zero": np.zeros((2, 2)),
    "nearly singular": np.array([[0.9, 0.0], [-0.4, 1e-5]]),
    "small": np.array([[1e-7, 0.0], [1e-8, 1e-7]]),
}


def both_ways(monkeypatch, system, roots, integrated):
    out = []
    for up_to in (10**9, 1):
        monkeypatch.setattr(gaussian, "LOOPS_UP_TO", up_to)
        out.append(system.evaluate(roots, integrated))
    return out


@pytest.mark.parametrize("integrated", [False, True], ids=["ml", "reml"])
@pytest.mark.parametrize("edge", ROOTS)
def test_loops_and_lapack_agree(edge, integrated, monkeypatch, rng):
    n = 900
    terms = [
        term("g", rng.integers(0, 120, n), [None]),
        term("h", rng.integers(0, 55, n), [None, rng.normal(size=n)]),
        term("k", rng.integers(0, 9, n), [rng.normal(size=n)]),
    ]
    system = GaussianSystem.of(design(rng.normal(size=n), [None, rng.normal(size=n)], terms))
    assert system.layout.size == 110 + 9 + 3 > border.LOOPS_UP_TO
    roots = [np.array([[1.1]]), ROOTS[edge], np.array([[0.3]])]
    loops, lapack = both_ways(monkeypatch, system, roots, integrated)
    limit = system.layout.border + (2 if integrated else 0)
    near([lapack.logdet_u, lapack.logdet_x, lapack.r2], [loops.logdet_u, loops.logdet_x, loops.r2], 1e-9)
    near(lapack.solution, loops.solution, 1e-11)
    near(lapack.modes, loops.modes, 1e-11)
    near(lapack.C[:limit, :limit], loops.C[:limit, :limit], 1e-11)
    near(np.tril(lapack.H), np.tril(loops.H), 1e-9)
    for name in "DE":
        for found, expected in zip(getattr(lapack, name), getattr(loops, name), strict=True):
            near(found, expected, 1e-9 * np.abs(np.diag(expected)).max())


def test_an_indefinite_border_is_not_a_number(monkeypatch, rng):
    """Roots that overflow are answered with NaN, which a search steps back from; nothing is raised."""
    n = 400
    terms = [term("g", rng.integers(0, 60, n), [None]), term("h", rng.integers(0, 40, n), [None])]
    system = GaussianSystem.of(design(rng.normal(size=n), [None], terms))
    with np.errstate(all="ignore"):
        for e in both_ways(monkeypatch, system, [np.array([[1e200]]), np.array([[1e200]])], True):
            assert not np.isfinite(e.logdet_u + e.logdet_x + e.r2)
