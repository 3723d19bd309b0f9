"""Simulation-based calibration: over data simulated from the priors, ranks of the true values are uniform."""

import subprocess
import sys
import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.bayes import calibrate as module
from bayesml.bayes.calibrate import Calibration, Settings, calibrate_graph, verdict
from bayesml.errors import ConvergenceWarning, SpecificationError
from bayesml.estimators.nutpie_model import COMPILED
from bayesml.graphs.of_data import graph_of
from bayesml.graphs.prior_numbers import ResolvedPriors
from bayesml.graphs.roles import Graph

LEVELS = ["308", "309", "310", "330", "331", "332", "333", "334"]
PRIORS = {
    "Intercept": bml.Normal(250, 30), "Days": bml.Normal(10, 5), "sigma": bml.HalfNormal(30),
    "sd(Intercept | Subject)": bml.HalfNormal(30), "sd(Days | Subject)": bml.HalfNormal(8),
    "corr(Subject)": bml.LKJ(2),
}  # fmt: skip
QUIET = {"progressbar": False, "random_seed": 4}


def sleep() -> Graph:
    """Eight subjects on five days, with informative priors."""
    data = bml.datasets.load("sleepstudy").query("Subject in @LEVELS and Days % 2 == 0")
    model = bml.Model("Reaction ~ Days + (Days | Subject)", priors=PRIORS)
    return graph_of(model, data.assign(Days=data["Days"] / 1.6))


def widened(priors: ResolvedPriors, factor: float) -> ResolvedPriors:
    """The same priors with standard deviations that are larger."""
    terms = tuple(replace(term, sds=tuple(prior.times(factor) for prior in term.sds)) for term in priors.terms)
    beta = tuple(bml.Normal(prior.mu, factor * prior.sigma) for prior in priors.coefficients)
    return replace(priors, coefficients=beta, terms=terms, sigma=priors.sigma.times(factor))


def ranked(n: int, factor: float = 1.0, seed: int = 100) -> Calibration:
    """Sleepstudy under priors whose standard deviations are off by a factor."""
    graph = sleep()
    wanted = ["*", "b(Days | Subject[310])"]
    fitted = graph.replace(numbers=widened(graph.priors, factor))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return calibrate_graph(graph, fitted, wanted, Settings(n=n), seed, progressbar=False)


DYES = bml.datasets.load("dyestuff")
DYE_PRIORS = {
    "Intercept": bml.Normal(1500, 50), "sd(Intercept | Batch)": bml.HalfNormal(40), "sigma": bml.HalfNormal(50),
}  # fmt: skip


def dyes(n: int = 20, **options) -> Calibration:
    return bml.calibrate("Yield ~ 1 + (1 | Batch)", DYES, DYE_PRIORS, n=n, **QUIET | options)


@cache
def usual() -> Calibration:
    """What the others are compared with."""
    return dyes()


def test_an_exact_model_is_calibrated_on_few_data_sets():
    found = ranked(40)
    assert found.calibrated, str(found)
    assert found.ranks.columns.tolist()[-2:] == ["b(Days | Subject[310])", "log likelihood"]
    assert found.ranks.shape == (40, 8)
    assert found.ranks.to_numpy().min() >= 0
    assert found.ranks.to_numpy().max() <= 99


def test_priors_that_are_far_too_narrow_are_seen_on_few_data_sets():
    found = ranked(40, factor=0.3)
    assert found.table.loc["Days", "verdict"] == "posteriors are too narrow"
    assert found.table.loc["sd(Days | Subject)", "verdict"] == "posteriors lie too low"
    assert "4 of 8 quantities are not calibrated" in str(found)


@pytest.mark.slow
def test_sleepstudy_is_calibrated():
    assert ranked(500, seed=1000).calibrated


