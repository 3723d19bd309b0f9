"""The joint density of every family, link and response: as PyMC model, as it is sampled, and as a plain formula."""

import numpy as np
import pytest
from pytensor.compile.mode import Mode
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.traversal import graph_inputs
from scipy import stats

from bayesml.distributions import Distribution
from bayesml.graphs.expressions import outcome_inputs
from bayesml.graphs.natural import CovarianceParameters
from bayesml.graphs.outcome import outcome_arrays, row_log_density
from bayesml.graphs.roles import Graph
from bayesml.graphs.sampled_model import FlatArrays, sampled_model
from bayesml.graphs.transforms import centre
from bayesml.graphs.wrap import to_pymc
from bayesml.responses import PLAIN
from tests.estimators.outcome_models import SEVERAL, STRUCTURES, Combination, combinations, instance

PYTHON = Mode(linker="py", optimizer="fast_compile")


def chosen() -> list[Combination]:
    """Every family with each of its options on plain responses, and every response once."""
    found = list(combinations())
    families = {c.family: c for c in reversed(found) if c.response == PLAIN and c.link == c.family.default_link}
    responses = {c.response: c for c in found if c.response != PLAIN}
    return [*families.values(), *responses.values()]


CASES = [(c, s) for i, c in enumerate(chosen()) for s in [list(SEVERAL if c.several else STRUCTURES)[i % 5]]]


pytestmark = pytest.mark.filterwarnings("ignore::bayesml.errors.DataNote")


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0].name} {case[1]}", scope="module")
def case(request) -> tuple[Graph, dict[str, np.ndarray]]:
    """A graph, and values of its parameters on natural scales."""
    combination, structure = request.param
    graph = instance(combination, structure, "inside", seed=CASES.index(request.param)).graph
    return graph, natural_point(graph)


def natural_point(graph: Graph) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    _, ancillary = graph.family.start(graph.design.y, graph.link, graph.design.categories)
    known = graph.response.fixes_scale
    positive = graph.link.name in ("identity", "inverse", "sqrt")
    n_sds = sum(role.n_sds for role in graph.random)
    n_units = sum(role.n_correlations for role in graph.random)
    return {
        "beta": (0.1 if positive else 0.3) * rng.normal(size=len(graph.fixed)),
        "sd": rng.uniform(0.05, 0.2, n_sds),
        "unit": rng.uniform(0.3, 0.7, n_units),
        "u": rng.normal(size=sum(len(role.columns.levels) * role.q for role in graph.random)),
        "ancillary": np.array(ancillary[1:] if known else ancillary, float),
    }


