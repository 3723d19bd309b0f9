"""Which factors are eliminated in blocks: chosen by cost, whatever the order of the terms."""

from itertools import chain, combinations, pairwise, permutations
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesml.errors import TooLarge
from bayesml.estimators.profiled import ProfiledLikelihood
from bayesml.linalg import layout as layout_module
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.linalg.layout import grouping_factors, lay_out
from tests.dense import near
from tests.linalg.structures import compact, design, groupings, term


def nested(fine: np.ndarray, coarse: np.ndarray) -> bool:
    """Whether each level of `fine` lies in one level of `coarse`."""
    return len(set(zip(fine, coarse, strict=True))) == len(set(fine))


def smallest_border(codes: list[np.ndarray], widths: list[int]) -> int:
    """Effects outside the best chain of nested factors, by trying all sets."""
    sizes = [(c.max() + 1) * w for c, w in zip(codes, widths, strict=True)]
    sets = chain.from_iterable(combinations(range(len(codes)), r) for r in range(len(codes) + 1))
    chains = (s for s in sets if any(all(nested(codes[a], codes[b]) for a, b in pairwise(o)) for o in permutations(s)))
    return sum(sizes) - max(sum(sizes[f] for f in s) for s in chains)


@given(st.integers(0, 2**32 - 1), st.permutations(["a", "b", "c", "d", "e"]), st.integers(1, 5))
def test_the_border_is_as_small_as_nesting_allows(seed, names, count):
    rng = np.random.default_rng(seed)
    factors = groupings(30, rng)
    codes = [compact(factors[name]) for name in names[:count]]
    widths = list(rng.integers(1, 4, count))
    joined = grouping_factors(codes, [c.max() + 1 for c in codes], widths)
    layout = lay_out(joined, 2)
    assert layout.border == smallest_border([f.codes for f in joined], [f.q for f in joined])
    assert sorted(chain.from_iterable(f.terms for f in layout.factors)) == list(range(count))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_place_in_the_formula_does_not_matter(order):
    rng = np.random.default_rng(1)
    n = 200
    large, small = rng.integers(0, 40, n), rng.integers(0, 5, n)
    terms = [
        term("large", large, [None, rng.normal(size=n)]),
        term("small", small, [None]),
        term("half", large // 2, [None]),
    ]
    roots = [np.array([[1.2, 0.0], [-0.3, 0.4]]), np.array([[0.8]]), np.array([[0.5]])]
    y = rng.normal(size=n)

    def value(order):
        system = GaussianSystem.of(design(y, [None], [terms[k] for k in order]))
        chain = [f.terms for f in system.layout.factors[: system.layout.chain]]
        assert [order[t[0]] for t in chain] == [0, 2]  # the finest and what contains it
        assert system.layout.border == 5
        maps = zip(system.scaling.terms, order, strict=True)
        objective = ProfiledLikelihood(system, True, None)
        return objective([np.linalg.solve(T, roots[k]) for T, k in maps], np.empty(0)).value

    assert value(order) == pytest.approx(value((0, 1, 2)), rel=1e-13)


def test_terms_of_one_factor_are_one_block():
    rng = np.random.default_rng(2)
    g = rng.integers(0, 6, 40)
    slope = rng.normal(size=40)
    system = GaussianSystem.of(design(rng.normal(size=40), [None], [term("g", g, [None]), term("g", g, [slope])]))
    assert (system.layout.chain, list(system.layout.q)) == (1, [2])


def test_relabelled_copies_of_a_factor_nest_in_each_other():
    codes = np.repeat(np.arange(5), 4)
    relabelled = np.array([3, 1, 4, 0, 2])[codes]
    layout = lay_out(grouping_factors([codes, relabelled], [5, 5], [1, 1]), 1)
    assert (layout.chain, layout.border) == (2, 0)


def crossed(levels: int, rows: int):
    rng = np.random.default_rng(3)
    first, second = (np.concatenate([np.arange(levels), rng.integers(0, levels, rows - levels)]) for _ in range(2))
    return design(rng.normal(size=rows), [None], [term("g", first, [None]), term("h", rng.permutation(second), [None])])


@pytest.fixture
def no_allocation(monkeypatch):
    """Any array of more than 100 MB is an error."""
    zeros = np.zeros

    def small_zeros(shape, *args, **kwargs):
        assert np.prod(np.atleast_1d(shape), dtype=float) * 8 < 1e8, f"allocates {shape}"
        return zeros(shape, *args, **kwargs)

    monkeypatch.setattr(np, "zeros", small_zeros)


def test_a_border_that_does_not_fit_is_said_before_anything_is_allocated(no_allocation):
    large = crossed(40_000, 80_000)
    with pytest.raises(TooLarge):  # machine code is loaded once
        GaussianSystem.of(large)
    start = perf_counter()
    with pytest.raises(TooLarge, match=r"40,00\d rows .*\[40000\] levels.* 48 GiB .*6 GiB .*fewer crossed terms"):
        GaussianSystem.of(large)
    assert perf_counter() - start < 0.25


def test_the_limit_counts_the_border_only(monkeypatch):
    small = crossed(30, 200)
    size = GaussianSystem.of(small).layout.size
    monkeypatch.setattr(layout_module, "LARGEST_BORDER_BYTES", 4 * 8 * size**2)
    GaussianSystem.of(small)
    monkeypatch.setattr(layout_module, "LARGEST_BORDER_BYTES", 4 * 8 * size**2 - 1)
    with pytest.raises(TooLarge):
        GaussianSystem.of(small)
    one_factor = crossed(200, 400)
    GaussianSystem.of(design(one_factor.y, [None], one_factor.random[:1]))


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_rows_and_labels_in_any_order(seed):
    """Row order and the numbering of levels are of no consequence."""
    rng = np.random.default_rng(seed)
    n = 40
    factors = {name: compact(codes) for name, codes in groupings(n, rng).items()}
    x, y = rng.normal(size=n), rng.normal(size=n)

    def value(rows, relabel):
        def moved(name):
            codes = factors[name]
            return (rng.permutation(codes.max() + 1)[codes] if relabel else codes)[rows]

        terms = [
            term("d", moved("d"), [None, x[rows]]),
            term("c", moved("c"), [None]),
            term("a", moved("a"), [x[rows]]),
        ]
        system = GaussianSystem.of(design(y[rows], [None, x[rows]], terms))
        roots = [np.array([[1.0, 0.0], [0.3, 0.5]]), np.array([[0.7]]), np.array([[0.4]])]
        local = ProfiledLikelihood(system, True, None)(
            [np.linalg.solve(T, r) for T, r in zip(system.scaling.terms, roots, strict=True)], np.empty(0)
        )
        return local.value

    first = value(np.arange(n), False)
    near(value(rng.permutation(n), False), first, 1e-10)
    near(value(np.arange(n), True), first, 1e-10)
