"""Battery over the registry: charts, faces and exits of each structure; a new member enters unasked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesml.covariance import COVARIANCES
from bayesml.covariance.unstructured import pivots, semidefinite_cholesky
from tests.dense import near

SIZES = st.integers(1, 4)
SEEDS = st.integers(0, 2**32 - 1)
everywhere = pytest.mark.parametrize("structure", COVARIANCES.values(), ids=COVARIANCES)


def root_at(basis: np.ndarray, theta: np.ndarray) -> np.ndarray:
    return np.tensordot(theta, basis, 1)


def drawn(structure, q: int, rng: np.random.Generator, singular: bool) -> np.ndarray:
    """A covariance of the structure; with some theta zero where it is to be singular."""
    theta = rng.normal(size=len(structure.basis(q)))
    if singular:
        if structure.name == "unstructured":  # any subspace
            A = rng.normal(size=(q, int(rng.integers(0, q))))
            return A @ A.T
        theta[rng.integers(0, len(theta))] = 0.0
    root = root_at(structure.basis(q), theta)
    return root @ root.T


def rank(G: np.ndarray) -> int:
    values = np.linalg.eigvalsh(G)
    return int((values > 1e-10 * max(values[-1], 0.0)).sum()) if values[-1] > 0.0 else 0


@everywhere
@given(SIZES, SEEDS, st.booleans(), st.sampled_from([1e-8, 1.0, 1e8]))
def test_theta_inverts_the_chart(structure, q, seed, singular, scale):
    G = scale * drawn(structure, q, np.random.default_rng(seed), singular)
    root = root_at(structure.basis(q), structure.theta(G))
    near(root @ root.T, G, 1e-12 * max(np.abs(G).max(), 1e-300))


@everywhere
@given(SIZES, SEEDS, st.booleans())
def test_a_chart_passes_through_its_covariance_and_its_rank_is_full(structure, q, seed, singular):
    G = drawn(structure, q, np.random.default_rng(seed), singular)
    basis, theta = structure.chart(G)
    assert len(basis) == len(theta)
    root = root_at(basis, theta)
    near(root @ root.T, G, 1e-12 * max(np.abs(G).max(), 1e-300))
    assert (len(theta) < structure.n_parameters(q)) == (rank(G) < q)
    if not G.any():
        assert len(theta) == 0
    # independent directions: the chart has as many dimensions as unknowns
    changes = np.array([(B @ root.T + root @ B.T).ravel() for B in basis]).reshape(len(basis), q * q)
    assert np.linalg.matrix_rank(changes) == len(basis)


@everywhere
@given(SIZES, SEEDS, st.booleans())
def test_members_of_a_chart_are_members_of_the_structure(structure, q, seed, singular):
    rng = np.random.default_rng(seed)
    basis, theta = structure.chart(drawn(structure, q, rng, singular))
    root = root_at(basis, theta + 0.3 * rng.normal(size=len(theta)))
    G = root @ root.T
    again = root_at(structure.basis(q), structure.theta(G))
    near(again @ again.T, G, 1e-12 * max(np.abs(G).max(), 1e-300))


@everywhere
@given(SIZES, SEEDS)
def test_faces_are_of_smaller_rank_and_below(structure, q, seed):
    G = drawn(structure, q, np.random.default_rng(seed), False)
    faces = structure.faces(G)
    assert faces
    for face in faces:
        assert rank(face) < q
        assert len(structure.chart(face)[1]) < len(structure.chart(G)[1])
        assert np.linalg.eigvalsh(G - face).min() > -1e-10 * np.abs(G).max()
        again = root_at(*structure.chart(face))
        near(again @ again.T, face, 1e-12 * np.abs(G).max())


@everywhere
@given(SIZES, SEEDS)
def test_faces_of_faces_end_at_zero(structure, q, seed):
    """However they are followed, with ever fewer unknowns."""
    rng = np.random.default_rng(seed)
    G, steps = drawn(structure, q, rng, False), 0
    while faces := structure.faces(G):
        unknowns = len(structure.chart(G)[1])
        G = faces[rng.integers(0, len(faces))]
        assert len(structure.chart(G)[1]) < unknowns
        steps += 1
    assert not G.any()
    assert steps <= q


@everywhere
@given(SIZES, SEEDS)
def test_no_exits_inside(structure, q, seed):
    rng = np.random.default_rng(seed)
    assert structure.exits(drawn(structure, q, rng, False), symmetric(q, rng)) == []


@everywhere
@given(SIZES, SEEDS)
def test_exits_are_slopes_along_positive_semidefinite_directions(structure, q, seed):
    rng = np.random.default_rng(seed)
    G, gradient = drawn(structure, q, rng, True), symmetric(q, rng)
    exits = structure.exits(G, gradient)
    assert exits
    for slope, direction in exits:
        assert np.linalg.eigvalsh(direction).min() > -1e-12
        near(slope, np.sum(gradient * direction), 1e-10)
        moved = G + 0.1 * direction
        assert rank(moved) > rank(G)
        again = root_at(structure.basis(q), structure.theta(moved))
        near(again @ again.T, moved, 1e-12 * np.abs(moved).max())


@given(st.integers(2, 4), SEEDS)
def test_exits_of_unstructured_are_the_eigenvalues_on_the_null_space(q, seed):
    rng = np.random.default_rng(seed)
    structure = COVARIANCES["unstructured"]
    G, gradient = drawn(structure, q, rng, True), symmetric(q, rng)
    N = np.linalg.svd(G)[0][:, rank(G) :]
    slopes = sorted(slope for slope, _ in structure.exits(G, gradient))
    near(slopes, np.linalg.eigvalsh(N.T @ gradient @ N), 1e-10)


def symmetric(q: int, rng: np.random.Generator) -> np.ndarray:
    A = rng.normal(size=(q, q))
    return A + A.T


@everywhere
@given(SIZES, SEEDS)
def test_column_freedom_keeps_the_structure(structure, q, seed):
    """Maps of the columns that the structure allows turn its members into members."""
    rng = np.random.default_rng(seed)
    C = {"linear": rng.normal(size=(q, q)), "scale": np.diag(rng.normal(size=q)), "common": rng.normal() * np.eye(q)}
    moved = C[structure.column_freedom] @ drawn(structure, q, rng, False) @ C[structure.column_freedom].T
    root = root_at(structure.basis(q), structure.theta(moved))
    near(root @ root.T, moved, 1e-11 * np.abs(moved).max())


@pytest.mark.parametrize(
    ("name", "q", "count"),
    [("unstructured", 3, 6), ("independent", 3, 3), ("identity", 3, 1), ("exchangeable", 3, 2)]
    + [(name, 1, 1) for name in COVARIANCES],
)
def test_number_of_parameters(name, q, count):
    assert COVARIANCES[name].n_parameters(q) == count


@pytest.mark.parametrize("corr", [1.0, 0.3, 0.0, -0.5])
def test_exchangeable_is_one_sd_and_one_correlation(corr):
    G = 4.0 * (corr * np.ones((3, 3)) + (1.0 - corr) * np.eye(3))
    structure = COVARIANCES["exchangeable"]
    near(structure.theta(G), [2.0 * np.sqrt(1.0 + 2.0 * corr), 2.0 * np.sqrt(1.0 - corr)], 1e-12)
    assert (0.0 in structure.theta(G)) == (corr in (1.0, -0.5))


@given(st.integers(2, 7), SEEDS)
def test_edges_of_exchangeable_survive_rounding(q, seed):
    """A zero eigenvalue that was computed is not exactly zero; theta makes it so."""
    structure, rng = COVARIANCES["exchangeable"], np.random.default_rng(seed)
    for keep in (0, 1):
        root = rng.uniform(0.1, 10.0) * structure.basis(q)[keep]
        theta = structure.theta(root @ root.T)
        assert theta[keep] > 0.0
        assert theta[1 - keep] == 0.0


@given(SIZES, SEEDS, st.booleans())
def test_semidefinite_cholesky(q, seed, singular):
    G = drawn(COVARIANCES["unstructured"], q, np.random.default_rng(seed), singular)
    L = semidefinite_cholesky(G)
    assert (np.tril(L) == L).all()
    near(L @ L.T, G, 1e-12 * max(np.abs(G).max(), 1e-300))


def test_pivots_keep_the_order_of_the_columns_where_they_can():
    G = np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 9.0]])
    order, found = pivots(G)
    assert (list(order), found) == ([0, 2, 1], 2)
    order, found = pivots(np.diag([1.0, 2.0, 3.0]))
    assert (list(order), found) == ([0, 1, 2], 3)


@everywhere
def test_structures_compare_by_kind_and_show_their_name(structure):
    assert structure == type(structure)()
    assert hash(structure) == hash(type(structure)())
    assert repr(structure) == f'"{structure.name}"'
    assert COVARIANCES[structure.name] is structure
    assert sum(structure == other for other in COVARIANCES.values()) == 1
