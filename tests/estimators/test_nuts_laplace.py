"""Where joint graphs start and how they are scaled: arrows against dense matrices, points against the data."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayesml as bml
from bayesml.errors import ConvergenceWarning
from bayesml.estimators.nutpie_model import compile_density
from bayesml.estimators.nuts_arrow import Arrow, Places
from bayesml.estimators.nuts_laplace import approximate, weights_of
from bayesml.estimators.nuts_start import value_shapes
from bayesml.graphs.of_data import graph_of
from bayesml.graphs.sampled_model import sampled_model
from bayesml.results.diagnostics import mcse_of_mean


@pytest.fixture
def arrow(rng):
    """An arrow of blocks of two, with a border of three, and the same matrix written out."""
    places = Places((np.array([[3, 4], [5, 8], [9, 10]]),), np.array([0, 6, 7, 1, 2][:3]))
    n = 11
    H = np.eye(n)
    own = [*places.blocks[0], places.border]
    for rows in own:
        root = rng.normal(size=(len(rows), len(rows)))
        H[np.ix_(rows, rows)] = root @ root.T + len(rows) * np.eye(len(rows))
    H[np.ix_(places.inside, places.border)] = 0.3 * rng.normal(size=(6, 3))
    H[np.ix_(places.border, places.inside)] = H[np.ix_(places.inside, places.border)].T
    kept = np.sort(np.concatenate([places.inside, places.border]))
    order = {old: new for new, old in enumerate(kept)}
    blocks = np.vectorize(order.get)(places.blocks[0])
    border = np.array([order[j] for j in places.border])
    H = H[np.ix_(kept, kept)]
    places = Places((blocks,), border)
    found = Arrow.at(lambda x: -H @ x, np.zeros(len(H)), np.full(len(H), 1e-3), places)
    return found, H


def test_differences_of_a_quadratic_are_its_matrix(arrow):
    found, H = arrow
    places = found.places
    assert_allclose(found.corner, H[np.ix_(places.border, places.border)], atol=1e-9)
    assert_allclose(found.sides, H[np.ix_(places.inside, places.border)], atol=1e-9)
    assert_allclose(found.deviations, 1 / np.sqrt(np.diag(H)))


def test_coordinates_and_solutions_are_those_of_the_whole_matrix(arrow, rng):
    found, H = arrow
    scale = found.affine(np.zeros(len(H))).scale.toarray()
    assert_allclose(scale @ scale.T, np.linalg.inv(H), atol=1e-10)
    g = rng.normal(size=len(H))
    assert_allclose(found.solve(g), np.linalg.solve(H, g))
    V = np.linalg.inv(H)
    border = found.places.border[:2, None]
    own, other = found.block_covariances([found.places.blocks[0], border])
    for places, block in zip(found.places.blocks[0], own, strict=True):
        assert_allclose(block, V[np.ix_(places, places)], atol=1e-10)
    assert_allclose(other[:, 0, 0], np.diag(V)[border[:, 0]], atol=1e-10)


def test_parameters_can_be_taken_out(arrow):
    found, H = arrow
    place = found.places.border[1]
    alone = found.without(np.array([place]), 4.0)
    scale = alone.affine(np.zeros(len(H))).scale.toarray()
    V = scale @ scale.T
    assert V[place, place] == pytest.approx(0.25)
    assert np.count_nonzero(V[place]) == 1
    assert found.settles(found.places.border) == bool((np.diag(np.linalg.inv(H))[found.places.border] <= 1).all())


def test_what_is_not_positive_definite_is_lifted():
    places = Places((), np.arange(2))
    bad = Arrow(places, (), np.empty((0, 2)), np.array([[1.0, 2.0], [2.0, 1.0]]))
    assert not bad.settles(np.arange(2))
    scale = bad.affine(np.zeros(2)).scale.toarray()
    assert np.isfinite(scale).all()


def test_effects_are_centred_as_far_as_the_data_inform_them():
    G = np.array([[4.0]])
    information = np.array([[1e-9], [0.25], [25.0], [1e9]])
    weights = weights_of(1 / np.sqrt(information + 0.25), G)[:, 0]
    assert weights[0] == pytest.approx(1.0)
    assert weights[-1] == pytest.approx(0.0, abs=1e-6)
    assert (np.diff(weights) < 0).all()


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(2)
    g, h = np.repeat(np.arange(40), 8), np.tile(np.arange(8), 40)
    table = pd.DataFrame({"g": g, "h": h, "x": rng.normal(size=320)})
    b, c = 0.7 * rng.normal(size=40), 0.4 * rng.normal(size=8)
    table["y"] = rng.poisson(np.exp(1.0 + 0.3 * table["x"] + b[g] + c[h]))
    return table


def test_the_posterior_is_nearly_standard_normal_in_its_coordinates(counts, rng):
    graph = graph_of("y ~ x + (1 | g) + (1 | h)", counts, family="poisson").replace(centred=(True, True))
    model = sampled_model(graph)
    density = compile_density(model, value_shapes(model))
    found = approximate(graph, model, density, None)
    fit = bml.fit("y ~ x + (1 | g) + (1 | h)", counts, family="poisson")
    at = density.split(found.x)
    assert_allclose(np.exp(at["sd_log__"]), np.sqrt(fit.varcorr["vcov"]), rtol=0.2)
    assert (np.abs(at["beta"] - fit.fixef) < 1.5 * fit.se).all()
    moved = density.rescaled(found.affine)
    z = rng.normal(size=(200, density.size))
    residual = np.array([moved.evaluate(point)[1] + point for point in z])
    assert np.sqrt(np.mean(residual**2)) < 0.5
    # covariances are in the border only once their density is concave there
    assert found.arrow.settles(np.arange(2))


def test_parametrisations_agree(counts):
    options = {"draws": 1000, "tune": 400, "chains": 2, "random_seed": 2, "progressbar": False}
    means, errors = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # non-centred, a few divergences
        for kind in ("partial", "centred", "noncentred"):
            post = bml.sample("y ~ x + (1 | g) + (1 | h)", counts, family="poisson", parametrisation=kind, **options)
            assert post.posterior.parametrisation == kind
            draws = [post.draws(a) for a in post.parameters.index] + [post.effects[0][..., j, 0] for j in range(5)]
            means.append([own.mean() for own in draws])
            errors.append([mcse_of_mean(own) for own in draws])
    for k in (1, 2):
        assert (np.abs(np.subtract(means[k], means[0])) < 4.0 * np.hypot(errors[k], errors[0])).all()