@pytest.mark.slow
def test_priors_half_as_wide_again_are_seen():
    assert not ranked(500, factor=1.5, seed=1000).calibrated


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bernoulli", "poisson", "cumulative"])
def test_joint_models_are_calibrated(family):
    table = pd.DataFrame({"g": np.repeat(np.arange(8), 6), "x": np.tile(np.linspace(-1, 1, 6), 8)})
    table["y"] = np.tile([0, 1, 1, 0, 2, 1], 8) if family != "bernoulli" else np.tile([0, 1, 1, 0, 0, 1], 8)
    priors = {"x": bml.Normal(0, 1), "sd(Intercept | g)": bml.HalfNormal(1)}
    priors |= {"cut": bml.Normal(0, 1.5)} if family == "cumulative" else {"Intercept": bml.Normal(0, 1)}
    found = bml.calibrate("y ~ x + (1 | g)", table, priors, n=200, family=family, random_seed=9, progressbar=False)
    assert found.calibrated, str(found)


def test_data_sets_after_the_first_compile_nothing_and_do_not_depend_on_the_cores():
    first = usual()
    compiled = set(COMPILED)
    again = dyes(cores=3)
    assert set(COMPILED) == compiled
    pd.testing.assert_frame_equal(first.ranks, again.ranks)
    assert dyes(random_seed=5).ranks.to_numpy().tolist() != first.ranks.to_numpy().tolist()


def test_joint_models_are_ranked_with_a_wrong_prior_seen():
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"g": np.repeat(np.arange(6), 10), "y": rng.integers(0, 2, 60)})
    priors = {"Intercept": bml.Normal(0, 1), "sd(Intercept | g)": bml.HalfNormal(1)}
    graph = graph_of("y ~ 1 + (1 | g)", table, priors, family="bernoulli")
    compiled = len(COMPILED)
    right = calibrate_graph(graph, graph, None, Settings(n=30, draws=49), 3, progressbar=False)
    assert right.calibrated, str(right)
    assert len(COMPILED) - compiled <= 1
    shifted = replace(graph.priors, coefficients=(bml.Normal(3, 0.5),))
    wrong = calibrate_graph(graph, graph.replace(numbers=shifted), None, Settings(n=30, draws=49), 3, progressbar=False)
    assert wrong.table.loc["Intercept", "verdict"] == "posteriors lie too high"


