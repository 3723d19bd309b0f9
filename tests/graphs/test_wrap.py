"""The joint graph as a PyMC model: names, labels, predictor and density."""

import warnings

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from pytensor.compile.mode import Mode
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant
from pytensor.graph.traversal import graph_inputs
from scipy import stats

from bayesml.distributions import LKJ, Fixed, Flat, Gamma, HalfNormal, InverseGamma, Normal, OnVariance, StudentT
from bayesml.graphs.natural import correlation_root
from bayesml.graphs.roles import build_graph
from bayesml.graphs.transforms import centre
from bayesml.graphs.wrap import to_pymc
from bayesml.syntax.model import Model
from tests.graphs.designs import design, factor_by_group, growth, term

PYTHON = Mode(linker="py", optimizer="fast_compile")

MIXED = {
    "Intercept": StudentT(3, 0, 10), "x": Flat(), "sd(Intercept | g)": HalfNormal(2), "sd(x | g)": Gamma(2, 1),
    "corr(g)": LKJ(2), "sigma": OnVariance(InverseGamma(2, 1)),
}  # fmt: skip

GRAPHS = {
    "growth": lambda rng: growth(rng),
    "mixed priors": lambda rng: growth(rng, priors=MIXED),
    "held": lambda rng: growth(rng, priors={"sigma": Fixed(1.5), "corr(g)": Fixed(0.3), "x": Fixed(2)}),
    "known sd": lambda rng: growth(rng, "known_sd(y, s) ~ x + (x | g)", known_sd=rng.uniform(0.5, 2, 40)),
    "exchangeable": lambda rng: factor_by_group(rng),
    "unstructured": lambda rng: factor_by_group(rng, "unstructured"),
    "identity": lambda rng: factor_by_group(rng, "identity"),
    "independent": lambda rng: factor_by_group(rng, "independent"),
}


@pytest.fixture(params=GRAPHS, scope="module")
def case(request):
    """A graph, its model, a point of its free variables drawn at random, and the values of all variables there."""
    rng = np.random.default_rng(3)
    graph = GRAPHS[request.param](rng)
    return graph, *evaluated(to_pymc(graph), rng)


def evaluated(model, rng):
    start = model.initial_point()
    point = {name: value + 0.5 * rng.normal(size=np.shape(value)) for name, value in start.items()}
    names = [variable.name for variable in model.unobserved_value_vars]
    outputs = model.compile_fn(model.unobserved_value_vars, inputs=model.value_vars, mode=PYTHON)(point)
    return model, point, dict(zip(names, outputs, strict=True))


def test_predictor_is_linear_in_the_roles(case):
    graph, _, _, at = case
    eta = graph.design.X @ at["beta"]
    for role in graph.random:
        eta += np.sum(role.columns.Z * at[f"b_{role.suffix}"][role.columns.codes], axis=1)
    if graph.design.offset is not None:
        eta += graph.design.offset
    np.testing.assert_allclose(at["mu"], eta, atol=1e-12)


def covariance(graph, k, at):
    """G of term k from the natural parameters in a model's variables."""
    role = graph.random[k]
    sd = np.broadcast_to(at[f"sd_{role.suffix}"], role.q)
    R = np.eye(role.q)
    if role.n_correlations:
        R[np.tril_indices(role.q, -1)] = at[f"corr_{role.suffix}"]
        R = R + np.tril(R, -1).T
    return sd[:, None] * R * sd


def test_random_effects_are_lambda_u(case):
    graph, _, _, at = case
    for k, role in enumerate(graph.random):
        b, u = at[f"b_{role.suffix}"], at[f"u_{role.suffix}"]
        Lambda = np.linalg.lstsq(u, b, rcond=None)[0].T
        np.testing.assert_allclose(u @ Lambda.T, b, atol=1e-10)
        np.testing.assert_allclose(Lambda @ Lambda.T, covariance(graph, k, at), atol=1e-9)