def effects(graph: Graph, at: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Random effects b (J, q) of each term."""
    parameters, out, start = CovarianceParameters(graph), [], 0
    lam = parameters.lam(at["sd"], at["unit"])
    for k, role in enumerate(graph.random):
        J, q = len(role.columns.levels), role.q
        root = lam[parameters.layout[k, 5] :][: q * q].reshape(q, q)
        out.append(at["u"][start : start + J * q].reshape(J, q) @ root.T)
        start += J * q
    return out


def predictors(graph: Graph, at: dict[str, np.ndarray]) -> list[np.ndarray]:
    design, K = graph.design, len(graph.predictors)
    etas = [np.zeros(design.n) if design.offset is None else design.offset.copy() for _ in range(K)]
    for j, k in enumerate(design.fixed_predictors or [0] * len(graph.fixed)):
        etas[k] += at["beta"][j] * design.X[:, j]
    for role, b in zip(graph.random, effects(graph, at), strict=True):
        for i, k in enumerate(role.columns.predictors or [0] * role.q):
            for eta in etas if k < 0 else [etas[k]]:
                eta += role.columns.Z[:, i] * b[role.columns.codes, i]
    return etas


def log_likelihood(graph: Graph, at: dict[str, np.ndarray]) -> float:
    rows = row_log_density(graph, predictors(graph, at), list(at["ancillary"]), outcome_arrays(graph), np)
    return float(np.sum(rows if graph.design.frequencies is None else graph.design.frequencies * rows))


def free_parameter(prior: Distribution, value: float) -> float:
    """Log density of a positive parameter on its logarithmic scale."""
    return float(prior.log_density(value)) + np.log(value)


def plain(graph: Graph, at: dict[str, np.ndarray]) -> float:
    """The log density of unconstrained parameters, effects standardised, from NumPy and SciPy."""
    priors = graph.priors
    total = log_likelihood(graph, at) + stats.norm.logpdf(at["u"]).sum()
    total += sum(float(p.log_density(b)) for p, b in zip(priors.coefficients, at["beta"], strict=True))
    total += sum(free_parameter(p, s) for p, s in zip((p for t in priors.terms for p in t.sds), at["sd"], strict=True))
    # uniform correlations: the partial ones have beta priors on (0, 1), free on the logit scale
    for prior, unit in zip((p for t in priors.terms for p in t.partials), at["unit"], strict=True):
        lower, upper = prior.support
        total += float(prior.log_density(lower + (upper - lower) * unit)) + np.log(upper - lower)
        total += np.log(unit * (1 - unit))
    before = None
    for parameter, value in zip(graph.ancillary, at["ancillary"], strict=True):
        prior = priors.of_ancillary(parameter.name)
        total += float(prior.log_density(value))
        if parameter.domain == "positive":
            total += np.log(value)
        elif before is not None:
            total += np.log(value - before)
        before = value if parameter.domain == "ordered" else None
    return total


def point_of(graph: Graph, at: dict[str, np.ndarray], flat: bool) -> dict[str, np.ndarray]:
    """Values of the value variables of the sampled model (`flat`), or of the one to be read."""
    logit = np.log(at["unit"] / (1 - at["unit"]))
    point = {"beta": at["beta"]}
    ordered = [i for i, p in enumerate(graph.ancillary) if p.domain == "ordered"]
    for i, parameter in enumerate(graph.ancillary):
        if parameter.domain == "positive":
            point[f"{parameter.name}_log__"] = np.log(at["ancillary"][i])
    if ordered:
        cuts = at["ancillary"][ordered]
        point[f"{graph.ancillary[ordered[0]].key}_ordered__"] = np.concatenate([cuts[:1], np.log(np.diff(cuts))])
    if flat:
        return point | {"sd_log__": np.log(at["sd"]), "partial_unit_logodds__": logit, "effects": at["u"]}
    sd = unit = effect = 0
    for role in graph.random:
        J, q = len(role.columns.levels), role.q
        own = np.log(at["sd"][sd : sd + role.n_sds])
        point[f"sd_{role.suffix}_log__"] = own
        name = "corr" if role.covariance.correlations == "one" else "partial"
        point[f"{name}_{role.suffix}_unit_logodds__"] = logit[unit : unit + role.n_correlations]
        point[f"u_{role.suffix}"] = at["u"][effect : effect + J * q].reshape(J, q)
        sd, unit, effect = sd + role.n_sds, unit + role.n_correlations, effect + J * q
    return point


def density(model, point: dict[str, np.ndarray]) -> float:
    return float(model.compile_logp(mode=PYTHON)({v.name: point[v.name] for v in model.value_vars}))


def test_both_models_have_the_density_of_the_plain_formula(case):
    graph, at = case
    expected = plain(graph, at)
    assert np.isfinite(expected)
    # PyMC takes the log(2) of its half-t densities in single precision: 2e-9 an sd
    for flat, build in ((False, to_pymc), (True, sampled_model)):
        assert density(build(graph), point_of(graph, at, flat)) == pytest.approx(expected, abs=1e-7, rel=1e-10)


def test_simulated_responses_have_the_mean_of_the_family(case):
    graph, at = case
    if graph.response != PLAIN:
        return
    model = to_pymc(graph)
    op = model["y"].owner.op
    etas = predictors(graph, at)
    arrays = {name: array for name, array in outcome_inputs(graph).items() if name != "y"}
    given = [*etas, *at["ancillary"], *arrays.values()]
    drawn = np.array([op.rng_fn(np.random.default_rng(seed), *given, None) for seed in range(400)])
    parameters = op.parts.parameters(etas, list(at["ancillary"]), arrays, np)
    mean, variance = np.asarray(graph.family.mean(parameters)), np.asarray(graph.family.variance(parameters))
    if graph.design.categories:
        drawn, mean = (drawn == 1.0), mean[..., 1]
        variance = mean * (1 - mean)
    if np.isfinite(variance).all():
        error = (drawn.mean(axis=0) - mean) / np.sqrt(variance / 400)
        assert np.abs(error.mean()) < 4 / np.sqrt(len(error))


def test_effects_over_powers_of_their_sds_have_the_same_density(rng):
    combination = next(c for c in combinations() if c.family.name == "poisson")
    graph = centre(instance(combination, "slope and crossed", "inside", seed=4).graph)
    at = natural_point(graph)
    b = np.concatenate([own.ravel() for own in effects(graph, at)])
    sds, parameters = np.empty(len(b)), CovarianceParameters(graph)
    arrays = FlatArrays.of(graph.design, graph.centred)
    for k, (q, J, start, *_) in enumerate(arrays.terms):
        own = np.broadcast_to(parameters.sds(at["sd"], k), (J, q))
        sds[start : start + q * J] = own.ravel()
    model = sampled_model(graph)
    centred = density(model, point_of(graph, at, True) | {"effects": b})
    weights = rng.uniform(size=len(b))
    inputs = {v.name: v for v in model["density_of_effects"].owner.inputs}
    inputs["scaled"].set_value(weights)
    found = density(model, point_of(graph, at, True) | {"effects": b / sds**weights})
    # the Jacobian of b in the scaled effects
    assert found == pytest.approx(centred + float(weights @ np.log(sds)), rel=1e-12)


def test_inputs_have_names_of_their_own(case):
    graph, _ = case
    names = [v.name for v in graph_inputs([sampled_model(graph).logp()]) if isinstance(v, SharedVariable)]
    assert sorted(names) == sorted(set(names))
