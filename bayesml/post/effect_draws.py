"""Draws of random effects, level by level as rows need them: from memory, from disk, or fresh."""

import hashlib
import shutil
import tempfile
import weakref
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from bayesml.results.effects import EFFECT_STREAM, ConditionalEffects, blocks
from bayesml.results.posterior import flat_draws

Seed = tuple[int, ...]


class EffectDraws(ABC):
    """Draws of the random effects of every term."""

    @abstractmethod
    def take(self, term: int, levels: np.ndarray) -> np.ndarray:
        """Draws of some levels of a term, (draws, levels, q)."""


class HeldEffects(EffectDraws):
    """Draws that lie in memory.

    Parameters
    ----------
    effects : sequence of ndarray (chain, draw, J, q)
    """

    def __init__(self, effects: Any):
        self.effects = [flat_draws(own) for own in effects]

    def take(self, term: int, levels: np.ndarray) -> np.ndarray:
        return self.effects[term][:, levels]


class StoredEffects(EffectDraws):
    """Exact draws too large for memory, in temporary files, level after level: the numbers of `draw_effects`.

    Parameters
    ----------
    design : Design
    posterior : Posterior
        Of a model whose random effects were integrated out exactly.
    """

    def __init__(self, design: Any, posterior: Any):
        self.folder = Path(tempfile.mkdtemp(prefix="bayesml-effects-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        n = posterior.sigma.size
        self.shapes = [(len(term.levels), n, len(term.names)) for term in design.random]
        for term in range(len(self.shapes)):
            self.opened(term, "w+")
        conditional = ConditionalEffects(design, posterior)
        rng = np.random.default_rng([posterior.seed, EFFECT_STREAM])
        for part in blocks(design, n):
            for term, drawn in enumerate(conditional.draw(part, rng)):
                # opened anew for each block, as pages that were touched count as memory until the file is closed
                self.opened(term, "r+")[:, part] = np.moveaxis(drawn, 0, 1)

    def opened(self, term: int, mode: Any) -> np.memmap:
        """The file of a term, (J, draws, q)."""
        return np.memmap(self.folder / f"{term}.bin", np.float64, mode, shape=self.shapes[term])

    def take(self, term: int, levels: np.ndarray) -> np.ndarray:
        return np.moveaxis(np.asarray(self.opened(term, "r")[levels]), 0, 1)


class FreshEffects(EffectDraws):
    """Effects of levels that no data speak of: one draw a level and posterior draw from the distribution of effects.

    A level has the same effects wherever it is asked for, whatever the other levels: its own seed follows from its
    label.

    Parameters
    ----------
    roots : list of ndarray (draws, q, q)
        Square roots of the covariances of each term.
    labels : list of sequence of str
        For each term the labels that levels are asked for by place.
    seed : tuple of int
    """

    def __init__(self, roots: list[np.ndarray], labels: list[Any], seed: Seed):
        self.roots, self.labels, self.seed = roots, labels, seed

    def take(self, term: int, levels: np.ndarray) -> np.ndarray:
        root, labels = self.roots[term], self.labels[term]
        draws, q = root.shape[:2]
        u = np.empty((draws, len(levels), q))
        for place, level in enumerate(levels):
            rng = np.random.default_rng([*self.seed, term, number_of(labels[level])])
            u[:, place] = rng.standard_normal((draws, q))
        return np.einsum("sij,slj->sli", root, u)


def number_of(label: str) -> int:
    """A number that a label always has."""
    return int.from_bytes(hashlib.blake2b(label.encode(), digest_size=8).digest())