def natural_log_density(graph, at):
    """Log density of a point from NumPy and SciPy alone, on the scale of the variables that are drawn."""
    total = 0.0
    for j, prior in enumerate(graph.priors.coefficients):
        total += float(prior.log_density(at["beta"][j]))
    for role, term_priors in zip(graph.random, graph.priors.terms, strict=True):
        for prior, sd in zip(term_priors.sds, np.atleast_1d(at[f"sd_{role.suffix}"]), strict=True):
            # free on the log scale: the Jacobian of the sd, or of the variance
            total += float(prior.log_density(sd)) + np.log(sd)
            if isinstance(prior, OnVariance):
                total += np.log(sd / 2) - np.log(sd)
        total += stats.norm.logpdf(at[f"u_{role.suffix}"]).sum()
        name = "corr" if role.covariance.correlations == "one" else "partial"
        for i, prior in enumerate(term_priors.partials):
            if prior.fixed is None:
                lower, upper = prior.support
                z = np.atleast_1d(at[f"{name}_{role.suffix}"])[i]
                total += float(prior.log_density(z)) + np.log((z - lower) * (upper - z) / (upper - lower))
    sigma = 1.0
    if graph.priors.sigma is not None:
        sigma = at["sigma"]
        if graph.priors.sigma.fixed is None:
            total += float(graph.priors.sigma.log_density(sigma))
            total += np.log(sigma / 2) if isinstance(graph.priors.sigma, OnVariance) else np.log(sigma)
    scale = 1.0 if graph.residual_scale is None else graph.residual_scale
    return total + stats.norm.logpdf(graph.design.y, at["mu"], sigma * scale).sum()


def test_log_density_is_the_plain_formula(case):
    graph, model, point, at = case
    found = model.compile_logp(mode=PYTHON)(point)
    # PyMC takes the log(2) of its half-t densities in single precision: 2e-9 an sd
    assert found == pytest.approx(natural_log_density(graph, at), abs=2e-8)


def test_gradient_is_the_derivative(case):
    _, model, point, _ = case
    density = model.compile_logp(mode=PYTHON)
    found = model.compile_dlogp(mode=PYTHON)(point)
    differences, h = [], 1e-5
    for name in (v.name for v in model.value_vars):
        for i in np.ndindex(np.shape(point[name])):
            sides = [dict(point) for _ in range(2)]
            for side, sign in zip(sides, (1, -1), strict=True):
                side[name] = np.array(point[name], dtype=float)
                side[name][i] += sign * h
            differences.append((density(sides[0]) - density(sides[1])) / (2 * h))
    np.testing.assert_allclose(found, differences, rtol=2e-6, atol=2e-6)


def test_names_dimensions_and_labels(rng):
    graph = growth(rng)
    model = to_pymc(graph)
    assert {"beta", "sd_g", "corr_g", "b_g", "sigma", "mu", "y"} <= set(model.named_vars)
    assert model.named_vars_to_dims["beta"] == ("coef",)
    assert model.named_vars_to_dims["sd_g"] == ("g_term",)
    assert model.named_vars_to_dims["corr_g"] == ("g_pair",)
    assert model.named_vars_to_dims["b_g"] == ("g", "g_term")
    assert model.named_vars_to_dims["y"] == ("obs",)
    assert tuple(model.coords["coef"]) == ("Intercept", "x")
    assert tuple(model.coords["g"])[:2] == ("g0", "g1")
    assert tuple(model.coords["g_pair"]) == ("Intercept, x",)


def test_several_terms_of_a_group_share_its_levels(rng):
    x, codes = rng.normal(size=30), np.arange(30) % 5
    terms = [term("g", codes, ("Intercept",), (None,)), term("g", codes, ("x",), (x,))]
    model = to_pymc(build_graph(Model("y ~ 1 + (1 | g) + (0 + x | g)"), design(x, (None,), ("Intercept",), terms)))
    assert model.named_vars_to_dims["b_g"] == ("g", "g_term")
    assert model.named_vars_to_dims["b_g_2"] == ("g", "g_2_term")
    assert tuple(model.coords["g_2_term"]) == ("x",)


@pytest.mark.parametrize("group", ["y", "sigma", "obs", "coef", "a/b", "a:b"])
def test_groups_whose_names_are_taken(rng, group):
    arrays = design(
        rng.normal(size=20), (None,), ("Intercept",), [term(group, np.arange(20) % 5, ("Intercept",), (None,))]
    )
    model = to_pymc(build_graph(Model("y ~ 1 + (1 | g)"), arrays))
    assert np.isfinite(model.compile_logp(mode=PYTHON)(model.initial_point()))
    assert not {"/"} & set("".join([*model.named_vars, *model.coords]))


