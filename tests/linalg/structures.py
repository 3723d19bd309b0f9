"""Small designs of every structure: drawn by hypothesis, or put together by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from bayesml.covariance import COVARIANCES
from bayesml.design.arrays import Design, RandomColumns
from bayesml.linalg.gaussian import GaussianSystem


def compact(codes: np.ndarray) -> np.ndarray:
    """Codes without unused levels."""
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def term(
    group: str, codes: np.ndarray, columns: Sequence[np.ndarray | None], covariance: str = "unstructured"
) -> RandomColumns:
    codes = compact(codes)
    names = tuple("Intercept" if c is None else f"x{j}" for j, c in enumerate(columns))
    levels = pd.Index([f"{group}{j}" for j in range(codes.max() + 1)])
    return RandomColumns(group, levels, codes, names, tuple(columns), COVARIANCES[covariance])


def design(
    y: np.ndarray, fixed: Sequence[np.ndarray | None], random: Sequence[RandomColumns], **options: Any
) -> Design:
    names = tuple("Intercept" if c is None else f"x{j}" for j, c in enumerate(fixed))
    n = len(y)
    return Design(
        np.asarray(y, float), tuple(fixed), names, {}, tuple(random), pd.RangeIndex(n), np.arange(n), **options
    )


def groupings(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Three nested factors, two that cross them, one with a level a row and one with a single level."""
    a = rng.integers(0, 3, n)
    b = 2 * a + rng.integers(0, 2, n)
    c = 2 * b + rng.integers(0, 2, n)
    return {
        "a": a, "b": b, "c": c, "d": rng.integers(0, 4, n), "e": rng.integers(0, 2, n), "row": np.arange(n),
        "one": np.zeros(n, int),
    }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Case:
    """A design with values of its parameters.

    Parameters
    ----------
    design : Design
    roots : list of ndarray (q, q)
        Square roots Lambda of the terms' covariances, natural scale.
    sigma : float
    rng : Generator
        For what a test draws further.
    """

    design: Design
    roots: list[np.ndarray]
    sigma: float
    rng: np.random.Generator

    @property
    def G(self) -> list[np.ndarray]:
        return [root @ root.T for root in self.roots]

    @property
    def lam(self) -> np.ndarray:
        """All square roots, flat."""
        return np.concatenate([root.ravel() for root in self.roots]) if self.roots else np.empty(0)

    def relative_roots(self, system: GaussianSystem) -> list[np.ndarray]:
        """``T^-1 Lambda / sigma``, on the accumulated columns."""
        return [np.linalg.solve(T, root) / self.sigma for T, root in zip(system.scaling.terms, self.roots, strict=True)]

    def effect_scales(self, system: GaussianSystem) -> list[np.ndarray]:
        """Size of the effects (q,) of each term: their sds, through the map of columns and back, which mixes them."""
        sds = [np.sqrt(np.diag(g)) for g in self.G]
        return [np.abs(T) @ np.abs(np.linalg.inv(T)) @ sd for T, sd in zip(system.scaling.terms, sds, strict=True)]

    def __repr__(self) -> str:
        terms = [f"({t.covariance.name}, q={len(t.names)} | {t.group})" for t in self.design.random]
        roots = [np.array2string(root, precision=3) for root in self.roots]
        return (
            f"Case(n={self.design.nobs}, p={len(self.design.coefficients)}, sigma={self.sigma:.3g}, {terms}, {roots})"
        )


EDGES = ("inside", "inside", "rotated", "zero", "a zero sd", "rank one")


def root_of(structure: str, q: int, edge: str, scales: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A square root of a covariance of this structure, at its edge where `edge` says so."""
    covariance = COVARIANCES[structure]
    if edge == "zero":
        return np.zeros((q, q))
    basis = covariance.basis(q)
    theta = rng.uniform(0.3, 1.5, len(basis)) * rng.choice([-1.0, 1.0], len(basis))
    if edge in ("a zero sd", "rank one") and len(theta) > 1:
        theta[rng.integers(0, len(theta))] = 0.0
    root = np.tensordot(theta, basis, 1)
    if structure == "unstructured":
        if edge == "a zero sd":
            root = np.tril(rng.normal(size=(q, q)))
            root[rng.integers(0, q)] = 0.0
        elif edge == "rank one":  # all correlations are +-1
            root = np.outer(rng.uniform(0.3, 1.5, q) * rng.choice([-1.0, 1.0], q), np.eye(q)[0])
    if edge == "rotated":
        root = root @ np.linalg.qr(rng.normal(size=(q, q)))[0]
    return scales[:, None] * root if not covariance.common_sd else scales[0] * root


@st.composite
def cases(draw: Any, largest: int = 22, moderate: bool = False) -> Case:
    """Any number of terms of any covariance on nested and crossed factors, in any order, at any edge.

    `moderate` keeps all scales near 1.
    """
    n = draw(st.integers(5, largest), label="rows")
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    factors = groupings(n, rng)
    tens = st.sampled_from([0] if moderate else [-6, -2, 0, 0, 1, 4])
    intercept = draw(st.booleans(), label="intercept")
    y_scale = 10.0 ** draw(tens, label="scale of y")
    scales = 10.0 ** np.array(draw(st.lists(tens, max_size=min(3, n - 3)), label="scales of x"))
    X = [scale * (rng.normal(size=n) + rng.choice([0.0, 3.0])) for scale in scales]
    random, roots = [], []
    count = draw(st.sampled_from([2, 3, 3, 4, 5, 1, 0]), label="number of terms")
    names = draw(st.permutations([*factors, "b", "d"]), label="groups")[:count]
    parts = st.tuples(
        st.sampled_from(list(COVARIANCES)), st.booleans(), st.integers(0, 2), st.sampled_from(EDGES),
        st.sampled_from([-3, -1, 0, 0, 1]),
    )  # fmt: skip
    for group in names:
        structure, ones, slopes, edge, size = draw(parts, label=f"term of {group}")
        units = 10.0 ** np.array([draw(tens) for _ in range(slopes)]) if slopes else np.ones(0)
        if COVARIANCES[structure].common_sd:
            units[:] = 1.0
        columns = [unit * (rng.normal(size=n) + 1.0) for unit in units]
        if ones or not slopes:
            columns, units = [None, *columns], np.append(1.0, units)
        random.append(term(group, factors[group], columns, structure))
        roots.append(root_of(structure, len(columns), edge, y_scale * 10.0 ** (0 if moderate else size) / units, rng))
    options = {}
    if draw(st.booleans(), label="weights"):
        options["weights"] = rng.uniform(0.3, 3.0, n)
    if draw(st.booleans(), label="offset"):
        options["offset"] = y_scale * rng.normal(size=n)
    y = y_scale * (rng.normal(size=n) + rng.choice([0.0, 10.0]))
    fixed = [None, *X] if intercept else X
    return Case(design(y, fixed, random, **options), roots, y_scale * rng.uniform(0.5, 2.0), rng)
