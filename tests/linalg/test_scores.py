"""Scores by independent group: each is the gradient of that group's own density, and they sum to the gradient."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings

from bayesml.errors import RefusedTest
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.linalg.marginal import marginal_density
from bayesml.linalg.scores import scores
from tests.dense import Dense, as_floats, near
from tests.linalg.structures import Case, cases, compact


def rows_of(case: Case, rows: np.ndarray):
    """The design of some rows, with the levels that occur in them."""
    design = case.design

    def take(column):
        return None if column is None else column[rows]

    random = tuple(
        replace(
            t,
            codes=compact(t.codes[rows]),
            levels=t.levels[np.unique(t.codes[rows])],
            columns=tuple(map(take, t.columns)),
        )
        for t in design.random
    )
    return replace(
        design, y=design.y[rows], fixed_columns=tuple(map(take, design.fixed_columns)), random=random,
        weights=take(design.weights), known_sd=take(design.known_sd), offset=take(design.offset),
        index=design.index[rows], rows=design.rows[rows],
    )  # fmt: skip


@given(cases(moderate=True))
@settings(max_examples=60)
def test_each_is_the_gradient_of_its_own_rows(case):
    system = GaussianSystem.of(case.design)
    assume(system.layout.chain and not system.layout.border)
    p = len(case.design.coefficients)
    beta = case.rng.normal(size=p) * case.design.y.std()
    found = scores(system, case.design, case.roots, case.sigma, beta)
    top = system.layout.factors[system.layout.chain - 1]
    for j in range(top.levels):
        own = Dense(rows_of(case, np.flatnonzero(top.codes == j))).at(
            case.G, case.sigma, given=np.ones(p, bool), beta=beta
        )
        scale = as_floats(own.slope_beta)
        near(found.beta[j], scale, 1e-8 * np.abs(scale).max(initial=0.0))
        near(found.sigma[j], own.slope_sigma, 1e-8 * (abs(float(own.slope_sigma)) + len(top.codes) / case.sigma))
        for k in range(len(case.design.random)):
            near(found.covariances[k][j], own.slope(k), 1e-8 * own.slope_scale(k) + own.rounding(k))


@given(cases(moderate=True))
@settings(max_examples=60)
def test_they_sum_to_the_gradient(case):
    system = GaussianSystem.of(case.design)
    assume(system.layout.chain and not system.layout.border)
    p = len(case.design.coefficients)
    beta = case.rng.normal(size=p) * case.design.y.std()
    found = scores(system, case.design, case.roots, case.sigma, beta)
    nothing = np.zeros(p)
    _, by_root, by_sigma, by_beta = marginal_density(
        case.lam, case.sigma, beta, np.ones(p, np.int64), nothing, nothing, *system.arrays()
    )
    near(found.beta.sum(0), by_beta, 1e-8 * np.abs(found.beta).sum(0))
    near(found.sigma.sum(), by_sigma, 1e-8 * (np.abs(found.sigma).sum() + system.n / case.sigma))
    at = 0
    for root, by_group in zip(case.roots, found.covariances, strict=True):
        expected = by_root[at : at + root.size].reshape(root.shape)
        sizes = np.abs(by_group).sum(0) @ np.abs(root)
        near(2.0 * by_group.sum(0) @ root, expected, 1e-8 * (sizes + np.abs(expected).max()))
        at += root.size


@given(cases())
@settings(max_examples=20)
def test_crossed_groups_have_none(case):
    system = GaussianSystem.of(case.design)
    assume(system.layout.border)
    with pytest.raises(RefusedTest, match="nested"):
        scores(system, case.design, case.roots, case.sigma, np.zeros(len(case.design.coefficients)))