def test_labels_of_rows_are_those_of_the_data(rng):
    graph = growth(rng)
    labelled = design(graph.design.y, graph.design.fixed_columns, graph.design.coefficients, graph.design.random)
    object.__setattr__(labelled, "index", pd.Index([f"row {i}" for i in range(40)]))
    assert to_pymc(build_graph(graph.model, labelled)).coords["obs"][3] == "row 3"
    object.__setattr__(labelled, "index", pd.Index([0] * 40))
    assert to_pymc(build_graph(graph.model, labelled)).coords["obs"][3] == 3


def test_prior_numbers_and_data_are_inputs_not_constants(rng):
    graph = growth(rng)
    model = to_pymc(graph)
    shared = {variable.name for variable in graph_inputs([model.logp()]) if isinstance(variable, SharedVariable)}
    assert {"beta_mu", "beta_sigma", "sd_g_sigma", "sigma_nu", "X", "Z_g", "g_level", "y_observed"} <= shared
    constants = [v for v in graph_inputs([model.logp()]) if isinstance(v, Constant)]
    assert max(np.size(v.data) for v in constants if isinstance(v.data, np.ndarray)) <= 4


def test_centred_terms_have_the_same_density_of_b(rng):
    for graph in (growth(rng), factor_by_group(rng), factor_by_group(rng, "independent")):
        model, point, at = evaluated(to_pymc(centre(graph)), rng)
        for k, role in enumerate(graph.random):
            rv = model[f"b_{role.suffix}"]
            found = model.compile_logp(vars=[rv], mode=PYTHON)(point)
            expected = stats.multivariate_normal(np.zeros(role.q), covariance(graph, k, at)).logpdf(
                at[f"b_{role.suffix}"]
            )
            assert found == pytest.approx(np.sum(expected), rel=1e-9)


def test_model_without_random_terms_or_coefficients(rng):
    y = rng.normal(size=20)
    plain = to_pymc(build_graph(Model("y ~ 1"), design(y, (None,), ("Intercept",), [])))
    assert set(plain.named_vars) == {"X", "y_observed", "beta", "sigma", "mu", "y"}
    arrays = design(y, (), (), [term("g", np.arange(20) % 5, ("Intercept",), (None,))])
    empty = to_pymc(build_graph(Model("y ~ 0 + (1 | g)"), arrays))
    assert np.isfinite(empty.compile_logp(mode=PYTHON)(empty.initial_point()))
    nothing = to_pymc(build_graph(Model("y ~ 0"), design(y, (), (), [])))
    assert np.isfinite(nothing.compile_logp(mode=PYTHON)(nothing.initial_point()))


def test_prior_predictive_has_the_priors_moments(rng):
    graph = growth(rng, priors={"Intercept": Normal(1, 2), "x": Normal(0, 1), "sd(g)": Fixed(1.5), "sigma": Fixed(1)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawn = pm.sample_prior_predictive(4000, model=to_pymc(graph), random_seed=1, compile_kwargs={"mode": PYTHON})
    assert float(drawn["prior"]["beta"].sel(coef="Intercept").std()) == pytest.approx(2, rel=0.1)
    assert float(drawn["prior"]["b_g"].std()) == pytest.approx(1.5, rel=0.1)
    # LKJ(1) of two columns is uniform
    assert float(drawn["prior"]["corr_g"].std()) == pytest.approx(1 / np.sqrt(3), rel=0.1)
    x = graph.design.fixed_columns[1][0]
    variance = 4 + x**2 + 1.5**2 * (1 + x**2) + 1
    assert float(drawn["prior_predictive"]["y"][..., 0].var()) == pytest.approx(variance, rel=0.15)


def test_partial_correlations_of_draws_and_expressions_agree(rng):
    graph = factor_by_group(rng, "unstructured")
    z = rng.uniform(-0.9, 0.9, (4, 3))
    C = correlation_root(graph.random[0], z)
    np.testing.assert_allclose(np.linalg.norm(C, axis=-1), 1)
    np.testing.assert_allclose(C[..., 1, 0], z[:, 0])
