"""Whether one model is a special case of another, and where its extra parameters lie."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bayesml.design.arrays import Design
from bayesml.results.chibar2 import ChiBarSquare, without_random

CORRELATIONS = ("none", "one", "all")


@dataclass(frozen=True)
class Block:
    """Columns of a grouping factor whose random effects share one covariance matrix.

    Parameters
    ----------
    group : str
    columns : frozenset of str
    correlations : {"none", "one", "all"}
    common_sd : bool
    n_parameters : int
    """

    group: str
    columns: frozenset[str]
    correlations: str = "none"
    common_sd: bool = False
    n_parameters: int = 1

    def contains(self, piece: "Block") -> bool:
        """Whether a piece of the same group is a special case of this block, as far as their columns meet."""
        if piece.group != self.group or not piece.columns & self.columns:
            return True
        if CORRELATIONS.index(piece.correlations) > CORRELATIONS.index(self.correlations):
            return False
        if piece.correlations != "none" and not piece.columns <= self.columns:
            return False
        return not self.common_sd or (piece.common_sd and piece.columns >= self.columns)


def covariance_blocks(design: Design) -> list[Block]:
    """The random part in pieces: each column by itself where columns are independent with their own variances."""
    blocks = []
    for term in design.random:
        group, structure = ":".join(sorted(term.group.split(":"))), term.covariance
        if len(term.names) == 1 or (structure.correlations == "none" and not structure.common_sd):
            blocks += [Block(group, frozenset([name])) for name in term.names]
        else:
            names, n_parameters = frozenset(term.names), structure.n_parameters(len(term.names))
            blocks.append(Block(group, names, structure.correlations, structure.common_sd, n_parameters))
    return blocks


def columns_by_group(blocks: Iterable[Block]) -> dict[str, frozenset[str]]:
    """All columns of each grouping factor."""
    out: dict[str, frozenset[str]] = {}
    for block in blocks:
        out[block.group] = out.get(block.group, frozenset()) | block.columns
    return out


def random_null(small: Design, big: Design, sigma_free: bool = True, linear: bool = True) -> ChiBarSquare | None:
    """Distribution of LR for what the random part of `big` has beyond that of `small`.

    Returns
    -------
    ChiBarSquare or None
        With 0 degrees of freedom where the random parts are the same. None where `small` is not a
        special case of `big`.

    Notes
    -----
    One more variance: ½χ²(0) + ½χ²(1). One more column, correlated with q others: ½χ²(q) + ½χ²(q + 1).
    Restrictions inside the parameter space (zero correlations, equal variances): χ². Everything beside no
    random effects: see `without_random`. Anything else is bounded by the χ² with all parameters, marked conservative.
    """
    before, after = covariance_blocks(small), covariance_blocks(big)
    for block in list(before):
        if block in after:
            before.remove(block)
            after.remove(block)
    if not after:
        return ChiBarSquare.chi2(0) if not before else None
    extra = sum(b.n_parameters for b in after) - sum(b.n_parameters for b in before)
    smaller, larger = columns_by_group(before), columns_by_group(after)
    if extra <= 0 or any(not columns <= larger.get(group, frozenset()) for group, columns in smaller.items()):
        return None
    if not all(block.contains(piece) for block in after for piece in before):
        return None
    if not small.random:
        return without_random(big, sigma_free, linear)
    if smaller == larger:
        return ChiBarSquare.chi2(extra)
    if not before and extra == 1:
        return ChiBarSquare.half(0)
    if len(before) == len(after) == 1 and len(after[0].columns) == len(before[0].columns) + 1:
        q = len(before[0].columns)
        if after[0].correlations == "all" and (q == 1 or before[0].correlations == "all"):
            return ChiBarSquare.half(q)
    return ChiBarSquare.chi2(extra, conservative=True)


def spans(columns: np.ndarray, others: np.ndarray) -> bool:
    """Whether each of `others` (n, p) is a linear combination of `columns` (n, q).

    Columns are centred where both sets hold a constant, so that the origin of a variable costs no digits.
    """
    if has_constant(columns) and has_constant(others):
        columns, others = columns - columns.mean(axis=0), others - others.mean(axis=0)
    kept = np.linalg.norm(columns, axis=0)
    Q, _ = np.linalg.qr(columns[:, kept > 0] / kept[kept > 0])
    left = others - Q @ (Q.T @ others)
    return bool(np.all(np.linalg.norm(left, axis=0) <= 1e-7 * np.linalg.norm(others, axis=0)))


def same_volume(columns: np.ndarray, others: np.ndarray) -> bool:
    """Whether two bases of one space have the same determinant, so that REML likelihoods of either agree.

    With ``X_2 = X_1 T`` they differ by log |det T|: 0 where columns are reordered or shifted by others, not where
    one is rescaled or a factor is coded in another way.
    """
    centred = has_constant(columns) and has_constant(others)
    return bool(abs(log_volume(columns, centred) - log_volume(others, centred)) <= 1e-6)


def log_volume(columns: np.ndarray, centred: bool) -> float:
    """``log det (X'X) / 2``; with `centred` the columns are taken from their means, besides a constant one."""
    constant = 0.0
    if centred:
        place = int(np.flatnonzero((np.ptp(columns, axis=0) == 0) & (columns[0] != 0))[0])
        constant = float(np.log(np.abs(columns[0, place]) * np.sqrt(len(columns))))
        columns = np.delete(columns, place, axis=1)
        columns = columns - columns.mean(axis=0)
    lengths = np.linalg.norm(columns, axis=0)
    triangle = np.linalg.qr(columns / lengths, mode="r")
    return constant + float(np.log(lengths).sum() + np.log(np.abs(np.diag(triangle))).sum())


def has_constant(columns: np.ndarray) -> bool:
    """Whether a column is constant and not 0."""
    return bool(np.any((np.ptp(columns, axis=0) == 0) & (columns[0] != 0)))
