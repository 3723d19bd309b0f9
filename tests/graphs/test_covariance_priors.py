"""Priors of whole covariance matrices: resolved, refused, and the same density in every model."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from scipy import stats

from bayesml.distributions import LKJ, Fixed, HalfNormal, InverseGamma, InverseWishart, OnVariance, ScaledBeta
from bayesml.errors import ColumnNotFound, SpecificationError
from bayesml.estimators.nuts_start import value_shapes
from bayesml.graphs.marginal_model import marginal_model
from bayesml.graphs.natural import CovarianceParameters
from bayesml.graphs.sampled_model import sampled_model
from bayesml.graphs.transforms import marginalise
from bayesml.graphs.wrap import joint_model
from bayesml.results.prior_draws import draw_prior
from tests.graphs.designs import factor_by_group, growth, nested_and_crossed

PYTHON = Mode(linker="py", optimizer="fast_compile")
GRAPHS = {
    "two columns": lambda rng: growth(rng, priors={"cov(g)": InverseWishart(2.5, ((2, 0.7), (0.7, 1)))}),
    "three columns": lambda rng: factor_by_group(rng, "unstructured", priors={"cov(g)": InverseWishart(6, (1, 2, 3))}),
    "among others": lambda rng: nested_and_crossed(rng, priors={"cov(s:k)": InverseWishart(scale=2)}),
}


@pytest.fixture(params=GRAPHS)
def graph(request):
    return GRAPHS[request.param](np.random.default_rng(2))


def covariance_point(graph, rng):
    """Standard deviations and unit correlations of all terms."""
    return rng.uniform(0.5, 2, sum(r.n_sds for r in graph.random)), rng.uniform(
        0.3, 0.7, sum(r.n_correlations for r in graph.random)
    )


def expected(graph, sd, unit):
    """Log prior of sds and partial correlations, of SciPy's inverse Wishart and Jacobians by differences."""
    parameters, total = CovarianceParameters(graph), 0.0
    for k, (role, term) in enumerate(zip(graph.random, graph.priors.terms, strict=True)):
        own = parameters.sds(sd, k)
        if term.covariance is None:
            total += sum(float(p.log_density(s)) for p, s in zip(term.sds, own, strict=True))
            continue
        q, start = role.q, parameters.layout[k, 4]

        def matrix(v, k=k, q=q, start=start):
            units = unit.copy()
            units[start : start + q * (q - 1) // 2] = v[q:]
            C = v[:q, None] * parameters.correlation_root(units, k)
            return C @ C.T

        at, h = np.concatenate([own, unit[start : start + role.n_correlations]]), 1e-6
        rows = np.tril_indices(q)
        J = [(matrix(at + h * e)[rows] - matrix(at - h * e)[rows]) / (2 * h) for e in np.eye(len(at))]
        total += stats.invwishart(term.covariance.nu, term.covariance.matrix(q)).logpdf(matrix(at))
        total += np.linalg.slogdet(np.array(J))[1]
    return total


def density(model, natural, without=()):
    """Log density of the variables that are named, on the natural scale, and of the potentials; others are left out."""
    terms = [v for v in model.free_RVs if v.name in natural]
    parts = model.logp(vars=terms, jacobian=False, sum=False)
    potentials = [p for p in model.potentials if p.name not in without]
    values = model.replace_rvs_by_values([*potentials])
    point = {}
    for v in terms:
        transform, value = model.rvs_to_transforms[v], np.asarray(natural[v.name], float)
        own = model.rvs_to_values[v]
        point[own.name] = value if transform is None else transform.forward(value, *v.owner.inputs).eval(mode=PYTHON)
    inputs = [v for v in model.value_vars if v.name in point]
    function = model.compile_fn([*parts, *values], inputs=inputs, mode=PYTHON, on_unused_input="ignore", point_fn=True)
    return sum(float(np.sum(part)) for part in function(point))


def pieces(prefix, priors, values):
    """Values of the variables of a vector of priors, as their names are."""
    kinds, out = list(dict.fromkeys(p.kind for p in priors)), {}
    for kind in kinds:
        own = [i for i, p in enumerate(priors) if p.kind == kind]
        name = prefix if len(kinds) == 1 else f"{prefix}_{kind}"
        out |= priors[own[0]].pieces(name, {}, values[own])
    return out


def test_models_that_are_sampled(graph, rng):
    sd, unit = covariance_point(graph, rng)
    own = [p for term in graph.priors.terms for p in term.own_sds]
    natural = pieces("sd", own, sd) | {"partial_unit": unit}
    for model in (sampled_model(graph), marginal_model(marginalise(graph, "random and beta"))):
        found = density(model, natural, without=("marginal", "density_of_effects"))
        assert found == pytest.approx(expected(graph, sd, unit), abs=1e-6)


def test_model_for_people(graph, rng):
    sd, unit = covariance_point(graph, rng)
    parameters, natural, jacobian = CovarianceParameters(graph), {}, 0.0
    for k, (role, term) in enumerate(zip(graph.random, graph.priors.terms, strict=True)):
        start = parameters.layout[k, 4]
        natural |= pieces(f"sd_{role.suffix}", term.sds, parameters.sds(sd, k))
        natural |= {f"partial_{role.suffix}_unit": unit[start : start + role.n_correlations]}
        if term.covariance is not None:
            # its variables are the variances
            jacobian += np.log(2 * parameters.sds(sd, k)).sum()
    found = density(joint_model(graph), natural) + jacobian
    assert found == pytest.approx(expected(graph, sd, unit), abs=1e-6)


def test_gradient_of_the_kernel(graph, rng):
    model = marginal_model(marginalise(graph, "random and beta"))
    prior = model["covariance_prior"]
    (value,) = model.replace_rvs_by_values([prior])
    inputs = [v for v in model.value_vars if v.name.startswith(("sd", "partial"))]
    function = pytensor.function(inputs, [value, *pt.grad(value, inputs)], mode=PYTHON, on_unused_input="ignore")
    shapes = value_shapes(model)
    at = [rng.normal(0, 0.3, size=shapes[v.name]) for v in inputs]
    gradients = function(*at)[1:]
    for i, x in enumerate(at):
        for h in 1e-6 * np.eye(len(x)):
            up, down = ([y + s * h if k == i else y for k, y in enumerate(at)] for s in (1, -1))
            j = int(np.argmax(h))
            assert gradients[i][j] == pytest.approx((function(*up)[0] - function(*down)[0]) / 2e-6, abs=1e-6)


def test_draws_of_the_prior(graph):
    prior = draw_prior(graph, 4000, 1, effects=False)
    for k, term in enumerate(graph.priors.terms):
        if term.covariance is None:
            continue
        q = len(term.sds)
        for i, own in enumerate(term.sds):
            assert stats.kstest(prior.sds[k][0, :, i], own.scipy(stats).cdf).statistic < 0.03
        for i, own in enumerate(term.correlations):
            assert stats.kstest(prior.corrs[k][0, :, i], own.scipy(stats).cdf).statistic < 0.03
        # large deviations go with large correlations
        r = np.abs(prior.corrs[k][0, :, 0])
        assert stats.spearmanr(r, prior.sds[k][0, :, 0]).statistic > 0.1 / q


def test_margins_of_a_matrix(rng):
    graph = growth(rng, priors={"cov(g)": InverseWishart(4, (2, 6))})
    found = dict(graph.priors.items())
    assert found["sd(Intercept | g)"] == OnVariance(InverseGamma(1.5, 1))
    assert found["sd(x | g)"] == OnVariance(InverseGamma(1.5, 3))
    assert found["corr(Intercept, x | g)"] == ScaledBeta(1.5, 1.5)
    written = graph.priors.written("sd(x | g)", found["sd(x | g)"])
    assert written == "InverseWishart(4, (2, 6)): OnVariance(InverseGamma(1.5, 3))"
    assert graph.priors.source("sd(x | g)") == "given"


def test_one_column_is_an_inverse_gamma_variance(rng):
    graph = factor_by_group(rng, "unstructured", priors={"cov(h)": InverseWishart(3, 2)})
    assert graph.priors.terms[1].sds == (OnVariance(InverseGamma(1.5, 1)),)
    assert graph.priors.terms[1].covariance is None


def test_default_of_stata(rng):
    (term,) = growth(rng, priors="stata").priors.terms
    assert term.covariance == InverseWishart(3, 1)
    (independent,) = growth(rng, "y ~ x + (x || g)", "independent", priors="stata").priors.terms
    assert independent.sds == (OnVariance(InverseGamma(0.01, 0.01)),) * 2


REFUSED = [
    ({"cov(h)": InverseWishart(3, 1)}, ColumnNotFound, r"cov\(g\)"),
    ({"cov(g)": HalfNormal(1)}, SpecificationError, r"takes InverseWishart.*`sd\(g\)`"),
    ({"cov(g)": LKJ(1)}, SpecificationError, "takes InverseWishart"),
    ({"cov(g)": Fixed(1)}, SpecificationError, "takes InverseWishart"),
    ({"sd(g)": InverseWishart(3, 1)}, SpecificationError, r"such as `cov\(group\)`"),
    ({"corr(g)": InverseWishart(3, 1)}, SpecificationError, r"such as `cov\(group\)`"),
    ({"x": InverseWishart(3, 1)}, SpecificationError, r"such as `cov\(group\)`"),
    ({"cov(g)": InverseWishart(3, 1), "sd(x | g)": HalfNormal(1)}, SpecificationError, "one or the other"),
    ({"cov(g)": InverseWishart(3, 1), "corr(g)": LKJ(1)}, SpecificationError, "one or the other"),
    ({"cov(g)": InverseWishart(1, 1)}, SpecificationError, "above 1"),
    ({"cov(g)": InverseWishart(5, (1, 2, 3))}, SpecificationError, "3 x 3"),
]


@pytest.mark.parametrize(("given", "error", "message"), REFUSED, ids=[str(case[0]) for case in REFUSED])
def test_what_cannot_be_the_prior_of_a_matrix(rng, given, error, message):
    with pytest.raises(error, match=message):
        growth(rng, priors=given).priors  # noqa: B018


@pytest.mark.parametrize("covariance", ["independent", "exchangeable", "identity"])
def test_other_structures_are_refused(rng, covariance):
    with pytest.raises(SpecificationError, match="unstructured"):
        factor_by_group(rng, covariance, priors={"cov(g)": InverseWishart(5, 1)}).priors  # noqa: B018
