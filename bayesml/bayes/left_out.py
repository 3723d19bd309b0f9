"""Predictive densities of what is left out of a posterior: by importance sampling, and by sampling again."""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from bayesml.bayes.importance import relative_efficiency, smoothed_ratios
from bayesml.bayes.units import Units
from bayesml.errors import BayesmlWarning, ConvergenceWarning
from bayesml.estimators.held_out import sample_without
from bayesml.estimators.nuts_progress import SamplingProgress
from bayesml.results.diagnostics import mcse_of_mean
from bayesml.results.posterior import Posterior

LOO_STREAM = 41


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Log predictive densities of units, each given all others.

    Parameters
    ----------
    elpd, mcse : ndarray (units,)
        With their Monte-Carlo standard errors.
    lpd : ndarray (units,)
        The same given the unit itself too.
    pareto_k : ndarray (units,)
        Of the importance ratios.
    refitted : ndarray of bool (units,)
        Which were sampled without instead.
    influence : ndarray (chain, draw)
        Of each draw on the sum of `elpd` over the units with reliable importance weights, times the number of draws.
    problems : tuple of str
        What did not go well in sampling again.
    """

    elpd: np.ndarray
    mcse: np.ndarray
    lpd: np.ndarray
    pareto_k: np.ndarray
    refitted: np.ndarray
    influence: np.ndarray
    problems: tuple[str, ...] = ()

    def error(self, counts: np.ndarray, limit: float) -> float:
        """Monte-Carlo error of the sum of `elpd`: units that share the draws have errors in common."""
        apart = self.refitted | ~(self.pareto_k <= limit)
        variance = float(np.sum((counts * self.mcse)[apart] ** 2))
        if not apart.all():
            variance += float(mcse_of_mean(self.influence)) ** 2
        return float(np.sqrt(variance))


def by_importance(units: Units, limit: float) -> LeftOut:
    """Pareto-smoothed importance sampling: draws weigh inversely to the density of what is left out.

    Parameters
    ----------
    units : Units
    limit : float
        Pareto k up to which importance weights are reliable.

    References
    ----------
    Vehtari, Gelman and Gabry (2017), Statistics and Computing 27:1413-1432, equations 7-10. Vehtari, Simpson, Gelman,
    Yao and Gabry (2024), JMLR 25(72), section 3.4, for the error.
    """
    count = len(units.index)
    elpd, mcse, lpd, k = np.empty((4, count))
    influence = np.zeros(())
    for low in range(0, count, units.block):
        chosen = np.arange(low, min(low + units.block, count))
        densities, within = usable(*units.densities(units.draws, chosen))
        lpd[chosen] = logsumexp(within, axis=(0, 1)) - np.log(within[..., 0].size)
        for place, unit in enumerate(chosen):
            elpd[unit], own, k[unit] = smoothed(np.ascontiguousarray(densities[..., place]))
            mcse[unit] = mcse_of_mean(own)
            if k[unit] <= limit:
                influence = influence + own * (1.0 if units.counts is None else units.counts[unit])
    return LeftOut(elpd, mcse, lpd, k, np.zeros(count, bool), influence)


def usable(densities: np.ndarray, within: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Without the draws (chain, draw, ...) at which an integral failed, told."""
    failed = np.isnan(densities).any(axis=-1)
    if failed.any():
        warnings.warn(
            f"At {int(failed.sum())} of {failed.size} draws the random effects could not be integrated out; they are "
            "left out of the averages.",
            BayesmlWarning,
            stacklevel=5,
        )
        densities, within = (array[~failed][None] for array in (densities, within))
    return densities, within


def smoothed(log_density: np.ndarray) -> tuple[float, np.ndarray, float]:
    """Log predictive density of one unit, the influence (chain, draw) of draws on it, and Pareto k.

    Parameters
    ----------
    log_density : ndarray (chain, draw)
    """
    log_weights, k = smoothed_ratios(-log_density)
    elpd = float(logsumexp(log_weights + log_density))
    return elpd, log_density.size * np.exp(log_weights) * (np.exp(log_density - elpd) - 1.0), k


def by_refit(log_density: np.ndarray) -> tuple[float, float]:
    """Log of the mean density of one unit, and its error, from draws (chain, draw) of the posterior without it."""
    elpd = float(logsumexp(log_density) - np.log(log_density.size))
    ratios = np.exp(log_density - elpd)
    return elpd, float(ratios.std(ddof=1) / np.sqrt(ratios.size * relative_efficiency(ratios)))


def refitted(found: LeftOut, chosen: np.ndarray, units: Units, posterior: Posterior, progressbar: bool) -> LeftOut:
    """The same with some units sampled without, one after the other.

    Ctrl-C keeps what is done; the other units keep their importance sampling.

    Parameters
    ----------
    found : LeftOut
    chosen : ndarray of int
        Which are sampled without.
    units : Units
    posterior : Posterior
        Whose numbers of chains and draws, and seed, are taken over.
    progressbar : bool
    """
    elpd, mcse, done = found.elpd.copy(), found.mcse.copy(), found.refitted.copy()
    chains, draws = posterior.shape
    unwell, problems = 0, []
    with SamplingProgress(progressbar) as progress:
        advance = progress.counted("Sampling without", len(chosen))
        for unit in map(int, chosen):
            seed = int(np.random.SeedSequence([posterior.seed, LOO_STREAM, unit]).generate_state(1)[0])
            try:
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always", ConvergenceWarning)
                    result = sample_without(
                        units.graph, units.rows(unit), draws, chains, seed, once=units.counts is not None
                    )
            except KeyboardInterrupt:
                problems.append(f"Interrupted: {int(done.sum())} of {len(chosen)} were sampled again.")
                break
            unwell += any(issubclass(w.category, ConvergenceWarning) for w in caught)
            elpd[unit], mcse[unit] = by_refit(units.densities(result.posterior, np.array([unit]))[0][..., 0])
            done[unit] = True
            advance(str(units.index[unit]))
    if unwell:
        problems.append(f"In {unwell} of {int(done.sum())} samplings the chains did not go well.")
    return LeftOut(elpd, mcse, found.lpd, found.pareto_k, done, found.influence, tuple(problems))
