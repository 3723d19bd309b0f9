"""Sampling: seeds, interruption, refusals, and posteriors that are known by integration."""

import hashlib
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import bayesml as bml
from bayesml.errors import ConvergenceWarning, NotIdentified, SpecificationError
from bayesml.estimators import nuts_chains
from bayesml.estimators.nutpie_model import Draws
from bayesml.results.diagnostics import mcse_of_mean
from tests import posteriors

QUICK = {"draws": 500, "tune": 300, "chains": 2, "random_seed": 4, "progressbar": False}
FINGERPRINT = """
import hashlib, bayesml as bml
data = bml.datasets.load("sleepstudy")
post = bml.sample({formula!r}, data, draws=100, tune=200, chains=4, random_seed=7, progressbar=False)
arrays = [post.posterior.beta, *post.posterior.sds, post.posterior.sigma, *post.effects]
print(hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest())
"""


@pytest.fixture
def sleep():
    return bml.datasets.load("sleepstudy")


def same(one, other) -> bool:
    return all(
        np.array_equal(getattr(one.posterior, name), getattr(other.posterior, name)) for name in ("beta", "sigma")
    ) and np.array_equal(one.effects[0], other.effects[0])


def test_same_seed_same_draws_in_another_process():
    code = FINGERPRINT.format(formula=posteriors.SLEEP)
    prints = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in "ab"
    ]
    assert len(prints[0].strip()) == len(hashlib.sha256().hexdigest())
    assert prints[0] == prints[1]


def test_seed_decides_draws(sleep):
    one, two, three = (
        bml.sample(posteriors.SLEEP, sleep, **QUICK | {"random_seed": seed, "cores": cores})
        for seed, cores in ((4, 1), (4, 2), (5, 2))
    )
    assert same(one, two)
    assert not same(one, three)


def test_without_a_seed_draws_differ(sleep):
    one, two = (bml.sample(posteriors.SLEEP, sleep, **QUICK | {"random_seed": None}) for _ in "ab")
    assert not same(one, two)


