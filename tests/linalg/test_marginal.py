"""Density at given parameters, its gradient and exact draws: equal to the dense model's to nine digits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesml.linalg.gaussian import GaussianSystem
from bayesml.linalg.marginal import draw_effects, marginal_density
from tests.dense import Dense, as_floats, near
from tests.linalg.structures import Case, cases

KINDS = st.lists(st.sampled_from(["given", "flat", "normal"]), min_size=4, max_size=4)


def coefficients(case: Case, kinds: list[str]) -> dict[str, np.ndarray]:
    """Values and priors of the coefficients: each is given, or integrated under a flat or a normal prior."""
    p = len(case.design.coefficients)
    kinds = np.array(kinds[:p], str)
    unit = np.array([1.0 if c is None else np.abs(c).mean() for c in case.design.fixed_columns])
    size = case.sigma / unit
    return {
        "given": (kinds == "given").astype(np.int64),
        "beta": size * case.rng.normal(size=p),
        "mean": size * case.rng.normal(size=p),
        "precision": np.where(kinds == "normal", case.rng.uniform(0.1, 10.0, p) / size**2, 0.0),
    }


def at_case(case: Case, part: dict[str, np.ndarray]):
    arguments = (case.lam, case.sigma, part["beta"], part["given"], part["mean"], part["precision"])
    system = GaussianSystem.of(case.design, part["given"] == 1)
    exact = Dense(case.design).at(case.G, case.sigma, **part)
    return system, arguments, exact


@given(cases(), KINDS)
def test_value_and_gradient_are_those_of_the_dense_density(case, kinds):
    part = coefficients(case, kinds)
    system, arguments, exact = at_case(case, part)
    value, grad_lam, grad_sigma, grad_beta = marginal_density(*arguments, *system.arrays())
    assert value == pytest.approx(float(exact.value), rel=1e-9, abs=1e-9)
    start = 0
    for k, root in enumerate(case.roots):
        found = grad_lam[start : start + root.size].reshape(root.shape)
        start += root.size
        expected = 2.0 * as_floats(exact.slope(k)) @ root
        tolerance = 2.0 * (1e-9 * exact.slope_scale(k) + exact.rounding(k)) @ np.abs(root)
        near(found, expected, tolerance)
    near(
        grad_sigma * case.sigma, float(exact.slope_sigma) * case.sigma, 1e-9 * (exact.dense.n + float(exact.quadratic))
    )
    # information is the natural scale of a score
    information = as_floats(np.diag(exact.dense.X.T @ exact.W @ exact.dense.X))
    near(grad_beta, as_floats(exact.slope_beta), 1e-9 * np.sqrt(information * (1.0 + float(exact.quadratic))))


@given(cases(moderate=True), KINDS)
@settings(max_examples=40)
def test_gradient_is_the_derivative(case, kinds):
    part = coefficients(case, kinds)
    system, arguments, _ = at_case(case, part)
    arrays, rest = system.arrays(), arguments[3:]
    lam, sigma, beta = arguments[:3]
    _, *gradient = marginal_density(lam, sigma, beta, *rest, *arrays)
    x = np.concatenate([lam, [sigma], beta])
    k, h = len(lam), 1e-5

    def value(x):
        return marginal_density(x[:k], x[k], x[k + 1 :], *rest, *arrays)[0]

    differences = [(value(x + step) - value(x - step)) / (2.0 * h) for step in h * np.eye(len(x))]
    np.testing.assert_allclose(np.hstack(gradient), differences, rtol=1e-6, atol=1e-5)


@given(cases(), KINDS)
def test_draws_have_the_conditional_distribution_exactly(case, kinds):
    """Means from zeros; the map from normal numbers to draws, read off unit vectors, is a root of the covariance."""
    part = coefficients(case, kinds)
    system, arguments, exact = at_case(case, part)
    lam, sigma, beta, *rest = arguments
    mean_beta, mean_effects = system.draw(lam[None], np.array([sigma]), beta[None], *rest, None)
    integrated = part["given"] == 0
    sds = np.sqrt(np.maximum(np.diag(exact.covariance), 0.0))
    effects = sum(root.shape[0] * levels for root, levels in zip(case.roots, exact.dense.levels, strict=True))
    far = 1.0 + np.sqrt(float(exact.quadratic))
    np.testing.assert_array_equal(mean_beta[0][~integrated], part["beta"][~integrated])
    tolerance = 1e-9 * (far * sds[effects:] + np.abs(exact.beta))
    near(mean_beta[0][integrated], exact.beta[integrated], tolerance[integrated])
    scales = case.effect_scales(system)
    for found, expected, scale in zip(mean_effects, exact.modes, scales, strict=True):
        near(found[0], expected, 1e-9 * far * scale)
    size = system.chain_effects + system.layout.border + system.coefficients
    normal = np.eye(size)
    chain, border, drawn = (
        np.empty((size, system.chain_effects)),
        np.empty((size, system.layout.border)),
        np.empty((size, len(beta))),
    )
    repeat = (np.tile(lam, (size, 1)), np.full(size, sigma), np.tile(beta, (size, 1)))
    draw_effects(*repeat, *rest, normal, chain, border, drawn, *system.arrays())
    parts = [
        d.reshape(size, -1) - m.reshape(1, -1)
        for d, m in zip(system.effects_by_term(chain, border), mean_effects, strict=True)
    ]
    linear = np.hstack([*parts, drawn - mean_beta])
    tiles = [np.tile(scale, levels) for scale, levels in zip(scales, exact.dense.levels, strict=True)]
    scale = np.concatenate([*tiles, sds[effects:]])
    near(linear.T @ linear, exact.covariance, 1e-9 * np.outer(scale, scale))
