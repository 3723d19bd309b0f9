"""One posterior a family: sampled, and integrated numerically over its two parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.families import FAMILIES, Family
from bayesml.graphs.outcome import outcome_arrays, row_log_density
from bayesml.graphs.roles import Graph
from bayesml.links.functions import softplus
from bayesml.results.diagnostics import mcse_of_mean

GROUPS, ROWS = 12, 6
OPTIONS = {"draws": 1000, "tune": 500, "chains": 4, "random_seed": 3, "progressbar": False}
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)


class Geometric(Family):
    """Failures before the first success: a family of a user, not of the package."""

    name = "geometric"
    parameters = ("mu",)
    links = ("log",)
    support = (0.0, np.inf)
    whole = True
    allowed = "whole numbers from 0"
    no_tails = "It is not written."

    def log_density(self, y: Any, parameters: Mapping[str, Any], namespace: Any) -> Any:
        return y * parameters["mu"].log - (y + 1.0) * softplus(parameters["mu"].log, namespace)

    def mean(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value

    def variance(self, parameters: Mapping[str, Any]) -> np.ndarray:
        return parameters["mu"].value * (1.0 + parameters["mu"].value)

    def simulate(self, rng: np.random.Generator, parameters: Mapping[str, Any]) -> np.ndarray:
        return rng.geometric(1.0 / (1.0 + parameters["mu"].value)) - 1.0


@dataclass(frozen=True)
class Case:
    """A model with two parameters.

    Parameters
    ----------
    family : str or Family
    formula : str
    parameters : tuple of str
        Their addresses.
    values : tuple of float
        Ancillary parameters that data are simulated with.
    eta : float or tuple
        Predictors that data are simulated with.
    priors : dict
        Of what is held, or too vague by default for so few rows.
    """

    family: Any
    formula: str
    parameters: tuple[str, str]
    values: tuple[float, ...] = ()
    eta: tuple[float, ...] = (0.5,)
    priors: dict = field(default_factory=dict)


RANDOM = "y ~ 1 + (1 | g)", ("Intercept", "sd(Intercept | g)")
CASES = {
    "bernoulli": Case("bernoulli", *RANDOM),
    "binomial": Case("binomial", "p(y, n) ~ 1 + (1 | g)", RANDOM[1]),
    "poisson": Case("poisson", *RANDOM),
    "negative_binomial": Case("negative_binomial", "y ~ 1", ("Intercept", "alpha"), (0.7,), (1.5,)),
    "gamma": Case("gamma", "y ~ 1", ("Intercept", "sigma"), (0.6,)),
    "beta": Case("beta", "y ~ 1", ("Intercept", "phi"), (5.0,)),
    "student_t": Case("student_t", "y ~ 0", ("sigma", "nu"), (1.5, 4.0), (0.0,)),
    "exponential": Case("exponential", *RANDOM),
    "weibull": Case("weibull", "y ~ 1", ("Intercept", "shape"), (1.4,)),
    "lognormal": Case("lognormal", "y ~ 1", ("Intercept", "sigma"), (0.8,)),
    "loglogistic": Case("loglogistic", "y ~ 1", ("Intercept", "scale"), (0.5,)),
    "cumulative": Case("cumulative", "y ~ 0", ("cut[a|b]", "cut[b|c]"), (-0.5, 0.8), (0.0,)),
    "categorical": Case("categorical", "y ~ 1", ("b: Intercept", "c: Intercept"), (), (0.4, -0.3)),
    "a user's": Case(Geometric(), *RANDOM),
}
QUICK = ("bernoulli", "cumulative", "a user's")


def data(case: Case) -> pd.DataFrame:
    rng = np.random.default_rng(17)
    family = FAMILIES[case.family] if isinstance(case.family, str) else case.family
    categories = () if family.outcome == "number" else ("a", "b", "c")
    table = pd.DataFrame({"g": np.repeat(np.arange(GROUPS), ROWS), "n": 4.0})
    effects = 0.9 * rng.normal(size=GROUPS)[table["g"]] if "| g" in case.formula else 0.0
    etas = [np.full(len(table), eta) + effects for eta in case.eta]
    link = bml.Model("y ~ 1", family=case.family).link
    trials = table["n"].to_numpy() if family.takes_trials else None
    y = np.asarray(family.simulate(rng, family.at(link, etas, case.values, np, categories, None, trials)))
    if categories:
        y = pd.Categorical([categories[int(code)] for code in y], categories, ordered=family.outcome == "ordered")
    table["y"] = y
    return table


def log_density(graph: Graph, case: Case, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Log posterior density of natural parameters, without its constant; arrays of one shape."""
    named = dict(zip(case.parameters, (first, second), strict=True))
    total = np.zeros(first.shape)
    for address, prior in graph.priors.items():
        if address in named:
            total += prior.log_density(named[address])
    values = [named[p.name][..., None] for p in graph.ancillary]
    fixed = [named[name][..., None] for name in graph.fixed] or [np.zeros((*first.shape, 1))]
    fixed = [eta + np.zeros(graph.design.n) for eta in fixed]
    arrays = outcome_arrays(graph)
    if not graph.random:
        return total + row_log_density(graph, fixed, values, arrays, np).sum(axis=-1)
    sd, codes = named["sd(Intercept | g)"][..., None], graph.design.random[0].codes
    by_node = []
    for node in NODES:
        rows = row_log_density(graph, [eta + sd * node for eta in fixed], values, arrays, np)
        by_node.append(np.stack([rows[..., codes == g].sum(axis=-1) for g in range(GROUPS)], axis=-1))
    top = np.max(by_node, axis=0)
    mean = np.tensordot(WEIGHTS / WEIGHTS.sum(), np.exp(np.array(by_node) - top), 1)
    return total + (np.log(mean) + top).sum(axis=-1)