def test_random_seed_has_another_name(sleep):
    options = {key: value for key, value in QUICK.items() if key != "random_seed"}
    assert same(bml.sample(posteriors.SLEEP, sleep, **QUICK), bml.sample(posteriors.SLEEP, sleep, seed=4, **options))
    with pytest.raises(SpecificationError, match="two names of one option"):
        bml.sample(posteriors.SLEEP, sleep, seed=4, **QUICK)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"draws": 0}, "draws=0"),
        ({"chains": 1.5}, "chains=1.5"),
        ({"target_accept": 1.0}, "target_accept=1.0"),
        ({"parametrisation": "mixed"}, '"auto", "marginal"'),
        ({"REML": True}, "REML"),
        ({"criterion": "ml"}, "bml.fit"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_options_without_meaning_are_refused(sleep, option, message):
    with pytest.raises(SpecificationError, match=message):
        bml.sample(posteriors.SLEEP, sleep, **QUICK | option)


def test_improper_posteriors_are_refused(sleep):
    two = sleep[sleep["Subject"].isin(["308", "309"])]
    for formula in ("Reaction ~ Days + (1 | Subject)", posteriors.SLEEP):
        with pytest.raises(NotIdentified, match=r"`Subject` has 2 levels, and 3 are needed"):
            bml.sample(formula, two, priors="flat", **QUICK)
    with pytest.raises(NotIdentified, match="rows are too few"):
        bml.sample("Reaction ~ Days", sleep.iloc[:3].assign(Days=[0.5, 1.5, 4.25]), priors="flat", **QUICK)


def test_interrupted_sampling_keeps_its_draws():
    code = (
        "import bayesml as bml, warnings\n"
        "data = bml.datasets.load('sleepstudy')\n"
        "print('start', flush=True)\n"
        "with warnings.catch_warnings(record=True) as told:\n"
        "    warnings.simplefilter('always')\n"
        f"    post = bml.sample({posteriors.SLEEP!r}, data, draws=10_000_000, chains=2, cores=2, progressbar=False)\n"
        "assert 'interrupted' in str(told[-1].message), told\n"
        "assert not post.posterior.complete and post.status.problems\n"
        "print(*post.posterior.shape, post.effects_fit, float(post['Days']))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "start\n"
    # the model is compiled (the caches are warm by then) and chains run for hours if nothing stops them
    time.sleep(12)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    chains, draws, _, days = out.split()
    assert int(chains) == 2
    assert 100 < int(draws) < 10_000_000
    assert 8 < float(days) < 13


def test_a_bad_run_warns(sleep, monkeypatch):
    original = nuts_chains.run

    def broken(*arguments, **options):
        draws = original(*arguments, **options)
        x, stats = draws.x.copy(), dict(draws.stats)
        x[0] += 3 * x.std(axis=(0, 1))
        stats["diverging"] = np.ones_like(stats["diverging"])
        return Draws(x, stats, draws.complete)

    monkeypatch.setattr(nuts_chains, "run", broken)
    with pytest.warns(ConvergenceWarning, match=r"1000 divergences.*chains do not agree"):
        post = bml.sample(posteriors.SLEEP, sleep, **QUICK)
    assert not post.status.converged
    assert "R-hat" in post.status.advice


def test_fixed_parameters_stay_where_they_are(sleep):
    priors = {"sigma": bml.Fixed(25), "sd(Intercept | Subject)": bml.Fixed(30), "corr(Subject)": bml.Fixed(0.2)}
    post = bml.sample(posteriors.SLEEP, sleep, priors=priors, **QUICK)
    assert np.all(post.draws("sigma") == 25)
    assert np.all(post.draws("sd(Intercept | Subject)") == 30)
    assert_allclose(post.draws("corr(Intercept, Days | Subject)"), 0.2)
    assert post.draws("sd(Days | Subject)").std() > 0.5
    assert post.status.converged


def test_priors_of_several_kinds(sleep):
    priors = {
        "Days": bml.StudentT(3, 0, 20), "sd(Days | Subject)": bml.Exponential(0.1), "sigma": bml.Uniform(1, 100),
        "corr(Subject)": bml.LKJ(3),
    }  # fmt: skip
    post = bml.sample(posteriors.SLEEP, sleep, priors=priors, **QUICK)
    reference = posteriors.sleepstudy()
    for address in ("Intercept", "Days", "sigma", "sd(Intercept | Subject)"):
        spread = reference.draws(address).std()
        assert abs(post[address] - reference[address]) < 0.35 * spread, address


def test_linear_regression_is_student_t(sleep):
    """With flat coefficients and a density 1/sigma^0 of sigma, beta is Student t with n - p - 1 degrees of freedom."""
    post = bml.sample("Reaction ~ Days", sleep, priors="flat", draws=2000, random_seed=2, progressbar=False)
    X, y = post.design.X, post.design.y
    beta, rss = np.linalg.lstsq(X, y, rcond=None)[:2]
    nu = len(y) - 2 - 1
    scale = np.sqrt(np.linalg.inv(X.T @ X)[1, 1] * rss[0] / nu)
    exact = stats.t(nu, beta[1], scale)
    draws = post.draws("Days")
    error = 4 * scale / np.sqrt(draws.size)
    assert_allclose(draws.mean(), exact.mean(), atol=error)
    assert_allclose(np.quantile(draws, [0.05, 0.95]), exact.ppf([0.05, 0.95]), atol=2 * error)


def test_a_model_without_anything_left_to_sample(sleep):
    post = bml.sample("Reaction ~ Days", sleep, priors={"sigma": bml.Fixed(48)}, **QUICK)
    prior = post.priors.coefficients
    X, y = post.design.X, post.design.y
    precision = X.T @ X / 48**2 + np.diag([1 / p.sigma**2 for p in prior])
    mean = np.linalg.solve(precision, X.T @ y / 48**2 + [p.mu / p.sigma**2 for p in prior])
    covariance = np.linalg.inv(precision)
    assert_allclose(post.fixef, mean, atol=5 * np.sqrt(covariance[0, 0] / 1000))
    assert_allclose(post.vcov, covariance, rtol=0.25)


def eight_schools_by_integration(schools: pd.DataFrame, scale: float) -> dict[str, tuple[float, float]]:
    """Posterior means and sds of mu, tau and the school effects, mu flat, tau half normal, on a fine grid."""
    y, variance = schools["y"].to_numpy(), schools["se"].to_numpy() ** 2
    tau = np.linspace(1e-6, 12 * scale, 20_001)[:, None]
    w = 1.0 / (variance + tau**2)
    mu, mu_variance = (w * y).sum(axis=1) / w.sum(axis=1), 1 / w.sum(axis=1)
    log_density = 0.5 * np.log(w).sum(axis=1) - 0.5 * (w * (y - mu[:, None]) ** 2).sum(axis=1)
    log_density += 0.5 * np.log(mu_variance) - 0.5 * (tau[:, 0] / scale) ** 2
    weight = np.exp(log_density - log_density.max())
    weight /= weight.sum()

    def moments(mean, variance):
        total = weight @ mean
        return float(total), float(np.sqrt(weight @ (variance + (mean - total) ** 2)))

    shrink = tau**2 / (tau**2 + variance)
    effect, effect_variance = shrink * (y - mu[:, None]), tau**2 * (1 - shrink) + shrink**2 * mu_variance[:, None]
    found = {"Intercept": moments(mu, mu_variance), "sd": moments(tau[:, 0], 0.0)}
    return found | {f"b{j}": moments(effect[:, j], effect_variance[:, j]) for j in range(len(y))}


def test_eight_schools_is_the_integral():
    schools = bml.datasets.load("eight_schools")
    schools = schools.rename(columns={"effect": "y"})
    post = bml.sample(
        "known_sd(y, se) ~ 1 + (1 | school)", schools, draws=5000, random_seed=8, progressbar=False,
        priors={"Intercept": bml.Flat(), "sd(school)": bml.HalfNormal(10)}, target_accept=0.9,
    )  # fmt: skip
    exact = eight_schools_by_integration(schools, 10.0)
    draws = {"Intercept": post.draws("Intercept"), "sd": post.draws("sd(Intercept | school)")}
    draws |= {f"b{j}": post.effects[0][..., j, 0] for j in range(8)}
    for name, (mean, sd) in exact.items():
        assert abs(draws[name].mean() - mean) < 0.05 * sd, name
        assert abs(draws[name].std() / sd - 1) < 0.05, name
        assert abs(draws[name].mean() - mean) < 4 * float(mcse_of_mean(draws[name])), name


def test_a_large_shift_of_a_covariate_leaves_its_slope(sleep):
    moved = sleep.assign(Days=sleep["Days"] + 2000.0)
    one, other = (bml.sample("Reaction ~ Days + (1 | Subject)", data, **QUICK) for data in (sleep, moved))
    assert_allclose(other["Days"], one["Days"], atol=0.1)
    assert_allclose(other.se["Days"], one.se["Days"], rtol=0.15)


@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_units_of_the_response_do_not_matter(sleep, factor):
    scaled = sleep.assign(Reaction=sleep["Reaction"] * factor)
    one, other = (bml.sample(posteriors.SLEEP, data, **QUICK) for data in (sleep, scaled))
    assert (np.abs(other.fixef / factor - one.fixef) < 0.15 * one.se).all()
    assert_allclose(other.se / factor, one.se, rtol=0.15)
    assert_allclose(other.sigma / factor, one.sigma, rtol=0.02)
