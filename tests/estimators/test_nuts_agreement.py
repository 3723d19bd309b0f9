"""Sampling what was not integrated out, and sampling everything, give the same posterior."""

import numpy as np
import pymc as pm
import pytest
from arviz_stats.base import array_stats

import bayesml as bml
from bayesml.design.addresses import parameter_addresses
from bayesml.results.bayesian import BayesianResult
from bayesml.results.diagnostics import ess

CASES = [
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)", {}, "noncentred"),
    ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", {}, "centred"),
    ("machines", "score ~ Machine + (1 | Worker/Machine)", {}, "noncentred"),
    ("dyestuff2", "Yield ~ 1 + (1 | Batch)", {}, "noncentred"),
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)", {"weights": "w"}, "noncentred"),
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)", {"priors": "flat"}, "centred"),
    ("machines", "score ~ Machine + (0 + Machine | Worker)", {"covariance": "exchangeable"}, "noncentred"),
]
"""Data, formula, options, and the joint parametrisation that suits how much the data say of each effect."""


def data_of(dataset: str, options: dict):
    frame = bml.datasets.load(dataset)
    if "weights" in options:
        frame["w"] = 0.5 + np.arange(len(frame)) % 4 / 2.0
    return frame


def quantities(post: BayesianResult) -> np.ndarray:
    """Draws of all parameters and random effects, (chain, draw, quantity)."""
    parameters = [post.draws(a.text) for a in parameter_addresses(post.design, post.ancillary)]
    effects = [b.reshape(*b.shape[:2], -1) for b in post.effects]
    return np.concatenate([np.stack(parameters, axis=-1), *effects], axis=-1)


def assert_same_posterior(one: np.ndarray, other: np.ndarray, errors: float = 4.0) -> None:
    """Mean, sd, 5 % and 95 % quantile of each quantity differ by less than some combined Monte-Carlo errors."""
    statistics = [
        ("mean", {}, lambda x: x.mean(axis=(0, 1))),
        ("sd", {}, lambda x: x.std(axis=(0, 1), ddof=1)),
        ("quantile", {"prob": 0.05}, lambda x: np.quantile(x, 0.05, axis=(0, 1))),
        ("quantile", {"prob": 0.95}, lambda x: np.quantile(x, 0.95, axis=(0, 1))),
    ]
    for method, options, value in statistics:
        variance = sum(
            array_stats.mcse(x, chain_axis=0, draw_axis=1, method=method, **options) ** 2 for x in (one, other)
        )
        z = np.abs(value(one) - value(other)) / np.sqrt(variance)
        assert z.max() < errors, (method, options, int(z.argmax()), float(z.max()))


def sampled(case, parametrisation: str, draws: int) -> np.ndarray:
    dataset, formula, options, _ = case
    marginal = parametrisation == "marginal"
    post = bml.sample(
        formula, data_of(dataset, options), draws=draws, random_seed=20, progressbar=False,
        parametrisation=parametrisation, target_accept=0.8 if marginal else 0.99, **options,
    )  # fmt: skip
    return quantities(post)


def test_marginal_and_joint_sampling_agree_on_slopes():
    assert_same_posterior(sampled(CASES[0], "marginal", 1000), sampled(CASES[0], "partial", 1000))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{'-'.join(case[2])}-{case[3]}")
def test_marginal_and_joint_sampling_agree(case):
    one, other = sampled(case, "marginal", 2500), sampled(case, case[3], 10_000)
    assert min(np.nanmin(ess(one)), np.nanmin(ess(other))) > 2000
    assert_same_posterior(one, other)


@pytest.mark.slow
def test_pymc_samples_the_plain_graph_to_the_same_posterior():
    """`pm.sample` on `bml.graph(...)`, with PyMC's own defaults but for the acceptance."""
    formula, data = CASES[0][1], bml.datasets.load("sleepstudy")
    post = bml.sample(formula, data, draws=2000, random_seed=21, progressbar=False)
    with bml.graph(bml.Model(formula), data):
        plain = pm.sample(2000, target_accept=0.95, random_seed=22, progressbar=False).posterior
    sds, effects = plain["sd_Subject"].to_numpy(), plain["b_Subject"].to_numpy()
    other = [plain["beta"].to_numpy(), sds, plain["corr_Subject"].to_numpy(), plain["sigma"].to_numpy()[..., None]]
    stacked = np.concatenate([*other, effects.reshape(*effects.shape[:2], -1)], axis=-1)
    assert_same_posterior(quantities(post), stacked)
