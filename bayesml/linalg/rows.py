"""Rows in batches, on the columns whose cross-products are accumulated."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bayesml.linalg.layout import Layout
from bayesml.linalg.scaling import BATCH, Scaling, TermColumns, batches, fill


def term_columns(design: Any) -> list[TermColumns]:
    """Columns of the random terms of a design, with the freedom of their structures."""
    return [TermColumns(term.columns, term.covariance.column_freedom) for term in design.random]


def scaled_blocks(
    layout: Layout,
    maps: Scaling,
    x: Sequence[np.ndarray | None],
    z: Sequence[TermColumns],
    n: int,
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Batches of rows on the accumulated columns: which rows, columns of Z and X with room for y last, levels.

    The same memory is used for every batch. Rows are not yet multiplied by the root of their weight.
    """
    sequence = [k for factor in layout.factors for k in factor.terms]
    starts = np.cumsum([0, *(len(z[k].columns) for k in sequence), len(x)])
    block = np.empty((min(n, BATCH), starts[-1] + 1))
    raw = np.empty((len(block), max([len(x), *(len(t.columns) for t in z)])))
    levels = np.empty((len(block), max(len(layout.factors), 1)), np.int64)
    for part in batches(n):
        size = part.stop - part.start
        for k, start in zip(sequence, starts[:-2], strict=True):
            q = len(z[k].columns)
            fill(raw[:size, :q], z[k].columns, part, maps.z_shift[k])
            block[:size, start : start + q] = raw[:size, :q] @ maps.z_map[k]
        fill(raw[:size, : len(x)], x, part, maps.x_shift)
        block[:size, starts[-2] : starts[-1]] = raw[:size, : len(x)] @ maps.x_map
        for f, factor in enumerate(layout.factors):
            levels[:size, f] = factor.codes[part]
        yield part, block[:size], levels[:size]