def integrated(graph: Graph, case: Case, draws: list[np.ndarray]) -> list[float]:
    """Posterior means by the trapezoidal rule, over the logarithm of positive parameters."""
    positive = {a for a in case.parameters if a.startswith("sd(")}
    positive |= {p.name for p in graph.ancillary if p.domain == "positive"}
    grids = []
    for address, own in zip(case.parameters, draws, strict=True):
        x = np.log(own) if address in positive else own
        # small standard deviations have a long tail on the logarithmic scale
        left = 25 if address in positive else 9
        grids.append(np.linspace(x.mean() - left * x.std(), x.mean() + 9 * x.std(), 161))
    mesh = np.meshgrid(*grids, indexing="ij")
    natural = [np.exp(x) if a in positive else x for a, x in zip(case.parameters, mesh, strict=True)]
    with np.errstate(all="ignore"):
        value = np.stack([log_density(graph, case, *rows) for rows in zip(*natural, strict=True)])
    value += sum(x for a, x in zip(case.parameters, mesh, strict=True) if a in positive)
    if case.family == "cumulative":
        value = np.where(natural[0] < natural[1], value, -np.inf)
    weight = np.exp(np.nan_to_num(value, nan=-np.inf) - np.nanmax(value))
    return [float((weight * x).sum() / weight.sum()) for x in natural]


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in CASES])
def test_posterior_means_are_those_of_integration(name):
    case = CASES[name]
    post = bml.sample(case.formula, data(case), family=case.family, priors=case.priors, **OPTIONS)
    assert int(post.posterior.stats["diverging"].sum()) == 0
    assert post.status.rhat < 1.01
    draws = [post.draws(address) for address in case.parameters]
    for address, own, expected in zip(case.parameters, draws, integrated(post.graph, case, draws), strict=True):
        assert abs(own.mean() - expected) < 4 * mcse_of_mean(own), address


def test_every_family_is_here():
    assert {*FAMILIES, "a user's"} - {"gaussian"} == set(CASES)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bernoulli", "poisson", "gamma", "cumulative"])
def test_the_posterior_of_many_rows_is_near_the_likelihood_fit(family):
    rng = np.random.default_rng(29)
    n, groups = 6000, 150
    table = pd.DataFrame({"x": rng.normal(size=n), "g": np.arange(n) % groups})
    eta = 0.4 + 0.5 * table["x"].to_numpy() + 0.7 * rng.normal(size=groups)[table["g"]]
    if family == "cumulative":
        latent = eta + rng.logistic(size=n)
        table["y"] = pd.Categorical(np.array(list("abc"))[np.digitize(latent, [0, 1])], list("abc"), ordered=True)
    else:
        own = FAMILIES[family]
        values = [0.5] * len(own.ancillary())
        table["y"] = own.simulate(rng, own.at(bml.Model("y ~ 1", family=family).link, [eta], values, np))
    fit = bml.fit("y ~ x + (1 | g)", table, family=family)
    post = bml.sample("y ~ x + (1 | g)", table, family=family, **OPTIONS)
    one, two = post.parameters, fit.parameters.loc[post.parameters.index]
    # the sd of 150 effects is still skewed
    assert (np.abs(one["estimate"] - two["estimate"]) < 0.25 * two["se"]).all()
    assert np.abs(np.log(one["se"] / two["se"])).max() < 0.15
