"""Laplace's log likelihood and its gradient over generated models of every family, link, response and structure."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from tests import dense_glmm
from tests.dense_glmm import FIRST, STEPS
from tests.estimators.outcome_models import (
    EDGES,
    SEVERAL,
    STRUCTURES,
    Combination,
    Instance,
    combinations,
    few_combinations,
    instance,
)

STEP = 1e-3


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    """Some of these densities change fast: the oracle's differences are taken close by."""
    monkeypatch.setattr(dense_glmm, "H", 0.01)


def generated() -> list:
    """Every combination on every structure, at one edge each; those whose parts others have too are slow."""
    few = few_combinations()
    out = []
    for i, own in enumerate(combinations()):
        for j, structure in enumerate(SEVERAL if own.several else STRUCTURES):
            edge, seed = EDGES[(i + j) % len(EDGES)], 1000 * i + j
            marks = [] if own in few else [pytest.mark.slow]
            out.append(pytest.param(own, structure, edge, seed, id=f"{own.name}-{structure}-{edge}", marks=marks))
    return out


def test_there_are_many():
    quick = [parameters for parameters in generated() if not parameters.marks]
    assert len(quick) >= 200
    assert {parameters.values[2] for parameters in quick} == set(EDGES)


@pytest.mark.parametrize(("combination", "structure", "edge", "seed"), generated())
def test_value_and_gradient(combination: Combination, structure: str, edge: str, seed: int):
    model = instance(combination, structure, edge, seed)
    local = model.objective(model.roots, model.extra)
    if unique_mode(model):
        dense = model.dense.laplace()
        assert abs(local.value - dense) < 1e-9 * (1.0 + abs(dense))
    gradient = np.concatenate([root_gradient(model, local), local.extra])
    differences = central_differences(model)
    assert np.abs(gradient - differences).max() < 1e-5 * np.abs(differences).max()


def unique_mode(model: Instance) -> bool:
    """Whether the oracle found the same mode: densities that are not log concave may have several; ours is no lower."""
    dense, rows = model.dense, np.arange(len(model.dense.fixed))
    other = dense.mode(dense.fixed, rows, dense.effects(rows, dense.factors))[0]
    system = model.objective.system
    ours = system.mode(system.assembled(model.roots), *model.objective.unpack(model.extra)).penalised
    assert ours > other - 1e-8 * (1.0 + abs(other))
    return ours < other + 1e-6 * (1.0 + abs(other))


def root_gradient(model: Instance, local) -> np.ndarray:
    """Derivatives in all entries of the square roots; where one is zero, in G along the identity."""
    parts = []
    for root, slope, own in zip(model.roots, local.slopes, local.root_slopes, strict=True):
        parts.append((2.0 * slope @ root + own).ravel() if root.any() else [np.trace(slope)])
    return np.concatenate(parts)


def central_differences(model: Instance) -> np.ndarray:
    """The same by differences of order eight, of values alone."""
    objective = model.objective

    def value(roots, extra):
        beta, phi = objective.unpack(extra)
        return objective.system.mode(objective.system.assembled(roots), beta, phi).value

    def along(change):
        return FIRST @ [change(STEP * s) for s in STEPS] / STEP

    out = []
    for k, root in enumerate(model.roots):

        def with_root(new, k=k):
            return value([*model.roots[:k], new, *model.roots[k + 1 :]], model.extra)

        if not root.any():
            # l is even in a root at zero: l(h I) - l(0) = h² tr(dl/dG) + …
            h = np.array([2e-3, 4e-3, 6e-3])
            rises = np.array([with_root(step * np.eye(len(root))) - with_root(root) for step in h]) / h**2
            out.append(np.linalg.solve(np.vander(h**2, 3, increasing=True), rises)[0])
            continue
        for place in np.ndindex(root.shape):
            unit = np.zeros_like(root)
            unit[place] = 1.0
            out.append(along(lambda t, unit=unit, root=root, with_root=with_root: with_root(root + t * unit)))
    for i in range(len(model.extra)):
        unit = np.eye(len(model.extra))[i]
        out.append(along(lambda t, unit=unit: value(model.roots, model.extra + t * unit)))
    return np.array(out)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("edge", ["inside", "rank one", "large"])
def test_is_exact_where_the_outcome_is_normal(structure, edge):
    normal = next(iter(combinations()))
    assert normal.family.name == "gaussian"
    model = instance(normal, structure, edge, seed=6)
    local, dense = model.objective(model.roots, model.extra), model.dense
    design = model.graph.design
    assert design.frequencies is None
    (sigma,) = model.objective.ancillaries.natural(model.objective.unpack(model.extra)[1])
    V = sigma**2 * np.eye(design.n)
    for factor in dense.factors:
        scaled = factor.scaled[:, 0]
        V += (scaled @ scaled.T) * (factor.codes[:, None] == factor.codes)
    exact = multivariate_normal.logpdf(design.y, dense.fixed[:, 0], V)
    assert abs(local.value - exact) < 1e-9 * (1.0 + abs(exact))
