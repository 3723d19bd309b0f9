"""The chains of a compiled density: where they start, and what becomes of those that fail."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from bayesml.errors import SamplingError
from bayesml.estimators.nutpie_model import Affine, Density, Draws, run
from bayesml.estimators.nuts_progress import SamplingProgress

START_STREAM, CHAIN_STREAM = 73, 74
MOST_TRIED = 2000
"""Coordinates that are looked at, one by one, for the one to blame."""

NO_START = "found no start, as the log density is not finite"
NO_NUMBERS = "gave draws that are not finite"
STUCK = "never left its start"

Describe = Callable[[np.ndarray, Sequence[int]], str]
"""From a point (n,) in unconstrained coordinates, and the coordinates to name, to a text with addresses and values."""


@dataclass(frozen=True, eq=False)
class ChainFailure:
    """A chain that is left out, and why.

    Parameters
    ----------
    chain : int
        Counted from 1.
    reason : str
    x : ndarray (n,), optional
        Where it failed, in unconstrained coordinates.
    """

    chain: int
    reason: str
    x: np.ndarray | None = None

    def text(self, density: Density, describe: Describe | None) -> str:
        """`chain 2 found no start: …, at sigma = 1e-200`."""
        said = f"chain {self.chain} {self.reason}"
        if self.x is None or describe is None:
            return said
        where = describe(self.x, blamed(density, self.x))
        return f"{said}, at {where}" if where else said


def sample_density(
    density: Density,
    progress: SamplingProgress,
    *,
    draws: int,
    tune: int,
    chains: int,
    cores: int | None,
    seed: int,
    target_accept: float,
    describe: Describe | None = None,
) -> Draws:
    """Run the chains; without parameters to sample, there is one point.

    A chain fails if no start is found for it, if the sampler breaks off with an error, if its draws are not finite or
    all the same. It is left out and said so in `failures`; the others are kept.

    Raises
    ------
    SamplingError
        All chains failed.
    """
    if density.size == 0:
        stats = {name: np.zeros((chains, draws)) for name in ("diverging", "energy", "lp")}
        return Draws(np.empty((chains, draws, 0)), stats, complete=True)
    failures: list[ChainFailure] = []
    starts: dict[int, np.ndarray] = {}
    for chain in range(1, chains + 1):
        point = initial_point(density, own_seed(seed, START_STREAM, chain))
        if np.isfinite(density.evaluate(point)[0]):
            starts[chain] = point
        else:
            failures.append(ChainFailure(chain, NO_START, density.affine(point)))
    if not starts:
        raise all_failed(failures, density, describe)
    # nutpie draws seeds of its own: where no start is found with one of them, one that was found is taken
    found_one = next(iter(starts.values()))
    work = Run(density, draws, tune, cores, target_accept, lambda own: start(density, own, found_one))
    found: Draws | None
    try:
        found, alive = work(len(starts), seed, progress.chains(len(starts), draws + tune)), list(starts)
    except RuntimeError:
        found, alive = one_by_one(work, starts, seed, failures)
    found, alive = without_broken(found, alive, failures) if found is not None else (None, [])
    if found is None:
        raise all_failed(failures, density, describe)
    said = tuple(failure.text(density, describe) for failure in sorted(failures, key=lambda own: own.chain))
    return replace(found, complete=found.complete and not said, failures=said)


@dataclass(frozen=True, eq=False)
class Run:
    """Everything that chains have in common."""

    density: Density
    draws: int
    tune: int
    cores: int | None
    target_accept: float
    initial: Callable[[int], np.ndarray]

    def __call__(self, chains: int, seed: int, progress: Callable[..., None] | None = None) -> Draws:
        """Draws of so many chains."""
        return run(
            self.density,
            self.initial,
            draws=self.draws,
            tune=self.tune,
            chains=chains,
            cores=min(chains, processors()) if self.cores is None else self.cores,
            seed=seed,
            target_accept=self.target_accept,
            progress=progress,
        )


def one_by_one(
    work: Run, starts: dict[int, np.ndarray], seed: int, failures: list[ChainFailure]
) -> tuple[Draws | None, list[int]]:
    """Chains run apart, so that an error ends one of them only; adds those it ended to `failures`."""
    kept: dict[int, Draws] = {}
    for chain, point in starts.items():
        try:
            kept[chain] = work(1, own_seed(seed, CHAIN_STREAM, chain))
        except RuntimeError as error:
            reason = f"broke off ({first_line(error)}); it had started"
            failures.append(ChainFailure(chain, reason, work.density.affine(point)))
    if not kept:
        return None, []
    length = min(found.x.shape[1] for found in kept.values())
    stats = {
        name: np.concatenate([found.stats[name][:, :length] for found in kept.values()])
        for name in next(iter(kept.values())).stats
    }
    x = np.concatenate([found.x[:, :length] for found in kept.values()])
    return Draws(x, stats, complete=all(found.complete for found in kept.values())), list(kept)


def without_broken(found: Draws, alive: list[int], failures: list[ChainFailure]) -> tuple[Draws | None, list[int]]:
    """The chains whose draws are numbers and move; adds the others to `failures`."""
    finite = np.isfinite(found.x).all(axis=-1)
    moves = np.ptp(np.nan_to_num(found.x), axis=1).any(axis=-1) | (found.x.shape[1] < 2)
    for i, chain in zip(range(len(found.x)), alive, strict=False):
        if not finite[i].all():
            failures.append(ChainFailure(chain, NO_NUMBERS, found.x[i, int(np.argmin(finite[i]))]))
        elif not moves[i]:
            failures.append(ChainFailure(chain, STUCK, found.x[i, 0]))
    good = finite.all(axis=1) & moves
    if good.all():
        return found, alive
    if not good.any():
        return None, []
    stats = {name: values[good] for name, values in found.stats.items()}
    return replace(found, x=found.x[good], stats=stats), [chain for chain, own in zip(alive, good, strict=False) if own]


def all_failed(failures: list[ChainFailure], density: Density, describe: Describe | None) -> SamplingError:
    """The error that no chain is left."""
    one_each = {failure.reason: failure for failure in reversed(failures)}
    said = "; ".join(failure.text(density, describe) for failure in reversed(one_each.values()))
    return SamplingError(
        f"All {len(failures)} chains failed: {said}. Look at the priors and the scale of these parameters and of what "
        "is held at a value (`bml.prior_table`), and at responses or columns of extreme size."
    )


def blamed(density: Density, x: np.ndarray) -> list[int]:
    """The coordinates of a point that make its density infinite or no number.

    Those without a value themselves; else those that are enough to mend it when put where chains begin; all where there
    are none of either.
    """
    if broken := np.flatnonzero(~np.isfinite(x)).tolist():
        return broken
    plain = density if density.stock else density.rescaled(Affine.shift(np.zeros(density.size)))
    centre = density.affine(density.origin)
    mending = []
    for i in range(min(density.size, MOST_TRIED)):
        other = x.copy()
        other[i] = centre[i]
        if np.isfinite(plain.evaluate(other)[0]):
            mending.append(i)
    return mending or list(range(density.size))


def start(density: Density, seed: int, otherwise: np.ndarray) -> np.ndarray:
    """A point to start at, or another one where the density is not finite there."""
    point = initial_point(density, seed)
    return point if np.isfinite(density.evaluate(point)[0]) else otherwise


def initial_point(density: Density, seed: int) -> np.ndarray:
    """A point about as far from the mode as a draw, nearer where the density is not finite."""
    step = np.random.default_rng(seed).normal(size=density.size)
    if not density.affine.scaled:
        step *= 0.1
    for halvings in count():
        if halvings == 10 or np.isfinite(density.evaluate(density.origin + step)[0]):
            break
        step /= 2.0
    return density.origin + step


def own_seed(seed: int, stream: int, chain: int) -> int:
    """Seed of one chain."""
    return int(np.random.SeedSequence([seed, stream, chain]).generate_state(1)[0])


def first_line(error: Exception) -> str:
    """What an error says, without its backtrace."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def processors() -> int:
    """Number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
