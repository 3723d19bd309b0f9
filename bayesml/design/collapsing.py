"""Rows that are equal in everything, collapsed to one that counts as often."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bayesml.design.arrays import Design

SAMPLE = 4096  # rows that are looked at first
WORTHWHILE = 0.5  # part of the rows that may be left


@dataclass(frozen=True, eq=False)
class Collapsed:
    """A design with fewer rows.

    Parameters
    ----------
    design : Design
        One row for each set of equal ones, with frequencies.
    place : ndarray of int64 (n,)
        Its row of each row of the design that was given.
    """

    design: Design
    place: np.ndarray


def collapse(design: Design) -> Collapsed | None:
    """The design with equal rows collapsed, where that leaves at most half of them; None otherwise.

    Rows are equal when response, covariates, grouping levels, offset and weight are. No likelihood changes: the log
    density of a row counts as often as the row occurs, and no binomial coefficient is added.
    """
    arrays = [array for array in row_arrays(design) if array is not None]
    n = design.n
    if n > 2 * SAMPLE:
        # equal rows may lie anywhere: a sample that shows none at all of many says that there are few
        sample = np.linspace(0, n - 1, SAMPLE).astype(np.int64)
        if len(np.unique(hashes([array[sample] for array in arrays], SAMPLE))) == SAMPLE:
            return None
    place, kept = pd.factorize(hashes(arrays, n))
    if len(kept) > WORTHWHILE * n:
        return None
    first = np.empty(len(kept), np.int64)
    first[place[::-1]] = np.arange(n)[::-1]
    if not all(np.array_equal(array[first][place], array) for array in arrays):
        return None  # two different rows with one hash
    counts = np.bincount(place, weights=design.frequencies, minlength=len(kept)).astype(float)
    return Collapsed(rows_of(design, first, counts), place.astype(np.int64))


def row_arrays(design: Design) -> Iterator[np.ndarray | None]:
    """All that a row's log density depends on."""
    yield design.y
    yield from design.response.values()
    yield from design.fixed_columns
    for term in design.random:
        yield term.codes
        yield from term.columns
    yield from (design.offset, design.weights, design.known_sd)


def hashes(arrays: list[np.ndarray], n: int) -> np.ndarray:
    """A number for each row."""
    out = np.zeros(n, np.uint64)
    for array in {id(array): array for array in arrays}.values():
        out = out * np.uint64(0x9E3779B97F4A7C15) + pd.util.hash_array(array)
    return out


def rows_of(design: Design, rows: np.ndarray, frequencies: np.ndarray) -> Design:
    """Some rows of a design, with their frequencies."""
    taken: dict[int, np.ndarray] = {}

    def take(array: Any) -> Any:
        # arrays that were one stay one
        if array is None:
            return None
        if id(array) not in taken:
            taken[id(array)] = array[rows]
        return taken[id(array)]

    random = tuple(
        replace(term, codes=take(term.codes), columns=tuple(map(take, term.columns))) for term in design.random
    )
    return replace(
        design,
        y=take(design.y),
        response={name: take(array) for name, array in design.response.items()},
        fixed_columns=tuple(map(take, design.fixed_columns)),
        random=random,
        offset=take(design.offset),
        weights=take(design.weights),
        known_sd=take(design.known_sd),
        index=design.index[rows],
        rows=design.rows[rows],
        frequencies=frequencies,
    )
