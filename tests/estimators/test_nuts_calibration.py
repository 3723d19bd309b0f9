"""Simulation-based calibration: over data simulated from the priors, ranks of the true values are uniform.

Talts, Betancourt, Simpson, Vehtari and Gelman (2018), Validating Bayesian inference algorithms with
simulation-based calibration; bands that hold simultaneously as in Säilynoja, Bürkner and Vehtari (2022).
"""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import bayesml as bml
from bayesml.design.build import build_design
from bayesml.errors import ConvergenceWarning
from bayesml.estimators.nuts import sample_graph
from bayesml.graphs.prior_numbers import ResolvedPriors
from bayesml.graphs.roles import build_graph
from bayesml.results.bayesian import BayesianResult
from bayesml.results.predictive import new_responses
from bayesml.results.prior_draws import draw_prior

QUANTITIES = [
    "Intercept", "Days", "sd(Intercept | Subject)", "sd(Days | Subject)", "corr(Intercept, Days | Subject)", "sigma",
    "b(Days | Subject[310])",
]  # fmt: skip
LEVELS = ["308", "309", "310", "330", "331", "332", "333", "334"]
RANKS = 100


def widened(priors: ResolvedPriors, factor: float) -> ResolvedPriors:
    """The same priors with standard deviations that are too large."""
    terms = tuple(replace(term, sds=tuple(prior.times(factor) for prior in term.sds)) for term in priors.terms)
    beta = tuple(bml.Normal(prior.mu, factor * prior.sigma) for prior in priors.coefficients)
    return replace(priors, coefficients=beta, terms=terms, sigma=priors.sigma.times(factor))


def ranks(replications: int, seed: int, factor: float = 1.0) -> np.ndarray:
    """Ranks of the true values among `RANKS` - 1 nearly independent draws, (replications, quantities)."""
    data = bml.datasets.load("sleepstudy").query("Subject in @LEVELS and Days % 2 == 0")
    data = data.assign(Days=data["Days"] / 1.6)
    model = bml.Model("Reaction ~ Days + (Days | Subject)", priors={
        "Intercept": bml.Normal(250, 30), "Days": bml.Normal(10, 5), "sigma": bml.HalfNormal(30),
        "sd(Intercept | Subject)": bml.HalfNormal(30), "sd(Days | Subject)": bml.HalfNormal(8),
        "corr(Subject)": bml.LKJ(2),
    })  # fmt: skip
    design = build_design(model, data)
    graph = build_graph(model, design)
    truth = draw_prior(graph, replications, seed, effects=True)
    responses = new_responses(build_graph(model, design), truth, truth.effects, seed + 1)[0]
    true = BayesianResult(model, design, truth, graph.priors)
    values = np.stack([true.draws(address)[0] for address in QUANTITIES], axis=-1)
    out = np.empty((replications, len(QUANTITIES)), int)
    for r in range(replications):
        simulated = build_graph(model, replace(design, y=responses[r]), widened(graph.priors, factor))
        with warnings.catch_warnings():
            # A few divergences in hundreds of runs would show in the ranks if they mattered.
            warnings.simplefilter("ignore", ConvergenceWarning)
            post = sample_graph(
                simulated, draws=5 * (RANKS - 1), tune=500, chains=1, cores=1, random_seed=seed + r, progressbar=False,
                target_accept=0.9,
            )  # fmt: skip
        draws = np.stack([post.draws(address)[0, ::5] for address in QUANTITIES], axis=-1)
        out[r] = (draws < values[r]).sum(axis=0)
    return out


def smallest_tail(found: np.ndarray) -> np.ndarray:
    """The most extreme two-sided binomial probability of the distribution function of ranks (replications, ...)."""
    n = len(found)
    counts = np.stack([(found <= z).sum(axis=0) for z in range(RANKS - 1)])
    share = (np.arange(RANKS - 1) + 1.0).reshape(-1, *(1,) * (found.ndim - 1)) / RANKS
    tails = np.minimum(stats.binom.cdf(counts, n, share), stats.binom.sf(counts - 1, n, share))
    return 2 * tails.min(axis=0)


def outside_the_band(found: np.ndarray, content: float = 0.99) -> list[str]:
    """Quantities whose ranks leave the simultaneous band."""
    uniform = np.random.default_rng(0).integers(RANKS, size=(len(found), 2000))
    limit = np.quantile(smallest_tail(uniform), 1 - content)
    return [name for name, tail in zip(QUANTITIES, smallest_tail(found), strict=True) if tail < limit]


def test_the_band_holds_uniform_ranks_and_sees_others(rng):
    uniform = rng.integers(RANKS, size=(500, len(QUANTITIES)))
    assert outside_the_band(uniform, content=0.999) == []
    assert outside_the_band(uniform // 2) == QUANTITIES


def test_calibrated_on_few_replications():
    assert outside_the_band(ranks(40, seed=100)) == []


def test_priors_that_are_far_too_wide_are_seen_on_few_replications():
    assert outside_the_band(ranks(40, seed=100, factor=6.0)) != []


@pytest.mark.slow
def test_calibrated():
    assert outside_the_band(ranks(500, seed=1000)) == []


@pytest.mark.slow
def test_priors_half_as_wide_again_are_seen():
    assert outside_the_band(ranks(500, seed=1000, factor=1.5)) != []
