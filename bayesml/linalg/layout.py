"""Which random effects are eliminated as small blocks, which stay in the border, and where their numbers lie."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayesml.errors import TooLarge
from bayesml.linalg.elimination import kernel

LARGEST_BORDER_BYTES = 6 * 2**30


@dataclass(frozen=True, eq=False)
class Factor:
    """A grouping factor with the columns of all its random terms.

    Parameters
    ----------
    codes : ndarray of int64, shape (n,)
    levels : int
    terms : tuple of int
        The random terms with this factor.
    widths : tuple of int
        Number of columns of each of these terms.
    """

    codes: np.ndarray
    levels: int
    terms: tuple[int, ...]
    widths: tuple[int, ...]

    @property
    def q(self) -> int:
        """Number of columns, all terms together."""
        return sum(self.widths)


@dataclass(frozen=True, eq=False)
class Layout:
    """Order and addresses of the numbers of the normal equations; the names are those of `elimination`.

    Parameters
    ----------
    factors : tuple of Factor
        The chain's factors from the finest to the coarsest, then those of the border.
    chain : int
        Number of factors in the chain, r.
    coefficients : int
        Number of columns of X, p.
    """

    factors: tuple[Factor, ...]
    chain: int
    coefficients: int
    q: np.ndarray
    lam_start: np.ndarray
    chain_start: np.ndarray
    parent: np.ndarray
    ptr: np.ndarray
    idx: np.ndarray
    up: np.ndarray
    off: np.ndarray
    k_start: np.ndarray
    border_start: np.ndarray

    @property
    def border(self) -> int:
        """Number of random effects in the border, m."""
        return int(self.border_start[-1])

    @property
    def size(self) -> int:
        """Rows of the border with X and y, M = m + p + 1."""
        return self.border + self.coefficients + 1

    @property
    def nodes(self) -> int:
        """Number of blocks of the chain."""
        return len(self.parent)

    @cached_property
    def term_table(self) -> np.ndarray:
        """For each term in the model's order: factor, first column in it, columns, start in `lam`, (K, 4)."""
        places = {}
        for f, factor in enumerate(self.factors):
            at = 0
            for k, width in zip(factor.terms, factor.widths, strict=True):
                places[k] = (f, at, width)
                at += width
        start, table = 0, []
        for k in range(len(places)):
            table.append((*places[k], start))
            start += places[k][2] ** 2
        return np.array(table, np.int64).reshape(-1, 4)

    def by_term(self, flat: np.ndarray) -> tuple[np.ndarray, ...]:
        """The terms' own blocks of matrices by factor."""
        out = []
        for f, at, width, _ in self.term_table:
            q = int(self.q[f])
            block = flat[self.lam_start[f] : self.lam_start[f + 1]].reshape(q, q)
            out.append(block[at : at + width, at : at + width])
        return tuple(out)


@kernel
def containing_level(fine, coarse, levels):
    """Level of `coarse` that holds each level of `fine`, or an empty array where they are not nested."""
    out = np.full(levels, -1, np.int64)
    for i in range(len(fine)):
        if out[fine[i]] == -1:
            out[fine[i]] = coarse[i]
        elif out[fine[i]] != coarse[i]:
            return np.empty(0, np.int64)
    return out


@kernel
def touched_columns(order, first, codes, start, width, tail, ptr, idx, fill):
    """Sorted border columns that the rows of each group touch; counts them first, then fills `idx`.

    `order[first[j]:first[j + 1]]` are the rows of group j; factor f has its levels' columns from
    ``start[f] + level * width[f]`` on; `tail` columns (X and y) are touched by all.
    """
    factors = len(start) - 1
    seen = np.full(start[factors], -1, np.int64)
    buffer = np.empty(start[factors], np.int64)
    for j in range(len(first) - 1):
        n = 0
        for r in range(first[j], first[j + 1]):
            for f in range(factors):
                c = start[f] + codes[f, order[r]] * width[f]
                if seen[c] != j:
                    seen[c] = j
                    for k in range(width[f]):
                        buffer[n] = c + k
                        n += 1
        if fill:
            found = np.sort(buffer[:n])
            for k in range(n):
                idx[ptr[j] + k] = found[k]
            for k in range(tail):
                idx[ptr[j] + n + k] = start[factors] + k
        else:
            ptr[j + 1] = ptr[j] + n + tail


@kernel
def order_by(codes, levels):
    """Rows in the order of their codes (stable), and the first of each level."""
    first = np.zeros(levels + 1, np.int64)
    for c in codes:
        first[c + 1] += 1
    for j in range(levels):
        first[j + 1] += first[j]
    place = first[:-1].copy()
    order = np.empty(len(codes), np.int64)
    for i in range(len(codes)):
        order[place[codes[i]]] = i
        place[codes[i]] += 1
    return order, first


@kernel
def positions(parent, ptr, idx, first, last, up):
    """Place of each border column of the nodes first..last in the list of their parent."""
    for i in range(first, last):
        j = ptr[parent[i]]
        for k in range(ptr[i], ptr[i + 1]):
            while idx[j] != idx[k]:
                j += 1
            up[k] = j - ptr[parent[i]]


