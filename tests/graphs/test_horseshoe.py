"""Horseshoe priors in graphs: integrated out given the scales, refused as modes, drawn together."""

import numpy as np
import pytest
from pytensor.compile.mode import Mode

from bayesml.distributions import Horseshoe, Laplace, Normal
from bayesml.errors import SpecificationError
from bayesml.estimators.gaussian import GraphPrior
from bayesml.estimators.held import hold
from bayesml.estimators.nuts_start import value_shapes
from bayesml.graphs.marginal_model import marginal_model
from bayesml.graphs.transforms import marginalise
from bayesml.results.prior_draws import draw_prior
from tests.graphs.designs import factor_by_group, growth

PYTHON = Mode(linker="py", optimizer=None)
PRIORS = {
    "all alike": dict.fromkeys(["Intercept", "f[b]", "f[c]"], Horseshoe(0.5)),
    "with a slab": dict.fromkeys(["f[b]", "f[c]"], Horseshoe(0.3, slab_scale=2)),
    "units": {"f[b]": Horseshoe(0.3), "f[c]": Horseshoe(0.3, scale=4)},
    "of two kinds": {"f[b]": Horseshoe(0.3), "f[c]": Horseshoe(0.1, 2), "Intercept": Normal(3, 2)},
    "beside one that is given": {"f[b]": Horseshoe(0.3), "f[c]": Laplace(0, 1)},
}


@pytest.fixture(params=PRIORS)
def graph(request):
    return factor_by_group(np.random.default_rng(3), priors=PRIORS[request.param])


def evaluated(model, outputs, at):
    """Values of variables of a model at a point of its value variables."""
    function = model.compile_fn(model.replace_rvs_by_values(outputs), mode=PYTHON, on_unused_input="ignore")
    return function(at)


def point_of(model, rng):
    shapes = value_shapes(model)
    return {name: np.asarray(rng.normal(0, 0.4, shape)) for name, shape in shapes.items()}


def test_marginal_is_that_of_normal_priors_with_these_scales(graph, rng):
    """At given scales a horseshoe is a normal prior: the marginal density is that of the model which has it."""
    model = marginal_model(marginalise(graph, "all"))
    at = point_of(model, rng)
    value, factors = evaluated(model, [model["marginal"], model["beta_log_factor"]], at)
    names = [name for name, prior in zip(graph.fixed, graph.priors.coefficients, strict=True) if prior.conditional_row]
    own = dict(zip(graph.fixed, graph.priors.coefficients, strict=True))
    normal = {name: Normal(0, own[name].scale * np.exp(factor)) for name, factor in zip(names, factors, strict=True)}
    others = {name: prior for name, prior in own.items() if name not in normal}
    plain = factor_by_group(np.random.default_rng(3), priors=normal | others)
    other = marginal_model(marginalise(plain, "all"))
    shared = {key: x for key, x in at.items() if key in value_shapes(other)}
    assert set(shared) == set(value_shapes(other))
    assert evaluated(other, [other["marginal"]], shared)[0] == pytest.approx(float(value), rel=1e-10)


def test_gradient_in_the_scales(graph, rng):
    model = marginal_model(marginalise(graph, "all"))
    at = point_of(model, rng)
    value, gradient = model.compile_fn(model.logp(), mode=PYTHON), model.compile_dlogp(mode=PYTHON)
    flat, start = gradient(at), 0
    for name in (v.name for v in model.value_vars):
        for place in np.ndindex(at[name].shape):
            ends = []
            for h in (1e-5, -1e-5):
                moved = {key: x.copy() for key, x in at.items()}
                moved[name][place] += h
                ends.append(value(moved))
            assert flat[start] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5, abs=1e-5), name
            start += 1
    assert start == len(flat)


def test_scales_are_shared_by_those_of_equal_numbers():
    graph = factor_by_group(np.random.default_rng(3), priors=PRIORS["units"])
    names = [v.name for v in marginal_model(marginalise(graph, "all")).free_RVs]
    assert sum(name.endswith("_tau") for name in names) == 1
    graph = factor_by_group(np.random.default_rng(3), priors=PRIORS["of two kinds"])
    names = [v.name for v in marginal_model(marginalise(graph, "all")).free_RVs]
    assert sum(name.endswith("_tau") for name in names) == 2


def test_draws_of_the_prior_share_scales():
    graph = factor_by_group(np.random.default_rng(3), priors=PRIORS["units"])
    b, c = np.log(np.abs(draw_prior(graph, 4000, 1, effects=False).beta[0, :, 1:])).T
    assert np.corrcoef(b, c)[0, 1] > 0.15
    assert np.median(c) - np.median(b) == pytest.approx(np.log(4), abs=0.15)
    graph = factor_by_group(np.random.default_rng(3), priors=PRIORS["of two kinds"])
    b, c = np.log(np.abs(draw_prior(graph, 4000, 1, effects=False).beta[0, :, 1:])).T
    assert abs(np.corrcoef(b, c)[0, 1]) < 0.05


def test_modes_are_refused(rng):
    graph = growth(rng, priors={"x": Horseshoe(0.1)})
    _, held = hold(graph.design, graph.held)
    with pytest.raises(SpecificationError, match=r"infinite at 0.*`x`"):
        GraphPrior(graph, held)