def test_the_numbers_of_the_priors_stay_those_of_the_data():
    free = bml.calibrate("Yield ~ 1 + (1 | Batch)", DYES, n=10, **QUIET)
    priors = dict(graph_of("Yield ~ 1 + (1 | Batch)", DYES).priors.items())
    fixed = bml.calibrate("Yield ~ 1 + (1 | Batch)", DYES.assign(Yield=DYES["Yield"] ** 1.1), priors, n=10, **QUIET)
    pd.testing.assert_frame_equal(free.ranks, fixed.ranks)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"priors": {"Intercept": bml.Flat()}}, r"flat prior of `Intercept`\. Give proper"),
        ({"priors": "flat"}, r"`sd\(Intercept \| Batch\)`, `sigma`"),
        ({"n": 5}, r"`n=5`: give a whole number, 10 or more"),
        ({"thin": 0}, r"`thin=0`"),
        ({"draws": 2}, r"`draws=2`"),
        ({"parametrisation": "both"}, r"no parametrisation"),
        ({"frequencies": "k"}, r"rows that stand for several"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(options, message):
    with pytest.raises(SpecificationError, match=message):
        bml.calibrate("Yield ~ 1 + (1 | Batch)", DYES.assign(k=2), **QUIET | options)


def test_censored_responses_are_refused():
    table = DYES.assign(status=0)
    with pytest.raises(SpecificationError, match="which of them would be censored"):
        bml.calibrate("censored(Yield, status) ~ 1 + (1 | Batch)", table, DYE_PRIORS, **QUIET)


def test_what_is_held_has_no_rank():
    found = bml.calibrate(
        "Yield ~ 1 + (1 | Batch)", DYES, DYE_PRIORS | {"sigma": bml.Fixed(50)}, n=10, draws=19, **QUIET
    )
    assert found.ranks.columns.tolist() == ["Intercept", "sd(Intercept | Batch)", "log likelihood"]
    with pytest.raises(SpecificationError, match="held at a value"):
        bml.calibrate(
            "Yield ~ 1 + (1 | Batch)", DYES, {"sigma": bml.Fixed(50)}, parameters="sigma", n=10, draws=19, **QUIET
        )


def test_an_interruption_keeps_what_is_done(monkeypatch):
    finish = module.Work.finish

    def interrupted(self, begun, pool):
        if begun[0] == 12:
            raise KeyboardInterrupt
        return finish(self, begun, pool)

    whole = usual()
    monkeypatch.setattr(module.Work, "finish", interrupted)
    with pytest.warns(ConvergenceWarning, match="Interrupted: 12 of 20 data sets were done"):
        found = dyes()
    assert not found.complete
    assert whole.complete
    pd.testing.assert_frame_equal(found.ranks, whole.ranks.iloc[:12])


def test_ctrl_c_keeps_what_is_done():
    code = (
        "import os, signal, threading, warnings, bayesml as bml\n"
        "warnings.simplefilter('ignore')\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from bayesml.bayes import calibrate as module\n"
        "finish, done = module.Work.finish, []\n"
        "def counted(self, begun, pool):\n"
        "    done.append(finish(self, begun, pool))\n"
        "    if len(done) == 15: os.kill(os.getpid(), signal.SIGINT)\n"
        "    return done[-1]\n"
        "module.Work.finish = counted\n"
        "found = bml.calibrate('Yield ~ 1 + (1 | Batch)', bml.datasets.load('dyestuff'), n=5000, progressbar=False)\n"
        "print(len(found.ranks), found.complete)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    kept, complete = done.stdout.split()
    assert 14 <= int(kept) <= 20, done.stderr
    assert complete == "False"


def test_an_interruption_before_the_first_is_one(monkeypatch):
    def interrupted(self, begun, pool):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.Work, "finish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dyes()


def test_failures_are_counted_with_their_reasons(monkeypatch):
    simulate, sample = module.new_responses, module.Work.sample

    def overflowing(graph, posterior, effects, seed):
        y = simulate(graph, posterior, effects, seed)
        return y * np.inf if seed[-1] == 3 else y

    def failing(self, target, place, longer):
        if place == 7:
            raise RuntimeError("The density is not finite\nat all")
        return sample(self, target, place, longer)

    whole = usual()
    monkeypatch.setattr(module, "new_responses", overflowing)
    monkeypatch.setattr(module.Work, "sample", failing)
    with pytest.warns(ConvergenceWarning, match="1: responses overflow"):
        found = dyes()
    assert found.failures["reason"].to_dict() == {
        3: "responses overflow or lie on the edge of what is allowed", 7: "The density is not finite",
    }  # fmt: skip
    assert found.complete
    pd.testing.assert_frame_equal(found.ranks, whole.ranks.drop([3, 7]))


def test_it_prints_its_table():
    found = usual()
    assert "20 data sets simulated from the priors" in str(found)
    assert "Nothing speaks against calibration in 20 data sets, which show gross errors only." in found.notes
    assert "<table" in found._repr_html_()
    assert found.table.columns.tolist() == ["mean_rank", "spread", "chi2", "p_chi2", "p_band", "ess", "verdict"]


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (np.linspace(0.01, 0.5, 50), "posteriors lie too high"),
        (np.linspace(0.5, 0.99, 50), "posteriors lie too low"),
        (np.full(50, 0.99), "posteriors lie too low"),
        (np.repeat([0.01, 0.99], 25), "posteriors are too narrow"),
        (np.linspace(0.4, 0.6, 50), "posteriors are too wide"),
        (np.tile(np.linspace(0.05, 0.95, 5), 10), "not uniform, neither shifted nor too wide or narrow"),
    ],
)
def test_the_verdict_says_how_ranks_differ(place, words):
    assert verdict(place) == words