def best_chain(factors: list[Factor]) -> tuple[list[int], dict[tuple[int, int], np.ndarray]]:
    """The chain of nested factors, finest first, that leaves the smallest border, and who contains whom."""
    inside = {}
    for a, fine in enumerate(factors):
        for b, coarse in enumerate(factors):
            if a != b and (fine.levels, -a) > (coarse.levels, -b):
                parents = containing_level(fine.codes, coarse.codes, fine.levels)
                if len(parents):
                    inside[a, b] = parents
    best: dict[int, tuple[int, list[int]]] = {}
    for a in sorted(range(len(factors)), key=lambda f: (factors[f].levels, -f)):
        above = max((best[b] for b in best if (a, b) in inside), key=lambda item: item[0], default=(0, []))
        best[a] = (factors[a].levels * factors[a].q + above[0], [a, *above[1]])
    chain = max(best.values(), key=lambda item: item[0], default=(0, []))[1]
    return chain, inside


def grouping_factors(codes: list[np.ndarray], levels: list[int], widths: list[int]) -> list[Factor]:
    """Random terms that share a grouping factor, joined; `codes` that are the same array are the same factor."""
    factors: list[Factor] = []
    for k, (code, count, width) in enumerate(zip(codes, levels, widths, strict=True)):
        for at, factor in enumerate(factors):
            if factor.levels == count and (factor.codes is code or np.array_equal(factor.codes, code)):
                factors[at] = Factor(factor.codes, count, (*factor.terms, k), (*factor.widths, width))
                break
        else:
            factors.append(Factor(code, count, (k,), (width,)))
    return factors


def lay_out(factors: list[Factor], coefficients: int) -> Layout:
    """Choose the chain and number everything."""
    chain, inside = best_chain(factors)
    rest = [f for f in range(len(factors)) if f not in chain]
    ordered = [factors[f] for f in [*chain, *rest]]
    r = len(chain)
    q = np.array([f.q for f in ordered], np.int64)
    lam_start = np.append(0, np.cumsum(q**2)).astype(np.int64)
    border_start = np.append(0, np.cumsum([f.levels * f.q for f in ordered[r:]])).astype(np.int64)
    chain_start = np.append(0, np.cumsum([f.levels for f in ordered[:r]])).astype(np.int64)
    nodes, tail = int(chain_start[-1]), coefficients + 1
    parent = np.full(nodes, -1, np.int64)
    for d in range(r - 1):
        parent[chain_start[d] : chain_start[d + 1]] = inside[chain[d], chain[d + 1]] + chain_start[d + 1]
    m = int(border_start[-1])
    if m:
        codes = np.stack([f.codes for f in ordered[r:]])
        ptr_parts, idx_parts, filled = [np.zeros(1, np.int64)], [], 0
        for d in range(r):
            order, first = order_by(ordered[d].codes, ordered[d].levels)
            ptr = np.zeros(ordered[d].levels + 1, np.int64)
            touched_columns(order, first, codes, border_start, q[r:], tail, ptr, np.empty(0, np.int64), False)
            idx = np.empty(ptr[-1], np.int64)
            touched_columns(order, first, codes, border_start, q[r:], tail, ptr, idx, True)
            ptr_parts.append(ptr[1:] + filled)
            idx_parts.append(idx)
            filled += len(idx)
        ptr, idx = np.concatenate(ptr_parts), np.concatenate(idx_parts)
    else:
        ptr = np.arange(nodes + 1, dtype=np.int64) * tail
        idx = np.tile(np.arange(tail, dtype=np.int64), nodes)
    up = np.zeros(len(idx), np.int64)
    if r > 1:
        positions(parent, ptr, idx, 0, int(chain_start[r - 1]), up)
    depth = np.repeat(np.arange(r), np.diff(chain_start))
    own = q[:r][depth]
    across = np.append(np.cumsum(q[:r][::-1])[::-1], 0)[depth] + np.diff(ptr)
    off = np.append(0, np.cumsum(own * across)).astype(np.int64)
    k_start = np.append(0, np.cumsum(own**2)).astype(np.int64)
    return Layout(
        tuple(ordered), r, coefficients, q, lam_start, chain_start, parent, ptr, idx, up, off, k_start, border_start
    )


def refuse_large_border(layout: Layout) -> None:
    """Say before any work that the crossed factors need more memory than allowed."""
    needed = 4 * 8 * layout.size**2
    if needed > LARGEST_BORDER_BYTES:
        kept = [factor.levels for factor in layout.factors[layout.chain :]]
        raise TooLarge(
            f"The crossed grouping factors leave a dense block of {layout.size:,} rows (factors of {kept} levels "
            f"besides the one that is eliminated): {needed / 2**30:.0f} GiB are needed, "
            f"{LARGEST_BORDER_BYTES / 2**30:.0f} GiB allowed. Use fewer crossed terms, or model the "
            "smaller factor by fixed columns."
        )
